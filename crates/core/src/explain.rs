//! Why a request may pass, or may not, and what would turn that.
//!
//! ```
//! use portcullis_core::rule::role;
//! use portcullis_core::{Authorizer, Peer, Policy, Request};
//! # use portcullis_core::peer::live::Answer;
//!
//! let policy = Policy::builder().role("admin", []).route("* /admin/{*rest}", role("admin")).build()?;
//! let auth = Authorizer::builder(policy).build()?;
//! let Answer::Ready(nobody) = auth.principal(Peer::Anonymous) else { unreachable!() };
//!
//! let explanation = auth.explain(&Request::new("GET", "/admin/users"), &nobody);
//! assert!(!explanation.is_allowed());
//! assert!(explanation.to_string().contains(r#"false  role("admin")"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod json;
mod openings;
mod text;

pub use openings::{Openings, RoleChange};

use crate::authorizer::Authorizer;
use crate::decision::Decision;
use crate::denial::DenialKind;
use crate::principal::Principal;
use crate::request::Request;
use crate::role::Origin;
use crate::rule::{Scope, Trace};

/// Why a request may pass, or may not, and what would turn that.
///
/// It is the same evaluation run again, so it cannot disagree with the decision. Its
/// [`Display`](std::fmt::Display) is for people, [`to_json`](Self::to_json) for programs.
///
/// # Security
///
/// If it is shown to the caller, the caller reads the policy. It is for operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The method and path that were asked for.
    pub request: String,
    /// Who asked: the name, else what kind of peer it is.
    pub principal: String,
    /// The decision that was explained.
    pub decision: Decision,
    /// The route that decided; `None` if there is none, or the request was refused before.
    pub route: Option<ExplainedRoute>,
    /// The roles of the principal, each with where it came from.
    pub roles: Vec<ExplainedRole>,
    /// The roles that would turn the decision, if they were added or removed.
    pub openings: Openings,
}

/// The route that decided, and what its rule came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExplainedRoute {
    /// What logs and reports call it.
    pub id: String,
    /// What it matches.
    pub pattern: String,
    /// Where it is declared.
    pub place: String,
    /// Each part of its rule, with what it came to.
    pub rule: Trace,
}

/// A role that the principal has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedRole {
    /// Its name.
    pub name: String,
    /// Where it came from; several ways are possible.
    pub origins: Vec<Origin>,
}

impl Explanation {
    /// Whether the request may pass.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision.is_allowed()
    }
}

impl Authorizer {
    /// Explains what [`decide_for`](Self::decide_for) decides.
    ///
    /// Custom conditions are asked several times; nothing is logged, counted or recorded.
    #[must_use]
    pub fn explain(&self, request: &Request<'_>, principal: &Principal) -> Explanation {
        let policy = self.policy();
        let decision = self.decide_under(&policy, request, principal);
        // A request that the firewall refuses has no route, however its path reads.
        let is_read = decision
            .denial()
            .is_none_or(|denial| !matches!(denial.kind(), DenialKind::Firewall | DenialKind::CrossSite));
        let found = if is_read { policy.find(request) } else { None };
        let route = found.as_ref().and_then(|found| {
            let route = policy.route(found.index())?;
            Some(ExplainedRoute {
                id: route.id().to_owned(),
                pattern: route.to_string(),
                place: route.place().to_string(),
                rule: found.rule().trace(&Scope::new(request, principal, found)),
            })
        });
        let decide = |principal: &Principal| self.decide_under(&policy, request, principal).is_allowed();
        let openings = match &found {
            Some(found) => Openings::search(principal, found.rule(), decision.is_allowed(), decide),
            None => Openings::none(),
        };
        let names = principal.roles().names();
        let roles = names
            .map(|name| ExplainedRole { name: name.to_owned(), origins: principal.roles().origins(name) });
        Explanation {
            request: format!("{} {}", request.method().escape_debug(), request.path().escape_debug()),
            principal: match principal.name() {
                Ok(name) => name.escape_debug().to_string(),
                Err(_) => principal.peer().name().to_owned(),
            },
            decision,
            route,
            roles: roles.collect(),
            openings,
        }
    }
}
