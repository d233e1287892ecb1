//! What can be wrong with a pattern, and what to write instead.

use thiserror::Error;

/// A pattern that was refused, with the place of its first fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("pattern `{pattern}`, column {column}: {fault}")]
pub struct PatternError {
    pattern: Box<str>,
    column: usize,
    fault: PatternFault,
}

impl PatternError {
    pub(super) fn new(pattern: &str, column: usize, fault: PatternFault) -> Self {
        Self { pattern: shown(pattern), column, fault }
    }

    /// The pattern, with control characters escaped and a very long one cut.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The place of the fault: the number of its character, the first being 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &PatternFault {
        &self.fault
    }
}

/// A text as it can be shown to an operator: of bearable length, and without control characters.
pub(super) fn shown(text: &str) -> Box<str> {
    const LONGEST: usize = 120;
    let mut shown = String::new();
    for character in text.chars().take(LONGEST) {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("..");
    }
    shown.into()
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternFault {
    /// Nothing is there.
    #[error("it is empty; write a method and a path, such as `GET /reports/{{id}}`")]
    Empty,
    /// A method without a path.
    #[error("the path is missing; write `{method} /` for the root, `{method} /{{*rest}}` for every path")]
    MissingPath {
        /// The method.
        method: Box<str>,
    },
    /// A path without a method.
    #[error("the method is missing; write `GET {path}`, or `* {path}` for every method")]
    MissingMethod {
        /// The path, mended where it needed a slash.
        path: Box<str>,
    },
    /// A method with lower-case letters; methods are case-sensitive.
    #[error("`{method}` is no method; write it in capitals: `{}`", .method.to_ascii_uppercase())]
    LowercaseMethod {
        /// The method.
        method: Box<str>,
    },
    /// Several methods in one pattern.
    #[error("`{method}` is not one method; write one pattern for each, or `*` for every method")]
    JoinedMethods {
        /// The method.
        method: Box<str>,
    },
    /// A method that is no RFC 9110 token.
    #[error("`{method}` is no method; write a token such as `GET`, or `*` for every method")]
    Method {
        /// The method.
        method: Box<str>,
    },
    /// More than one blank between method and path, or something else in place of it.
    #[error("one blank and nothing else belongs between method and path")]
    Separator,
    /// A path that does not begin with `/`.
    #[error("a path begins with `/`; write `/{path}`")]
    MissingSlash {
        /// The path.
        path: Box<str>,
    },
    /// Two slashes in a row.
    #[error("an empty segment matches no request, since the firewall refuses `//`; write one `/`")]
    EmptySegment,
    /// `.` or `..`.
    #[error(
        "a segment `{segment}` matches no request, since the firewall refuses it; write the path it leads to"
    )]
    DotSegment {
        /// The segment.
        segment: Box<str>,
    },
    /// A `*` that is no `{*name}`.
    #[error(
        "`*` is no wildcard here; write `{{name}}` for one segment, a final `{{*rest}}` for all that follow"
    )]
    Wildcard,
    /// A percent sign.
    #[error("`%` is not allowed; literals are written decoded, `/café` and not `/caf%C3%A9`")]
    Percent,
    /// A query or a fragment.
    #[error("`{delimiter}` is not allowed; a pattern is for the path alone")]
    Delimiter {
        /// `?` or `#`.
        delimiter: char,
    },
    /// A character that the firewall refuses in every request.
    #[error("{character:?} matches no request, since the firewall refuses it; leave it out")]
    Character {
        /// The character.
        character: char,
    },
    /// A blank at the beginning or end of a segment.
    #[error("a blank at the edge of a segment is hardly meant; leave it out or use `{{name}}`")]
    Blank,
    /// A parameter in the syntax of another router.
    #[error("`{segment}` is not how a parameter is written; write `{{{name}}}`")]
    ForeignParameter {
        /// The segment.
        segment: Box<str>,
        /// The name between the braces, with `*` in front if it takes the rest.
        name: Box<str>,
    },
    /// A brace that neither begins nor ends a parameter.
    #[error("a parameter is a whole segment, `{{name}}` or `{{*name}}`; there are no other braces")]
    Brace,
    /// A parameter without a proper name.
    #[error("`{name}` is no parameter name; write letters, digits and `_`, not beginning with a digit")]
    Name {
        /// The name.
        name: Box<str>,
    },
    /// Two parameters of one name.
    #[error("the parameter `{name}` is there twice; give each its own name")]
    RepeatedName {
        /// The name.
        name: Box<str>,
    },
    /// Something behind `{*name}`.
    #[error("nothing can follow `{{*{name}}}`, which takes all that is left; make it the last segment")]
    RestNotLast {
        /// The name.
        name: Box<str>,
    },
    /// More segments than a pattern may have.
    #[error("a pattern has at most {most} segments; end it with `{{*rest}}`", most = super::MOST_SEGMENTS)]
    TooManySegments,
    /// A path longer than the firewall lets through.
    #[error(
        "a path of more than {} bytes matches no request; end it with `{{*rest}}`",
        crate::request::firewall::path::LONGEST
    )]
    TooLong,
}
