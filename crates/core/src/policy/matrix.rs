//! Who may pass where, as a table.

use std::fmt;
use std::sync::Arc;

use super::survey::{self, Access, Caller, Survey};
use super::{Policy, Route};

/// Who may pass where: one row for each route, one column for each kind of callers.
///
/// Prints as a table, which can be committed and compared in a test: whoever changes the policy then
/// also changes the table, and a reviewer sees what it means.
///
/// # Examples
///
/// ```
/// use portcullis_core::Policy;
/// use portcullis_core::certificate::AttributeType;
/// use portcullis_core::rule::{anyone, role, subject};
///
/// let policy = Policy::builder()
///     .role("user", [])
///     .role("admin", ["user"])
///     .route("GET /", anyone())
///     .route("GET /reports", role("user"))
///     .route("* /admin/{*rest}", role("admin").or(subject(AttributeType::CN).eq("root")))
///     .build()?;
/// assert_eq!(
///     policy.matrix().to_string(),
///     "\
/// route             anonymous  authenticated  admin  user
/// GET /             allow      allow          allow  allow
/// GET /reports      deny       deny           allow  allow
/// * /admin/{*rest}  deny       depends        allow  depends
/// "
/// );
/// # Ok::<(), portcullis_core::policy::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    callers: Vec<Caller>,
    rows: Vec<MatrixRow>,
}

/// What one route is to each kind of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow {
    route: String,
    id: String,
    access: Arc<[Access]>,
}

impl Policy {
    /// Who may pass where: for each route, the answer to each kind of callers.
    ///
    /// A role's column is for callers who have it and what it includes, and no other role. Conditions
    /// on certificates, requests and those of the application are not looked into: what turns on
    /// one of them is [`Access::Depends`].
    #[must_use]
    pub fn matrix(&self) -> Matrix {
        let callers = survey::callers(self.roles().map(|definition| definition.role().name()));
        let mut survey = Survey::new(self.hierarchy(), &callers);
        let rows = self.routes().map(|route| MatrixRow::new(route, survey.access(&route.rule))).collect();
        Matrix { callers, rows }
    }
}

impl Matrix {
    /// The columns.
    #[must_use]
    pub fn callers(&self) -> &[Caller] {
        &self.callers
    }

    /// The rows, in the order of the routes' declaration.
    pub fn rows(&self) -> impl Iterator<Item = &MatrixRow> {
        self.rows.iter()
    }

    /// What the route with this id is to these callers.
    #[must_use]
    pub fn access(&self, route_id: &str, caller: &Caller) -> Option<Access> {
        let column = self.callers.iter().position(|other| other == caller)?;
        self.rows.iter().find(|row| row.id == route_id)?.access.get(column).copied()
    }
}

impl MatrixRow {
    fn new(route: &Route, access: Arc<[Access]>) -> Self {
        Self { route: route.to_string(), id: route.id().into(), access }
    }

    /// The method and path, and the host if there is one.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The route's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The answers, in the order of the columns.
    #[must_use]
    pub fn access(&self) -> &[Access] {
        &self.access
    }
}

/// A table, columns aligned and separated by blanks.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["route".to_owned()].into_iter().chain(self.callers.iter().map(Caller::to_string));
        let rows = self.rows.iter().map(|row| {
            let cells = row.access.iter().map(Access::to_string);
            [row.route.clone()].into_iter().chain(cells).collect::<Vec<_>>()
        });
        let lines: Vec<Vec<String>> = [titles.collect()].into_iter().chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..=self.callers.len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}
