//! A ready-made set of certificates on disk.

mod stored;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Authority, Issued, LeafBuilder, PkiError,
    authority::DAY,
    disk::{self, Marker},
};

const MARKER: Marker = Marker {
    file: ".portcullis",
    text: "Certificates for development, made by portcullis. Delete the folder to have new ones made.\n",
};

/// The passphrase of the `.p12` bundles, which is no secret: it is written here.
const P12_PASSPHRASE: &str = "portcullis";

/// How long the certificates on disk must be valid for, to be used once more.
const REMAINING: Duration = DAY;

/// The clients and their organizational units.
const CLIENTS: [(&str, &str); 4] =
    [("alice", "Security"), ("bob", "Sales"), ("mallory", "Security"), ("expired", "Sales")];

/// The certificates in this folder, made on the first call and used again on the next.
///
/// | file | what it is |
/// | --- | --- |
/// | `ca.pem` | the authority that a server should trust, and a browser for the server |
/// | `server.pem`, `server.key` | localhost, 127.0.0.1 and ::1 |
/// | `alice.pem`, `.key`, `.p12` | an administrator: `OU=Security` |
/// | `bob.pem`, `.key`, `.p12` | a user: `OU=Sales` |
/// | `mallory.pem`, `.key`, `.p12` | `OU=Security` like alice, but from another authority |
/// | `expired.pem`, `.key`, `.p12` | ran out on the day before it was made |
/// | `mallory-ca.pem` | mallory's authority, which nobody should trust |
/// | `.portcullis` | says that the folder was made here, and is locked while it is written |
///
/// Everybody is `emailAddress=NAME@example.com,CN=NAME,OU=..,O=Example,L=Berlin,ST=Berlin,C=DE`
/// and has the address as alternative name. The bundles open with the passphrase `portcullis`.
///
/// If a file is missing, or less than a day of validity is left, everything is made anew, the
/// authority too: its private key is never written, so that nobody can take it. Processes that
/// start at the same time wait for one of them on the lock of `.portcullis`. Each file is written
/// beside its place and renamed, `ca.pem` last; so what was interrupted counts as missing.
///
/// Keys and bundles can be read by their owner only (on Unix), and so can the folder if it is
/// made here.
///
/// # Security
///
/// If a server that others can reach trusts this `ca.pem`, then whoever reads the folder gets in as
/// alice.
///
/// # Errors
///
/// [`PkiError::Foreign`] if the folder holds a file of these names that was not made here,
/// [`PkiError::Damaged`] if one is not what was written, [`PkiError::Io`], or a failure of the
/// cryptography library.
///
/// # Examples
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("pki");
/// let pki = portcullis_pki::development(&folder)?;
/// assert!(pki.ca_pem().is_file());
/// assert!(pki.client("alice")?.p12.is_file());
///
/// // used again, not made again
/// let again = portcullis_pki::development(&folder)?;
/// assert_eq!(again.ca_der(), pki.ca_der());
///
/// // mallory is nobody to this authority
/// assert_ne!(pki.client("mallory")?.issued().root_der(), pki.ca_der());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn development(folder: impl AsRef<Path>) -> Result<Development, PkiError> {
    let folder = folder.as_ref();
    let files = Development::files(folder);
    let _lock = disk::lock(folder, &MARKER, &files)?;
    match stored::load(folder)? {
        Some(development) => Ok(development),
        None => {
            let development = Development::make(folder)?;
            development.write()?;
            Ok(development)
        }
    }
}

/// The certificates of a development folder, on disk and in memory.
#[derive(Clone, Debug)]
pub struct Development {
    folder: PathBuf,
    ca: Vec<u8>,
    server: Issued,
    clients: Vec<DevelopmentClient>,
}

/// The files of one client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DevelopmentClient {
    /// The certificate in PEM.
    pub pem: PathBuf,
    /// The private key in PEM, not encrypted.
    pub key: PathBuf,
    /// Certificate and key as PKCS#12, for browsers.
    pub p12: PathBuf,
    issued: Issued,
}

impl Development {
    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of the authority to trust.
    pub fn ca_pem(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The file of mallory's authority, for tests with two authorities.
    pub fn mallory_ca_pem(&self) -> PathBuf {
        self.folder.join("mallory-ca.pem")
    }

    /// The file of the server's certificate.
    pub fn server_pem(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// The file of the server's private key, not encrypted.
    pub fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// The files of alice, bob, mallory or expired.
    ///
    /// # Errors
    ///
    /// [`PkiError::UnknownClient`] for anybody else.
    pub fn client(&self, name: &str) -> Result<&DevelopmentClient, PkiError> {
        let client = self.clients.iter().find(|client| client.issued.name() == name);
        client.ok_or_else(|| PkiError::UnknownClient { name: name.to_owned() })
    }

    /// The passphrase of the `.p12` bundles: `portcullis`.
    pub fn p12_passphrase(&self) -> &'static str {
        P12_PASSPHRASE
    }

    /// The certificate of the authority to trust.
    pub fn ca_der(&self) -> &[u8] {
        &self.ca
    }

    /// The server's certificate and key.
    pub fn server(&self) -> &Issued {
        &self.server
    }

    fn make(folder: &Path) -> Result<Self, PkiError> {
        let authority = Authority::builder("Portcullis Development CA").organization("Example").build()?;
        let other = Authority::builder("Mallory CA").organization("Example").build()?;
        let issue = |(name, unit): (&str, &str)| match name {
            "mallory" => person(&other, name, unit).issue(),
            "expired" => person(&authority, name, unit).expired().issue(),
            _ => person(&authority, name, unit).issue(),
        };
        let clients = CLIENTS.into_iter().map(issue).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(folder, authority.server().issue()?, clients))
    }

    fn new(folder: &Path, server: Issued, clients: Vec<Issued>) -> Self {
        let client = |issued: Issued| {
            let file = |extension: &str| folder.join(format!("{}.{extension}", issued.name()));
            DevelopmentClient { pem: file("pem"), key: file("key"), p12: file("p12"), issued }
        };
        Self {
            folder: folder.to_owned(),
            ca: server.root_der().to_vec(),
            server,
            clients: clients.into_iter().map(client).collect(),
        }
    }

    fn write(&self) -> Result<(), PkiError> {
        // without this file the rest counts as missing
        disk::remove(&self.ca_pem())?;
        let mallory_ca = self.client("mallory")?.issued.root_der();
        disk::write(&self.mallory_ca_pem(), crate::pem::certificate(mallory_ca)?.as_bytes())?;
        disk::write(&self.server_pem(), self.server.chain_pem()?.as_bytes())?;
        disk::write_secret(&self.server_key(), self.server.key_pem()?.as_bytes())?;
        for client in &self.clients {
            disk::write(&client.pem, client.issued.chain_pem()?.as_bytes())?;
            disk::write_secret(&client.key, client.issued.key_pem()?.as_bytes())?;
            disk::write_secret(&client.p12, &client.issued.p12(P12_PASSPHRASE)?)?;
        }
        disk::write(&self.ca_pem(), crate::pem::certificate(&self.ca)?.as_bytes())
    }

    /// Every file that is written into the folder.
    fn files(folder: &Path) -> Vec<PathBuf> {
        let client = |(name, _)| ["pem", "key", "p12"].map(|extension| format!("{name}.{extension}"));
        let names = ["ca.pem", "mallory-ca.pem", "server.pem", "server.key"].map(str::to_owned);
        names.into_iter().chain(CLIENTS.into_iter().flat_map(client)).map(|name| folder.join(name)).collect()
    }
}

impl DevelopmentClient {
    /// The certificate and key.
    pub fn issued(&self) -> &Issued {
        &self.issued
    }
}

fn person<'a>(authority: &'a Authority, name: &str, unit: &str) -> LeafBuilder<'a> {
    let person = authority.client(name).email(&format!("{name}@example.com"));
    let person = person.organization("Example").organizational_unit(unit);
    person.locality("Berlin").state("Berlin").country("DE")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// Writes a folder whose server certificate is valid until then.
    fn folder_lasting(remaining: Duration) -> (tempfile::TempDir, Development) {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Example CA").unwrap();
        let now = SystemTime::now();
        let server = authority.server().valid(now - DAY, now + remaining).issue().unwrap();
        let other = Authority::new("Other CA").unwrap();
        let client = |(name, unit)| {
            let authority = if name == "mallory" { &other } else { &authority };
            person(authority, name, unit).issue().unwrap()
        };
        let written = Development::new(folder.path(), server, CLIENTS.map(client).to_vec());
        let _lock = disk::lock(folder.path(), &MARKER, &[]).unwrap();
        written.write().unwrap();
        (folder, written)
    }

    #[test]
    fn what_lasts_for_a_day_is_used_again() {
        let (folder, written) = folder_lasting(REMAINING + Duration::from_secs(600));
        assert_eq!(development(folder.path()).unwrap().ca_der(), written.ca_der());
    }

    #[test]
    fn what_runs_out_within_a_day_is_made_anew() {
        for remaining in [Duration::ZERO, REMAINING - Duration::from_secs(600)] {
            let (folder, written) = folder_lasting(remaining);
            let made = development(folder.path()).unwrap();
            assert_ne!(made.ca_der(), written.ca_der());
            assert_eq!(development(folder.path()).unwrap().ca_der(), made.ca_der());
        }
    }
}
