//! What adapters and handlers need once a verdict is there.

use super::tell::{Inquiry, mark};
use super::{Authorizer, Verdict};
use crate::decision::Decision;
use crate::denial::{Cause, Denial, DenialKind};
use crate::peer::Peer;
use crate::peer::live::Connection;
use crate::principal::Principal;
use crate::request::Request;

impl Verdict {
    /// Who may pass, or why nobody may.
    ///
    /// # Errors
    ///
    /// The denial.
    pub fn into_result(self) -> Result<Principal, Denial> {
        match (self.decision, self.principal) {
            (Decision::Allow, Some(principal)) => Ok(principal),
            (Decision::Deny(denial), _) => Err(denial),
            // Allowed for nobody: cannot come from here, and must not open anything if it ever does.
            (Decision::Allow, None) => {
                Err(Denial::new(DenialKind::Misconfigured, Cause::NoConnection, false))
            }
        }
    }
}

impl Authorizer {
    /// Whether adapters should hand over what the headers say of a request's origin and its trace.
    ///
    /// If not, they save the look-ups.
    #[must_use]
    pub fn reads_headers(&self) -> bool {
        self.0.cross_site.is_some() || self.0.recorders.are_listening()
    }

    /// The denial by a handler that needs an authenticated caller, on a route that lets others in, too.
    ///
    /// It is logged and recorded like any other, after the request itself, which was let pass.
    #[must_use]
    pub fn caller_required(
        &self,
        request: &Request<'_>,
        connection: Option<&Connection>,
        principal: &Principal,
    ) -> Denial {
        let denial = self.caller_denial(connection, principal);
        self.tell_denial(request, connection, &denial);
        denial
    }

    /// The same denial before anybody is told: the handler may yet make do without a caller.
    ///
    /// Once it stands in the response, [`tell_denial`](Self::tell_denial).
    #[must_use]
    pub fn caller_denial(&self, connection: Option<&Connection>, principal: &Principal) -> Denial {
        let kind = match principal.peer() {
            Peer::Anonymous => DenialKind::CertificateRequired,
            Peer::Untrusted { .. } => DenialKind::CertificateUntrusted,
            Peer::Verified(_) => DenialKind::Forbidden,
        };
        let mut denial = self.deny(kind, Cause::CallerRequired).of(principal);
        mark(&mut denial, connection);
        denial
    }

    /// Logs and records a denial that has been made for this request and not been told yet.
    pub fn tell_denial(&self, request: &Request<'_>, connection: Option<&Connection>, denial: &Denial) {
        let inquiry = Inquiry { request, connection, begun: self.0.recorders.clock() };
        self.tell_late(inquiry, denial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::rule::anyone;

    fn auth() -> Authorizer {
        let policy = Policy::builder().route("GET /", anyone()).build().unwrap();
        Authorizer::builder(policy).unauthorized_status().build().unwrap()
    }

    #[test]
    fn a_handler_that_needs_somebody_refuses_the_anonymous() {
        let (auth, request) = (auth(), Request::new("GET", "/"));
        let nobody = Connection::assertion(Peer::Anonymous);
        let crate::peer::live::Answer::Ready(verdict) = auth.authorize(&request, Some(&nobody)) else {
            panic!("nothing to wait for")
        };
        let principal = verdict.into_result().unwrap();
        let denial = auth.caller_required(&request, Some(&nobody), &principal);
        assert_eq!((denial.kind(), denial.status()), (DenialKind::CertificateRequired, 401));
        assert!(denial.to_string().starts_with("the handler needs an authenticated caller"), "{denial}");
    }

    #[test]
    fn allowed_for_nobody_is_denied() {
        let denial = Verdict { decision: Decision::Allow, principal: None }.into_result().unwrap_err();
        assert_eq!(denial.kind(), DenialKind::Misconfigured);
    }
}
