//! The event that tells the operator what the client is not told.

#[cfg(feature = "tracing")]
use std::fmt;

use super::Denial;
use crate::peer::live::Connection;
use crate::request::Request;

/// How many bytes of a text that the client chose are logged. A certificate may hold 64 KiB of name,
/// and one handshake pays for any number of requests.
#[cfg(feature = "tracing")]
const LIMIT: usize = 512;

/// The beginning of a text; what is cut off is never even printed.
#[cfg(feature = "tracing")]
struct Beginning<T>(T);

#[cfg(feature = "tracing")]
impl<T: fmt::Display> fmt::Display for Beginning<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        let mut text = Limited { text: String::new() };
        let is_cut = write!(text, "{}", self.0).is_err();
        f.write_str(&text.text)?;
        if is_cut { f.write_str("\u{2026}") } else { Ok(()) }
    }
}

/// Takes so much and then refuses, which ends the printing.
#[cfg(feature = "tracing")]
struct Limited {
    text: String,
}

#[cfg(feature = "tracing")]
impl fmt::Write for Limited {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LIMIT - self.text.len().min(LIMIT);
        let fits = |end: &usize| more.is_char_boundary(*end);
        let end = (0..=room.min(more.len())).rev().find(fits).unwrap_or_default();
        self.text.push_str(more.get(..end).unwrap_or_default());
        if end < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Denial {
    /// One structured event for each denial. Everything that the client chose is escaped.
    #[cfg(feature = "tracing")]
    pub(crate) fn log(&self, request: &Request<'_>, connection: Option<&Connection>) {
        use crate::peer::Peer;

        let principal = self.principal();
        let certificate = principal.and_then(|p| match p.peer() {
            Peer::Anonymous => None,
            Peer::Untrusted { certificate, .. } => certificate.as_ref(),
            Peer::Verified(identity) => Some(identity.certificate()),
        });
        tracing::info!(
            target: "portcullis::denial",
            id = %self.id(),
            kind = self.kind().name(),
            status = self.status(),
            method = %Beginning(request.method().escape_debug()),
            path = %Beginning(request.path().escape_debug()),
            peer_address = connection.and_then(|c| c.info().peer_address).map(tracing::field::display),
            peer = principal.map(|p| p.peer().name()),
            name = principal.and_then(|p| p.name().ok()).map(|name| tracing::field::display(Beginning(name.escape_debug()))),
            subject = certificate.map(|c| tracing::field::display(Beginning(c.subject()))),
            sha256 = certificate.map(|c| tracing::field::display(c.sha256())),
            route = self.route().map(tracing::field::display),
            rule = self.rule().map(tracing::field::display),
            cause = %Beginning(self),
            trace_id = request.trace_id().map(tracing::field::display),
            "request denied",
        );
        if matches!(self.kind(), super::DenialKind::Misconfigured) {
            tracing::error!(target: "portcullis::denial", id = %self.id(), "{self}");
        }
        if let Some(block) = self.suggestion(request) {
            tracing::warn!(
                target: "portcullis::denial",
                id = %self.id(),
                "no rule matches `{} {}`; to open it to authenticated callers, add to the policy:\n{block}",
                Beginning(request.method().escape_debug()),
                Beginning(request.path().escape_debug()),
            );
        }
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the signature is the one of the feature `tracing`")]
    pub(crate) fn log(&self, _request: &Request<'_>, _connection: Option<&Connection>) {}
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_chose_is_cut_short() {
        let long = "é".repeat(40_000);
        let text = Beginning(&long).to_string();
        assert!(text.len() <= LIMIT + 3 && text.ends_with('…'), "{}", text.len());
        assert_eq!(Beginning("short").to_string(), "short");
        let exact = "x".repeat(LIMIT);
        assert_eq!(Beginning(&exact).to_string(), exact);
    }
}
