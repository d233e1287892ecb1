//! All that follows files on behalf of one server.

use super::{PolicyWatcher, TrustWatcher};
#[cfg(feature = "fetch")]
use crate::CrlFetchTask;

/// All that follows files on behalf of one server, for as long as it lives.
///
/// # Examples
///
/// ```
/// use portcullis_core::{Authorizer, Policy};
/// use portcullis_tls::{KeyPair, PolicyWatcher, ServerTls, TrustWatcher, Watchers};
///
/// # let server = portcullis_pki::Authority::new("Example CA")?.server().issue()?;
/// # let tls = ServerTls::builder(KeyPair::from_pem(server.chain_pem()?, server.key_pem()?)).build()?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("policy.toml");
/// # std::fs::write(&path, "version = 1\n")?;
/// let auth = Authorizer::builder(Policy::from_file(&path)?).build()?;
/// let watchers = Watchers::default()
///     .policy(PolicyWatcher::start(&path, &auth)?)
///     .trust(TrustWatcher::start(&tls)?);
///
/// // When somebody sends SIGHUP:
/// watchers.reload();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "files are followed only as long as this lives"]
pub struct Watchers {
    policies: Vec<PolicyWatcher>,
    trust: Vec<TrustWatcher>,
    #[cfg(feature = "fetch")]
    fetches: Vec<CrlFetchTask>,
}

impl Watchers {
    /// Adds one of a policy.
    pub fn policy(mut self, watcher: PolicyWatcher) -> Self {
        self.policies.push(watcher);
        self
    }

    /// Adds one of certificates and trust.
    pub fn trust(mut self, watcher: TrustWatcher) -> Self {
        self.trust.push(watcher);
        self
    }

    /// Adds one that fetches a revocation list.
    #[cfg(feature = "fetch")]
    pub fn crl_fetch(mut self, task: CrlFetchTask) -> Self {
        self.fetches.push(task);
        self
    }

    /// Those of policies.
    pub fn policies(&self) -> &[PolicyWatcher] {
        &self.policies
    }

    /// Has everything read again, whether files have changed or not.
    ///
    /// It returns at once, and may be called anywhere: threads of their own do it.
    pub fn reload(&self) {
        self.trust.iter().for_each(TrustWatcher::reload);
        self.policies.iter().for_each(PolicyWatcher::reload);
    }
}
