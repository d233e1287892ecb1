//! What the flags, or the configuration file, make of the server.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use portcullis_core::Authorizer;
use portcullis_tls::{
    ClientAuth, Configuration, KeyPair, Passphrase, PolicyWatcher, Revocation, ServerTls, TrustAnchors,
    TrustWatcher, WatchError, Watchers,
};

use crate::{Args, ClientAuthMode, Greeting, authorizer, development};

/// Everything that a server needs.
#[derive(Debug)]
pub struct Setup {
    /// Where to listen.
    pub listen: String,
    /// The server's certificate, and how clients are judged by theirs.
    pub tls: ServerTls,
    /// Who may do what.
    pub auth: Authorizer,
    /// What bounds connections.
    pub limits: Limits,
    /// What to say once the server listens.
    pub greeting: Greeting,
    /// Follow the files of policy, certificates and trust as long as they are kept.
    pub watchers: Watchers,
}

/// What bounds connections; the framework's own limit where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many there may be at a time.
    pub connections: Option<usize>,
    /// How long to wait for the next request.
    pub header_read_timeout: Option<Duration>,
    /// When to end one.
    pub age: Option<Duration>,
    /// How often to judge the peer of an idle or a streaming one.
    pub recheck: Option<Duration>,
    /// How long requests have to end at a shutdown.
    pub shutdown: Duration,
}

impl Args {
    /// Reads all files and checks everything.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used; the text names it and says what to do.
    pub fn setup(&self) -> anyhow::Result<Setup> {
        match &self.config {
            Some(path) => from_configuration(path),
            None => from_flags(self),
        }
    }
}

fn from_flags(args: &Args) -> anyhow::Result<Setup> {
    let (cert, key, ca) =
        (args.server_cert.as_deref(), args.server_key.as_deref(), args.client_ca.as_deref());
    let material = development::Material::new(cert, key, ca)?;
    let anchors = TrustAnchors::new().pem_file("clients", &material.client_ca);
    let client_auth = match args.client_auth {
        ClientAuthMode::Require => ClientAuth::require(anchors),
        ClientAuthMode::IfGiven => ClientAuth::if_given(anchors),
        // Browsers keep certificates of other authorities to themselves if they are told names, and the
        // page could not say what is wrong with them.
        ClientAuthMode::Request => ClientAuth::request(anchors).advertise_no_names(),
    };
    let key_pair = match &material.server_cert {
        Some(cert) => KeyPair::from_pem_files(cert, &material.server_key),
        None => KeyPair::from_pkcs12_file(&material.server_key),
    };
    let key_pair = match (&args.server_key_passphrase_env, &args.server_key_passphrase_file) {
        (Some(variable), _) => key_pair.passphrase(Passphrase::env(variable)),
        (None, Some(file)) => key_pair.passphrase(Passphrase::file(file)),
        // Nobody is asked if the key is not encrypted.
        (None, None) if material.development.is_none() => key_pair.passphrase(Passphrase::prompt()),
        (None, None) => key_pair,
    };
    let mut tls = ServerTls::builder(key_pair).client_auth(client_auth);
    if let Some(revocation) = revocation(&args.crl, args.deny_list.as_deref()) {
        tls = tls.revocation(revocation);
    }
    let tls = tls.build().context("the server cannot start")?;
    let auth = authorizer()?;
    let mut watchers = Watchers::default().trust(TrustWatcher::start(&tls)?);
    if let Some(path) = &args.policy {
        watchers =
            watchers.policy(PolicyWatcher::start(path, &auth).map_err(|error| picture("policy", error))?);
    }
    let limits = Limits {
        connections: None,
        header_read_timeout: None,
        age: None,
        recheck: None,
        shutdown: Duration::from_secs(10),
    };
    let greeting = Greeting::new(material.development, args.policy.as_deref());
    Ok(Setup { listen: args.listen.to_string(), tls, auth, limits, greeting, watchers })
}

/// What is revoked or blocked, if anything says so.
fn revocation(lists: &[PathBuf], deny_list: Option<&Path>) -> Option<Revocation> {
    let lists = (!lists.is_empty()).then(|| {
        lists.iter().fold(Revocation::deny_list(), |revocation, path| match path.is_dir() {
            true => revocation.crl_directory(path),
            false => revocation.crl_file(path),
        })
    });
    match deny_list {
        Some(file) => Some(lists.unwrap_or_else(Revocation::deny_list).deny_list_file(file)),
        None => lists,
    }
}

fn from_configuration(path: &Path) -> anyhow::Result<Setup> {
    let configuration = Configuration::from_file(path).map_err(|error| picture("configuration", error))?;
    let policy = configuration.policy().map_err(|error| picture("policy", error))?;
    let auth = configuration.authorizer(policy).build()?;
    let limits = Limits {
        connections: configuration.connection_limit(),
        header_read_timeout: configuration.header_read_timeout(),
        age: configuration.max_connection_age(),
        recheck: configuration.recheck_interval(),
        shutdown: configuration.shutdown_timeout().unwrap_or(Duration::from_secs(10)),
    };
    let tls = configuration.server_tls().context("the server cannot start")?;
    let watchers = configuration.watch(&tls, &auth).map_err(|error| match error {
        WatchError::Policy(error) => picture("policy", error),
        error => error.into(),
    })?;
    Ok(Setup {
        listen: configuration.listen().to_owned(),
        tls,
        watchers,
        auth,
        limits,
        greeting: Greeting::new(None, Some(configuration.policy_file())),
    })
}

/// The pictures of mistakes have lines of their own.
fn picture(what: &str, error: impl Display) -> anyhow::Error {
    anyhow!("the {what} cannot be used\n{error}")
}
