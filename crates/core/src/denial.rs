//! Why a request was refused: little for the client, everything for the operator.

mod accept;
mod cause;
mod id;
mod log;
mod page;
mod problem;
mod suggestion;

use std::fmt;

pub(crate) use cause::Cause;
pub use id::DenialId;
pub use page::Rendered;
pub(crate) use suggestion::Suggestions;

use crate::peer::{Distrust, Peer};
use crate::policy::{Policy, RouteIndex};
use crate::principal::{NameFault, Principal};
use crate::request::Request;
use crate::rule::Rule;

/// A refused request.
///
/// A response may carry the [`kind`](Self::kind), the [`status`](Self::status) and the
/// [`id`](Self::id). Everything else, [`Display`](fmt::Display) included, is for logs: it names
/// rules and certificates.
#[derive(Clone)]
pub struct Denial {
    kind: DenialKind,
    id: DenialId,
    cause: Cause,
    principal: Option<Principal>,
    route: Option<(Policy, RouteIndex)>,
    unauthorized_status: bool,
    pub(crate) closes_connection: bool,
    /// Whether it ends what its request, once let pass, had begun.
    is_under_way: bool,
}

/// The kind of a refusal: what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenialKind {
    /// The request could be read in two ways, and was not read at all.
    Firewall,
    /// Another site made a browser send it.
    CrossSite,
    /// A certificate might open this, and none was sent.
    CertificateRequired,
    /// A certificate was sent and not trusted.
    CertificateUntrusted,
    /// The caller is known and may not.
    Forbidden,
    /// No rule speaks of this request.
    NoRule,
    /// The host belongs to another TLS configuration.
    Misdirected,
    /// Something that the rule needs did not answer.
    Unavailable,
    /// The service itself is put together wrongly.
    Misconfigured,
}

impl DenialKind {
    /// A stable word: the end of the problem type, and a label for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Firewall => "firewall",
            Self::CrossSite => "cross-site",
            Self::CertificateRequired => "certificate-required",
            Self::CertificateUntrusted => "certificate-untrusted",
            Self::Forbidden => "forbidden",
            Self::NoRule => "no-rule",
            Self::Misdirected => "misdirected",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl fmt::Display for DenialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Denial {
    pub(crate) fn new(kind: DenialKind, cause: Cause, unauthorized_status: bool) -> Self {
        let id = DenialId::next();
        Self {
            kind,
            id,
            cause,
            principal: None,
            route: None,
            unauthorized_status,
            closes_connection: false,
            is_under_way: false,
        }
    }

    pub(crate) fn of(mut self, principal: &Principal) -> Self {
        self.principal = Some(principal.clone());
        self
    }

    pub(crate) fn by(mut self, policy: &Policy, route: RouteIndex) -> Self {
        self.route = Some((policy.clone(), route));
        self
    }

    /// The denial of what its request, once let pass, had begun.
    pub(crate) fn under_way(mut self) -> Self {
        self.is_under_way = true;
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> DenialKind {
        self.kind
    }

    /// The id that stands in the response and in the log.
    #[must_use]
    pub fn id(&self) -> DenialId {
        self.id
    }

    /// The HTTP status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind {
            DenialKind::Firewall => 400,
            DenialKind::CertificateRequired | DenialKind::CertificateUntrusted
                if self.unauthorized_status =>
            {
                401
            }
            DenialKind::CertificateRequired
            | DenialKind::CertificateUntrusted
            | DenialKind::CrossSite
            | DenialKind::Forbidden
            | DenialKind::NoRule => 403,
            DenialKind::Misdirected => 421,
            DenialKind::Unavailable => 503,
            DenialKind::Misconfigured => 500,
        }
    }

    /// Whether the response should end the connection, so that the client is asked for a
    /// certificate again when it comes back.
    #[must_use]
    pub fn closes_connection(&self) -> bool {
        self.closes_connection
    }

    /// Who was refused; `None` when nobody was asked.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// Why the certificate was not trusted, if one was sent that was not.
    ///
    /// # Security
    ///
    /// If this is shown to the client, it learns what the service trusts: fine among colleagues,
    /// unwanted on the open internet.
    #[must_use]
    pub fn distrust(&self) -> Option<&Distrust> {
        match self.principal.as_ref()?.peer() {
            Peer::Untrusted { reason, .. } => Some(reason),
            Peer::Anonymous | Peer::Verified(_) => None,
        }
    }

    /// The pattern of the route whose rule decided, as written in the policy.
    #[must_use]
    pub fn route(&self) -> Option<String> {
        let (policy, index) = self.route.as_ref()?;
        policy.route(*index).map(ToString::to_string)
    }

    /// The rule that decided.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        let (policy, index) = self.route.as_ref()?;
        policy.route(*index).map(|route| route.rule())
    }

    /// The policy block that would decide this request, when no rule does; once per route.
    ///
    /// # Security
    ///
    /// If it is pasted as it stands, every authenticated caller gets in: it is a beginning, not advice.
    #[must_use]
    pub fn suggestion(&self, request: &Request<'_>) -> Option<String> {
        matches!(self.cause, Cause::NoRule { news: true }).then(|| suggestion::block(request))
    }

    /// What made the decision, in words that quote no certificate and no source of roles.
    pub(crate) fn cause(&self) -> String {
        let begun = if self.is_under_way { "what it had begun was cut off: " } else { "" };
        match self.name_fault() {
            Some(fault) => format!("{begun}{}; {fault}", self.cause),
            None => format!("{begun}{}", self.cause),
        }
    }

    fn name_fault(&self) -> Option<&NameFault> {
        let principal = self.principal.as_ref()?;
        principal.identity()?;
        principal.name().err()
    }
}

/// What happened, for the operator.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause())?;
        if let Some(failed) = self.principal.as_ref().and_then(|p| p.roles().unavailable()) {
            write!(f, "; a source of roles failed: {}", failed.escape_debug())?;
        }
        if let Some(reason) = self.distrust() {
            write!(f, "; the certificate was not trusted: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denial")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("route", &self.route())
            .field("cause", &self.to_string())
            .finish_non_exhaustive()
    }
}
