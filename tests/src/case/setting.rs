//! What a case chooses among.

use std::fmt;

use portcullis_tls::{ClientAuth, TrustAnchors};
use serde::Deserialize;

/// How clients are asked for certificates; `None` if they are not.
pub type Asked = Option<ClientAuth>;

/// How a listener asks for client certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// `ClientAuth::request`: asked for, and anything goes on to the policy.
    #[default]
    Request,
    /// `ClientAuth::if_given`: asked for, and a bad one fails the handshake.
    IfGiven,
    /// `ClientAuth::require`: none or a bad one fails the handshake.
    Require,
    /// TLS that asks for no certificate.
    NoClientAuth,
    /// No TLS, for probes.
    Plain,
    /// No TLS, and the framework's own server, so that nobody says who is calling.
    Foreign,
}

impl Mode {
    /// Whether there is a handshake.
    #[must_use]
    pub fn has_tls(self) -> bool {
        !matches!(self, Self::Plain | Self::Foreign)
    }

    /// What TLS does about clients in this mode; `None` without TLS.
    #[must_use]
    pub fn client_auth(self, anchors: TrustAnchors) -> Option<Asked> {
        match self {
            Self::Request => Some(Some(ClientAuth::request(anchors))),
            Self::IfGiven => Some(Some(ClientAuth::if_given(anchors))),
            Self::Require => Some(Some(ClientAuth::require(anchors))),
            Self::NoClientAuth => Some(None),
            Self::Plain | Self::Foreign => None,
        }
    }
}

/// How the application is put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// The guard around the finished router.
    #[default]
    Standard,
    /// The framework's path normaliser between the guard and the router.
    NormalizeInside,
    /// The framework's path normaliser around the guard.
    NormalizeOutside,
    /// CORS for `https://app.test` around the guard.
    Cors,
    /// A middleware behind the guard says that everybody is alice.
    DisguiseInside,
    /// A middleware before the guard says that everybody is alice.
    DisguiseOutside,
    /// A middleware behind the guard loses what the guard said, and says that everybody is alice.
    StrippedInside,
    /// A middleware before the guard asserts a connection of alice, by the name that is there for tests.
    AssertedOutside,
}

impl Shape {
    /// Whether handlers are told of another connection than the one they serve.
    #[must_use]
    pub fn replaces_connection(self) -> bool {
        matches!(self, Self::DisguiseInside | Self::AssertedOutside)
    }
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum Http {
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2.
    #[serde(rename = "2")]
    Two,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum Tls {
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    Two,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Three,
}

impl Http {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];
}

impl Tls {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Two, Self::Three];
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        })
    }
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Two => "TLS 1.2",
            Self::Three => "TLS 1.3",
        })
    }
}
