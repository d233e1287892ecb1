//! `[[route]]`: who may do what.

use super::Declared;
use crate::policy::assemble::Written;
use crate::policy::file::fields::{Fields, Shape};
use crate::policy::file::text::Text;
use crate::policy::pattern::Pattern;
use crate::policy::report::{Origin, Report};

/// More routes than any service has; the limit bounds the time that a broken generator can cost.
const MOST_ROUTES: usize = 200_000;

/// A route whose rule is still text.
#[derive(Debug)]
pub(in crate::policy::file) struct DeclaredRoute {
    pub(in crate::policy::file) pattern: Pattern,
    pub(in crate::policy::file) origin: Origin,
    pub(in crate::policy::file) host: Option<Written>,
    pub(in crate::policy::file) id: Option<Written>,
    pub(in crate::policy::file) description: Option<Box<str>>,
    pub(in crate::policy::file) allow: Text,
}

/// One route.
pub(in crate::policy::file) const ROUTE: Shape = Shape {
    what: "a route",
    example: "[[route]]",
    keys: &["match", "allow", "host", "id", "description"],
    required: &[("match", r#"match = "GET /reports/{id}""#), ("allow", r#"allow = "authenticated""#)],
};

pub(super) fn routes(document: Fields<'_>, file: u16, declared: &mut Declared, report: &mut Report) {
    for (shape, value) in document.tables("route", &ROUTE, report) {
        let Some(fields) = Fields::of(shape, value, file, report) else { continue };
        if declared.routes.len() == MOST_ROUTES {
            report
                .add(fields.origin(), format!("a policy has at most {MOST_ROUTES} routes: use `{{*rest}}`"));
            return;
        }
        fields.check(report);
        let pattern = fields.text("match", report);
        let allow = fields.text("allow", report);
        let host = fields.text("host", report).map(|host| host.written());
        let id = fields.text("id", report).map(|id| id.written());
        let description = fields.text("description", report).map(|text| text.value);

        let Some(text) = pattern else { continue };
        let origin = text.origin();
        let pattern = parsed(&text, report);
        if let (Some(pattern), Some(allow)) = (pattern, allow) {
            declared.routes.push(DeclaredRoute { pattern, origin, host, id, description, allow });
        }
    }
}

fn parsed(text: &Text, report: &mut Report) -> Option<Pattern> {
    match Pattern::parse(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let before = error.column().saturating_sub(1);
            let start = text.value.char_indices().nth(before).map_or(text.value.len(), |(at, _)| at);
            let end = text.value.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            let origin = report.part(text.file, |source| text.part(source, start..start + end));
            // The picture shows pattern and column already.
            report.add(origin, error.fault());
            None
        }
    }
}
