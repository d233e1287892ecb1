//! Checks the text of a pattern; each fault knows its column.

use super::MOST_SEGMENTS;
use super::fault::{PatternError, PatternFault as Fault, shown};
use crate::request::firewall::{is_token, path::LONGEST};

/// A fault and the byte at which it stands.
type Checked<T = ()> = Result<T, (usize, Fault)>;

pub(super) fn check(text: &str) -> Result<(), PatternError> {
    check_text(text).map_err(|(at, fault)| {
        let before = text.char_indices().take_while(|(start, _)| *start < at).count();
        PatternError::new(text, before + 1, fault)
    })
}

fn check_text(text: &str) -> Checked {
    if text.trim().is_empty() {
        return Err((0, Fault::Empty));
    }
    if text.starts_with(char::is_whitespace) {
        return Err((0, Fault::Separator));
    }
    let Some((method, path)) = text.split_once(' ') else {
        return Err(lone(text));
    };
    check_method(method)?;
    let at = method.len() + 1;
    if path.is_empty() {
        return Err((at, Fault::MissingPath { method: method.into() }));
    }
    if path.starts_with(char::is_whitespace) {
        return Err((at, Fault::Separator));
    }
    check_path(at, path)
}

/// What is wrong with a text that has no blank.
fn lone(text: &str) -> (usize, Fault) {
    if let Some(at) = text.find(char::is_whitespace) {
        return (at, Fault::Separator);
    }
    if text.contains('/') || text.starts_with('{') || text == "**" {
        let path = format!("/{}", text.trim_start_matches('/'));
        return (0, Fault::MissingMethod { path: shown(&path.replace("**", "{*rest}")) });
    }
    match check_method(text) {
        Ok(()) => (text.len(), Fault::MissingPath { method: text.into() }),
        Err(fault) => fault,
    }
}

fn check_method(method: &str) -> Checked {
    let text = || shown(method);
    if method == "*" {
        Ok(())
    } else if method.contains('/') {
        Err((0, Fault::MissingMethod { path: text() }))
    } else if method.contains([',', '|', '&', '+', '*']) {
        Err((0, Fault::JoinedMethods { method: text() }))
    } else if !method.bytes().all(is_token) {
        Err((0, Fault::Method { method: text() }))
    } else if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Err((0, Fault::LowercaseMethod { method: text() }))
    } else {
        Ok(())
    }
}

fn check_path(mut at: usize, path: &str) -> Checked {
    let Some(body) = path.strip_prefix('/') else {
        return Err((at, Fault::MissingSlash { path: shown(&path.replace("**", "{*rest}")) }));
    };
    if path.len() > LONGEST {
        return Err((at, Fault::TooLong));
    }
    if body.is_empty() {
        return Ok(());
    }
    at += 1;
    let mut names = Vec::new();
    let mut segments = body.split('/').enumerate().peekable();
    while let Some((index, segment)) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() {
            // Only the one behind a final slash; `//` alone has two.
            return if is_last && index > 0 { Ok(()) } else { Err((at, Fault::EmptySegment)) };
        }
        if index == MOST_SEGMENTS {
            return Err((at, Fault::TooManySegments));
        }
        if let Some((name, is_rest)) = check_segment(at, segment)? {
            if is_rest && !is_last {
                return Err((at + segment.len(), Fault::RestNotLast { name: name.into() }));
            }
            if names.contains(&name) {
                return Err((at, Fault::RepeatedName { name: name.into() }));
            }
            names.push(name);
        }
        at += segment.len() + 1;
    }
    Ok(())
}

/// Checks one segment; gives the name of the parameter that it is, and whether that takes the rest.
fn check_segment(at: usize, segment: &str) -> Checked<Option<(&str, bool)>> {
    if let Some(name) = foreign_parameter(segment) {
        return Err((at, Fault::ForeignParameter { segment: segment.into(), name }));
    }
    if let Some(brace) = segment.find(['{', '}']) {
        let name = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        let Some(name) = name.filter(|name| !name.contains(['{', '}'])) else {
            return Err((at + brace, Fault::Brace));
        };
        let (name, is_rest) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
        if !is_identifier(name) {
            return Err((at + 1, Fault::Name { name: shown(name) }));
        }
        return Ok(Some((name, is_rest)));
    }
    check_literal(at, segment).map(|()| None)
}

fn check_literal(at: usize, segment: &str) -> Checked {
    if matches!(segment, "." | "..") {
        return Err((at, Fault::DotSegment { segment: segment.into() }));
    }
    for (offset, character) in segment.char_indices() {
        let fault = match character {
            '*' => Fault::Wildcard,
            '%' => Fault::Percent,
            '?' | '#' => Fault::Delimiter { delimiter: character },
            '\\' | ';' | '\u{2028}' | '\u{2029}' => Fault::Character { character },
            _ if character.is_control() => Fault::Character { character },
            ' ' if offset == 0 || offset + 1 == segment.len() => Fault::Blank,
            _ => continue,
        };
        return Err((at + offset, fault));
    }
    Ok(())
}

/// The name to write in braces for `:id`, `<id>`, `<id..>`, `*rest` and `{id:[0-9]+}`.
fn foreign_parameter(segment: &str) -> Option<Box<str>> {
    let (name, takes_rest) = if let Some(name) = segment.strip_prefix(':') {
        match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name, false),
        }
    } else if let Some(inner) = segment.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')) {
        match inner.strip_suffix("..") {
            Some(name) => (name, true),
            None => (inner, false),
        }
    } else if let Some(inner) = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        let (name, expression) = inner.split_once(':')?;
        (name, matches!(expression, ".*" | ".+"))
    } else {
        (segment.strip_prefix('*')?, true)
    };
    is_identifier(name).then(|| if takes_rest { format!("*{name}").into() } else { name.into() })
}

fn is_identifier(name: &str) -> bool {
    let first = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.as_bytes().first().is_some_and(first)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;

    fn error(text: &str) -> String {
        Pattern::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn proper_patterns_print_as_they_were_written() {
        for text in [
            "GET /",
            "* /",
            "* /{*rest}",
            "GET /a",
            "GET /a/",
            "GET /{a}/",
            "GET /a/{b}/c/{*d}",
            "QUERY /café",
            "M-SEARCH /a b",
            "FOO /a.b/..c/...",
            "GET /urn:isbn:1",
            "GET /a=b&c+d,e@f!$'()~",
            "GET /_/{_}/{_1}",
        ] {
            let pattern = Pattern::parse(text).expect(text);
            assert_eq!(pattern.to_string(), text);
            assert_eq!(format!("{} {}", pattern.method(), pattern.path()), text);
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
    }

    #[test]
    fn patterns_that_would_match_nothing_are_refused_with_column_and_remedy() {
        for (text, column, part) in [
            ("", 1, "it is empty"),
            (" ", 1, "it is empty"),
            ("**", 1, "write `GET /{*rest}`"),
            ("admin/**", 1, "write `GET /admin/{*rest}`"),
            ("/admin/{", 1, "the method is missing"),
            ("/", 1, "write `GET /`"),
            ("/a b", 1, "the method is missing"),
            ("GET", 4, "write `GET /` for the root"),
            ("GET ", 5, "the path is missing"),
            ("*", 2, "the path is missing"),
            ("get /a", 1, "write it in capitals: `GET`"),
            ("Get /a", 1, "in capitals"),
            ("get", 1, "in capitals"),
            ("GET,POST /a", 1, "write one pattern for each"),
            ("GET|POST /a", 1, "write one pattern for each"),
            ("GET* /a", 1, "write one pattern for each"),
            ("GE(T /a", 1, "is no method"),
            ("GÉT /a", 1, "is no method"),
            ("GET  /a", 5, "one blank"),
            (" GET /a", 1, "one blank"),
            ("GET\t/a", 4, "one blank"),
            ("GET \t/a", 5, "one blank"),
            ("GET a", 5, "write `/a`"),
            ("GET **", 5, "write `/{*rest}`"),
            ("GET https://a/b", 5, "begins with `/`"),
            ("GET //", 6, "write one `/`"),
            ("GET //a", 6, "write one `/`"),
            ("GET /a//b", 8, "write one `/`"),
            ("GET /a//", 8, "write one `/`"),
            ("GET /./a", 6, "`.`"),
            ("GET /a/..", 8, "`..`"),
            ("GET /a/*", 8, "`{*rest}`"),
            ("GET /a/**", 8, "`{*rest}`"),
            ("GET /a*", 7, "`{*rest}`"),
            ("GET /caf%C3%A9", 9, "written decoded"),
            ("GET /a?b=c", 7, "`?` is not allowed"),
            ("GET /a#b", 7, "`#` is not allowed"),
            ("GET /a\\b", 7, "firewall"),
            ("GET /a;b", 7, "firewall"),
            ("GET /a\nb", 7, "firewall"),
            ("GET /a\u{85}", 7, "firewall"),
            ("GET /é\u{2028}", 7, "firewall"),
            ("GET /a ", 7, "blank"),
            ("GET /a/ b", 8, "blank"),
            ("GET /a/:id", 8, "write `{id}`"),
            ("GET /a/<id>", 8, "write `{id}`"),
            ("GET /a/<id..>", 8, "write `{*id}`"),
            ("GET /a/*rest", 8, "write `{*rest}`"),
            ("GET /a/{id:[0-9]+}", 8, "write `{id}`"),
            ("GET /a/{tail:.*}", 8, "write `{*tail}`"),
            ("GET /admin/{", 12, "whole segment"),
            ("GET /admin/}", 12, "whole segment"),
            ("GET /{id}.json", 6, "whole segment"),
            ("GET /v{id}", 7, "whole segment"),
            ("GET /{a}{b}", 6, "whole segment"),
            ("GET /{{a}}", 6, "whole segment"),
            ("GET /{a/b}", 6, "whole segment"),
            ("GET /{}", 7, "`` is no parameter name"),
            ("GET /{*}", 7, "`` is no parameter name"),
            ("GET /{1a}", 7, "`1a`"),
            ("GET /{a-b}", 7, "`a-b`"),
            ("GET /{é}", 7, "`é`"),
            ("GET /{**a}", 7, "`*a`"),
            ("GET /{a}/{a}", 10, "twice"),
            ("GET /{a}/{*a}", 10, "twice"),
            ("GET /{*a}/b", 10, "nothing can follow `{*a}`"),
            ("GET /{*a}/", 10, "nothing can follow"),
        ] {
            let error = Pattern::parse(text).expect_err(text);
            assert_eq!(error.column(), column, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn size_is_limited() {
        assert!(Pattern::parse(&format!("GET {}", "/a".repeat(32))).is_ok());
        assert!(error(&format!("GET {}", "/a".repeat(33))).contains("at most 32 segments"));
        assert!(error(&format!("GET /{}", "a".repeat(9000))).contains("8192 bytes"));
    }

    #[test]
    fn control_characters_do_not_reach_the_message() {
        assert!(!error("GET /a\u{1b}[2J").contains('\u{1b}'));
        assert!(!error("GE\u{1b}T /a").contains('\u{1b}'));
    }
}
