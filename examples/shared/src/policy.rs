//! Who may do what: the only place of the application that speaks of security.

use portcullis_core::rule::{anyone, authenticated, role};
use portcullis_core::{Authorizer, Policy, RoleMap};

/// The policy of the example application, and who has which role.
///
/// # Errors
///
/// Never with the policy as it stands; a change to it that contradicts itself is found here.
pub fn authorizer() -> anyhow::Result<Authorizer> {
    let policy = Policy::builder()
        .role("user", [])
        .role("admin", ["user"])
        .route("GET /", anyone())
        .route("GET /whoami", anyone())
        .route("GET /health", anyone())
        .route("GET /static/{*file}", anyone())
        .route("GET /static/private/{*file}", role("admin"))
        .route("GET /reports/{id}", authenticated())
        .route("* /admin/{*rest}", role("admin"))
        .build()?;
    let roles = RoleMap::new().name("alice", ["admin"])?.name("bob", ["user"])?;
    Ok(Authorizer::builder(policy).roles(roles).build()?)
}
