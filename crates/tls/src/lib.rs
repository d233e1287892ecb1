#![doc = include_str!("../README.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod client_auth;
mod client_trust;
mod clock;
mod configuration;
mod connection;
mod counters;
mod error;
mod handshake;
mod judge;
mod key_pair;
mod lifetime;
mod listener;
mod metric;
mod ocsp;
mod passphrase;
mod pem;
mod possession;
mod provider;
mod reload;
mod revocation;
mod server;
mod sessions;
mod stream;
mod trust_anchors;
mod verifier;

pub use client_auth::ClientAuth;
pub use client_trust::{ClientTrust, ClientTrustBuilder, Vouched};
pub use configuration::{Configuration, ConfigurationError, ConfigurationMistake};
pub use connection::TlsConnection;
pub use error::TlsError;
pub use handshake::{HandshakeError, TlsAcceptor};
pub use key_pair::{KeyPair, KeyPairError};
pub use lifetime::{Lifetime, Lives, Watched};
pub use listener::TlsListener;
#[cfg(feature = "ocsp")]
pub use ocsp::OcspResponder;
pub use passphrase::{Passphrase, PassphraseError};
pub use pem::PemError;
pub use reload::{
    PolicyWatcher, PolicyWatcherBuilder, PolicyWatcherError, ReloadFailure, TrustWatcher,
    TrustWatcherBuilder, TrustWatcherError, WatchError, Watchers,
};
pub use revocation::{
    Coverage, Denied, Revocation, RevocationCoverage, RevocationError, RevocationListStatus, RevocationStatus,
};
#[cfg(feature = "fetch")]
pub use revocation::{CrlFetch, CrlFetchBuilder, CrlFetchError, CrlFetchTask, CrlFetched};
pub use rustls;
pub use server::{
    AnchorStatus, FailedReload, Reloaded, ServerTls, ServerTlsBuilder, Site, SiteStatus, TlsStatus,
};
pub use stream::TlsStream;
pub use trust_anchors::{TrustAnchors, TrustAnchorsError};
