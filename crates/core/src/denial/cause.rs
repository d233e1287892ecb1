//! What made a denial, for the operator.

use std::fmt;

use crate::request::Refusal;
use crate::rule::Fault;

/// What made the decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    Refusal(Refusal),
    CrossSite,
    NoConnection,
    Misdirected,
    /// `news` is set once per route, so that the log is not flooded with suggestions.
    NoRule {
        news: bool,
    },
    Rule,
    CallerRequired,
    Fault(Fault),
    /// The principal was made under a policy that is no longer in force.
    StalePrincipal,
    /// What went on after its request did so with a certificate that is no longer trusted.
    TrustLost,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(refusal) => refusal.fmt(f),
            Self::CrossSite => f.write_str("another site made the browser send it"),
            Self::NoConnection => f.write_str(
                "the request came without a connection identity: serve the application through \
                 portcullis (`serve`, `bind_portcullis` or its TLS listener), or use an authorizer \
                 made by `without_certificates` on listeners that ask for none",
            ),
            Self::Misdirected => f.write_str("the host belongs to another TLS configuration"),
            Self::NoRule { .. } => f.write_str("no route of the policy matches"),
            Self::StalePrincipal => {
                f.write_str("the policy has been replaced since the caller was looked up")
            }
            Self::TrustLost => f.write_str("its certificate has lost its trust"),
            Self::Rule => f.write_str("the rule is false"),
            Self::CallerRequired => f.write_str(
                "the handler needs an authenticated caller, but the rule of its route lets others in: \
                 tighten the rule, or take an optional caller",
            ),
            Self::Fault(fault) => write!(f, "the rule could not be decided: {fault}"),
        }
    }
}
