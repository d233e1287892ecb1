//! `pki list`: what was issued.

use std::time::SystemTime;

use portcullis_pki::{Entry, Status, Store};
use serde::Serialize;

use super::report::date;
use crate::{outcome::Failure, output::Output};

#[derive(Serialize)]
struct Row<'a> {
    status: Status,
    #[serde(flatten)]
    entry: &'a Entry,
}

pub(super) fn run(store: &Store, output: &mut Output) -> Result<(), Failure> {
    let now = SystemTime::now();
    let rows: Vec<_> =
        store.entries().iter().map(|entry| Row { status: store.status(entry, now), entry }).collect();
    let name = |row: &Row<'_>| format!("{}/{}", row.entry.kind().as_str(), row.entry.name());
    let width = rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:14}  {:10}  SERIAL\n", "NAME", "STATUS", "UNTIL");
    for row in &rows {
        text.push_str(&format!(
            "{:width$}  {:14}  {:10}  {}\n",
            name(row),
            row.status.as_str(),
            date(row.entry.not_after()),
            row.entry.serial()
        ));
    }
    output.result(&text, &rows)
}
