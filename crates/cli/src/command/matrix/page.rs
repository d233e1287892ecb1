//! The matrix as one page that needs nothing else.

use askama::Template;
use portcullis_core::policy::{Access, Matrix, MatrixRow, Policy, Route};

use crate::outcome::Failure;
use crate::policy;

/// The page; every text in it is escaped by the template.
#[derive(Template)]
#[template(path = "matrix.html")]
pub(super) struct Page {
    title: String,
    callers: Vec<String>,
    rows: Vec<Row>,
    /// What the table does not show.
    note: Option<String>,
}

struct Row {
    route: String,
    description: String,
    place: String,
    rule: String,
    cells: Vec<Cell>,
}

struct Cell {
    access: &'static str,
    sign: &'static str,
}

impl Page {
    pub(super) fn new(title: &str, policy: &Policy, matrix: &Matrix) -> Self {
        Self {
            title: title.to_owned(),
            callers: matrix.callers().iter().map(ToString::to_string).collect(),
            rows: matrix.rows().zip(policy.routes()).map(|(row, route)| Row::new(row, route)).collect(),
            note: policy::told_resources(policy),
        }
    }

    pub(super) fn render(&self) -> Result<String, Failure> {
        Template::render(self).map_err(|error| Failure::Other(format!("the page cannot be made: {error}")))
    }
}

impl Row {
    fn new(row: &MatrixRow, route: &Route) -> Self {
        Self {
            route: row.route().to_owned(),
            description: route.description().unwrap_or_default().to_owned(),
            place: route.place().to_string(),
            rule: route.rule().to_string(),
            cells: row.access().iter().map(|access| Cell::new(*access)).collect(),
        }
    }
}

impl Cell {
    /// A sign beside the colour, for those who do not see colours.
    fn new(access: Access) -> Self {
        match access {
            Access::Allow => Self { access: "allow", sign: "\u{2713}" },
            Access::Depends => Self { access: "depends", sign: "?" },
            Access::Deny => Self { access: "deny", sign: "\u{d7}" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_policy_becomes_markup() {
        let text = "version = 1\n[roles.'<b>']\n[[route]]\nmatch = 'GET /a'\n\
                    description = '<script>alert(1)</script>'\nallow = 'role(\"<b>\") && custom(\"</td>\")'\n";
        let policy = Policy::loader().unregistered_custom().text("policy.toml", text).unwrap();
        let page = Page::new("<i>\"", &policy, &policy.matrix()).render().unwrap();
        for hostile in ["<b>", "<script>alert", "<i>", "</td>\""] {
            assert!(!page.contains(hostile), "{hostile}");
        }
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
