//! Authorities and certificates, made once per process and never kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use portcullis_pki::{Authority, DistributionPoint, Extension, Issued, LeafBuilder};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// The content of the file that only an admin may have.
pub const SECRET: &str = "the secret of the private folder";

/// The content of the file that every caller may have.
pub const OPEN: &str = "the notice of the public folder";

/// Everything that handshakes and file servers need.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fixtures {
    /// Signs the servers; clients trust it.
    pub service: Authority,
    /// Signs clients; servers trust it under the label `staff`.
    pub staff: Authority,
    /// Signs clients below `staff`.
    pub team: Authority,
    /// Signs clients below `staff`, until its key was lost: the lists of `staff` revoke it.
    pub lost: Authority,
    /// Signs clients; servers trust it under the label `partner` where a case says so.
    pub partner: Authority,
    /// Signs clients; nobody trusts it.
    pub stranger: Authority,
    /// The servers' own certificate.
    pub server: Issued,
    folder: TempDir,
    clients: Mutex<HashMap<String, Issued>>,
}

/// The names of the servers, beside `localhost`: of sites, and of none.
pub const HOSTS: [&str; 6] =
    ["admin.test", "open.test", "partner.test", "*.internal.test", "xn--bcher-kva.test", "unknown.test"];

/// The serial number that is on the lists of `staff` and of `team`.
pub const REVOKED: &[u8] = &[0x5e, 0x7e, 0x0c, 0x8a];

/// Where the two parts of a divided list are.
pub const PARTS: [&str; 2] = ["http://crl.test/first", "http://crl.test/second"];

/// What a client presents: a chain, leaf first, and the key that it signs with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The certificates as sent.
    pub chain: Vec<Vec<u8>>,
    /// The holder of the private key.
    pub key: Issued,
}

impl Credentials {
    /// Those that a certificate was issued with.
    #[must_use]
    pub fn of(issued: &Issued) -> Self {
        Self { chain: issued.chain_der().to_vec(), key: issued.clone() }
    }
}

/// The fixtures of this process.
///
/// # Errors
///
/// If they could not be made.
pub fn fixtures() -> Result<&'static Fixtures> {
    static FIXTURES: OnceLock<Result<Fixtures, String>> = OnceLock::new();
    let made = FIXTURES.get_or_init(|| Fixtures::make().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!("the fixtures could not be made: {error}"))
}

impl Fixtures {
    fn make() -> Result<Self> {
        let service = Authority::new("Portcullis Test Service CA")?;
        let staff = Authority::new("Portcullis Test Staff CA")?;
        let team = staff.intermediate("Portcullis Test Team CA")?;
        let lost = staff.intermediate("Portcullis Test Lost CA")?;
        let server = HOSTS.iter().fold(service.server(), |server, name| server.dns(name)).issue()?;
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("private"))?;
        std::fs::write(folder.path().join("private/plan.txt"), SECRET)?;
        std::fs::write(folder.path().join("notice.txt"), OPEN)?;
        Ok(Self {
            partner: Authority::new("Portcullis Test Partner CA")?,
            stranger: Authority::new("Portcullis Test Stranger CA")?,
            service,
            staff,
            team,
            lost,
            server,
            folder,
            clients: Mutex::default(),
        })
    }

    /// The folder that the applications serve under `/files`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority that signs clients under a label of trust anchors.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn anchor(&self, label: &str) -> Result<&Authority> {
        match label {
            "staff" => Ok(&self.staff),
            "partner" => Ok(&self.partner),
            _ => bail!("no authority is called `{label}`"),
        }
    }

    /// What a client presents; `None` for nobody.
    ///
    /// # Errors
    ///
    /// If the client is unknown, or its certificate cannot be made.
    pub fn credentials(&self, client: &str, key_of: Option<&str>, all: bool) -> Result<Option<Credentials>> {
        if client == "nobody" {
            return Ok(None);
        }
        let issued = self.client(client)?;
        let chain = issued.chain_der().iter().take(if all { usize::MAX } else { 1 }).cloned().collect();
        let key = key_of.map_or_else(|| Ok(issued), |owner| self.client(owner))?;
        Ok(Some(Credentials { chain, key }))
    }

    /// The certificate of a client: `alice`, or a kind and a value as in `hostile:dup_cn`.
    ///
    /// # Errors
    ///
    /// If the client is unknown, or its certificate cannot be made.
    pub fn client(&self, client: &str) -> Result<Issued> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issued) = clients.get(client) {
            return Ok(issued.clone());
        }
        let issued = self.issue(client).with_context(|| format!("the client `{client}`"))?;
        clients.insert(client.into(), issued.clone());
        Ok(issued)
    }

    fn issue(&self, client: &str) -> Result<Issued> {
        let (kind, value) = client.split_once(':').unwrap_or(("staff", client));
        let mallory = || self.staff.client("mallory");
        let issued = match kind {
            "staff" => person(&self.staff, value)?.issue(),
            "team" => person(&self.team, value)?.issue(),
            "partner" => person(&self.partner, value)?.issue(),
            "stranger" => person(&self.stranger, value)?.issue(),
            "expired" => person(&self.staff, value)?.expired().issue(),
            "future" => person(&self.staff, value)?.not_yet_valid().issue(),
            "lost" => person(&self.lost, value)?.issue(),
            "revoked" => person(&self.staff, value)?.serial(REVOKED).issue(),
            "team_revoked" => person(&self.team, value)?.serial(REVOKED).issue(),
            "partner_twin" => person(&self.partner, value)?.serial(REVOKED).issue(),
            "points" => person(&self.staff, value)?.extension(points()).issue(),
            "points_revoked" => person(&self.staff, value)?.extension(points()).serial(REVOKED).issue(),
            "weak" => return weak(value),
            "hostile" => self.staff.hostile(value),
            "stranger_hostile" => self.stranger.hostile(value),
            "cn" => self.staff.client(value).issue(),
            "uri" => mallory().uri(value).issue(),
            "partner_uri" => self.partner.client("mallory").uri(value).issue(),
            "dns" => mallory().dns(value).issue(),
            "email" => mallory().email_san(value).issue(),
            "upn" => mallory().upn(value).issue(),
            "ip" => mallory().ip(value.parse::<std::net::IpAddr>()?).issue(),
            _ => bail!("`{kind}` is no kind of client"),
        };
        Ok(issued?)
    }
}

/// Two distribution points, one for each part of a divided list.
fn points() -> Extension {
    Extension::crl_distribution_points(&PARTS.map(DistributionPoint::uri))
}

/// What OpenSSL made, because nothing here makes it any more.
fn weak(name: &str) -> Result<Issued> {
    let read = |name: String| std::fs::read(weak_file(&name)).with_context(|| name.clone());
    let der = |name: &str| -> Result<Vec<u8>> {
        Ok(CertificateDer::from_pem_slice(&read(format!("{name}.pem"))?)?.to_vec())
    };
    let chain = match name {
        "below1024" => vec![der(name)?, der("inter1024")?],
        _ => vec![der(name)?],
    };
    let key = PrivateKeyDer::from_pem_slice(&read(format!("{name}.key"))?)?;
    Ok(Issued::from_der(chain, der("ca")?, key.secret_der())?)
}

/// A file of the weak certificates, whose root is `ca.pem`.
#[must_use]
pub fn weak_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/tls/tests/fixtures").join(name)
}

/// One of the people that the policies know.
fn person<'a>(authority: &'a Authority, name: &str) -> Result<LeafBuilder<'a>> {
    let unit = match name {
        "alice" => "Security",
        "bob" | "carol" => "Engineering",
        "dave" | "mallory" => "Sales",
        _ => bail!("nobody is called `{name}`"),
    };
    let client = authority.client(name).email(&format!("{name}@example.com"));
    Ok(client.organization("Example").organizational_unit(unit))
}
