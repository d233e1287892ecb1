//! Configurations from files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod mistakes;
mod schema;
mod settings;

use portcullis_tls::{Configuration, ConfigurationError, ConfigurationMistake};

/// Everything that can be set, with other values than the defaults.
pub(crate) const EVERYTHING: &str = include_str!("everything.toml");
/// The same with what needs the feature `fetch`.
pub(crate) const COMPLETE: &str = concat!(include_str!("everything.toml"), include_str!("fetch.toml"));
/// Nothing that need not be set.
pub(crate) const LEAST: &str = r#"
[server]
listen = "[::]:8443"
certificate = "server.pem"
key = "server.key"
[policy]
file = "policy.toml"
"#;

pub(crate) fn mistakes(text: &str) -> Vec<ConfigurationMistake> {
    match Configuration::from_text("portcullis.toml", text) {
        Err(ConfigurationError::Mistakes { file, mistakes }) => {
            assert_eq!(file, "portcullis.toml");
            assert!(!mistakes.is_empty());
            mistakes
        }
        other => panic!("{text}: {other:?}"),
    }
}

/// Line, column, message and advice of the only mistake.
pub(crate) fn mistake(text: &str) -> (usize, usize, String, String) {
    let all = mistakes(text);
    let [mistake] = all.as_slice() else { panic!("{text}: {all:?}") };
    let help = mistake.help().unwrap_or_default().to_owned();
    (mistake.line(), mistake.column(), mistake.message().to_owned(), help)
}
