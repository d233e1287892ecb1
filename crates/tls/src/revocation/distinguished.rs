//! Names of issuers as operators write them, so that a spelling does not decide who is blocked.

use portcullis_core::certificate::AttributeType;

/// A name that equals another one if the same attributes have the same values, whatever their order
/// and letter case, blanks around them and the way in which they are escaped.
///
/// Wider than RFC 5280 compares names: who blocks somebody would rather block a namesake, too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Distinguished(Box<[(AttributeType, String)]>);

impl Distinguished {
    /// Reads the form of RFC 4514, with blanks around `,`, `+` and `=` as OpenSSL prints them.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let no_name = |why: &str| {
            let text = text.escape_debug();
            format!("`{text}` is no name of an issuer: {why}; write it such as `CN=Staff CA,O=Example`")
        };
        if text.trim_start().starts_with('/') {
            return Err(no_name("attributes stand behind commas, not slashes"));
        }
        let mut attributes = Vec::new();
        for part in parts(text) {
            let (key, value) = part.split_once('=').ok_or_else(|| no_name("an attribute has no `=`"))?;
            let key: AttributeType =
                key.trim().parse().map_err(|_| no_name("it has an attribute that nobody knows"))?;
            let value = unescape(value).ok_or_else(|| no_name("it has an escape that is none"))?;
            attributes.push((key, value.to_lowercase()));
        }
        attributes.sort_by(|one, other| (one.0.to_string(), &one.1).cmp(&(other.0.to_string(), &other.1)));
        Ok(Self(attributes.into()))
    }
}

/// The text between commas and plus signs that are neither escaped nor quoted.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_escaped, mut is_quoted) = (false, false);
    text.split(move |character: char| {
        let ends = matches!(character, ',' | '+') && !is_escaped && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends
    })
}

/// The value without escapes, quotes and the blanks around it.
fn unescape(text: &str) -> Option<String> {
    let trimmed = text.trim_start();
    // A blank that is escaped belongs to the value.
    let trimmed = match trimmed.trim_end() {
        end if end.ends_with('\\') && !end.ends_with("\\\\") => trimmed.get(..end.len() + 1)?,
        end => end,
    };
    let mut bytes = Vec::with_capacity(trimmed.len());
    let mut characters = trimmed.chars();
    while let Some(character) = characters.next() {
        let mut buffer = [0; 4];
        match character {
            '"' => {}
            '\\' => match characters.next()? {
                high if high.is_ascii_hexdigit() => {
                    let digits = [high, characters.next()?];
                    bytes.push(u8::from_str_radix(&String::from_iter(digits), 16).ok()?);
                }
                special => bytes.extend(special.encode_utf8(&mut buffer).bytes()),
            },
            other => bytes.extend(other.encode_utf8(&mut buffer).bytes()),
        }
    }
    // Values that are no text are printed as `#` and digits, and stay as they are.
    Some(String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().escape_ascii().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_name_are_equal() {
        let name = Distinguished::read("CN=Staff CA,O=Example").unwrap();
        for spelling in [
            "O=Example,CN=Staff CA",
            "CN=Staff CA, O=Example",
            "CN = Staff CA, O = Example",
            "cn=Staff CA,o=example",
            "CN=Staff CA+O=Example",
            "2.5.4.3=Staff CA,O=Example",
            "CN=\"Staff CA\",O=Example",
            "CN=St\\61ff CA,O=E\\xample",
            "  CN=staff ca , O=Example ",
        ] {
            assert_eq!(Distinguished::read(spelling), Ok(name.clone()), "{spelling}");
        }
        for other in [
            "CN=Staff CA",
            "CN=Staff CA,O=Example,O=Example",
            "CN=Staff  CA,O=Example",
            "CN=Staff CA\\,O=Example",
        ] {
            assert_ne!(Distinguished::read(other), Ok(name.clone()), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, why) in [
            ("/O=Example/CN=Staff CA", "not slashes"),
            ("", "has no `=`"),
            ("Staff CA", "has no `=`"),
            ("CN=a,,O=b", "has no `=`"),
            ("common=a", "that nobody knows"),
            ("CN=a\\4", "an escape that is none"),
        ] {
            let error = Distinguished::read(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn escaped_blanks_and_separators_belong_to_values() {
        let name = Distinguished::read("CN=\\ a\\, b\\+c\\ ,O=x").unwrap();
        assert_eq!(*name.0, [(AttributeType::CN, " a, b+c ".to_owned()), (AttributeType::O, "x".to_owned())]);
    }
}
