//! The servers of one adapter: one per configuration, shared by all cases that ask for it.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use portcullis_core::Authorizer;
use portcullis_tls::{ServerTlsBuilder, TrustAnchors};
use tokio::sync::OnceCell;

use crate::adapter::{Adapter, Listener, Running, Setup};
use crate::case::{Case, Mode, Shape};
use crate::fixtures::{fixtures, weak_file};
use crate::{policy, trust};

/// What tells one server from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Key {
    /// How it asks for certificates.
    pub mode: Mode,
    /// Its policy.
    pub policy: String,
    /// The labels of its trust anchors.
    pub anchors: Vec<String>,
    /// What else decides about certificates, and which sites there are.
    pub trust: String,
    /// How its application is put together.
    pub shape: Shape,
}

impl Key {
    /// The standard application in a mode.
    #[must_use]
    pub fn of_mode(mode: Mode) -> Self {
        Self {
            mode,
            policy: "standard".into(),
            anchors: vec!["staff".into()],
            trust: "standard".into(),
            shape: Shape::Standard,
        }
    }

    /// The standard application under another trust.
    #[must_use]
    pub fn of_trust(mode: Mode, trust: &str) -> Self {
        Self { trust: trust.into(), ..Self::of_mode(mode) }
    }
}

impl From<&Case> for Key {
    fn from(case: &Case) -> Self {
        Self {
            mode: case.mode,
            policy: case.policy.clone(),
            anchors: case.anchors.clone(),
            trust: case.trust.clone(),
            shape: case.app,
        }
    }
}

type Starting = Pin<Box<dyn Future<Output = Result<Running>> + Send>>;

/// One adapter with its running servers.
pub struct Bench {
    /// The adapter's name.
    pub adapter: &'static str,
    start: Box<dyn Fn(Setup) -> Starting + Send + Sync>,
    servers: Mutex<HashMap<Key, Arc<OnceCell<Running>>>>,
}

impl Bench {
    /// A bench without servers yet.
    #[must_use]
    pub fn new<A: Adapter>() -> Self {
        Self {
            adapter: A::NAME,
            start: Box::new(|setup| Box::pin(A::start(setup))),
            servers: Mutex::default(),
        }
    }

    /// The address of the server for a configuration, started when first asked for.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub async fn server(&self, key: &Key) -> Result<SocketAddr> {
        let cell = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(servers.entry(key.clone()).or_default())
        };
        let running = cell.get_or_try_init(|| async {
            let listener = match tls(key)? {
                Some(builder) => Listener::Tls(builder.build()?),
                None if key.mode == Mode::Plain => Listener::Plain,
                None => Listener::Foreign,
            };
            self.fresh(policy::authorizer(&key.policy)?, listener, key.shape).await
        });
        Ok(running.await?.address)
    }

    /// A server that nobody else uses.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub async fn fresh(&self, auth: Authorizer, listener: Listener, shape: Shape) -> Result<Running> {
        let folder = fixtures()?.folder().to_owned();
        (self.start)(Setup { auth, listener, shape, folder }).await
    }
}

/// The TLS of a configuration, to be changed and built; `None` for plain HTTP.
///
/// # Errors
///
/// If the fixtures do not fit.
pub fn tls(key: &Key) -> Result<Option<ServerTlsBuilder>> {
    let fixtures = fixtures()?;
    let mut anchors = TrustAnchors::new();
    for label in &key.anchors {
        anchors = match &**label {
            "pinned" => {
                let pinned = fixtures.client("hostile:selfsigned")?;
                anchors.pinned_certificate(label, pinned.certificate_der())
            }
            "weak" => anchors.pem_file(label, weak_file("ca.pem")),
            _ => anchors.der(label, fixtures.anchor(label)?.certificate_der()),
        };
    }
    match key.mode.client_auth(anchors) {
        Some(client_auth) => trust::server(&key.trust, client_auth).map(Some),
        None => Ok(None),
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("adapter", &self.adapter).finish_non_exhaustive()
    }
}
