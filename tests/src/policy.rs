//! The policies that cases choose by name.

mod source;
mod standard;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::certificate::{AttributeType, SanKind};
use portcullis_core::policy::{PolicyBuilder, PolicyLoader};
use portcullis_core::principal::NameField;
use portcullis_core::request::CrossSite;
use portcullis_core::rule::{anyone, nobody, role};
use portcullis_core::{Ambiguity, Authorizer, Firewall, Policy, Rule};

pub(crate) use self::source::Later;
use self::source::{Failing, Hanging, panicking, silent};
pub use self::standard::{members, roles, routes};

/// How long the policy `roles never come` waits for them.
pub const SOURCE_LIMIT: Duration = Duration::from_millis(500);

/// The authorizer of a policy by its name: one of those here, or a file of `cases/policies/`.
///
/// # Errors
///
/// If there is none of that name, or it cannot be built.
pub fn authorizer(name: &str) -> Result<Authorizer> {
    Ok(match name {
        "probes" => Authorizer::without_certificates(["GET /health"])?,
        "beside one that opens everything" => beside(everywhere(anyone()))?,
        "beside one that closes everything" => beside(everywhere(nobody()))?,
        _ => builder(name)?.build()?,
    })
}

/// The policy itself, read once in each process.
///
/// # Errors
///
/// If there is none of that name, or it cannot be built.
pub fn named(name: &str) -> Result<Policy> {
    static POLICIES: Mutex<BTreeMap<String, Policy>> = Mutex::new(BTreeMap::new());
    let mut policies = POLICIES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(policy) = policies.get(name) {
        return Ok(policy.clone());
    }
    let policy = authorizer(name)?.policy();
    policies.insert(name.into(), policy.clone());
    Ok(policy)
}

/// What the authorizer is built from, for those who add to it, such as an audit.
///
/// # Errors
///
/// If there is none of that name, or the policy cannot be built.
pub fn builder(name: &str) -> Result<AuthorizerBuilder> {
    let plain = |policy: PolicyBuilder| -> Result<AuthorizerBuilder> {
        Ok(Authorizer::builder(policy.build()?).roles(members()?))
    };
    Ok(match name {
        "standard" => plain(standard())?,
        "named by e-mail" => plain(standard().anchor("staff", NameField::San(SanKind::Email)))?,
        "two anchors" => {
            let common_name = NameField::Subject(AttributeType::CN);
            let policy = standard().anchor("staff", common_name.clone());
            plain(policy.anchor_with_prefix("partner", common_name, "partner:"))?
        }
        "answers 401" => plain(standard())?.unauthorized_status(),
        "refuses other sites" => {
            plain(standard())?.cross_site(CrossSite::new().trusted_origin("https://partner.test"))
        }
        "lets encoded slashes through" => {
            plain(standard())?.firewall(Firewall::strict().danger_allow(Ambiguity::EncodedSlash)?)
        }
        "roles come later" => {
            let later = Later::new(members()?, Duration::from_millis(5));
            Authorizer::builder(standard().build()?).roles(later)
        }
        "roles fail" => plain(standard())?.roles(Failing),
        "roles panic" => plain(standard())?.roles(panicking),
        "roles never come" => plain(standard())?.roles(Hanging).source_limit(SOURCE_LIMIT),
        "a source that says nothing" => Authorizer::builder(standard().build()?).roles(silent),
        "hosts" => {
            let policy = roles(Policy::builder())
                .host_route("localhost", "GET /reports/{id}", role("user"))
                .host_route("public.test", "GET /reports/{id}", anyone());
            plain(policy)?
        }
        file if file.ends_with(".toml") => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/policies");
            Authorizer::builder(loader().file(folder.join(file))?)
        }
        _ => match name.strip_prefix("in the order ") {
            Some(order) => Authorizer::builder(loader().text("order.toml", &ordered(order)?)?),
            None => bail!("no policy is called `{name}`"),
        },
    })
}

fn standard() -> PolicyBuilder {
    routes().into_iter().fold(roles(Policy::builder()), |policy, (pattern, rule)| policy.route(pattern, rule))
}

fn everywhere(rule: Rule) -> PolicyBuilder {
    roles(Policy::builder()).route("* /{*rest}", rule)
}

/// The standard policy, which tries another one on each request.
fn beside(candidate: PolicyBuilder) -> Result<Authorizer> {
    let auth = builder("standard")?.build()?;
    auth.set_candidate(candidate.build()?)?;
    Ok(auth)
}

/// What the rules of policy files may call.
#[expect(clippy::panic, reason = "a condition that panics is what is tested")]
fn loader() -> PolicyLoader {
    Policy::loader()
        .custom("holds", |_| true)
        .custom("does not hold", |_| false)
        .custom("fails", |_| Err::<bool, _>("the file is gone"))
        .custom("panics", |_| -> bool { panic!("a condition panics on purpose") })
        .custom("own inbox", |scope| {
            let name = scope.principal().name().ok();
            name.is_some() && scope.param("name").as_deref() == name
        })
}

/// Routes that lie within each other, declared in an order such as `312`.
fn ordered(order: &str) -> Result<String> {
    let mut text = String::from("version = 1\n[roles.admin]\nmembers = [\"alice\"]\n");
    for digit in order.chars() {
        text += match digit {
            '1' => "[[route]]\nmatch = \"GET /l1/{*rest}\"\nallow = \"anyone\"\n",
            '2' => "[[route]]\nmatch = \"GET /l1/l2/{*rest}\"\nallow = \"authenticated\"\n",
            '3' => "[[route]]\nmatch = \"GET /l1/l2/l3/{*rest}\"\nallow = 'role(\"admin\")'\n",
            _ => bail!("`{digit}` is no route: write 1, 2 and 3"),
        };
    }
    ensure!(order.len() == 3, "`{order}` is not an order of three routes");
    Ok(text)
}
