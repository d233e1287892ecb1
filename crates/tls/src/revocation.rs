//! Certificates that are no longer good, though their validity has not ended.

mod deny;
mod der;
mod distinguished;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod issuer;
mod list;
mod load;
mod proof;
mod scope;
mod serials;
mod set;
mod source;
mod status;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;

pub use self::deny::Denied;
pub use self::error::RevocationError;
#[cfg(feature = "ocsp")]
pub(crate) use self::fetch::Download;
#[cfg(feature = "fetch")]
pub use self::fetch::{CrlFetch, CrlFetchBuilder, CrlFetchError, CrlFetchTask, CrlFetched};
#[cfg(feature = "ocsp")]
pub(crate) use self::proof::is_signed_by;
#[cfg(feature = "ocsp")]
pub(crate) use self::set::Listed;
pub(crate) use self::set::RevocationSet;
use self::set::Rules;
use self::source::Source;
pub use self::status::{Coverage, RevocationCoverage, RevocationListStatus, RevocationStatus};
use crate::ocsp::OcspResponder;
use crate::trust_anchors::AnchorSet;

/// Where it is written which certificates are revoked, and what happens if that is unknown.
///
/// The lists of all issuers on a path are asked (CRLs, RFC 5280). A list counts for an issuer only if
/// the issuer's own key has signed it. Without a list of an issuer, or with one that is out of date,
/// its certificates are refused: whoever could keep the list away would otherwise bring them back.
///
/// Lists that a key of their own signs for the issuer, lists of changes only (delta) and lists about
/// certificates of other issuers (indirect) are not supported; the last two do not load. If an issuer
/// divides its list, all parts that a certificate names have to be there.
///
/// A certificate never makes the server fetch anything: what it says about where its lists are is
/// used only to tell the parts of a divided list apart.
///
/// # Security
///
/// If a list is not replaced when it is due and [`grace`](Self::grace) is long, then holders of
/// certificates that were revoked meanwhile get in.
///
/// # Examples
///
/// ```
/// use portcullis_tls::Revocation;
///
/// let revocation = Revocation::crl_files(["staff.crl"]).deny("sha256:\
///     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".parse()?);
/// assert_eq!(revocation.files(), [std::path::Path::new("staff.crl")]);
/// # Ok::<(), portcullis_tls::RevocationError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Revocation {
    sources: Vec<Source>,
    responders: Vec<OcspResponder>,
    rules: Rules,
    limit: u64,
    denied: Vec<Denied>,
    deny_lists: Vec<PathBuf>,
}

/// A million entries, with room for a reason in each.
const LARGEST_LIST: u64 = 50 * 1024 * 1024;

impl Revocation {
    /// Nothing but what is blocked by [`deny`](Self::deny) and
    /// [`deny_list_file`](Self::deny_list_file).
    ///
    /// Until a list is added, revocation by the issuers is not checked.
    pub fn deny_list() -> Self {
        Self {
            sources: Vec::new(),
            responders: Vec::new(),
            rules: Rules::default(),
            limit: LARGEST_LIST,
            denied: Vec::new(),
            deny_lists: Vec::new(),
        }
    }

    /// Lists from these files, in PEM or DER; there must be at least one.
    pub fn crl_files(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let mut revocation = Self::deny_list();
        revocation.rules.has_lists = true;
        paths.into_iter().fold(revocation, |revocation, path| revocation.crl_file(path))
    }

    /// Lists from a folder; see [`crl_directory`](Self::crl_directory).
    pub fn crl_folder(path: impl Into<PathBuf>) -> Self {
        Self::deny_list().crl_directory(path)
    }

    /// Adds the lists of a file, in PEM or DER.
    pub fn crl_file(self, path: impl Into<PathBuf>) -> Self {
        self.with(Source::File(path.into()))
    }

    /// Adds the lists of all files in a folder, but for hidden ones; there must be at least one.
    pub fn crl_directory(self, path: impl Into<PathBuf>) -> Self {
        self.with(Source::Folder(path.into()))
    }

    /// Adds the lists of a PEM text.
    pub fn crl_pem(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Source::Pem(bytes.into()))
    }

    /// Adds a list in DER.
    pub fn crl_der(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(Source::Der(bytes.into()))
    }

    /// Responders that are asked about clients; there must be at least one.
    ///
    /// Unless lists are added, nothing is asked about the authorities between client and anchor.
    #[cfg(feature = "ocsp")]
    pub fn ocsp_responders(responders: impl IntoIterator<Item = OcspResponder>) -> Self {
        responders.into_iter().fold(Self::deny_list(), Self::ocsp_responder)
    }

    /// Adds a responder that is asked about clients below the anchors of its label.
    ///
    /// They then need not be covered by a list; if they are, neither may call them revoked.
    #[cfg(feature = "ocsp")]
    pub fn ocsp_responder(mut self, responder: OcspResponder) -> Self {
        self.rules.asked.push(responder.label().to_owned());
        self.responders.push(responder);
        self
    }

    fn with(mut self, source: Source) -> Self {
        self.rules.has_lists = true;
        self.sources.push(source);
        self
    }

    /// Asks only about the client's certificate, not about its issuers.
    ///
    /// # Security
    ///
    /// If the key of an intermediate authority is stolen, then whoever has it gets in under any name,
    /// also when the certificate of that authority is revoked.
    pub fn leaf_only(mut self) -> Self {
        self.rules.leaf_only = true;
        self
    }

    /// Also refuses lists that RFC 5280 forbids though they harm nobody: those without a number, as
    /// `openssl ca` makes them unless told otherwise, or with a critical one.
    pub fn strict(mut self) -> Self {
        self.rules.is_strict = true;
        self
    }

    /// How long a list is still good when the next one is due; not at all unless set.
    ///
    /// # Security
    ///
    /// If the issuer's new lists do not arrive, then whoever was revoked meanwhile gets in for so long.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.rules.grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
        self
    }

    /// How many bytes a file of lists may have, 50 MiB unless set: about a million entries.
    pub fn largest_list(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Trusts certificates below the anchors of this label also if no list says anything about them.
    ///
    /// A list that is out of date, or one that its issuer may not sign, still refuses.
    ///
    /// # Security
    ///
    /// If somebody keeps a list away, then holders of revoked certificates get in.
    pub fn danger_allow_unknown_status(mut self, label: impl Into<String>) -> Self {
        self.rules.waived.push(label.into());
        self
    }

    /// Blocks a certificate or a key, whatever its issuer says.
    pub fn deny(mut self, denied: Denied) -> Self {
        self.denied.push(denied);
        self
    }

    /// Blocks what is written in a file, one [`Denied`] a line; what follows `#` is a comment.
    pub fn deny_list_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.deny_lists.push(path.into());
        self
    }

    /// The files that are read now, for whoever watches them; of a folder also the folder itself.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let deny_lists = self.deny_lists.iter().cloned();
        self.sources.iter().flat_map(Source::files).chain(deny_lists).collect()
    }

    pub(crate) fn responders(&self) -> &[OcspResponder] {
        &self.responders
    }

    /// Reads and judges all of them.
    ///
    /// A list of an issuer that is no anchor is judged when that issuer first shows up.
    pub(crate) fn load(
        &self,
        anchors: &AnchorSet,
        supported: &WebPkiSupportedAlgorithms,
        now: i64,
    ) -> Result<RevocationSet, RevocationError> {
        if self.rules.has_lists && self.sources.is_empty() {
            return Err(RevocationError::NoLists);
        }
        let is_asked = !self.responders.is_empty();
        if !self.rules.has_lists && !is_asked && self.denied.is_empty() && self.deny_lists.is_empty() {
            return Err(RevocationError::NoLists);
        }
        let denied = deny::DenyList::load(&self.denied, &self.deny_lists, self.limit)?;
        load::load(&self.sources, self.limit, self.rules.clone(), denied, anchors, supported, now)
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files();
        f.debug_struct("Revocation")
            .field("sources", &self.sources.len())
            .field("files", &files.iter().map(PathBuf::as_path).collect::<Vec<&Path>>())
            .field("responders", &self.responders)
            .field("denied", &self.denied.len())
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
