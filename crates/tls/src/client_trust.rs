//! Judging chains outside of a handshake.

use std::fmt;
use std::sync::Arc;

use portcullis_core::{Anchor, Certificate, Distrust, Peer};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use crate::clock::Clock;
use crate::judge::{Judge, Judgement};
use crate::{ClientAuth, RevocationStatus, TlsError, provider};

/// Judges chains as a server with the same settings would, but without a handshake.
///
/// For tools that look at certificates, and for tests of what is trusted.
///
/// # Security
///
/// If a chain that was not proven to belong to the caller is judged here, and the caller is let in
/// for that, then whoever has a copy of a certificate gets in. That is why no
/// [`Peer`](portcullis_core::Peer) comes out of it.
///
/// # Examples
///
/// ```
/// use portcullis_core::Distrust;
/// use portcullis_tls::{ClientAuth, ClientTrust, TrustAnchors};
///
/// # let authority = portcullis_pki::Authority::new("Staff CA")?;
/// # let alice = authority.client("alice").issue()?;
/// # let mallory = portcullis_pki::Authority::new("Mallory CA")?.client("alice").issue()?;
/// # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
/// let anchors = TrustAnchors::new().der("staff", authority.certificate_der());
/// let trust = ClientTrust::builder(ClientAuth::require(anchors)).build()?;
///
/// let vouched = trust.judge(alice.chain_der(), now).unwrap();
/// assert_eq!(vouched.anchor().label(), "staff");
/// assert_eq!(vouched.certificate().subject().to_string(), "CN=alice");
///
/// let refused = trust.judge(mallory.chain_der(), now).unwrap_err();
/// assert!(matches!(refused, Distrust::UnknownIssuer { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientTrust(Arc<Judge>);

/// The settings of a [`ClientTrust`].
#[derive(Debug)]
#[must_use]
pub struct ClientTrustBuilder {
    client_auth: ClientAuth,
    provider: Option<Arc<CryptoProvider>>,
    clock: Clock,
}

/// A certificate that is trusted, and by whose word.
#[derive(Debug, Clone)]
pub struct Vouched {
    certificate: Certificate,
    anchor: Anchor,
    until: i64,
}

impl ClientTrust {
    /// One that judges by these settings; the mode makes no difference.
    pub fn builder(client_auth: ClientAuth) -> ClientTrustBuilder {
        ClientTrustBuilder { client_auth, provider: None, clock: Clock::default() }
    }

    /// Judges a chain, the client's certificate first, at a time in seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// If it is not trusted, with the reason.
    pub fn judge(&self, chain: &[impl AsRef<[u8]>], now: i64) -> Result<Vouched, Distrust> {
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_ref())).collect();
        let Some((leaf, others)) = chain.split_first() else {
            return Err(Distrust::Malformed { detail: "there is no certificate".into() });
        };
        Vouched::from_judgement(&self.0.judge(leaf, others, now))
    }

    /// What is known about revocation at a time, if anything was to be known.
    #[must_use]
    pub fn revocation_status(&self, now: i64) -> Option<RevocationStatus> {
        self.0.revocation().map(|revocation| revocation.status_at(now))
    }
}

impl ClientTrustBuilder {
    /// The cryptography to use, as with [`ServerTlsBuilder::provider`](crate::ServerTlsBuilder::provider).
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Where the time comes from at which the anchors are judged, in seconds since the Unix epoch.
    ///
    /// # Security
    ///
    /// If this clock is late, then anchors that have expired are taken.
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(clock);
        self
    }

    /// Reads all files, and checks everything.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, an anchor is no good, or the settings do not go together.
    pub fn build(self) -> Result<ClientTrust, TlsError> {
        let provider = self.provider.clone().or_else(provider::built_in).ok_or(TlsError::NoProvider)?;
        let Self { client_auth, clock, .. } = &self;
        let revocation = client_auth.revocation.as_ref();
        let judge = Judge::load(client_auth, revocation, &provider, clock.now(), 1, Arc::default())?;
        Ok(ClientTrust(Arc::new(judge)))
    }
}

impl Vouched {
    fn from_judgement(judgement: &Judgement) -> Result<Self, Distrust> {
        if judgement.inquiry().is_some() {
            let detail = "its responder would have to be asked, which only servers do".to_owned();
            return Err(Distrust::RevocationUnknown { detail });
        }
        match judgement.peer() {
            Peer::Verified(identity) => Ok(Self {
                certificate: identity.certificate().clone(),
                anchor: identity.anchor().clone(),
                until: judgement.holds_until(),
            }),
            Peer::Untrusted { reason, .. } => Err(reason.clone()),
            Peer::Anonymous => Err(Distrust::Malformed { detail: "there is no certificate".into() }),
        }
    }

    /// The client's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The trust anchor that really vouched.
    #[must_use]
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The last second for which this was found, since the Unix epoch.
    #[must_use]
    pub fn until(&self) -> i64 {
        self.until
    }
}

impl fmt::Display for Vouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, trusted by the word of `{}`", self.certificate.subject(), self.anchor.label())
    }
}
