//! Subjects and alternative names, as they are written on the command line.

use portcullis_pki::GeneralName;

/// Reads a distinguished name of RFC 4514, such as `CN=alice,OU=Security,O=Example`, into its
/// attributes, the widest first.
pub(super) fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes = Vec::new();
    let mut rest = text;
    loop {
        let (kind, after) = rest.split_once('=').ok_or_else(|| {
            format!("`{rest}` is no attribute: write `TYPE=value`, such as `OU=Security,O=Example`")
        })?;
        let (value, more) = value(after)?;
        attributes.push((kind.trim().to_owned(), value));
        match more {
            Some(more) => rest = more,
            None => break,
        }
    }
    // RFC 4514 writes the last relative name first
    attributes.reverse();
    Ok(attributes)
}

/// The value up to the next comma, and what follows it.
fn value(text: &str) -> Result<(String, Option<&str>), String> {
    let mut bytes = Vec::new();
    let mut characters = text.chars();
    let mut kept = 0; // blanks at the end that were not escaped do not count
    let rest = loop {
        match characters.next() {
            None => break None,
            Some(',') => break Some(characters.as_str()),
            Some('+') => return Err("a `+` joins two attributes: write a comma, or `\\+`".to_owned()),
            Some(c @ ('"' | ';' | '<' | '>')) => return Err(format!("write `\\{c}` for `{c}` in a subject")),
            Some('\\') => {
                escaped(&mut characters, &mut bytes)?;
                kept = bytes.len();
            }
            Some(' ') if bytes.is_empty() => {}
            Some(c) => {
                push(&mut bytes, c);
                if c != ' ' {
                    kept = bytes.len();
                }
            }
        }
    };
    bytes.truncate(kept);
    let value = String::from_utf8(bytes).map_err(|_| "the bytes of the subject are no UTF-8".to_owned())?;
    Ok((value, rest))
}

fn escaped(characters: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Result<(), String> {
    const ALONE: &str = "a `\\` stands before a special character or two hexadecimal digits";
    let first = characters.next().ok_or(ALONE)?;
    match first.to_digit(16) {
        None if "\\\"+,;<>= #".contains(first) => push(bytes, first),
        None => return Err(ALONE.to_owned()),
        Some(high) => {
            let low = characters.next().and_then(|c| c.to_digit(16)).ok_or(ALONE)?;
            bytes.push(u8::try_from(high * 16 + low).map_err(|error| error.to_string())?);
        }
    }
    Ok(())
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
}

/// Reads an alternative name, such as `dns:example.com`.
pub(super) fn alternative_name(text: &str) -> Result<GeneralName, String> {
    let malformed = || "write a name as `dns:`, `email:`, `uri:`, `ip:` or `upn:` and a value".to_owned();
    let (kind, value) = text.split_once(':').ok_or_else(malformed)?;
    let value = value.to_owned();
    match kind.to_ascii_lowercase().as_str() {
        "dns" => Ok(GeneralName::Dns(value)),
        "email" => Ok(GeneralName::Email(value)),
        "uri" => Ok(GeneralName::Uri(value)),
        "upn" => Ok(GeneralName::Upn(value)),
        "ip" => {
            value.parse().map(GeneralName::Ip).map_err(|error| format!("`{value}` is no address: {error}"))
        }
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        attributes(text).unwrap()
    }

    #[test]
    fn attributes_are_read_from_the_widest() {
        let expected = [("O", "Example, Inc."), ("OU", "A"), ("CN", "j\u{f6}rg ")];
        let expected = expected.map(|(kind, value)| (kind.to_owned(), value.to_owned()));
        assert_eq!(read("CN=j\\C3\\B6rg\\ , OU = A ,O=Example\\, Inc."), expected);
        assert_eq!(read("CN=a=b"), [("CN".to_owned(), "a=b".to_owned())]);
        assert_eq!(read("CN="), [("CN".to_owned(), String::new())]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "alice", "CN=a,", "CN=a+OU=b", "CN=\\", "CN=\\zz", "CN=\\4", "CN=\\ff", "CN=\"a\""] {
            assert!(attributes(text).is_err(), "{text}");
        }
        for text in ["", "a", "dns", "ip:", "ip:1.2.3", "host:a"] {
            assert!(alternative_name(text).is_err(), "{text}");
        }
        assert_eq!(alternative_name("IP:::1").unwrap(), GeneralName::Ip("::1".parse().unwrap()));
    }
}
