//! Whether what a request began may still go on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::tell::Inquiry;
use super::{Authorizer, State, resolve};
use crate::decision::Decision;
use crate::denial::{Cause, Denial, DenialKind};
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::principal::Principal;
use crate::request::{OwnedRequest, Request};

/// A request that was let pass, and whether what it began may still go on.
///
/// A response that streams, or a connection that was upgraded, can outlive the certificate, and the
/// policy that let it begin. The guards of the adapters watch over bodies by a [`Vigil`](super::Vigil) and
/// leave upgraded connections to their transport by [`Connection::hold`]; both ask here.
///
/// The request is decided anew as if it were made at that time, under the policy and the trust of that
/// time. It leaves no trace unless it is denied, which is logged and recorded once, as any denial.
/// Sources of roles are asked again only when the policy or the peer has changed.
pub struct Permit {
    auth: Authorizer,
    request: OwnedRequest,
    principal: Principal,
    seen: Seen,
    asking: Option<Asking>,
}

/// An answer to wait for: the policy that was in force when it was asked for, and who asks.
type Asking = Pin<Box<dyn Future<Output = (Arc<State>, Principal)> + Send>>;

/// What the last decision was made by. When it moves, another one is due at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// `None` if that policy is no longer in force.
    policy: Option<u64>,
    trust: Option<u64>,
}

impl Authorizer {
    /// The permit of a request that was let pass, made from the head as it was received.
    ///
    /// # Security
    ///
    /// If the principal is not the one of this request's verdict, then whoever sent it keeps what
    /// somebody else may have.
    #[must_use]
    pub fn permit(
        &self,
        request: &Request<'_>,
        connection: Option<&Connection>,
        principal: &Principal,
    ) -> Permit {
        let state = self.0.state.load();
        let is_in_force = principal.roles().is_under(state.policy.hierarchy());
        Permit {
            auth: self.clone(),
            request: request.detach(),
            principal: principal.clone(),
            seen: Seen { policy: is_in_force.then_some(state.generation), trust: trust(connection) },
            asking: None,
        }
    }

    /// How often what goes on after its request is decided anew.
    #[must_use]
    pub fn recheck_every(&self) -> Duration {
        self.0.recheck
    }
}

impl Permit {
    /// Whether the policy or the trust has been replaced since the last decision.
    ///
    /// Compares two numbers. Time moves as well, so ask [`poll_denied`](Self::poll_denied) every so often in any case.
    #[must_use]
    pub fn has_moved(&self, connection: Option<&Connection>) -> bool {
        self.seen != Seen { policy: Some(self.auth.0.state.load().generation), trust: trust(connection) }
    }

    /// Whether the request has become one that is denied, at the time given in seconds since the Unix epoch.
    ///
    /// Pending only while the certificate is judged, or sources of roles are waited for; then it has to
    /// be called again. They have as long as for a request.
    pub fn poll_denied<T>(
        &mut self,
        cx: &mut Context<'_>,
        connection: Option<&Connection>,
        now: i64,
        timer: impl FnOnce(Duration) -> T,
    ) -> Poll<Option<Denial>>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let mut asking = match self.asking.take() {
            Some(asking) => asking,
            None => match self.ask(connection, now, timer) {
                Answer::Ready((state, principal)) => {
                    return Poll::Ready(self.decide(&state, connection, now, principal));
                }
                Answer::Pending(asking) => asking,
            },
        };
        match asking.as_mut().poll(cx) {
            Poll::Ready((state, principal)) => Poll::Ready(self.decide(&state, connection, now, principal)),
            Poll::Pending => {
                self.asking = Some(asking);
                Poll::Pending
            }
        }
    }

    /// The authorizer that decides.
    #[must_use]
    pub fn authorizer(&self) -> &Authorizer {
        &self.auth
    }

    /// Whether an answer is waited for.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    pub(crate) fn is_for_same(&self, other: &Self) -> bool {
        let is_same = |a: &Request<'_>, b: &Request<'_>| {
            (a.method(), a.path(), a.authority()) == (b.method(), b.path(), b.authority())
        };
        Arc::ptr_eq(&self.auth.0, &other.auth.0)
            && self.request.with(|this| other.request.with(|other| is_same(this, other)))
    }

    /// Who asks now, and the policy that is in force now.
    fn ask<T>(
        &mut self,
        connection: Option<&Connection>,
        now: i64,
        timer: impl FnOnce(Duration) -> T,
    ) -> Answer<(Arc<State>, Principal)>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let state = self.auth.0.state.load_full();
        // Taken down before the answer, so that what moves meanwhile is not overlooked.
        let trust = trust(connection);
        let known = (self.seen.policy == Some(state.generation)).then(|| self.principal.clone());
        self.seen = Seen { policy: Some(state.generation), trust };
        let timer = || self.auth.timer(timer);
        let principal = match (connection, known) {
            (Some(connection), known) => {
                resolve::of_connection_again(&self.auth.0, &state, now, connection, known, timer)
            }
            (None, Some(known)) => Answer::Ready(known),
            (None, None) => resolve::principal(&self.auth.0, &state, Peer::Anonymous, timer),
        };
        match principal {
            Answer::Ready(principal) => Answer::Ready((state, principal)),
            Answer::Pending(principal) => Answer::Pending(Box::pin(async move { (state, principal.await) })),
        }
    }

    fn decide(
        &mut self,
        state: &State,
        connection: Option<&Connection>,
        now: i64,
        principal: Principal,
    ) -> Option<Denial> {
        let denial = self.request.with(|request| {
            let request = request.with_time(now);
            let denial = self.auth.denial_of(state, &request, connection, &self.principal, &principal)?;
            let denial = denial.of(&principal).under_way();
            self.auth.tell_late(Inquiry { request: &request, connection, begun: None }, &denial);
            Some(denial)
        });
        self.principal = principal;
        denial
    }
}

impl Authorizer {
    fn denial_of(
        &self,
        state: &State,
        request: &Request<'_>,
        connection: Option<&Connection>,
        before: &Principal,
        principal: &Principal,
    ) -> Option<Denial> {
        if connection.is_some_and(|connection| !connection.covers(request.authority())) {
            return Some(self.deny(DenialKind::Misdirected, Cause::Misdirected));
        }
        if let Some(denial) = self.bar(connection, principal) {
            return Some(denial);
        }
        if let Decision::Deny(denial) = self.weigh(&state.policy, request, principal).decision {
            return Some(denial);
        }
        // Even where everybody may go in, nobody goes on as somebody else than they began.
        let is_lost = before.identity().is_some() && principal.identity().is_none();
        is_lost.then(|| self.deny(DenialKind::CertificateUntrusted, Cause::TrustLost))
    }
}

fn trust(connection: Option<&Connection>) -> Option<u64> {
    connection.and_then(Connection::trust_generation)
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("principal", &self.principal).finish_non_exhaustive()
    }
}
