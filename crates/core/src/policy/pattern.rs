//! Which requests a route is for: a method and a path, as one line of text.

mod fault;
mod parse;

use std::{fmt, str::FromStr, sync::Arc};

pub use self::fault::{PatternError, PatternFault};

/// The most segments that a pattern may have.
pub(crate) const MOST_SEGMENTS: usize = 32;

/// A method and a path with parameters: `GET /reports/{id}`.
///
/// - The method is a token in capitals, or `*` for every method of the IANA registry. `GET` covers
///   `HEAD` too, unless a `HEAD` route is there as well.
/// - A segment of the path is a literal, written decoded (`/café`, not `/caf%C3%A9`), or `{name}` for
///   one segment that is not empty.
/// - The last one may be `{*name}` for everything below: `/admin/{*rest}` covers `/admin`, `/admin/`
///   and `/admin/users/7`.
/// - A `/` at the end counts: `/a/` is covered by `/a/` and `/a/{*rest}`, not by `/a`.
///
/// Cloning is cheap.
///
/// # Examples
///
/// ```
/// use portcullis_core::policy::pattern::Pattern;
///
/// let pattern: Pattern = "GET /reports/{id}".parse()?;
/// assert_eq!((pattern.method(), pattern.path()), ("GET", "/reports/{id}"));
///
/// let error = Pattern::parse("GET /reports/:id").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "pattern `GET /reports/:id`, column 14: `:id` is not how a parameter is written; write `{id}`"
/// );
/// # Ok::<(), portcullis_core::policy::pattern::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    // There is one spelling only, so that the text is all there is to keep.
    text: Arc<str>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Fails for a pattern that could never match or that looks like another router's syntax, with the
    /// column and what to write instead.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        parse::check(text)?;
        Ok(Self { text: text.into() })
    }

    /// The method, or `*` for all registered ones.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text.split_once(' ').map_or("", |(method, _)| method)
    }

    /// The path with its parameters in braces.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.split_once(' ').map_or("", |(_, path)| path)
    }

    /// The whole pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the parameters, from left to right.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments().filter_map(|segment| match segment {
            Segment::Parameter(name) | Segment::Rest(name) => Some(name),
            Segment::Literal(_) => None,
        })
    }

    /// Whether the path ends with a `/` that makes it another path than without.
    pub(crate) fn has_final_slash(&self) -> bool {
        split(self.path()).1
    }

    /// The segments of the path, without an empty one after a final slash.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        split(self.path()).0.map(Segment::of)
    }
}

/// The segments of a path and whether there is a `/` behind the last of them.
///
/// `/` alone has no segment, and no slash behind it.
pub(crate) fn split(path: &str) -> (impl Iterator<Item = &str>, bool) {
    let body = path.strip_prefix('/').unwrap_or(path);
    let trimmed = body.strip_suffix('/');
    let segments = (!body.is_empty()).then(|| trimmed.unwrap_or(body).split('/'));
    (segments.into_iter().flatten(), trimmed.is_some())
}

/// One segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment<'a> {
    Literal(&'a str),
    Parameter(&'a str),
    Rest(&'a str),
}

impl<'a> Segment<'a> {
    fn of(text: &'a str) -> Self {
        match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) => match name.strip_prefix('*') {
                Some(name) => Self::Rest(name),
                None => Self::Parameter(name),
            },
            None => Self::Literal(text),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
