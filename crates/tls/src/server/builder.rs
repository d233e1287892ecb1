//! The settings of a server's TLS configuration.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use tokio::sync::Semaphore;

use super::configs::{Configs, Templates};
use super::reload::Reloads;
use super::settings::Settings;
use super::{ServerTls, Shared, Trust};
use crate::clock::Clock;
use crate::handshake::half_open::HalfOpen;
use crate::listener::PENDING;
use crate::{ClientAuth, KeyPair, Revocation, Site, TlsError, metric, provider};

/// The settings of a server's TLS configuration.
#[must_use]
pub struct ServerTlsBuilder {
    key_pair: KeyPair,
    client_auth: Option<ClientAuth>,
    revocation: Option<Revocation>,
    sites: Vec<Site>,
    has_tickets: bool,
    provider: Option<Arc<CryptoProvider>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    handshake_timeout: Duration,
    concurrent_handshakes: usize,
    handshakes_per_peer: usize,
    clock: Clock,
}

impl ServerTlsBuilder {
    pub(super) fn new(key_pair: KeyPair) -> Self {
        Self {
            key_pair,
            client_auth: None,
            revocation: None,
            sites: Vec::new(),
            has_tickets: false,
            provider: None,
            versions: vec![&rustls::version::TLS13, &rustls::version::TLS12],
            handshake_timeout: Duration::from_secs(10),
            concurrent_handshakes: 1024,
            handshakes_per_peer: PENDING / 4,
            clock: Clock::default(),
        }
    }

    /// Asks clients for a certificate. Unless this is set, none is asked for.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = Some(client_auth);
        self
    }

    /// Which client certificates are revoked, on all sites that do not say otherwise.
    ///
    /// Unless set, certificates are good until they expire.
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.revocation = Some(revocation);
        self
    }

    /// Adds a site with names, a certificate, and possibly a client authentication of its own.
    pub fn site(mut self, site: Site) -> Self {
        self.sites.push(site);
        self
    }

    /// Has clients keep their sessions themselves, sealed in tickets.
    ///
    /// Unless set, the server keeps the last 256 sessions of each configuration. The key of the
    /// tickets is new every six hours, and after every reload that changes certificates or anchors. It
    /// never leaves the process, so nobody resumes at another instance or after a restart.
    pub fn session_tickets(mut self) -> Self {
        self.has_tickets = true;
        self
    }

    /// The cryptography to use.
    ///
    /// Unless set, it is the one that the features of this crate bring along: aws-lc-rs, or ring if
    /// that is the only one.
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The protocol versions to offer, TLS 1.2 and 1.3 unless set.
    pub fn versions(mut self, versions: impl IntoIterator<Item = &'static SupportedProtocolVersion>) -> Self {
        self.versions = versions.into_iter().collect();
        self
    }

    /// How long a handshake may take, from the first byte awaited to the last, 10 seconds unless set.
    ///
    /// The first byte must come within 3 seconds of them, so that clients which say nothing do not
    /// keep a place for long.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// How many handshakes may be computed at once, 1024 unless set; others wait for their turn.
    ///
    /// While a handshake waits for its client it computes nothing, and needs no turn. As each thread
    /// of the runtime computes one at most, a number below theirs keeps some for requests.
    pub fn concurrent_handshakes(mut self, count: usize) -> Self {
        self.concurrent_handshakes = count;
        self
    }

    /// How many connections of one peer may have a handshake that is not done, 1024 unless set.
    ///
    /// More than these are closed. A peer is an IPv4 address, or the /64 network of an IPv6 address.
    /// It is a quarter of what a [`TlsListener`](crate::TlsListener) holds, so that no peer alone keeps
    /// the others out. Behind a load balancer that hides the addresses of clients, they all are one
    /// peer: raise it there. A process that may open 1024 files only, as is usual in shells, needs
    /// fewer, or `ulimit -n` raised.
    pub fn handshakes_per_peer(mut self, count: usize) -> Self {
        self.handshakes_per_peer = count;
        self
    }

    /// Where the time comes from, in seconds since 1970-01-01 00:00:00 UTC; for tests.
    ///
    /// Handshakes, sessions and the certificate behind each request are judged by it. The conditions of
    /// a policy have the time of the request.
    ///
    /// # Security
    ///
    /// If this clock is late, then clients with expired certificates get in.
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(clock);
        self
    }

    /// Reads all files, checks everything, and makes the configuration.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, a certificate, key or anchor is no good, or the settings do not go
    /// together. The message says which, and what to do.
    pub fn build(self) -> Result<ServerTls, TlsError> {
        if self.concurrent_handshakes == 0 {
            return Err(TlsError::Zero { setting: "concurrent_handshakes" });
        }
        if self.handshakes_per_peer == 0 {
            return Err(TlsError::Zero { setting: "handshakes_per_peer" });
        }
        if self.handshake_timeout.is_zero() {
            return Err(TlsError::Zero { setting: "handshake_timeout" });
        }
        metric::describe();
        let provider = self.provider.or_else(provider::built_in).ok_or(TlsError::NoProvider)?;
        let settings = Settings {
            key_pair: self.key_pair,
            client_auth: self.client_auth,
            revocation: self.revocation,
            sites: self.sites,
            provider,
            clock: self.clock,
            counters: Arc::default(),
        };
        let trust = Arc::new(Trust::new(settings.load(FIRST_GENERATION)?));
        let templates = {
            let snapshot = trust.load();
            snapshot.announce();
            Templates::new(&settings, &self.versions, self.has_tickets, &snapshot, &trust)?
        };
        Ok(ServerTls(Arc::new(Shared {
            reloads: Reloads::new(settings.clock.now()),
            settings,
            versions: self.versions,
            has_tickets: self.has_tickets,
            trust,
            configs: Configs::new(templates),
            handshake_timeout: self.handshake_timeout,
            turns: Semaphore::new(self.concurrent_handshakes.min(Semaphore::MAX_PERMITS)),
            half_open: HalfOpen::new(self.handshakes_per_peer),
        })))
    }
}

/// The number of the trust that a server begins with.
const FIRST_GENERATION: u64 = 1;

impl fmt::Debug for ServerTlsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTlsBuilder")
            .field("key_pair", &self.key_pair)
            .field("client_auth", &self.client_auth)
            .field("sites", &self.sites)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("concurrent_handshakes", &self.concurrent_handshakes)
            .field("handshakes_per_peer", &self.handshakes_per_peer)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(feature = "aws-lc-rs", feature = "ring"))))]
mod tests {
    use super::*;

    #[test]
    fn without_cryptography_there_is_no_tls() {
        let error = ServerTls::builder(KeyPair::from_pem("", "")).build().unwrap_err();
        assert_eq!(error, TlsError::NoProvider);
    }
}
