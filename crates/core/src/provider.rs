//! Where roles come from: a map, a closure, or something that has to be asked.

mod map;

use std::collections::BTreeMap;
use std::fmt;

pub use map::{RoleMap, RoleMapError};

use crate::identity::Identity;
use crate::peer::live::Answer;
use crate::role::Role;

/// A verified caller for whom roles are wanted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Account<'a> {
    /// The proven identity.
    pub identity: &'a Identity,
    /// The caller's name, as the policy's anchors define it.
    pub name: &'a str,
}

/// A source of roles.
///
/// Several may be combined: a caller has a role if any source gives it. Answers for a verified
/// caller only; nobody else has roles.
///
/// All that have to wait do so at the same time, up to the
/// [limit](crate::authorizer::AuthorizerBuilder::source_limit). One that is late, or panics, counts as failed;
/// its future is dropped. Only one that blocks its thread cannot be stopped.
///
/// # Security
///
/// If a source answers "none" when it could not find out, callers pass rules such as
/// `!role("suspended")`. Answer with [`ProviderError`] instead: then every rule that needs a role
/// which the others did not grant denies with 503.
///
/// # Examples
///
/// ```
/// use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
/// use portcullis_core::peer::live::Answer;
///
/// struct Legacy;
/// impl RoleProvider for Legacy {
///     fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
///         let name = account.name.to_owned();
///         Answer::Pending(Box::pin(async move {
///             if name == "alice" { Ok(Grants::from(["admin"])) } else { Ok(Grants::default()) }
///         }))
///     }
/// }
/// ```
pub trait RoleProvider: Send + Sync + 'static {
    /// The roles that this source gives the caller.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] when the source could not find out.
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>>;

    /// Whether the answer depends on the identity alone and never changes while the policy lives.
    ///
    /// Only then is it remembered for the rest of the connection; a failure never is.
    fn is_constant(&self) -> bool {
        false
    }

    /// The roles that this source can give, so that a misspelt one is found when the authorizer is built.
    fn declared(&self) -> Vec<Role> {
        Vec::new()
    }
}

impl<F, R> RoleProvider for F
where
    F: Fn(Account<'_>) -> R + Send + Sync + 'static,
    R: Into<Grants>,
{
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Ok(self(account).into()))
    }
}

/// What a source gives a caller. Roles that the policy does not define are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// The names of the roles.
    pub roles: Vec<Box<str>>,
    /// Roles of which it could not be told whether the caller has them, such as one that depends
    /// on a certificate field that cannot be read. A rule that needs one of them denies.
    pub erred: Vec<Box<str>>,
    /// What else is known of the caller, such as a department; rules read it as `principal.attributes.x`.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
}

impl Grants {
    /// Adds an attribute of the caller.
    ///
    /// If two sources give it different values, rules that read it cannot be decided.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for Grants {
    fn from(roles: [S; N]) -> Self {
        roles.into_iter().collect()
    }
}

impl<S: AsRef<str>> From<Vec<S>> for Grants {
    fn from(roles: Vec<S>) -> Self {
        roles.into_iter().collect()
    }
}

impl<S: AsRef<str>> From<Option<S>> for Grants {
    fn from(role: Option<S>) -> Self {
        role.into_iter().collect()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Grants {
    fn from_iter<I: IntoIterator<Item = S>>(roles: I) -> Self {
        let roles = roles.into_iter().map(|role| role.as_ref().into()).collect();
        Self { roles, ..Self::default() }
    }
}

/// A source of roles could not find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError(Box<str>);

impl ProviderError {
    /// A failure, in words for the operator; the client never sees them.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProviderError {}
