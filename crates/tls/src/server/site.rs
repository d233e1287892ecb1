//! One of several sites on one listener.

use std::fmt;

use crate::{ClientAuth, KeyPair};

/// A site with names, a certificate and possibly rules of its own, next to others on one listener.
///
/// Which site a connection belongs to is told by the server name in its handshake (SNI): a name given
/// as a whole goes before a wildcard, which stands for exactly one label. A client that names none, or
/// one that no site has, gets the certificate and the rules that the builder was made with.
///
/// A request for a host whose site judges clients in another way than the site of its connection is
/// refused with 421, and so is one that names no host at all.
///
/// # Security
///
/// If a site is open to everybody by [`without_client_auth`](Self::without_client_auth), and handlers
/// do not look at the host, then whoever connects to it gets to those handlers without a certificate.
///
/// # Examples
///
/// ```
/// use portcullis_tls::{ClientAuth, KeyPair, ServerTls, Site, TrustAnchors};
///
/// # let authority = portcullis_pki::Authority::new("Example CA")?;
/// # let issue = |name: &str| -> Result<KeyPair, portcullis_pki::PkiError> {
/// #     let server = authority.server().dns(name).issue()?;
/// #     Ok(KeyPair::from_der(server.chain_der().to_vec(), server.key_der()))
/// # };
/// # let (public, admin) = (issue("www.example.com")?, issue("admin.example.com")?);
/// let staff = TrustAnchors::new().der("staff", authority.certificate_der());
/// let tls = ServerTls::builder(public)
///     .site(Site::new(["admin.example.com"], admin).client_auth(ClientAuth::require(staff)))
///     .build()?;
/// assert!(!tls.has_one_client_auth());
/// # let again = issue("admin.example.com")?;
///
/// // A name that cannot be is a mistake.
/// let refused = ServerTls::builder(issue("www.example.com")?).site(Site::new(["a..b"], again)).build();
/// assert!(refused.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Site {
    pub(super) names: Vec<String>,
    pub(super) key_pair: KeyPair,
    pub(super) client_auth: Asked,
}

/// Who is asked for a certificate.
#[derive(Debug)]
pub(super) enum Asked {
    /// As on the site that the builder was made with.
    AsByDefault,
    Nobody,
    Clients(Box<ClientAuth>),
}

impl Site {
    /// A site with these names, such as `admin.example.com` or `*.internal.example.com`.
    ///
    /// Names beyond ASCII are written in their `xn--` form, as clients send them.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>, key_pair: KeyPair) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { names, key_pair, client_auth: Asked::AsByDefault }
    }

    /// Asks clients of this site for a certificate, in its own way.
    ///
    /// Unless set, it is done as the builder says.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = Asked::Clients(Box::new(client_auth));
        self
    }

    /// Asks nobody for a certificate on this site, whatever the builder says.
    pub fn without_client_auth(mut self) -> Self {
        self.client_auth = Asked::Nobody;
        self
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("names", &self.names)
            .field("key_pair", &self.key_pair)
            .field("client_auth", &self.client_auth)
            .finish()
    }
}
