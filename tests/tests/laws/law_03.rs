//! Law 3: errors deny, also under a negation.

use portcullis_core::certificate::AttributeType;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError};
use portcullis_core::rule::{Rule, anyone, custom, nobody, role, subject};
use portcullis_core::{Authorizer, Policy, RoleProvider};
use portcullis_tests::policy::roles;

use crate::{passes, verified};

struct Down;

impl RoleProvider for Down {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("down")))
    }
}

/// Rules that cannot be decided for alice, when no source of roles answers.
fn undecidable() -> Vec<Rule> {
    vec![
        role("admin"),
        subject(AttributeType::L).eq("Paris"),
        custom("fails", |_| Err::<bool, _>("no")),
        custom("panics", |_| -> bool { panic!("on purpose") }),
    ]
}

#[test]
fn law_3_what_cannot_be_decided_is_denied_however_it_is_combined() {
    for error in undecidable() {
        let combinations = [
            ("alone", error.clone(), false),
            ("not", !error.clone(), false),
            ("not not", !!error.clone(), false),
            ("and true", error.clone().and(anyone()), false),
            ("true and", anyone().and(error.clone()), false),
            ("not (and true)", !error.clone().and(anyone()), false),
            ("or false", error.clone().or(nobody()), false),
            ("not (or false)", !error.clone().or(nobody()), false),
            // Whatever the error would have been, these two are decided.
            ("or true", error.clone().or(anyone()), true),
            ("not (and false)", !error.clone().and(nobody()), true),
        ];
        for (how, rule, expected) in combinations {
            let text = rule.to_string();
            let policy = roles(Policy::builder()).route("GET /", rule).build().unwrap();
            let auth = Authorizer::builder(policy).roles(Down).build().unwrap();
            assert_eq!(passes(&auth, "GET", "/", &verified("alice")), expected, "{how}: {text}");
        }
    }
}
