//! Whether and how clients are asked for a certificate.

use portcullis_core::Peer;
use portcullis_core::certificate::Fingerprint;
use rustls::DistinguishedName;

use crate::judge::{Conformance, PinKind, Pins, Profile};
use crate::trust_anchors::AnchorSet;
use crate::{Revocation, TlsError, TrustAnchors};

/// Whether a client certificate is asked for, what happens without one, and which are trusted.
///
/// | | no certificate | untrusted certificate |
/// | --- | --- | --- |
/// | [`require`](Self::require) | handshake fails | handshake fails |
/// | [`if_given`](Self::if_given) | [`Peer::Anonymous`] | handshake fails |
/// | [`request`](Self::request) | [`Peer::Anonymous`] | [`Peer::Untrusted`] with the reason |
///
/// In every mode the client must prove that it holds the private key of the certificate.
///
/// A TLS 1.3 client believes that its handshake succeeded before the server has seen its
/// certificate: it learns of a refusal when it reads for the first time.
///
/// [`Peer::Anonymous`]: portcullis_core::Peer::Anonymous
/// [`Peer::Untrusted`]: portcullis_core::Peer::Untrusted
///
/// # Examples
///
/// ```
/// use portcullis_tls::{ClientAuth, KeyPair, ServerTls, TrustAnchors};
///
/// # let authority = portcullis_pki::Authority::new("Staff CA")?;
/// # let server = authority.server().issue()?;
/// # let key_pair = || KeyPair::from_der(server.chain_der().to_vec(), server.key_der());
/// let staff = TrustAnchors::new().der("staff", authority.certificate_der());
/// assert!(ServerTls::builder(key_pair()).client_auth(ClientAuth::request(staff)).build().is_ok());
///
/// // Without anchors nobody could be trusted: that is a mistake, not a policy.
/// let nobody = ClientAuth::request(TrustAnchors::new());
/// assert!(ServerTls::builder(key_pair()).client_auth(nobody).build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct ClientAuth {
    pub(crate) mode: Mode,
    pub(crate) anchors: TrustAnchors,
    pub(crate) profile: Profile,
    pub(crate) pins: Pins,
    pub(crate) revocation: Option<Revocation>,
    names: Names,
}

/// What is done about clients without a trusted certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Require,
    IfGiven,
    Request,
}

impl Mode {
    /// Whether such a peer may be there at all.
    pub(crate) fn admits(self, peer: &Peer) -> bool {
        match peer {
            Peer::Verified(_) => true,
            Peer::Anonymous => self != Self::Require,
            Peer::Untrusted { .. } => self == Self::Request,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::IfGiven => "if_given",
            Self::Request => "request",
        }
    }
}

#[derive(Debug)]
enum Names {
    OfAnchors,
    These(Vec<Vec<u8>>),
}

/// The bytes of names that fit into a handshake message of rustls, with some room for the rest.
const MAX_NAMES_BYTES: usize = 60_000;

impl ClientAuth {
    /// Only clients with a trusted certificate get through the handshake.
    pub fn require(anchors: TrustAnchors) -> Self {
        Self::new(Mode::Require, anchors)
    }

    /// Clients without a certificate are let in as anonymous, those with an untrusted one are not.
    pub fn if_given(anchors: TrustAnchors) -> Self {
        Self::new(Mode::IfGiven, anchors)
    }

    /// Everybody is let in, so that a page can explain what is wrong with a certificate.
    ///
    /// # Security
    ///
    /// If handlers are reachable without a policy, then anybody gets in: this mode refuses nobody
    /// but those who do not hold the key of the certificate that they show.
    pub fn request(anchors: TrustAnchors) -> Self {
        Self::new(Mode::Request, anchors)
    }

    fn new(mode: Mode, anchors: TrustAnchors) -> Self {
        Self {
            mode,
            anchors,
            profile: Profile::default(),
            pins: Pins::default(),
            revocation: None,
            names: Names::OfAnchors,
        }
    }

    /// Names of authorities to tell the clients, instead of those of the anchors.
    ///
    /// Browsers and .NET offer only certificates from the authorities that a server names. If the
    /// clients' certificates come from an intermediate or a cross-signed authority, its name has to
    /// be among these. Each is the DER of a distinguished name, such as
    /// [`Certificate::subject_der`](portcullis_core::Certificate::subject_der).
    pub fn advertised_names(mut self, names: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        self.names = Names::These(names.into_iter().map(|name| name.as_ref().to_vec()).collect());
        self
    }

    /// Tells the clients no names of authorities: they may offer any certificate they have.
    pub fn advertise_no_names(mut self) -> Self {
        self.names = Names::These(Vec::new());
        self
    }

    /// How many intermediate certificates a client may send, 5 unless set.
    pub fn most_intermediates(mut self, count: usize) -> Self {
        self.profile.intermediates = count;
        self
    }

    /// How many bytes a client's certificate may have, 16 KiB unless set.
    pub fn largest_certificate(mut self, bytes: usize) -> Self {
        self.profile.bytes = bytes;
        self
    }

    /// How many subject alternative names a client's certificate may have, 100 unless set.
    pub fn most_alternative_names(mut self, count: usize) -> Self {
        self.profile.names = count;
        self
    }

    /// How many bytes the intermediate certificates that a client sends may have together, 32 KiB unless set.
    pub fn most_intermediate_bytes(mut self, bytes: usize) -> Self {
        self.profile.intermediate_bytes = bytes;
        self
    }

    /// How many intermediates may stand between a client's certificate and its anchor.
    ///
    /// Unless set, as many as a client may send. No path has more than 6.
    pub fn longest_path(mut self, count: usize) -> Self {
        self.profile.path_length = count;
        self
    }

    /// How many bits RSA keys need, of clients and their issuers; 2048 unless set, and at least.
    pub fn smallest_rsa_key(mut self, bits: u32) -> Self {
        self.profile.rsa_bits = bits;
        self
    }

    /// Trusts only some of the keys that the anchors of a label vouch for.
    ///
    /// The client's public key, or that of an intermediate on its path, must have one of these
    /// SHA-256 fingerprints. Pin two, so that there is one to change over to. Fingerprints that are
    /// pinned for one label in several calls, and those of certificates, go together.
    pub fn pin_spki(
        self,
        label: impl Into<String>,
        fingerprints: impl IntoIterator<Item = Fingerprint>,
    ) -> Self {
        self.pin(label.into(), PinKind::PublicKey, fingerprints.into_iter().collect())
    }

    /// Trusts only some of the certificates that the anchors of a label vouch for.
    ///
    /// As [`pin_spki`](Self::pin_spki), with the fingerprints of whole certificates.
    pub fn pin_certificates(
        self,
        label: impl Into<String>,
        fingerprints: impl IntoIterator<Item = Fingerprint>,
    ) -> Self {
        self.pin(label.into(), PinKind::Certificate, fingerprints.into_iter().collect())
    }

    fn pin(mut self, label: String, kind: PinKind, fingerprints: Vec<Fingerprint>) -> Self {
        self.pins.add(label, kind, fingerprints);
        self
    }

    /// Which certificates are revoked, for these clients only.
    ///
    /// Unless set, it is what [`ServerTlsBuilder::revocation`](crate::ServerTlsBuilder::revocation)
    /// says.
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.revocation = Some(revocation);
        self
    }

    /// Also trusts client certificates that do not say what they are for.
    ///
    /// # Security
    ///
    /// If an anchor also issues for other purposes without saying so, then the holder of such a
    /// certificate, a mail or a server certificate for instance, gets in as a client.
    pub fn danger_allow_absent_extended_key_usage(mut self) -> Self {
        self.profile.needs_extended_key_usage = false;
        self
    }

    /// Also trusts client certificates whose only purpose is `anyExtendedKeyUsage`.
    ///
    /// # Security
    ///
    /// If an anchor issues such certificates for something else, then their holders get in.
    pub fn danger_allow_any_extended_key_usage(mut self) -> Self {
        self.profile.takes_any_extended_key_usage = true;
        self
    }

    /// Also refuses what RFC 5280 forbids though it harms nobody.
    ///
    /// Such as authorities and certificates without key identifiers, basicConstraints that is not
    /// critical, or an underscore in a DNS name. Home-made authorities do these things, so they are
    /// let through unless this is set. What could let somebody in is refused in any case. For lists
    /// of revoked certificates there is [`Revocation::strict`](crate::Revocation::strict).
    pub fn strict_profile(mut self) -> Self {
        self.profile.conformance = Conformance::Strict;
        self
    }

    /// Does not look at the key usage of the client's certificate and its issuers.
    ///
    /// # Security
    ///
    /// If a certificate was issued for encryption only, then its holder gets in all the same.
    pub fn danger_ignore_key_usage(mut self) -> Self {
        self.profile.respects_key_usage = false;
        self
    }

    /// The names that go into each handshake.
    pub(crate) fn hints(&self, anchors: &AnchorSet) -> Result<Vec<DistinguishedName>, TlsError> {
        let names = match &self.names {
            Names::OfAnchors => anchors.subjects(),
            Names::These(names) => names.iter().enumerate().map(read_name).collect::<Result<_, _>>()?,
        };
        // Each name goes with two bytes that tell its length.
        let bytes = names.iter().map(|name: &DistinguishedName| name.as_ref().len() + 2).sum();
        if bytes > MAX_NAMES_BYTES {
            return Err(TlsError::TooManyNames { bytes, limit: MAX_NAMES_BYTES });
        }
        Ok(names)
    }
}

fn read_name((index, der): (usize, &Vec<u8>)) -> Result<DistinguishedName, TlsError> {
    match portcullis_core::certificate::Name::from_der(der) {
        Ok(_) => Ok(DistinguishedName::from(der.clone())),
        Err(_) => Err(TlsError::AdvertisedName { position: index + 1 }),
    }
}
