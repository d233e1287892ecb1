//! Lists fetched from where the operator says they are.

mod download;
mod error;
mod schedule;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

#[cfg(feature = "ocsp")]
pub(crate) use self::download::Download;
#[cfg(not(feature = "ocsp"))]
use self::download::Download;
pub use self::error::CrlFetchError;
pub use self::schedule::CrlFetchTask;
use super::list::List;
use super::{issuer, source};
use crate::clock::Clock;
use crate::provider;

/// Keeps a revocation list in a file, and replaces it by a newer one from a URL.
///
/// The file is the last list that was good, also after a restart; name it in
/// [`Revocation::crl_files`](super::Revocation::crl_files). It is replaced only by a list that the
/// issuer's key has signed, that is in date, and that is not older. So an answer that is cut off, of
/// somebody else, or of last year changes nothing.
///
/// The URL is the operator's. What certificates say about where their lists are is never used.
/// Redirects are not followed, and neither are the proxies of the environment.
///
/// # Security
///
/// If the address is `http`, then whoever is on the way can keep a new list back until the old one is
/// due, and holders of certificates that were revoked meanwhile get in so long. They cannot forge one.
///
/// # Examples
///
/// ```no_run
/// use portcullis_tls::{CrlFetch, Revocation};
///
/// let issuer = std::fs::read("staff-ca.pem")?;
/// let fetch = CrlFetch::builder("http://pki.example/staff.crl", "staff.crl", issuer).build()?;
/// fetch.fetch()?; // once, before the server starts
/// let revocation = Revocation::crl_files(["staff.crl"]);
/// # let reload_server = || ();
/// let task = fetch.start(reload_server)?; // and then whenever a new list is due
/// # drop((revocation, task));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CrlFetch {
    download: Download,
    file: PathBuf,
    issuer: Issuer,
    every: Duration,
    retry: Duration,
    provider: Arc<CryptoProvider>,
    clock: Clock,
}

/// What came of an attempt to fetch a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrlFetched {
    /// Whether the file has another list now.
    pub is_new: bool,
    /// When the next list is due, in seconds since the Unix epoch.
    pub next_update: i64,
}

/// Whose lists are taken.
#[derive(Debug)]
struct Issuer {
    name: String,
    certificate: CertificateDer<'static>,
}

/// The settings of a [`CrlFetch`].
#[derive(Debug)]
#[must_use]
pub struct CrlFetchBuilder {
    url: String,
    file: PathBuf,
    issuer: Vec<u8>,
    authorities: Option<Vec<u8>>,
    timeout: Duration,
    largest: u64,
    every: Duration,
    retry: Duration,
    provider: Option<Arc<CryptoProvider>>,
    clock: Clock,
}

impl CrlFetch {
    /// From this URL into this file, if the key of this certificate (PEM) has signed it.
    pub fn builder(
        url: impl Into<String>,
        file: impl Into<PathBuf>,
        issuer_pem: impl Into<Vec<u8>>,
    ) -> CrlFetchBuilder {
        CrlFetchBuilder {
            url: url.into(),
            file: file.into(),
            issuer: issuer_pem.into(),
            authorities: None,
            timeout: Duration::from_secs(30),
            largest: super::LARGEST_LIST,
            every: Duration::from_secs(3600),
            retry: Duration::from_secs(60),
            provider: None,
            clock: Clock::default(),
        }
    }

    /// Fetches the list now. This blocks, for the time limit at most.
    ///
    /// # Errors
    ///
    /// If there is no good list at the URL, or the file cannot be written; it stays as it was.
    pub fn fetch(&self) -> Result<CrlFetched, CrlFetchError> {
        let (list, der) = self.check(self.download.run()?)?;
        let next_update = list.next_update;
        if let Some(known) = self.known() {
            if known.sha256 == list.sha256 {
                return Ok(CrlFetched { is_new: false, next_update });
            }
            if !list.replaces(&known) {
                let file = self.file.display().to_string();
                return Err(CrlFetchError::Older { url: self.url(), file });
            }
        }
        self.keep(&der)?;
        tracing::info!(
            target: "portcullis::tls",
            url = self.url(),
            issuer = list.issuer_name,
            entries = list.entries(),
            next_update,
            "new revocation list fetched"
        );
        Ok(CrlFetched { is_new: true, next_update })
    }

    /// Fetches again whenever it is time, on a thread of its own, until the task is dropped.
    ///
    /// The function is called when there is a new list, to have the server read it.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(self, on_new: impl Fn() + Send + 'static) -> Result<CrlFetchTask, CrlFetchError> {
        CrlFetchTask::start(self, on_new)
    }

    fn url(&self) -> String {
        self.download.url().to_owned()
    }

    /// The list in the file, if it is one that counts.
    fn known(&self) -> Option<List> {
        let bytes = source::read(&self.file, u64::MAX).ok()?;
        let (list, _) = self.only_list(bytes).ok()?;
        self.is_signed(&list).then_some(list)
    }

    /// When the list in the file should be replaced.
    fn next_update(&self) -> Option<i64> {
        self.known().map(|list| list.next_update)
    }

    fn check(&self, bytes: Vec<u8>) -> Result<(List, Vec<u8>), CrlFetchError> {
        let now = self.clock.now();
        let (list, der) = self.only_list(bytes)?;
        if list.this_update > now {
            let (list, this_update) = (list.place, list.this_update);
            return Err(super::RevocationError::Future { list, this_update }.into());
        }
        if list.next_update <= now {
            return Err(CrlFetchError::Stale { url: self.url(), next_update: list.next_update });
        }
        if self.is_signed(&list) {
            return Ok((list, der));
        }
        Err(CrlFetchError::WrongKey { url: self.url(), issuer: self.issuer.name.clone() })
    }

    /// The list in these bytes, and its DER: the list itself keeps it only until it is proven.
    fn only_list(&self, bytes: Vec<u8>) -> Result<(List, Vec<u8>), CrlFetchError> {
        let mut found = source::lists(bytes, &format!("`{}`", self.download.url()))?.into_iter();
        let (Some(first), None) = (found.next(), found.next()) else {
            return Err(CrlFetchError::Several { url: self.url() });
        };
        let der = first.der.clone();
        Ok((List::read(first.der, first.place, &self.provider.signature_verification_algorithms)?, der))
    }

    fn is_signed(&self, list: &List) -> bool {
        let Ok(anchor) = webpki::anchor_from_trusted_cert(&self.issuer.certificate) else { return false };
        let supported = &self.provider.signature_verification_algorithms;
        *anchor.subject == *list.issuer && list.is_signed_by(&webpki::spki_for_anchor(&anchor), supported)
    }

    /// Puts the list into the place of the old one; whoever reads meanwhile finds one or the other.
    fn keep(&self, der: &[u8]) -> Result<(), CrlFetchError> {
        let problem = |error: std::io::Error| CrlFetchError::File {
            file: self.file.display().to_string(),
            reason: error.to_string(),
        };
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        // Hidden, so that it is no list of a folder.
        let draft = folder.join(format!(".{name}.new"));
        let write = || {
            // What an interrupted run has left, or somebody has put there.
            let _ = fs::remove_file(&draft);
            let mut file = fs::File::create_new(&draft)?;
            file.write_all(der)?;
            file.sync_all()?;
            fs::rename(&draft, &self.file)
        };
        write().inspect_err(|_| drop(fs::remove_file(&draft))).map_err(problem)
    }
}

impl CrlFetchBuilder {
    /// Authorities (PEM) that vouch for the server of an `https` URL; needed for one.
    pub fn server_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// How long one attempt may take in all, 30 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes the list may have, 50 MiB unless set.
    pub fn largest_list(mut self, bytes: u64) -> Self {
        self.largest = bytes;
        self
    }

    /// How long to wait for the next attempt at most, an hour unless set.
    ///
    /// If the next list is due earlier, half of the time until then is waited.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// How long to wait after a failure, a minute unless set; twice as long after each further one.
    pub fn retry(mut self, interval: Duration) -> Self {
        self.retry = interval;
        self
    }

    /// The cryptography to use, as with [`ServerTlsBuilder::provider`](crate::ServerTlsBuilder::provider).
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Where the time comes from, in seconds since the Unix epoch.
    ///
    /// # Security
    ///
    /// If this clock is late, then lists that are out of date are taken.
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(clock);
        self
    }

    /// Checks the settings; nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// If the URL is none for this, or the issuer may not sign revocation lists.
    pub fn build(self) -> Result<CrlFetch, CrlFetchError> {
        let provider = self.provider.or_else(provider::built_in).ok_or(CrlFetchError::NoProvider)?;
        let issuer = Issuer::read(&self.issuer)?;
        let download =
            Download::new(self.url, self.authorities.as_deref(), self.timeout, self.largest, &provider)?;
        Ok(CrlFetch {
            download,
            file: self.file,
            issuer,
            every: self.every.max(Duration::from_secs(1)),
            retry: self.retry.max(Duration::from_secs(1)),
            provider,
            clock: self.clock,
        })
    }
}

impl Issuer {
    fn read(pem: &[u8]) -> Result<Self, CrlFetchError> {
        let mut certificates = download::certificates(pem, "the issuer of the revocation list")?;
        let (Some(certificate), true) = (certificates.pop(), certificates.is_empty()) else {
            return Err(CrlFetchError::Issuer { reason: "give one certificate".to_owned() });
        };
        let read = Certificate::from_der(&certificate);
        let read = read.map_err(|error| CrlFetchError::Issuer { reason: error.to_string() })?;
        if !issuer::may_sign(&read) {
            let reason = format!("the keyUsage of `{}` lacks cRLSign", read.subject());
            return Err(CrlFetchError::Issuer { reason });
        }
        if webpki::anchor_from_trusted_cert(&certificate).is_err() {
            let reason = format!("`{}` has an encoding that cannot be judged", read.subject());
            return Err(CrlFetchError::Issuer { reason });
        }
        Ok(Self { name: read.subject().to_string(), certificate })
    }
}
