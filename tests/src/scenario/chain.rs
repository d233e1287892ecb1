//! Anchors that are no good, clocks, and certificates that want something from the server (FAULTS,
//! group 4).

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use portcullis_pki::{DistributionPoint, Extension, Oid};
use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TlsError, TrustAnchors};

use super::living::{LIFE, Living, Sessions, forgetful, short_lived};
use super::{Scenario, Scope, Stage};
use crate::bench::Key;
use crate::case::Mode;
use crate::fixtures::{fixtures, weak_file};
use crate::trust;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "C04 a certificate is good from its first second to its last, and not one longer",
        scope: Scope::Each,
        play: |stage| Box::pin(to_the_second(stage)),
    },
    Scenario {
        name: "C04 an expired anchor is refused when the server starts",
        scope: Scope::Once,
        play: |_| Box::pin(async { is_no_anchor(&hostile_root("under_exproot")?, "expired: replace it") }),
    },
    Scenario {
        name: "C05 an anchor that is no authority is refused when the server starts",
        scope: Scope::Once,
        play: |_| {
            Box::pin(async {
                is_no_anchor(&hostile_root("under_notcaroot")?, "not the certificate of an authority")
            })
        },
    },
    Scenario {
        name: "C06 anchors with weak keys are refused when the server starts",
        scope: Scope::Once,
        play: |_| Box::pin(async { weak_anchors() }),
    },
    Scenario {
        name: "C07 a bad file of anchors stops the start, and changes nothing later",
        scope: Scope::Each,
        play: |stage| Box::pin(bad_files(stage)),
    },
    Scenario {
        name: "C08 without anchors no mode starts",
        scope: Scope::Once,
        play: |_| Box::pin(async { no_anchors() }),
    },
    Scenario {
        name: "C11 no certificate makes the server fetch anything",
        scope: Scope::Each,
        play: |stage| Box::pin(lures(stage)),
    },
];

async fn to_the_second(stage: Stage) -> Result<()> {
    // There is no allowance for clocks that differ: a minute before and after are as good as a year.
    let minutes = Duration::from_secs(5 * 60);
    let now = SystemTime::now();
    let later = fixtures()?.staff.client("alice").valid(now + minutes, now + LIFE).issue()?;
    let server = Living::start(&stage, Mode::Request, Sessions::AtTheServer).await?;
    let (early, alice) = (forgetful(&stage, &later)?, forgetful(&stage, &short_lived("alice")?)?);
    let words = async |passed: u64| {
        server.pass(Duration::from_secs(passed));
        (server.visit(&stage, &early).await.word, server.visit(&stage, &alice).await.word)
    };
    ensure!(words(0).await == ("not-yet-valid".into(), "alice".into()), "at first");
    ensure!(words(4 * 60).await == ("not-yet-valid".into(), "alice".into()), "a minute before");
    ensure!(words(61).await == ("alice".into(), "alice".into()), "from now on");
    ensure!(words(54 * 60).await == ("alice".into(), "alice".into()), "near the end");
    ensure!(words(60).await == ("expired".into(), "expired".into()), "after the end");
    server.stop().await;
    Ok(())
}

fn hostile_root(name: &str) -> Result<Vec<u8>> {
    Ok(fixtures()?.client(&format!("hostile:{name}"))?.root_der().to_vec())
}

/// All three modes.
const MODES: [fn(TrustAnchors) -> ClientAuth; 3] =
    [ClientAuth::require, ClientAuth::if_given, ClientAuth::request];

fn start(mode: fn(TrustAnchors) -> ClientAuth, anchors: TrustAnchors) -> Result<Result<ServerTls, TlsError>> {
    Ok(trust::builder(Some(mode(anchors)))?.build())
}

fn is_no_anchor(der: &[u8], reason: &str) -> Result<()> {
    for mode in MODES {
        let error = start(mode, TrustAnchors::new().der("staff", der))?.err().context("it is an anchor")?;
        ensure!(error.to_string().contains(reason), "{error}");
        // Not even beside a good one.
        let both = TrustAnchors::new().der("staff", fixtures()?.staff.certificate_der()).der("staff", der);
        ensure!(start(mode, both)?.is_err(), "it is an anchor beside a good one");
    }
    Ok(())
}

fn weak_anchors() -> Result<()> {
    for (name, reason) in [("root1024", "RSA 1024"), ("rootp192", "key")] {
        for mode in MODES {
            let anchors = TrustAnchors::new().pem_file("staff", weak_file(&format!("{name}.pem")));
            let error = start(mode, anchors)?.err().with_context(|| format!("{name} is an anchor"))?;
            ensure!(error.to_string().contains(reason), "{name}: {error}");
        }
    }
    Ok(())
}

fn no_anchors() -> Result<()> {
    for mode in MODES {
        let error = start(mode, TrustAnchors::new())?.err().context("a server that trusts nobody starts")?;
        ensure!(error.to_string().contains("anchor"), "{error}");
    }
    Ok(())
}

async fn bad_files(stage: Stage) -> Result<()> {
    let fixtures = fixtures()?;
    let server = Living::start(&stage, Mode::Require, Sessions::AtTheServer).await?;
    let alice = std::sync::Arc::new(stage.client("alice")?);
    let partner = std::sync::Arc::new(stage.client("partner:alice")?);
    let good = fixtures.staff.certificate_pem()?;
    let other = fixtures.partner.certificate_pem()?;
    let torn = good.get(..good.len() / 2).context("text")?.to_owned();
    let bad: [(&str, Option<Vec<u8>>); 8] = [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("words only", Some(b"these are not the anchors\n".to_vec())),
        ("a key", Some(fixtures.server.key_pem()?.into_bytes())),
        ("torn", Some(torn.clone().into_bytes())),
        ("a good one and a torn one", Some((other.clone() + &torn).into_bytes())),
        ("a good one and a key", Some((other.clone() + &fixtures.server.key_pem()?).into_bytes())),
        ("no authority", Some(fixtures.client("alice")?.certificate_pem()?.into_bytes())),
    ];
    let file = server.path("anchors.pem");
    let fresh = || {
        let pair = KeyPair::from_pem(fixtures.server.chain_pem()?, fixtures.server.key_pem()?);
        let anchors = TrustAnchors::new().pem_file("staff", &file);
        anyhow::Ok(ServerTls::builder(pair).client_auth(ClientAuth::require(anchors)).build())
    };
    for (what, content) in bad {
        match content {
            Some(bytes) => std::fs::write(&file, bytes)?,
            None => std::fs::remove_file(&file)?,
        }
        let error = fresh()?.err().with_context(|| format!("{what}: a server starts"))?;
        ensure!(error.to_string().contains("anchors.pem"), "{what}: {error}");
        ensure!(server.tls.reload().is_err(), "{what}: it is put in force");
        ensure!(server.visit(&stage, &alice).await.word == "alice", "{what}: alice is gone");
        ensure!(server.visit(&stage, &partner).await.word == "ended", "{what}: half of it is in force");
    }
    ensure!(server.tls.status().failed_reloads == 8, "{:?}", server.tls.status());
    // Written by other systems, and good all the same.
    for text in [good.replace('\n', "\r\n"), format!("\u{feff}{good}"), format!("# staff\n\n{good}\n")] {
        std::fs::write(&file, text)?;
        fresh()?.context("a good file")?;
    }
    server.stop().await;
    Ok(())
}

async fn lures(stage: Stage) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let lured = || {
        let uri = |scheme: &str| DistributionPoint::uri(&format!("{scheme}://{at}/list"));
        let points = Extension::crl_distribution_points(&[uri("http"), uri("ldap"), uri("https")]);
        let access: Oid = "1.3.6.1.5.5.7.1.1".parse()?;
        anyhow::Ok((points, Extension::new(access, false, access_to(at))))
    };
    let issue = |authority: &portcullis_pki::Authority| {
        let (points, access) = lured()?;
        anyhow::Ok(authority.client("alice").extension(points).extension(access).issue()?)
    };
    let clients = [issue(&fixtures()?.staff)?, issue(&fixtures()?.stranger)?];
    for trust in ["standard", "revocation: all lists", "revocation: no list but that of partner"] {
        for mode in [Mode::Request, Mode::Require] {
            let address = stage.bench.server(&Key::of_trust(mode, trust)).await?;
            for client in &clients {
                // Whether it is let in is not the question.
                let _met = stage.whoami(address, &forgetful(&stage, client)?).await;
            }
        }
    }
    let visitor = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    ensure!(visitor.is_err(), "the server went where a certificate told it to");
    Ok(())
}

/// `authorityInfoAccess`: an OCSP responder, and the certificate of the issuer.
fn access_to(at: std::net::SocketAddr) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        // Everything here is shorter than 128 bytes.
        [&[tag, u8::try_from(content.len()).unwrap_or(u8::MAX)], content].concat()
    };
    let description = |method: u8, path: &str| {
        let method = element(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, method]);
        element(0x30, &[method, element(0x86, format!("http://{at}/{path}").as_bytes())].concat())
    };
    element(0x30, &[description(1, "ocsp"), description(2, "issuer")].concat())
}
