//! Which responder is asked, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::answers::Answers;
use super::request::Hash;

/// A responder that says of each client's certificate whether it is revoked (OCSP, RFC 6960).
///
/// It is asked about certificates below the anchors of one label, and only about those of clients;
/// the authorities between are looked up in revocation lists, if there are any. Only a certificate
/// that is good in every other way, and whose holder has proven to have the key, is asked about.
///
/// The handshake does not wait for it: the first request does, without keeping a thread. The answer
/// is remembered until the responder says that there is a newer one, or for
/// [`max_age`](Self::max_age). What was revoked once stays so until trust is reloaded, and after that
/// until a newer answer says otherwise.
///
/// An answer counts if it is in date, is about this certificate of this issuer, and is signed by the
/// key of the issuer, or by one whose certificate the issuer itself has made for this purpose
/// (`id-kp-OCSPSigning`). Such a certificate must be marked as one nobody asks about
/// (`id-pkix-ocsp-nocheck`), unless a list of the issuer tells that it is not revoked. Without an
/// answer that counts, the client is refused, and the responder is asked again after five seconds.
///
/// The URL is the operator's. What certificates say about where to ask is never used. Redirects are
/// not followed, and neither are the proxies of the environment.
///
/// # Security
///
/// If the address is `http` and [`nonce`](Self::nonce) is not set, then whoever is on the way can play
/// back an answer until it is out of date, and the holder of a certificate that was revoked meanwhile
/// gets in so long.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{OcspResponder, Revocation};
///
/// let responder = OcspResponder::new("staff", "http://ocsp.example/");
/// let revocation = Revocation::ocsp_responders([responder]);
/// # let _: Revocation = revocation;
/// ```
#[derive(Clone)]
#[must_use]
pub struct OcspResponder {
    pub(super) label: String,
    pub(super) url: String,
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) rules: Rules,
    /// Outlives reloads: what the issuers have signed remains true.
    pub(super) answers: Arc<Answers>,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) timeout: Duration,
    pub(super) largest: u64,
    /// In seconds.
    pub(super) max_age: i64,
    pub(super) concurrent: usize,
    pub(super) has_nonce: bool,
    pub(super) hash: Hash,
    pub(super) is_soft: bool,
}

impl OcspResponder {
    /// The one at this URL, for clients below the anchors of this label.
    pub fn new(label: impl Into<String>, url: impl Into<String>) -> Self {
        let rules = Rules {
            timeout: Duration::from_secs(2),
            largest: 64 * 1024,
            max_age: 600,
            concurrent: 16,
            has_nonce: false,
            hash: Hash::Sha1,
            is_soft: false,
        };
        Self {
            label: label.into(),
            url: url.into(),
            authorities: None,
            rules,
            answers: Arc::new(Answers::new()),
        }
    }

    /// The authorities (PEM) that vouch for its server, which an `https` URL needs.
    pub fn authorities_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// How long an answer may take, two seconds unless set; waiting for others to be asked included.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.rules.timeout = limit;
        self
    }

    /// How many bytes an answer may have, 64 KiB unless set.
    pub fn largest_answer(mut self, bytes: u64) -> Self {
        self.rules.largest = bytes;
        self
    }

    /// How long an answer counts at most before the responder is asked again, ten minutes unless set.
    ///
    /// If it cannot be asked then, the answer counts until it is out of date by what it says itself.
    /// One that does not say when it is out of date must not be older than this.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.rules.max_age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self
    }

    /// About how many clients it is asked at once, 16 unless set.
    pub fn concurrent(mut self, count: usize) -> Self {
        self.rules.concurrent = count;
        self
    }

    /// Takes only answers that were made for the question, and were not played back.
    ///
    /// Responders that hand out answers from stock cannot do that: the answer lacks the nonce, and
    /// the client is refused.
    pub fn nonce(mut self) -> Self {
        self.rules.has_nonce = true;
        self
    }

    /// Names certificates by SHA-256 instead of SHA-1, which not every responder understands.
    ///
    /// The hash tells issuers apart, and nothing is signed with it. Answers may use either.
    pub fn sha256(mut self) -> Self {
        self.rules.hash = Hash::Sha256;
        self
    }

    /// Trusts a certificate also if the responder does not know it or gives no answer that counts.
    ///
    /// # Security
    ///
    /// If somebody keeps the answers away, then holders of revoked certificates get in.
    pub fn danger_soft_fail(mut self) -> Self {
        self.rules.is_soft = true;
        self
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for OcspResponder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the URL nothing: it has not been checked yet for a password.
        f.debug_struct("OcspResponder")
            .field("label", &self.label)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
