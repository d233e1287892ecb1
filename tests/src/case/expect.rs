//! What must come of a case.

use anyhow::{Result, ensure};
use serde::Deserialize;

/// What must come of a case; every field that is given is asserted.
///
/// Whatever is expected, a denial is checked to be one: no handler ran, the response carries an id,
/// and nothing of the rule or of the certificate is in it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Expect {
    /// That the server does not even start, if `false`.
    pub starts: Option<bool>,
    /// How the handshake ends, if not well.
    pub handshake: Option<HandshakeOutcome>,
    /// The status of the response.
    pub status: Option<u16>,
    /// The kind of the denial, such as `forbidden`.
    pub kind: Option<String>,
    /// The decision apart from what the framework's router makes of the request.
    pub allowed: Option<bool>,
    /// Refused by the firewall or already by the framework's HTTP parser: no handler in any case.
    pub refused: Option<bool>,
    /// The handler that ran; empty for "none".
    pub handler: Option<String>,
    /// The path parameter as the handler sees it.
    pub param: Option<String>,
    /// `anonymous`, `untrusted` or `verified`, as the handler sees it.
    pub peer: Option<String>,
    /// The code of the distrust, as the handler sees it.
    pub reason: Option<String>,
    /// The caller's name; empty for "none".
    pub name: Option<String>,
    /// The caller's roles, sorted, with all that they include.
    pub roles: Option<Vec<String>>,
    /// The subject of the certificate, in RFC 4514 form.
    pub subject: Option<String>,
    /// The label of the trust anchor that vouched.
    pub anchor: Option<String>,
    /// Whether the connection ends after the response; looked at on HTTP/1.1.
    pub closes: Option<bool>,
    /// A header line that the response must have, such as `vary: accept`; with a dash before it, one
    /// whose name it must not have.
    pub header: Option<String>,
}

/// How a handshake ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HandshakeOutcome {
    /// The server refuses it with a fatal alert.
    Fails,
    /// The server refuses it, and the alert may be lost because it has not read everything.
    Cut,
}

/// Where one adapter differs from all others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exception {
    /// Why it cannot be otherwise.
    pub because: String,
    /// What must come of the case there. If the shared expectation holds as well, the run fails.
    pub expect: Expect,
}

impl Expect {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(*self != Self::default(), "the expectation asserts nothing");
        ensure!(
            self.handshake.is_none() || *self == (Self { handshake: self.handshake, ..Self::default() }),
            "after a failed handshake there is nothing else to assert"
        );
        ensure!(
            self.starts.is_none() || *self == (Self { starts: Some(false), ..Self::default() }),
            "`starts = false` stands alone, and nothing else can be said by `starts`"
        );
        ensure!(
            self.refused.is_none() || *self == (Self { refused: self.refused, ..Self::default() }),
            "`refused` stands alone: where adapters agree on more, assert that instead"
        );
        ensure!(self.refused != Some(false), "`refused = false` says nothing: write `allowed` or `kind`");
        Ok(())
    }
}
