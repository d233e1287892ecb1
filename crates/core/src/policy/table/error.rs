//! Routes that contradict each other.

use thiserror::Error;

use super::RouteIndex;
use crate::policy::pattern::Pattern;

/// A route that cannot be added to a table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// Two routes for the same requests; the names of parameters make no difference.
    #[error("`{pattern}`{} is for the same requests as `{other}`; keep one of them", .host.as_ref().map(|host| format!(" for host `{host}`")).unwrap_or_default())]
    Duplicate {
        /// The pattern that was to be added.
        pattern: Pattern,
        /// The host it was to be added for.
        host: Option<Box<str>>,
        /// The pattern that is there.
        other: Pattern,
        /// Its index.
        other_index: RouteIndex,
    },
    /// A path with a host on one route and none on another.
    ///
    /// It would be unclear which of them a request for that host is for.
    #[error("`{pattern}` names {} and `{other}`, of the same path, names {}; name hosts on all routes of a path or on none", a_host(*.has_host), a_host(!*.has_host))]
    MixedHosts {
        /// The pattern that was to be added.
        pattern: Pattern,
        /// Whether it was to be added for a host.
        has_host: bool,
        /// The pattern that is there.
        other: Pattern,
        /// Its index.
        other_index: RouteIndex,
    },
    /// A host that no request can be for.
    #[error(
        "the host `{host}` of `{pattern}` is no host name or address; write it without port, such as `example.com` or `[::1]`"
    )]
    Host {
        /// The pattern that was to be added.
        pattern: Pattern,
        /// The host.
        host: Box<str>,
    },
    /// More routes than can be numbered.
    #[error("there are too many routes; 65,000 methods of your own or 4 billion routes are beyond any table")]
    TooLarge,
}

impl TableError {
    /// The route that is contradicted, if that is what is wrong.
    #[must_use]
    pub fn other(&self) -> Option<RouteIndex> {
        match self {
            Self::Duplicate { other_index, .. } | Self::MixedHosts { other_index, .. } => Some(*other_index),
            Self::Host { .. } | Self::TooLarge => None,
        }
    }
}

fn a_host(named: bool) -> &'static str {
    if named { "a host" } else { "none" }
}
