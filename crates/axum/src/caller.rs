//! The extractor for handlers that need somebody.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use portcullis_core::{Certificate, Identity, Principal, Roles};
use portcullis_tower::Admission;

use crate::rejection::{Rejection, admission};

/// The authenticated caller: somebody with a verified certificate and a name.
///
/// On a route that is open to others as well, they are refused as the guard would do it. Take an
/// `Option<Caller>` to let them in, or a [`Peer`](crate::Peer) to tell them apart.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use portcullis_axum::Caller;
///
/// async fn report(caller: Caller) -> String {
///     let level = if caller.has_role("auditor") { "full" } else { "short" };
///     format!("the {level} report for {}", caller.name())
/// }
///
/// async fn home(caller: Option<Caller>) -> String {
///     format!("hello {}", caller.as_ref().map_or("stranger", Caller::name))
/// }
///
/// let app: Router = Router::new().route("/", get(home)).route("/report", get(report));
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    identity: Identity,
    name: Box<str>,
    principal: Principal,
}

impl Caller {
    fn of(principal: &Principal) -> Option<Self> {
        let identity = principal.identity()?.clone();
        let name = principal.name().ok()?.into();
        Some(Self { identity, name, principal: principal.clone() })
    }

    /// The name: the field that the policy declares for the anchor that vouched.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the caller has the role, directly or because another one includes it.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.principal.has_role(role)
    }

    /// The roles.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        self.principal.roles()
    }

    /// The verified certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// The certificate with who vouched for it.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The principal that the guard decided for.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let admission = admission(parts)?;
        Self::of(admission.principal()).ok_or_else(|| Rejection::refused(admission, parts))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Rejection> {
        admission(parts).map(Admission::principal).map(Self::of)
    }
}
