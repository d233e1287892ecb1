//! The roles, members and routes of the standard policy.

use anyhow::Result;
use portcullis_core::RoleMap;
use portcullis_core::certificate::{AttributeType, SanKind};
use portcullis_core::policy::PolicyBuilder;
use portcullis_core::rule::{
    Rule, all, anchor, any, any_role, anyone, authenticated, custom, issuer, nobody, role, san, subject,
};

/// The roles of every policy here.
pub fn roles(policy: PolicyBuilder) -> PolicyBuilder {
    policy
        .role("user", [])
        .role("moderator", ["user"])
        .role("admin", ["moderator"])
        .role("auditor", [])
        .role("suspended", [])
}

/// Who has which role.
///
/// # Errors
///
/// Never: the names are right.
pub fn members() -> Result<RoleMap> {
    Ok(RoleMap::new()
        .name("alice", ["admin"])?
        .name("alice@example.com", ["admin"])?
        .name("bob", ["user"])?
        .name("carol", ["admin", "suspended"])?
        .name("partner:alice", ["auditor"])?
        // What a name must not be taken for.
        .name("admin", ["admin"])?
        .name("root", ["admin"])?
        .name("first", ["admin"])?
        .name("last", ["admin"])?)
}

/// The routes of the standard policy: pattern and rule.
///
/// Together with the application of [`app`](crate::app), which answers everywhere, `/uncovered` included.
pub fn routes() -> Vec<(&'static str, Rule)> {
    let own = custom("own inbox", |scope| {
        let name = scope.principal().name().ok();
        name.is_some() && scope.param("name").as_deref() == name
    });
    let admins = role("admin").and(!role("suspended"));
    let mut routes = vec![
        ("GET /", anyone()),
        ("* /whoami", anyone()),
        ("GET /health", anyone()),
        ("GET /reports", role("user")),
        ("POST /reports", role("moderator")),
        ("GET /reports/{id}", role("user")),
        ("DELETE /reports/{id}", role("admin")),
        ("QUERY /reports/{id}", role("user")),
        ("* /admin/{*rest}", admins.clone()),
        ("GET /users/{name}/inbox", own.or(role("moderator"))),
        ("GET /files/{*rest}", authenticated()),
        ("GET /files/private/{*rest}", admins.clone()),
        ("GET /api/items/{id}", authenticated()),
        ("* /api/secret", admins.clone()),
        ("* /api/v1/deep/secret", admins),
        ("GET /café", authenticated()),
        ("GET /closed", nobody()),
        ("GET /dashboard", role("user")),
        ("GET /unrouted", anyone()),
    ];
    routes.extend(certificate_rules());
    routes
}

/// Routes that show what a rule makes of a certificate.
fn certificate_rules() -> Vec<(&'static str, Rule)> {
    let cn = || subject(AttributeType::CN);
    let ou = || subject(AttributeType::OU);
    vec![
        ("GET /rules/cn-is-alice", cn().eq("alice")),
        ("GET /rules/cn-is-admin", cn().eq("admin")),
        ("GET /rules/cn-is-first", cn().eq("first")),
        ("GET /rules/cn-is-last", cn().eq("last")),
        ("GET /rules/cn-has-first", cn().contains("first")),
        ("GET /rules/cn-has-last", cn().contains("last")),
        ("GET /rules/cn-is-luke", cn().eq("luke")),
        ("GET /rules/cn-is-duke", cn().eq("duke")),
        ("GET /rules/cn-is-joerg", cn().eq("j\u{f6}rg")),
        ("GET /rules/cn-begins-admin", cn().starts_with("admin")),
        ("GET /rules/cn-exists", cn().exists()),
        ("GET /rules/cn-is-not-x", !cn().eq("x")),
        ("GET /rules/cn-has-not-x", !cn().contains("x")),
        ("GET /rules/ou-is-eng", ou().eq("eng")),
        ("GET /rules/ou-has-eng", ou().contains("eng")),
        ("GET /rules/ou-has-ops", ou().contains("ops")),
        ("GET /rules/ou-is-admin", ou().eq("admin")),
        ("GET /rules/ou-has-duke", ou().contains("CN=duke,")),
        ("GET /rules/issuer-is-staff", issuer(AttributeType::CN).eq("Portcullis Test Staff CA")),
        ("GET /rules/anchor-is-staff", anchor("staff")),
        ("GET /rules/anchor-is-partner", anchor("partner")),
        ("GET /rules/uri-is-admin", san(SanKind::Uri).contains("spiffe://test/admin")),
        ("GET /rules/uri-is-mallory", san(SanKind::Uri).contains("spiffe://test/mallory")),
        ("GET /rules/uri-is-not-admin", !san(SanKind::Uri).contains("spiffe://test/admin")),
        ("GET /rules/dns-is-admin", san(SanKind::Dns).contains("admin.test")),
        ("GET /rules/dns-is-not-admin", !san(SanKind::Dns).contains("admin.test")),
        ("GET /rules/dns-is-constrained", san(SanKind::Dns).contains("admin.evil.test")),
        ("GET /rules/email-is-admin", san(SanKind::Email).contains("admin@admin.test")),
        ("GET /rules/email-is-alice", san(SanKind::Email).contains("alice@example.com")),
        ("GET /rules/upn-is-admin", san(SanKind::Upn).contains("admin@admin.test")),
        ("GET /rules/ip-is-local", san(SanKind::Ip).contains("127.0.0.1")),
        ("GET /rules/no-admin", !role("admin")),
        ("GET /rules/authenticated", authenticated()),
        ("GET /rules/callers-not-suspended", authenticated().and(!role("suspended"))),
        ("GET /rules/anyone-or-admin", any([anyone(), role("admin")])),
        ("GET /rules/admin-and-anyone", all([role("admin"), anyone()])),
        ("GET /rules/any-role", any_role(["auditor", "moderator"])),
    ]
}
