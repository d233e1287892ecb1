//! Who may do what: `policy.toml`, as a part of the program.

use portcullis_core::{Authorizer, Policy};

/// The authorizer for the policy that is built in.
///
/// In Rust the same is said like this, with a `RoleMap` for who has which role:
///
/// ```
/// use portcullis_core::rule::{anyone, authenticated, role};
///
/// let policy = portcullis_core::Policy::builder()
///     .role("user", [])
///     .role("admin", ["user"])
///     .route("GET /", anyone())
///     .route("GET /reports/{id}", authenticated())
///     .route("* /admin/{*rest}", role("admin"))
///     .build()?;
/// # Ok::<(), portcullis_core::policy::PolicyError>(())
/// ```
///
/// # Errors
///
/// Never with the policy as it stands; a mistake in it is found by the tests.
pub fn authorizer() -> anyhow::Result<Authorizer> {
    let policy = Policy::from_text("examples/shared/policy.toml", include_str!("../policy.toml"))?;
    Ok(Authorizer::builder(policy).build()?)
}
