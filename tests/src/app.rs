//! What the handlers of the application under test answer, the same on every adapter.
//!
//! | path | handler |
//! | --- | --- |
//! | `/` | `home` |
//! | `/whoami` | `whoami` |
//! | `/health` | `health` |
//! | `/reports` | `reports` |
//! | `/reports/{id}` | `report` |
//! | `/admin`, `/admin/`, `/admin/{*rest}` | `admin` |
//! | `/users/{name}/inbox` | `inbox` |
//! | `/café` | `cafe` |
//! | `/dashboard`, `/dashboard.rsc`, `/uncovered`, `/closed` | `page` |
//! | `/rules/{name}` | `rule` |
//! | `/api/secret`, `/api/items/{id}`, nested | `api.secret`, `api.item` |
//! | `/api/v1/deep/secret`, nested twice | `api.deep` |
//! | `/files/{*rest}` | `files`, a folder |
//! | everything else | `fallback` |
//!
//! Every route takes every method, so that only the policy stands between a client and a handler.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use portcullis_core::{ConnectionInfo, Peer, Principal};
use serde::{Deserialize, Serialize};

/// The header by which a trial marks its requests.
pub const TRIAL: &str = "x-trial";

/// The header by which a response says which handler ran.
pub const HANDLER: &str = "x-handler";

/// What a handler saw, as the body of its response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The handler.
    pub handler: String,
    /// The path parameter, decoded by the framework.
    pub param: Option<String>,
    /// `anonymous`, `untrusted` or `verified`.
    pub peer: String,
    /// The code of the distrust.
    pub reason: Option<String>,
    /// The name of the caller.
    pub name: Option<String>,
    /// The roles of the caller, sorted.
    pub roles: Vec<String>,
    /// The subject of the certificate.
    pub subject: Option<String>,
    /// The label of the anchor that vouched.
    pub anchor: Option<String>,
    /// The version of TLS.
    pub tls_version: Option<String>,
    /// Whether the handshake resumed a session.
    pub resumed: bool,
}

impl Seen {
    /// What a handler sees of a request, as far as its framework hands it over.
    #[must_use]
    pub fn new(handler: &str, param: Option<String>, peer: &Peer, caller: Option<&Principal>) -> Self {
        let mut seen = Self { handler: handler.into(), param, peer: peer.name().into(), ..Self::default() };
        match peer {
            Peer::Anonymous => {}
            Peer::Untrusted { certificate, reason } => {
                seen.reason = Some(reason.code().into());
                seen.subject = certificate.as_ref().map(|c| c.subject().to_string());
            }
            Peer::Verified(identity) => {
                seen.subject = Some(identity.certificate().subject().to_string());
                seen.anchor = Some(identity.anchor().label().into());
            }
        }
        if let Some(caller) = caller {
            seen.name = caller.name().ok().map(Into::into);
            seen.roles = caller.roles().names().map(Into::into).collect();
            seen.roles.sort();
        }
        seen
    }

    /// Adds what is known of the connection.
    #[must_use]
    pub fn over(mut self, connection: Option<&ConnectionInfo>) -> Self {
        if let Some(info) = connection {
            self.tls_version = info.tls_version.map(Into::into);
            self.resumed = info.resumed;
        }
        self
    }

    /// The body of the response.
    #[must_use]
    pub fn body(&self) -> String {
        // Text and flags only: it cannot fail, and an empty body would fail every assertion.
        serde_json::to_string(self).unwrap_or_default()
    }
}

static RUNS: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

/// Notes that a handler ran for a trial.
pub fn note(trial: Option<&str>, handler: &str) {
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.entry(trial.unwrap_or_default().into()).or_default().push(handler.into());
}

/// The handlers that ran for a trial, in order, whatever became of their responses.
#[must_use]
pub fn runs(trial: &str) -> Vec<String> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner).get(trial).cloned().unwrap_or_default()
}
