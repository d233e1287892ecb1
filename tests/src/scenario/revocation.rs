//! Lists that are no good, and lists that change (FAULTS, group 5).

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use portcullis_pki::{Extension, IssuingDistributionPoint, Oid, RevocationListBuilder};
use portcullis_tls::{ClientAuth, Revocation, TlsError, TrustAnchors, TrustWatcher};
use tokio::time::sleep;

use super::living::{Living, Sessions, forgetful, meet, remembering, short_lived};
use super::{Scenario, Scope, Stage};
use crate::case::Mode;
use crate::fixtures::{REVOKED, fixtures};
use crate::trust;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "R01 lists that nobody may go by do not load",
        scope: Scope::Once,
        play: |_| Box::pin(async { unusable() }),
    },
    Scenario {
        name: "R01 a list is due in the middle of a connection",
        scope: Scope::Each,
        play: |stage| Box::pin(due(stage)),
    },
    Scenario {
        name: "R03 a damaged list stops the start, and changes nothing later",
        scope: Scope::Each,
        play: |stage| Box::pin(damaged(stage)),
    },
    Scenario {
        name: "R04 no list at all is a mistake, not a permission",
        scope: Scope::Once,
        play: |_| Box::pin(async { nothing() }),
    },
    Scenario {
        name: "R06 whoever is revoked is refused with the next request, and nobody else",
        scope: Scope::Each,
        play: |stage| Box::pin(live(stage)),
    },
    Scenario {
        name: "R06 no handshake slips through while lists change",
        scope: Scope::Each,
        play: |stage| Box::pin(no_window(stage)),
    },
    Scenario {
        name: "R08 the links that Kubernetes swaps are followed",
        scope: Scope::Each,
        play: |stage| Box::pin(swapped(stage)),
    },
];

fn load(revocation: Revocation) -> Result<Result<(), TlsError>> {
    let anchors = TrustAnchors::new().der("staff", fixtures()?.staff.certificate_der());
    let builder = trust::builder(Some(ClientAuth::require(anchors)))?.revocation(revocation);
    Ok(builder.build().map(drop))
}

fn unusable() -> Result<()> {
    let staff = &fixtures()?.staff;
    let hour = Duration::from_secs(60 * 60);
    let list = || staff.revocation_list();
    let scope = IssuingDistributionPoint::new;
    let lists: [(&str, RevocationListBuilder<'_>); 9] = [
        ("of the future", list().this_update(SystemTime::now() + hour)),
        ("without an end", list().no_next_update()),
        ("of version 1", list().version(1)),
        ("by another key", list().signed_by(&fixtures()?.stranger)),
        ("indirect", list().scope(&scope().indirect())),
        ("a delta", list().delta(1)),
        ("for some reasons", list().scope(&scope().only_some_reasons(0b0110_0000))),
        ("for no reason", list().scope(&scope().only_some_reasons(0))),
        (
            "with something critical",
            list().extension(Extension::new("1.2.3.4".parse::<Oid>()?, true, [5, 0])),
        ),
    ];
    ensure!(load(Revocation::crl_files(none()).crl_der(list().sign()?.der()))?.is_ok(), "a good list");
    for (what, list) in lists {
        let list = list.sign()?;
        ensure!(load(Revocation::crl_files(none()).crl_der(list.der()))?.is_err(), "{what}: it loads");
    }
    Ok(())
}

fn none() -> Vec<String> {
    Vec::new()
}

fn nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for nothing in [
        Revocation::crl_files(none()),
        Revocation::deny_list(),
        Revocation::crl_folder(folder.path()),
        Revocation::crl_files([folder.path().join("no-such.crl")]),
        Revocation::crl_files(none()).crl_pem(""),
        Revocation::crl_files(none()).crl_der(""),
    ] {
        let words = format!("{nothing:?}");
        let error = load(nothing)?.err().with_context(|| format!("nothing is checked: {words}"))?;
        ensure!(matches!(error, TlsError::Revocation(_)), "{error}");
    }
    Ok(())
}

async fn due(stage: Stage) -> Result<()> {
    let server = Living::start(&stage, Mode::Request, Sessions::AtTheServer).await?;
    // The list is good for a week, the certificate for a year.
    let alice = Arc::new(stage.client("alice")?);
    let mut open = server.connect(&stage, &alice).await?;
    ensure!(meet(&stage, &mut open, "/whoami").await?.word == "alice", "at first");
    server.pass(Duration::from_secs(8 * 24 * 60 * 60));
    let met = meet(&stage, &mut open, "/whoami").await?;
    ensure!(["revocation-stale", "ended"].contains(&&*met.word), "{met:?}");
    ensure!(server.visit(&stage, &alice).await.word == "revocation-stale", "after a handshake");
    server.stop().await;
    Ok(())
}

async fn damaged(stage: Stage) -> Result<()> {
    let fixtures = fixtures()?;
    let server = Living::start(&stage, Mode::Require, Sessions::AtTheServer).await?;
    let (bob, revoked) = (short_lived("bob")?, short_lived("alice")?);
    let (bob, alice) = (forgetful(&stage, &bob)?, forgetful(&stage, &revoked)?);
    server.revoke(&[&revoked])?;
    let list = fixtures.staff.revocation_list().sign()?;
    let (der, pem) = (list.der().to_vec(), list.pem()?);
    let file = server.path("staff.crl");
    let bad: [(&str, Vec<u8>); 7] = [
        ("empty", Vec::new()),
        ("cut off", der.get(..der.len() / 2).context("bytes")?.to_vec()),
        ("one byte too few", der.get(..der.len() - 1).context("bytes")?.to_vec()),
        ("one byte too many", [&*der, b"\0"].concat()),
        ("PEM that is cut off", pem.get(..pem.len() / 2).context("text")?.as_bytes().to_vec()),
        ("another block", fixtures.staff.certificate_pem()?.into_bytes()),
        (
            "a changed bit",
            der.iter().rev().enumerate().map(|(i, b)| if i == 40 { b ^ 1 } else { *b }).rev().collect(),
        ),
    ];
    for (number, (what, content)) in (1..).zip(bad) {
        std::fs::write(&file, content)?;
        ensure!(load(Revocation::crl_files([&file]))?.is_err(), "{what}: a server starts");
        ensure!(server.tls.reload().is_err(), "{what}: it is put in force");
        ensure!(server.tls.status().failed_reloads == number, "{what}: nobody is told");
        ensure!(server.visit(&stage, &bob).await.word == "bob", "{what}: bob is gone");
        ensure!(server.visit(&stage, &alice).await.word == "ended", "{what}: alice is back");
    }
    // Too large, but not on the disk.
    std::fs::File::create(&file)?.set_len(50 * 1024 * 1024 + 1)?;
    ensure!(load(Revocation::crl_files([&file]))?.is_err(), "a server reads all of it");
    ensure!(server.tls.reload().is_err(), "it is put in force, though too large");
    // The same list as DER, with Windows' ends of lines, and behind the mark of an editor.
    for good in [der, pem.replace('\n', "\r\n").into_bytes(), format!("\u{feff}{pem}").into_bytes()] {
        std::fs::write(&file, good)?;
        ensure!(load(Revocation::crl_files([&file]))?.is_ok(), "a good list");
    }
    server.stop().await;
    Ok(())
}

async fn live(stage: Stage) -> Result<()> {
    for mode in [Mode::Require, Mode::IfGiven, Mode::Request] {
        let server = Living::start(&stage, mode, Sessions::AtTheServer).await?;
        let (lost, kept) = (short_lived("alice")?, short_lived("bob")?);
        let (alice, bob) = (forgetful(&stage, &lost)?, forgetful(&stage, &kept)?);
        let mut hers = server.connect(&stage, &alice).await?;
        let mut his = server.connect(&stage, &bob).await?;
        for _ in 0..2 {
            ensure!(meet(&stage, &mut hers, "/admin/").await?.word == "alice", "before");
            ensure!(meet(&stage, &mut his, "/whoami").await?.word == "bob", "before");
        }
        server.revoke(&[&lost])?;
        let met = meet(&stage, &mut hers, "/admin/").await?;
        ensure!(met.is_refused(), "{mode:?}: revoked and let in: {met:?}");
        ensure!(meet(&stage, &mut his, "/whoami").await?.word == "bob", "{mode:?}: bob is gone");
        let expected = if mode == Mode::Request { "revoked" } else { "ended" };
        ensure!(server.visit(&stage, &alice).await.word == expected, "{mode:?}: a new connection");
        // Who is taken off the list is let in again.
        server.revoke(&[])?;
        ensure!(server.visit(&stage, &alice).await.word == "alice", "{mode:?}: no longer revoked");
        ensure!(meet(&stage, &mut his, "/whoami").await?.word == "bob", "{mode:?}: bob is gone");
        server.stop().await;
    }
    Ok(())
}

async fn no_window(stage: Stage) -> Result<()> {
    let server = Arc::new(Living::start(&stage, Mode::Request, Sessions::InTickets).await?);
    let lost = short_lived("alice")?;
    let alice = remembering(&stage, &lost)?;
    for _ in 0..8 {
        let visits: Vec<_> = (0..4)
            .map(|_| {
                let (stage, server, alice) = (stage.clone(), Arc::clone(&server), Arc::clone(&alice));
                tokio::spawn(async move {
                    let mut connection = server.connect(&stage, &alice).await?;
                    let first = meet(&stage, &mut connection, "/admin/").await?;
                    sleep(Duration::from_millis(5)).await;
                    anyhow::Ok((first, connection))
                })
            })
            .collect();
        let changing = Arc::clone(&server);
        let revoked = lost.clone();
        tokio::task::spawn_blocking(move || changing.revoke(&[&revoked])).await??;
        // Whenever the handshakes were: from here on she is refused on all of their connections.
        for visit in visits {
            let Ok((first, mut connection)) = visit.await? else { continue };
            ensure!(first.word == "alice" || first.is_refused(), "{first:?}");
            let met = meet(&stage, &mut connection, "/admin/").await?;
            ensure!(met.is_refused(), "revoked and let in: {met:?}");
        }
        server.revoke(&[])?;
    }
    Ok(())
}

async fn swapped(stage: Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let lost = fixtures()?.client("revoked:alice")?;
    let publish = |version: &str, list: RevocationListBuilder<'_>| -> Result<()> {
        std::fs::create_dir(path(version))?;
        std::fs::write(path(version).join("staff.crl"), list.sign()?.pem()?)?;
        std::os::unix::fs::symlink(version, path("..data_tmp"))?;
        Ok(std::fs::rename(path("..data_tmp"), path("..data"))?)
    };
    publish("..1", fixtures()?.staff.revocation_list())?;
    std::os::unix::fs::symlink("..data/staff.crl", path("staff.crl"))?;

    let anchors = TrustAnchors::new().der("staff", fixtures()?.staff.certificate_der());
    let builder = trust::builder(Some(ClientAuth::request(anchors)))?;
    let tls = builder.revocation(Revocation::crl_folder(folder.path())).build()?;
    let watcher = TrustWatcher::builder(&tls).interval(Duration::from_millis(10)).start()?;
    let listener = crate::adapter::Listener::Tls(tls.clone());
    let auth = crate::policy::authorizer("standard")?;
    let server = stage.bench.fresh(auth, listener, crate::case::Shape::Standard).await?;
    let alice = forgetful(&stage, &lost)?;
    let mut open = stage.connect(server.address, &alice).await?;
    ensure!(meet(&stage, &mut open, "/admin/").await?.word == "alice", "before");

    let revoked = portcullis_pki::Revoked::serial(REVOKED);
    publish("..2", fixtures()?.staff.revocation_list().number(2).revoke(revoked))?;
    let begun = Instant::now();
    while meet(&stage, &mut open, "/admin/").await?.word == "alice" {
        ensure!(begun.elapsed() < Duration::from_secs(10), "the new list is not seen");
        sleep(Duration::from_millis(10)).await;
    }
    let seen = stage.whoami(server.address, &alice).await?;
    ensure!(seen.reason.as_deref() == Some("revoked"), "{seen:?}");
    drop(watcher);
    (server.stop)().await;
    Ok(())
}
