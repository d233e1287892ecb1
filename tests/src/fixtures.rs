//! Authorities and certificates, made once per process and never kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use portcullis_pki::{Authority, Issued, LeafBuilder};
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
    /// Signs clients; servers trust it under the label `partner` where a case says so.
    pub partner: Authority,
    /// Signs clients; nobody trusts it.
    pub stranger: Authority,
    /// The servers' own certificate.
    pub server: Issued,
    folder: TempDir,
    clients: Mutex<HashMap<String, Issued>>,
}

/// What a client presents: a chain, leaf first, and the key that it signs with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The certificates as sent.
    pub chain: Vec<Vec<u8>>,
    /// The holder of the private key.
    pub key: Issued,
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
        let server = service.server().issue()?;
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
