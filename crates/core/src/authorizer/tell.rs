//! What happens after a decision: whoever has to know is told, and nobody of them can change it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Authorizer, Judgement, State, Verdict};
use crate::audit::{Asked, AuditLosses, Record};
use crate::decision::Decision;
use crate::denial::{Denial, DenialKind};
use crate::metric;
use crate::peer::live::Connection;
use crate::policy::RouteIndex;
use crate::principal::Principal;
use crate::request::Request;

use super::Difference;

/// What is asked, on which connection, and since when; the time only if somebody wants to know.
#[derive(Clone, Copy)]
pub(super) struct Inquiry<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) connection: Option<&'a Connection>,
    pub(super) begun: Option<Instant>,
}

/// What came of it.
struct Outcome<'a> {
    decision: &'a Decision,
    principal: Option<&'a Principal>,
    route: Option<RouteIndex>,
    difference: Option<Difference>,
}

impl Authorizer {
    /// How many audit events did not reach their sinks, all sinks together.
    #[must_use]
    pub fn audit_losses(&self) -> AuditLosses {
        self.0.recorders.losses()
    }

    /// Waits until the audit sinks have written what was decided so far; false if the time runs out.
    ///
    /// For an orderly end of the program; it blocks the thread. Dropping the last clone of an
    /// authorizer does the same, for at most two seconds.
    #[must_use = "if it is false, the end of the program loses what is left"]
    pub fn flush_audit(&self, limit: Duration) -> bool {
        self.0.recorders.flush(limit)
    }

    /// Makes the verdict of a judgement, and tells it.
    pub(super) fn conclude(
        &self,
        state: &Arc<State>,
        inquiry: Inquiry<'_>,
        principal: Option<Principal>,
        judgement: Judgement,
    ) -> Verdict {
        let difference = match (&state.candidate, &principal) {
            (Some(candidate), Some(principal)) => {
                candidate.compare(inquiry.request, principal, &state.policy, &judgement)
            }
            _ => None,
        };
        let Judgement { mut decision, route } = judgement;
        if let Decision::Deny(denial) = &mut decision {
            mark(denial, inquiry.connection);
        }
        let principal_ref = principal.as_ref();
        self.tell(
            state,
            inquiry,
            &Outcome { decision: &decision, principal: principal_ref, route, difference },
        );
        Verdict { decision, principal }
    }

    /// Tells of a denial that came after the request had been let pass.
    pub(super) fn tell_late(&self, inquiry: Inquiry<'_>, denial: &Denial) {
        let state = self.0.state.load();
        let route = state.policy.find(inquiry.request).map(|route| route.index());
        let decision = Decision::Deny(denial.clone());
        let outcome = Outcome { decision: &decision, principal: denial.principal(), route, difference: None };
        self.tell(&state, inquiry, &outcome);
    }

    fn tell(&self, state: &Arc<State>, inquiry: Inquiry<'_>, outcome: &Outcome<'_>) {
        let Inquiry { request, connection, begun } = inquiry;
        match outcome.decision {
            Decision::Allow => log_allowed(inquiry, state, outcome),
            Decision::Deny(denial) => denial.log(request, connection),
        }
        metric::decided(outcome.decision);
        let (allowed, differs) = (outcome.decision.is_allowed(), outcome.difference.is_some());
        self.0.recorders.record(allowed, differs, || Record {
            state: Arc::clone(state),
            decision: outcome.decision.clone(),
            principal: outcome.principal.cloned(),
            route: outcome.route,
            difference: outcome.difference,
            latency: begun.map_or(Duration::ZERO, |begun| begun.elapsed()),
            asked: Asked::of(request, connection),
        });
    }
}

/// Marks a denial that should end its connection, so that the client is asked for a certificate again.
pub(super) fn mark(denial: &mut Denial, connection: Option<&Connection>) {
    denial.closes_connection =
        matches!(denial.kind(), DenialKind::CertificateRequired | DenialKind::CertificateUntrusted)
            && connection.is_some_and(Connection::asks_again);
}

#[cfg(feature = "tracing")]
fn log_allowed(inquiry: Inquiry<'_>, state: &State, outcome: &Outcome<'_>) {
    let name = |p: &Principal| p.name().ok().map(|name| name.escape_debug().to_string());
    tracing::debug!(
        target: "portcullis::allow",
        method = %inquiry.request.method().escape_debug(),
        path = %inquiry.request.path().escape_debug(),
        peer_address = inquiry.connection.and_then(|c| c.info().peer_address).map(tracing::field::display),
        peer = outcome.principal.map(|p| p.peer().name()),
        name = outcome.principal.and_then(name),
        sha256 = outcome.principal.and_then(Principal::identity).map(|i| tracing::field::display(i.certificate().sha256())),
        route = outcome.route.and_then(|route| state.policy.route(route)).map(tracing::field::display),
        trace_id = inquiry.request.trace_id().map(tracing::field::display),
        "request allowed",
    );
}

#[cfg(not(feature = "tracing"))]
fn log_allowed(_inquiry: Inquiry<'_>, _state: &State, _outcome: &Outcome<'_>) {}
