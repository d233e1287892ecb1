//! Who is calling, for handlers that need somebody.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use portcullis_core::{Certificate, Identity, Principal, Roles};

use crate::guard::Admission;
use crate::rejection::Rejection;

/// The authenticated caller of the request: verified, and with a name.
///
/// Where the rule of the route lets others in as well, they get the guard's page that asks for a
/// certificate, and the handler does not run. With `Option<Caller>` it runs for them, too.
///
/// # Security
///
/// If a handler takes `Option<Caller>` and no guard stands around the application, then everybody
/// gets in as nobody; each such request is logged as an error.
///
/// # Examples
///
/// ```
/// use actix_web::web;
/// use portcullis_actix::Caller;
///
/// async fn report(caller: Caller, id: web::Path<u32>) -> String {
///     let remark = if caller.has_role("editor") { " (you may edit it)" } else { "" };
///     format!("report {id} for {}{remark}", caller.name())
/// }
/// # let _ = web::get().to(report);
/// ```
#[derive(Clone)]
pub struct Caller {
    identity: Identity,
    name: Box<str>,
    principal: Principal,
}

impl Caller {
    fn new(principal: &Principal) -> Option<Self> {
        let identity = principal.identity()?.clone();
        let name = principal.name().ok()?.into();
        Some(Self { identity, name, principal: principal.clone() })
    }

    /// The name: the field of the certificate that the policy declares for the anchor that vouched.
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

    /// The proven identity: the certificate, and who vouched for it.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The principal that the request was decided for.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.principal).finish()
    }
}

impl FromRequest for Caller {
    type Error = Rejection;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = Admission::valid(request)
            .and_then(|admission| Self::new(admission.principal()).ok_or_else(Rejection::caller_required));
        ready(caller)
    }
}
