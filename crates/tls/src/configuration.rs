//! Everything that the builders take, from one file.

mod error;
mod section;
mod table;
mod value;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::policy::PolicyError;
use portcullis_core::{Authorizer, Policy};

pub use self::error::{ConfigurationError, ConfigurationMistake};
use self::section::Sections;
use crate::{
    PolicyWatcher, PolicyWatcherBuilder, ServerTls, ServerTlsBuilder, TrustWatcher, WatchError, Watchers,
};

/// More than any configuration has.
const MOST_BYTES: u64 = 1024 * 1024;

/// Everything that the builders take, from one file.
///
/// The file is TOML, with the sections `[server]`, `[clients]`, `[policy]` and possibly several of
/// `[[site]]` and `[[crl_fetch]]`; the
/// [README](crate#the-configuration-file) has a table of what can stand in them. Paths are relative
/// to the folder of the file. What is not set is as it is in the builders, and what is not known is an
/// error: every mistake is shown with a picture of its place.
///
/// # Security
///
/// If others can write to the file, then whoever they choose gets in. Settings that let in more than
/// the default have names that begin with `danger_`, and are logged at the start.
///
/// # Examples
///
/// ```
/// use portcullis_core::{Connection, Peer, Request};
/// use portcullis_tls::Configuration;
///
/// # let authority = portcullis_pki::Authority::new("Staff CA")?;
/// # let server = authority.server().issue()?;
/// # let folder = tempfile::tempdir()?;
/// # let path = |name: &str| folder.path().join(name);
/// # std::fs::write(path("server.pem"), server.chain_pem()?)?;
/// # std::fs::write(path("server.key"), server.key_pem()?)?;
/// # std::fs::write(path("staff-ca.pem"), authority.certificate_pem()?)?;
/// # std::fs::write(path("policy.toml"), "version = 1\n[[route]]\nmatch = 'GET /'\nallow = 'anyone'\n")?;
/// # std::fs::write(path("portcullis.toml"), r#"
/// #     [server]
/// #     listen = "[::]:8443"
/// #     certificate = "server.pem"
/// #     key = "server.key"
/// #     [clients]
/// #     mode = "request"
/// #     anchors = [{ label = "staff", file = "staff-ca.pem" }]
/// #     [policy]
/// #     file = "policy.toml"
/// # "#)?;
/// # let text = std::fs::read_to_string(path("portcullis.toml"))?;
/// # std::fs::write(path("mistaken.toml"), text.replace("certificate", "certifcate"))?;
/// let configuration = Configuration::from_file(path("portcullis.toml"))?;
/// let tls = configuration.server_tls()?;
/// let auth = configuration.authorizer(configuration.policy()?).build()?;
/// let watchers = configuration.watch(&tls, &auth)?;
///
/// let nobody = Connection::assertion(Peer::Anonymous);
/// assert!(tls.asks_for_certificates());
/// assert!(auth.decide(&Request::new("GET", "/"), Some(&nobody)).is_allowed());
/// assert!(!auth.decide(&Request::new("GET", "/admin"), Some(&nobody)).is_allowed());
///
/// let mistake = Configuration::from_file(path("mistaken.toml")).unwrap_err();
/// assert!(mistake.to_string().contains("did you mean `certificate`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Configuration {
    sections: Sections,
}

impl Configuration {
    /// Reads a file.
    ///
    /// The files that it names are read by the methods that need them.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or with every mistake that was found in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigurationError> {
        let path = path.as_ref();
        let text = read(path)
            .map_err(|reason| ConfigurationError::Unreadable { file: path.display().to_string(), reason })?;
        Self::read(path, &text)
    }

    /// Reads the text of a file that would be at `path`, which need not be there.
    ///
    /// # Errors
    ///
    /// With every mistake that was found.
    pub fn from_text(path: impl AsRef<Path>, text: &str) -> Result<Self, ConfigurationError> {
        Self::read(path.as_ref(), text)
    }

    fn read(path: &Path, text: &str) -> Result<Self, ConfigurationError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        match section::read(text, folder) {
            Ok(sections) => Ok(Self { sections }),
            Err(mistakes) => Err(ConfigurationError::mistakes(path, text, mistakes)),
        }
    }

    /// Where to listen: `host:port`.
    #[must_use]
    pub fn listen(&self) -> &str {
        &self.sections.server.listen
    }

    /// The TLS side of the server.
    ///
    /// # Errors
    ///
    /// If one of the files cannot be used, or a revocation list is not there and cannot be fetched; the
    /// message names it and says what to do.
    pub fn server_tls(&self) -> Result<ServerTls, ConfigurationError> {
        #[cfg(feature = "fetch")]
        for fetch in self.sections.fetches.iter().filter(|fetch| !fetch.file.exists()) {
            fetch.crl_fetch()?.fetch()?;
        }
        Ok(self.server_tls_builder()?.build()?)
    }

    /// The TLS side of the server, to be changed by what a file cannot say.
    ///
    /// # Errors
    ///
    /// If a file with names to advertise cannot be used.
    pub fn server_tls_builder(&self) -> Result<ServerTlsBuilder, ConfigurationError> {
        let mut builder = self.sections.server.builder();
        if let Some(clients) = &self.sections.clients {
            builder = builder.client_auth(clients.client_auth()?);
        }
        for site in &self.sections.sites {
            builder = builder.site(site.site()?);
        }
        Ok(builder)
    }

    /// How many connections to accept at a time, if the file sets it.
    #[must_use]
    pub fn connection_limit(&self) -> Option<usize> {
        self.sections.server.connection_limit
    }

    /// How long to wait for the next request of a connection, if the file sets it.
    #[must_use]
    pub fn header_read_timeout(&self) -> Option<Duration> {
        self.sections.server.header_read_timeout
    }

    /// After which time to end each connection, if the file sets it.
    #[must_use]
    pub fn max_connection_age(&self) -> Option<Duration> {
        self.sections.server.max_connection_age
    }

    /// How often to judge the peers of idle and of streaming connections, if the file sets it.
    #[must_use]
    pub fn recheck_interval(&self) -> Option<Duration> {
        self.sections.server.recheck_interval
    }

    /// How long requests under way have to end at a shutdown, if the file sets it.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Option<Duration> {
        self.sections.server.shutdown_timeout
    }

    /// The policy file.
    #[must_use]
    pub fn policy_file(&self) -> &Path {
        &self.sections.policy.file
    }

    /// The file of the policy that is only tried, if there is one.
    #[must_use]
    pub fn candidate_file(&self) -> Option<&Path> {
        self.sections.policy.candidate.as_deref()
    }

    /// Loads the policy file.
    ///
    /// One with custom conditions is to be loaded by [`Policy::loader`] from the
    /// [`policy_file`](Self::policy_file).
    ///
    /// # Errors
    ///
    /// With every mistake that was found in the policy.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        Policy::from_file(self.policy_file())
    }

    /// An authorizer for a policy, with the other settings of the section `[policy]`.
    pub fn authorizer(&self, policy: Policy) -> AuthorizerBuilder {
        self.sections.policy.apply(Authorizer::builder(policy))
    }

    /// Puts the policy file in force, and follows all files as long as the watchers live.
    ///
    /// These are the policy, the candidate, and what the TLS side reads. If the file says that changes
    /// are not to be followed, they hold with [`Watchers::reload`] only. For policies with custom
    /// conditions, build a [`PolicyWatcher`] with their loader.
    ///
    /// # Errors
    ///
    /// If one of the policies cannot be loaded, or does not define every role that a source of the
    /// authorizer gives, or a revocation list is to be fetched from where none can be.
    pub fn watch(&self, tls: &ServerTls, auth: &Authorizer) -> Result<Watchers, WatchError> {
        let follows = self.sections.server.follow_files;
        let policy = |builder: PolicyWatcherBuilder| match follows {
            true => builder.start(),
            false => builder.only_when_told().start(),
        };
        let mut watchers =
            Watchers::default().policy(policy(PolicyWatcher::builder(self.policy_file(), auth))?);
        if let Some(file) = self.candidate_file() {
            watchers = watchers.policy(policy(PolicyWatcher::builder(file, auth).candidate())?);
        }
        let trust = TrustWatcher::builder(tls);
        watchers = watchers.trust(if follows { trust.start()? } else { trust.only_when_told().start()? });
        #[cfg(feature = "fetch")]
        for fetch in &self.sections.fetches {
            let tls = tls.clone();
            // Who follows the files sees the new list by itself.
            let on_new = move || {
                if !follows {
                    // Logged, and kept in its status.
                    let _outcome = tls.reload();
                }
            };
            watchers = watchers.crl_fetch(fetch.crl_fetch()?.start(on_new)?);
        }
        Ok(watchers)
    }
}

fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    // Asked before it is opened: opening a pipe could wait for ever.
    if !path.metadata().map_err(told)?.is_file() {
        return Err("it is no file".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(told)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes: this is not the file that was meant"));
    }
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text: save it as UTF-8".into())
}
