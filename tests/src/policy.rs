//! The policies that cases choose by name.

use anyhow::{Result, bail};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::certificate::{AttributeType, SanKind};
use portcullis_core::peer::live::Answer;
use portcullis_core::policy::PolicyBuilder;
use portcullis_core::principal::NameField;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::rule::{
    Rule, all, anchor, any, any_role, anyone, authenticated, custom, issuer, nobody, role, san, subject,
};
use portcullis_core::{Ambiguity, Authorizer, Firewall, Policy, RoleMap, RoleProvider};

/// The authorizer of a policy by its name.
///
/// # Errors
///
/// If there is none of that name, or it cannot be built.
pub fn authorizer(name: &str) -> Result<Authorizer> {
    let plain = |policy: PolicyBuilder| -> Result<AuthorizerBuilder> {
        Ok(Authorizer::builder(policy.build()?).roles(members()?))
    };
    Ok(match name {
        "standard" => plain(standard())?.build()?,
        "named by e-mail" => plain(standard().anchor("staff", NameField::San(SanKind::Email)))?.build()?,
        "two anchors" => {
            plain(standard().anchor("staff", NameField::Subject(AttributeType::CN)).anchor_with_prefix(
                "partner",
                NameField::Subject(AttributeType::CN),
                "partner:",
            ))?
            .build()?
        }
        "answers 401" => plain(standard())?.unauthorized_status().build()?,
        "lets encoded slashes through" => {
            let firewall = Firewall::strict().danger_allow(Ambiguity::EncodedSlash)?;
            plain(standard())?.firewall(firewall).build()?
        }
        "roles come later" => Authorizer::builder(standard().build()?).roles(Later(members()?)).build()?,
        "roles fail" => plain(standard())?.roles(Failing).build()?,
        "roles panic" => plain(standard())?.roles(panicking).build()?,
        "probes" => Authorizer::without_certificates(["GET /health"])?,
        "hosts" => {
            let policy = roles(Policy::builder())
                .host_route("localhost", "GET /reports/{id}", role("user"))
                .host_route("public.test", "GET /reports/{id}", anyone());
            plain(policy)?.build()?
        }
        _ => bail!("no policy is called `{name}`"),
    })
}

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

fn standard() -> PolicyBuilder {
    routes().into_iter().fold(roles(Policy::builder()), |policy, (pattern, rule)| policy.route(pattern, rule))
}

/// Asks the map after a pause, as a database would.
struct Later(RoleMap);

impl RoleProvider for Later {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let answer = self.0.roles(account);
        Answer::Pending(Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            answer.get().await
        }))
    }
}

/// Cannot find out anything.
struct Failing;

impl RoleProvider for Failing {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("the directory is down: secret-directory.internal")))
    }
}

#[expect(clippy::panic, reason = "a source of roles that panics is what is tested")]
fn panicking(_account: Account<'_>) -> [&'static str; 0] {
    panic!("a source of roles panics on purpose")
}
