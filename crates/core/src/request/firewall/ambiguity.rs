//! The ways in which a request can be read twice.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A way in which a request could mean two things to two readers.
///
/// One variant per attack. The firewall refuses all of them; see
/// [`Firewall::danger_allow`](super::Firewall::danger_allow) for the few that may be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Ambiguity {
    /// An empty segment: `//admin`, which some routers fold into `/admin`.
    ///
    /// A single `/` at the end is not an empty segment.
    EmptySegment,
    /// A `.` or `..` segment in any spelling: `/info/../admin`, `/%2e%2e/admin`, `/x/..;/admin`.
    DotSegment,
    /// `%2f`: `/files/a%2fb` is one segment to a router and two to a file server.
    EncodedSlash,
    /// `%5c`: `/static/a%5Cb` climbs directories where `\` separates them.
    EncodedBackslash,
    /// A raw `\`, which browsers and some servers read as `/`.
    Backslash,
    /// `%00`, which ends a text in many a file system call: `/private%00.png`.
    EncodedNul,
    /// `%25`: `/%2561dmin` becomes `/admin` for whoever decodes twice.
    EncodedPercent,
    /// `;` or `%3b`: servlet containers cut path parameters off, `/admin;x=1` is `/admin` to them.
    Semicolon,
    /// A letter, digit, `-`, `.`, `_` or `~` that is encoded without need: `/%61dmin`.
    ///
    /// RFC 3986 calls both spellings equal; routers do not.
    EncodedUnreserved,
    /// A `%` that two hexadecimal digits do not follow: `/a%zz`, `/a%2`.
    InvalidPercent,
    /// Escapes that decode to no UTF-8: `/%ff`, or the overlong dot `/%c0%ae`.
    InvalidUtf8,
    /// An encoded control character or line break: `/admin%0a` slips past a pattern for one line.
    ///
    /// That is `%01` to `%1f`, `%7f`, U+0080 to U+009F, U+2028 and U+2029.
    EncodedControl,
    /// A raw blank or control character, at which lenient parsers stop reading.
    RawControl,
    /// A raw byte above `7f`: `/é` is decoded, dropped or refused, depending on the reader.
    NonAscii,
    /// A raw `?` or `#` in what should be the path alone: whose query or fragment is that?
    Delimiter,
    /// A path that does not begin with `/`: gRPC's `:path` `Service/Method` matched no rule for `/`.
    MissingSlash,
    /// A path of more than 8 KiB.
    PathTooLong,
    /// A request target for one host with a `Host` header for another.
    ForeignAuthority,
    /// More than one `Host` header.
    AmbiguousHost,
    /// An authority that is no `host` or `host:port`: empty, with user information, with blanks.
    MalformedHost,
    /// A method with lower-case letters: `get`, which some frameworks read as `GET`.
    LowercaseMethod,
    /// A method that is empty or no token.
    MalformedMethod,
}

use Ambiguity::{
    AmbiguousHost, Backslash, Delimiter, DotSegment, EmptySegment, EncodedBackslash, EncodedControl,
    EncodedNul, EncodedPercent, EncodedSlash, EncodedUnreserved, ForeignAuthority, InvalidPercent,
    InvalidUtf8, LowercaseMethod, MalformedHost, MalformedMethod, MissingSlash, NonAscii, PathTooLong,
    RawControl, Semicolon,
};

impl Ambiguity {
    /// Every ambiguity.
    pub const ALL: &[Self] = &[
        EmptySegment,
        DotSegment,
        EncodedSlash,
        EncodedBackslash,
        Backslash,
        EncodedNul,
        EncodedPercent,
        Semicolon,
        EncodedUnreserved,
        InvalidPercent,
        InvalidUtf8,
        EncodedControl,
        RawControl,
        NonAscii,
        Delimiter,
        MissingSlash,
        PathTooLong,
        ForeignAuthority,
        AmbiguousHost,
        MalformedHost,
        LowercaseMethod,
        MalformedMethod,
    ];

    /// The name in configuration and logs, such as `encoded-slash`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EmptySegment => "empty-segment",
            DotSegment => "dot-segment",
            EncodedSlash => "encoded-slash",
            EncodedBackslash => "encoded-backslash",
            Backslash => "backslash",
            EncodedNul => "encoded-nul",
            EncodedPercent => "encoded-percent",
            Semicolon => "semicolon",
            EncodedUnreserved => "encoded-unreserved",
            InvalidPercent => "invalid-percent",
            InvalidUtf8 => "invalid-utf8",
            EncodedControl => "encoded-control",
            RawControl => "raw-control",
            NonAscii => "non-ascii",
            Delimiter => "delimiter",
            MissingSlash => "missing-slash",
            PathTooLong => "path-too-long",
            ForeignAuthority => "foreign-authority",
            AmbiguousHost => "ambiguous-host",
            MalformedHost => "malformed-host",
            LowercaseMethod => "lowercase-method",
            MalformedMethod => "malformed-method",
        }
    }

    /// Whether a firewall can be told to let it through.
    ///
    /// The others have no second reading that a rule could be written for.
    #[must_use]
    pub fn can_be_allowed(self) -> bool {
        matches!(
            self,
            EmptySegment
                | DotSegment
                | EncodedSlash
                | EncodedBackslash
                | Backslash
                | EncodedPercent
                | Semicolon
                | EncodedUnreserved
                | NonAscii
                | ForeignAuthority
        )
    }
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EmptySegment => "an empty segment (`//`) in the path",
            DotSegment => "a dot segment (`.` or `..`) in the path",
            EncodedSlash => "an encoded slash (`%2f`) in the path",
            EncodedBackslash => "an encoded backslash (`%5c`) in the path",
            Backslash => "a backslash in the path",
            EncodedNul => "an encoded NUL (`%00`) in the path",
            EncodedPercent => "an encoded percent sign (`%25`) in the path",
            Semicolon => "a semicolon (`;` or `%3b`) in the path",
            EncodedUnreserved => "a needlessly encoded letter, digit, `-`, `.`, `_` or `~` in the path",
            InvalidPercent => "a percent sign without two hexadecimal digits in the path",
            InvalidUtf8 => "escapes in the path that decode to no UTF-8",
            EncodedControl => "an encoded control character or line break in the path",
            RawControl => "a blank or control character in the path",
            NonAscii => "a raw non-ASCII character in the path",
            Delimiter => "a `?` or `#` within the path",
            MissingSlash => "a path without a leading slash",
            PathTooLong => "a path of more than 8 KiB",
            ForeignAuthority => "a request target for another host than the `Host` header",
            AmbiguousHost => "more than one `Host` header",
            MalformedHost => "a malformed host",
            LowercaseMethod => "a method with lower-case letters",
            MalformedMethod => "a malformed method",
        })
    }
}

impl FromStr for Ambiguity {
    type Err = UnknownAmbiguity;

    fn from_str(name: &str) -> Result<Self, UnknownAmbiguity> {
        let found = Self::ALL.iter().find(|ambiguity| ambiguity.name() == name);
        found.copied().ok_or_else(|| UnknownAmbiguity { name: name.into() })
    }
}

/// A name that stands for no [`Ambiguity`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{name}` names no ambiguity; those that may be allowed are {}", allowable())]
#[non_exhaustive]
pub struct UnknownAmbiguity {
    /// The name as given.
    pub name: Box<str>,
}

fn allowable() -> String {
    let names = Ambiguity::ALL.iter().filter(|ambiguity| ambiguity.can_be_allowed());
    names.map(|ambiguity| format!("`{}`", ambiguity.name())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_kebab_case_and_parses_back() {
        for ambiguity in Ambiguity::ALL {
            let name = ambiguity.name();
            assert_eq!(name.parse(), Ok(*ambiguity));
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn all_lists_each_once_in_declaration_order() {
        for (at, ambiguity) in Ambiguity::ALL.iter().enumerate() {
            assert_eq!(*ambiguity as usize, at, "{ambiguity:?}");
        }
    }

    #[test]
    fn an_unknown_name_lists_what_may_be_allowed() {
        let error = "slashes".parse::<Ambiguity>().unwrap_err().to_string();
        assert!(error.starts_with("`slashes` names no ambiguity"), "{error}");
        assert!(error.contains("`encoded-slash`") && !error.contains("`encoded-nul`"), "{error}");
    }
}
