//! Chains that others made to test verifiers with, judged as a server would judge its clients.
//!
//! The folder with them is told by `PORTCULLIS_CORPORA`; they are no part of this project.

mod corpus;
mod divergences;
mod tally;
mod verifiers;

use std::path::PathBuf;

use corpus::Corpus;
use divergences::Divergences;
use tally::Tally;
use verifiers::Profile;

const FILES: [&str; 3] = ["limbo-client.json", "pkits-client.json", "bettertls-client.json"];

#[test]
fn chains_are_judged_as_their_corpora_expect() -> anyhow::Result<()> {
    let Some(folder) = folder()? else { return Ok(()) };
    let divergences = Divergences::read()?;
    let mut surprises = Vec::new();
    for file in FILES {
        let mut ours = Tally::default();
        let mut by_default = Tally::default();
        let mut theirs = Tally::default();
        for case in Corpus::read(&folder.join(file))?.cases {
            let verdict = verifiers::portcullis(&case, Profile::Strict)?;
            by_default.count(&case, verifiers::portcullis(&case, Profile::Default)?.is_ok());
            ours.count(&case, verdict.is_ok());
            theirs.count(&case, verifiers::plain_rustls(&case)?.is_ok());
            surprises.extend(surprise(&case, &verdict, &divergences));
        }
        println!("{file}\n{}", tally::side_by_side(&[&ours, &by_default, &theirs]));
        assert_eq!(ours.wrongly_accepted("core"), 0, "{file}: what RFC 5280 refuses was accepted");
        assert!(
            by_default.wrongly_accepted("core") <= theirs.wrongly_accepted("core"),
            "{file}: worse than rustls"
        );
    }
    surprises.extend(divergences.unused().map(|reason| format!("no case diverges any more: {reason}")));
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    Ok(())
}

/// What is wrong with a verdict, if it is neither the one expected nor one known to differ.
fn surprise(case: &corpus::Case, verdict: &Result<(), String>, divergences: &Divergences) -> Option<String> {
    let corpus::Case { id, basis, description, .. } = case;
    let agrees = verdict.is_ok() == case.is_good();
    let known = divergences.of(id);
    match (agrees, known) {
        (true, None) => None,
        (false, Some(known)) if known.accepts() == verdict.is_ok() => None,
        (true, Some(known)) => Some(format!("{id} agrees, though it should not: {}", known.because)),
        (false, _) => {
            let ours =
                verdict.as_ref().map_or_else(|reason| format!("refused, {reason}"), |()| "accepted".into());
            let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(format!("{id} ({basis}): {ours}\n    {description:.300}"))
        }
    }
}

/// Where the corpora are, unless this machine has none.
fn folder() -> anyhow::Result<Option<PathBuf>> {
    match std::env::var_os("PORTCULLIS_CORPORA") {
        Some(folder) => Ok(Some(folder.into())),
        None if std::env::var_os("CI").is_some() => anyhow::bail!("set PORTCULLIS_CORPORA to their folder"),
        None => {
            eprintln!("SKIPPED: no corpora were judged, since PORTCULLIS_CORPORA does not tell their folder");
            Ok(None)
        }
    }
}
