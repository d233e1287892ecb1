//! Deciding the requests of a connection: who is asking, and who may have to be waited for.

use std::sync::Arc;
use std::time::Duration;

use super::tell::Inquiry;
use super::{Authorizer, State, Verdict, resolve};
use crate::decision::Decision;
use crate::denial::{Cause, Denial, DenialKind};
use crate::peer::Peer;
use crate::peer::live::{Answer, Connection};
use crate::principal::Principal;
use crate::request::Request;
use crate::rule::Fault;

impl Authorizer {
    /// Decides a request of a connection, asking the sources of roles where that is needed.
    ///
    /// Ready at once unless a source has to wait or the certificate has to be verified again. Then
    /// it waits as long as they do; whoever serves requests takes
    /// [`authorize_with_timer`](Self::authorize_with_timer).
    ///
    /// # Security
    ///
    /// If the connection is absent although the listener asks for certificates, nobody gets in: the
    /// denial is of the kind [`DenialKind::Misconfigured`] and says what was forgotten.
    pub fn authorize(&self, request: &Request<'_>, connection: Option<&Connection>) -> Answer<Verdict> {
        self.authorize_with_timer(request, connection, |_| std::future::pending())
    }

    /// Decides a request of a connection, waiting for the sources of roles for a limited time.
    ///
    /// The timer is a function such as `tokio::time::sleep`. It is called only if something has to be
    /// waited for, with the [`source_limit`](Self::source_limit). A source that has not answered when
    /// the time is out counts as failed: what needs no role is open all the same, and a rule that needs
    /// a role which the others did not grant denies with 503.
    ///
    /// # Security
    ///
    /// If the timer never ends, nobody gets in while a source hangs, and its callers pile up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::{pending, ready};
    ///
    /// use portcullis_core::peer::live::Answer;
    /// use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
    /// use portcullis_core::rule::{authenticated, role};
    /// use portcullis_core::{Authorizer, Connection, Peer, Policy, Request};
    /// # use portcullis_core::{Certificate, Identity};
    ///
    /// struct Hangs;
    /// impl RoleProvider for Hangs {
    ///     fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
    ///         Answer::Pending(Box::pin(pending()))
    ///     }
    /// }
    ///
    /// # fn wait<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     let std::task::Poll::Ready(done) = std::pin::pin!(future).poll(&mut context) else { panic!() };
    /// #     done
    /// # }
    /// # let issued = portcullis_pki::Authority::new("Test CA")?.client("alice").issue()?;
    /// # let certificate = Certificate::from_der(issued.certificate_der())?;
    /// # let alice = Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")));
    /// let policy = Policy::builder()
    ///     .role("admin", [])
    ///     .route("GET /me", authenticated())
    ///     .route("GET /admin", role("admin"))
    ///     .build()?;
    /// let auth = Authorizer::builder(policy).roles(Hangs).build()?;
    /// let decide = |path| {
    ///     // Under tokio, the timer is `tokio::time::sleep`; this one is out at once.
    ///     let timer = |_| ready(());
    ///     wait(auth.authorize_with_timer(&Request::new("GET", path), Some(&alice), timer).get()).decision
    /// };
    /// assert!(decide("/me").is_allowed());
    /// assert_eq!(decide("/admin").denial().unwrap().status(), 503);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn authorize_with_timer<T>(
        &self,
        request: &Request<'_>,
        connection: Option<&Connection>,
        timer: impl FnOnce(Duration) -> T,
    ) -> Answer<Verdict>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let inquiry = Inquiry { request, connection, begun: self.0.recorders.clock() };
        let state = self.0.state.load();
        if let Err(denial) = self.admit(request, connection) {
            return Answer::Ready(self.conclude(&state, inquiry, None, denial.into()));
        }
        match self.resolve(&state, request.time(), connection, timer) {
            Answer::Ready(principal) => Answer::Ready(self.verdict(&state, inquiry, principal)),
            Answer::Pending(principal) => {
                let (auth, state) = (self.clone(), Arc::clone(&state));
                let (request, connection, begun) = (request.detach(), connection.cloned(), inquiry.begun);
                Answer::Pending(Box::pin(async move {
                    let principal = principal.await;
                    request.with(|request| {
                        let inquiry = Inquiry { request, connection: connection.as_ref(), begun };
                        auth.verdict(&state, inquiry, principal)
                    })
                }))
            }
        }
    }

    /// Decides a request of a connection at once; a source that would have to wait counts as failed.
    pub fn decide(&self, request: &Request<'_>, connection: Option<&Connection>) -> Decision {
        if let Err(denial) = self.admit(request, connection) {
            return Decision::Deny(denial);
        }
        let state = self.0.state.load();
        match self.resolve(&state, request.time(), connection, |_| std::future::pending()) {
            Answer::Ready(principal) => match self.bar(connection, &principal) {
                Some(denial) => Decision::Deny(denial),
                None => self.judge(&state.policy, request, &principal).decision,
            },
            Answer::Pending(_) => {
                Decision::Deny(self.deny(DenialKind::Unavailable, Cause::Fault(Fault::Unavailable)))
            }
        }
    }

    /// What can be said before anybody is asked who the peer is.
    fn admit(&self, request: &Request<'_>, connection: Option<&Connection>) -> Result<(), Denial> {
        self.screen(request)?;
        let Some(connection) = connection else {
            return if self.0.needs_connection {
                Err(self.deny(DenialKind::Misconfigured, Cause::NoConnection))
            } else {
                Ok(())
            };
        };
        if connection.covers(request.authority()) {
            Ok(())
        } else {
            Err(self.deny(DenialKind::Misdirected, Cause::Misdirected))
        }
    }

    fn resolve<T>(
        &self,
        state: &Arc<State>,
        now: i64,
        connection: Option<&Connection>,
        timer: impl FnOnce(Duration) -> T,
    ) -> Answer<Principal>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let timer = || self.timer(timer);
        match connection {
            Some(connection) => resolve::of_connection(&self.0, state, now, connection, timer),
            None => resolve::principal(&self.0, state, Peer::Anonymous, timer),
        }
    }

    fn verdict(&self, state: &Arc<State>, inquiry: Inquiry<'_>, principal: Principal) -> Verdict {
        let judgement = match self.bar(inquiry.connection, &principal) {
            Some(denial) => denial.into(),
            None => self.judge(&state.policy, inquiry.request, &principal),
        };
        self.conclude(state, inquiry, Some(principal), judgement)
    }

    /// What a connection says that serves trusted peers only, when its peer no longer is one.
    pub(super) fn bar(&self, connection: Option<&Connection>, principal: &Principal) -> Option<Denial> {
        let peer = principal.peer();
        if connection?.admits(peer) {
            return None;
        }
        let kind = match peer {
            Peer::Anonymous => DenialKind::CertificateRequired,
            Peer::Untrusted { .. } | Peer::Verified(_) => DenialKind::CertificateUntrusted,
        };
        Some(self.deny(kind, Cause::TrustLost).of(principal))
    }
}
