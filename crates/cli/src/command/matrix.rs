//! `portcullis matrix`: who may pass where, as a table of routes and roles.

mod page;

use std::path::PathBuf;

use portcullis_core::policy::{Matrix, Policy};
use serde_json::{Value, json};

use self::page::Page;
use crate::arguments::Format;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::style::{STRONG, Styled, access};
use crate::{input, policy};

/// With `--format html` it is one page that needs nothing else, with a filter; `markdown` is for
/// documents and reviews.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The policy file
    #[arg(value_name = "FILE")]
    policy: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let policy = policy::load(&arguments.policy)?;
    let matrix = policy.matrix();
    match output.format() {
        Format::Html => {
            output.text(&Page::new(&input::name(&arguments.policy), &policy, &matrix).render()?)?
        }
        Format::Markdown => {
            let note = policy::told_resources(&policy).map(|note| format!("\nNote: {note}.\n"));
            output.text(&(markdown(&matrix) + &note.unwrap_or_default()))?
        }
        Format::Human | Format::Json => {
            let note = policy::told_resources(&policy).map(|note| format!("note: {note}\n"));
            output.result(&(table(&matrix) + &note.unwrap_or_default()), &value(&policy, &matrix))?
        }
    }
    Ok(Outcome::Fine)
}

fn table(matrix: &Matrix) -> String {
    let titles: Vec<String> = matrix.callers().iter().map(ToString::to_string).collect();
    let route =
        matrix.rows().map(|row| row.route().chars().count()).max().unwrap_or_default().max("route".len());
    let mut text = format!("{:route$}", Styled(STRONG, "route"));
    for title in &titles {
        text += &format!("  {:7}", Styled(STRONG, title));
    }
    text = text.trim_end().to_owned() + "\n";
    for row in matrix.rows() {
        let cells = row.access().iter().zip(&titles).map(|(cell, title)| {
            let width = title.chars().count().max("depends".len());
            format!("  {:width$}", access(*cell))
        });
        let line = format!("{:route$}{}", row.route(), cells.collect::<String>());
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Pipes would end a cell.
fn markdown(matrix: &Matrix) -> String {
    let code = |text: &str| format!("`{}`", text.replace('`', "'").replace('|', "\\|"));
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = matrix.callers().iter().map(|caller| code(&caller.to_string()));
    let mut text = line(["route".to_owned()].into_iter().chain(titles).collect());
    text += &line(vec!["---".into(); matrix.callers().len() + 1]);
    for row in matrix.rows() {
        let cells = row.access().iter().map(ToString::to_string);
        text += &line([code(row.route())].into_iter().chain(cells).collect());
    }
    text
}

fn value(policy: &Policy, matrix: &Matrix) -> Value {
    let callers: Vec<_> = matrix.callers().iter().map(ToString::to_string).collect();
    let rows = matrix.rows().zip(policy.routes()).map(|(row, route)| {
        let cells = callers.iter().zip(row.access());
        let cells = cells.map(|(caller, cell)| (caller.clone(), Value::from(cell.to_string())));
        json!({
            "route": row.route(),
            "id": row.id(),
            "place": route.place().to_string(),
            "rule": route.rule().to_string(),
            "access": Value::Object(cells.collect()),
        })
    });
    json!({ "callers": callers, "rows": rows.collect::<Vec<_>>(), "resources": policy::value_of_resources(policy) })
}
