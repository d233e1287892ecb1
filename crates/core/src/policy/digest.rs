//! One number for everything that a policy decides by.

use std::fmt::Display;

use super::{Policy, ResourceRule, RoleDefinition};
use crate::certificate::Fingerprint;

impl Policy {
    /// SHA-256 over everything that the policy decides by: its rules, roles, members and anchors.
    ///
    /// The order of declaration does not matter, and neither do ids and descriptions. Two replicas
    /// with the same digest decide alike, as far as custom conditions, which count by their names,
    /// are the same. It takes as long as printing the policy; keep it if you need it often.
    ///
    /// # Examples
    ///
    /// ```
    /// use portcullis_core::Policy;
    /// use portcullis_core::rule::{anyone, authenticated};
    ///
    /// let one = Policy::builder().route("GET /", anyone()).route("GET /me", authenticated()).build()?;
    /// let same = Policy::builder().route("GET /me", authenticated()).route("GET /", anyone()).build()?;
    /// let wider = Policy::builder().route("GET /me", anyone()).route("GET /", anyone()).build()?;
    /// assert_eq!(one.digest(), same.digest());
    /// assert_ne!(one.digest(), wider.digest());
    /// # Ok::<(), portcullis_core::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> Fingerprint {
        let anchors = self.naming().anchors();
        let anchors = anchors
            .map(|(label, naming)| entry("anchor", [label, &naming.field.to_string(), &naming.prefix]));
        let routes = self.routes().map(|route| {
            let host = route.host().unwrap_or("*");
            entry("route", [route.pattern().as_str(), host, &route.rule().to_string()])
        });
        let rules = routes.chain(self.resources().map(resource));
        let mut entries: Vec<String> = anchors.chain(self.roles().map(role)).chain(rules).collect();
        entries.sort_unstable();
        Fingerprint::of(entries.concat().as_bytes())
    }
}

fn role(definition: &RoleDefinition) -> String {
    let mut includes: Vec<_> = definition.includes().iter().map(|role| entry("includes", [role])).collect();
    let mut members: Vec<_> = definition.members().map(|name| entry("member", [name])).collect();
    includes.sort_unstable();
    members.sort_unstable();
    let when = definition.when().map(|rule| entry("when", [rule])).unwrap_or_default();
    entry("role", [definition.role().name(), &includes.concat(), &members.concat(), &when])
}

fn resource(resource: &ResourceRule) -> String {
    let of = resource.resource_type();
    let mut fields: Vec<_> = of.fields().map(|(name, kind)| entry("field", [name, kind.as_str()])).collect();
    fields.sort_unstable();
    let parts = [of.name(), resource.action(), &fields.concat(), &resource.rule().to_string()];
    entry("resource", parts)
}

/// Each part with its length before it, so that no text can pass for the end of a part.
fn entry<T: Display, const N: usize>(kind: &str, parts: [T; N]) -> String {
    parts.into_iter().fold(format!("{kind}\n"), |mut text, part| {
        let part = part.to_string();
        text.push_str(&format!("{}:{part}\n", part.len()));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::SanKind;
    use crate::policy::PolicyBuilder;
    use crate::principal::NameField;
    use crate::rule::{anchor, anyone, role};

    fn base() -> PolicyBuilder {
        Policy::builder()
            .role("user", [])
            .role("auditor", [])
            .role("admin", ["user", "auditor"])
            .members("admin", ["alice", "bob"])
            .anchor("staff", NameField::default())
            .host_route("a.test", "GET /", role("admin"))
    }

    #[test]
    fn everything_that_decides_counts() {
        let digest = |builder: PolicyBuilder| builder.build().unwrap().digest();
        let all = [
            digest(base()),
            digest(base().members("user", ["carol"])),
            digest(base().members("admin", ["carol"])),
            digest(base().role("guest", [])),
            digest(base().role("guest", ["user"])),
            digest(base().role_when("admin", anchor("staff"))),
            digest(base().role_when("admin", anchor("mesh"))),
            digest(base().anchor_with_prefix("mesh", NameField::default(), "mesh:")),
            digest(base().anchor_with_prefix("mesh", NameField::San(SanKind::Email), "mesh:")),
            digest(base().anchor_with_prefix("mesh", NameField::default(), "m:")),
            digest(base().host_route("b.test", "GET /", role("admin"))),
            digest(base().host_route("b.test", "GET /", role("user"))),
            digest(base().route("GET /x", anyone())),
            digest(base().route("* /x", anyone())),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn rules_about_resources_count_and_descriptions_do_not() {
        const FILE: &str = r#"
            version = 1
            [[resource]]
            type = "document"
            fields = { id = "string", level = "int" }
            action = "read"
            allow = "resource.level < 3"
        "#;
        let digest = |from: &str, to: &str| {
            let text = FILE.replace(from, to);
            assert!(from == to || text != FILE, "{from}");
            Policy::from_text("policy.toml", &text).unwrap().digest()
        };
        let base = digest("", "");
        for (from, to) in [
            ("< 3", "< 4"),
            ("\"read\"", "\"write\""),
            ("\"document\"", "\"page\""),
            ("id =", "key ="),
            ("id = \"s", "other = \"int\", id = \"s"),
        ] {
            assert_ne!(digest(from, to), base, "{from}");
        }
        for (from, to) in [
            ("id = \"string\", level = \"int\"", "level = \"int\", id = \"string\""),
            ("action =", "description = \"what it is for\"\naction ="),
        ] {
            assert_eq!(digest(from, to), base, "{from}");
        }
    }

    #[test]
    fn order_does_not_count() {
        let reversed = Policy::builder()
            .host_route("a.test", "GET /", role("admin"))
            .anchor("staff", NameField::default())
            .role("admin", ["auditor", "user"])
            .members("admin", ["bob"])
            .members("admin", ["alice"])
            .role("auditor", [])
            .role("user", [])
            .role_description("user", "whoever works here")
            .build()
            .unwrap();
        assert_eq!(reversed.digest(), base().build().unwrap().digest());
    }
}
