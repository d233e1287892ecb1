//! The event that tells the operator what the client is not told.

use super::Denial;
use crate::peer::live::Connection;
use crate::request::Request;

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
            method = %request.method().escape_debug(),
            path = %request.path().escape_debug(),
            peer_address = connection.and_then(|c| c.info().peer_address).map(tracing::field::display),
            peer = principal.map(|p| p.peer().name()),
            name = principal.and_then(|p| p.name().ok()).map(|name| tracing::field::display(name.escape_debug())),
            subject = certificate.map(|c| tracing::field::display(c.subject())),
            sha256 = certificate.map(|c| tracing::field::display(c.sha256())),
            route = self.route().map(tracing::field::display),
            rule = self.rule().map(tracing::field::display),
            cause = %self,
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
                request.method().escape_debug(),
                request.path().escape_debug(),
            );
        }
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the signature is the one of the feature `tracing`")]
    pub(crate) fn log(&self, _request: &Request<'_>, _connection: Option<&Connection>) {}
}
