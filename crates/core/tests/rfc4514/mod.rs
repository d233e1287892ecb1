//! A reader of RFC 4514 text, for tests only: in the library nothing reads a printed name.

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Characters, escapes undone.
    Text(String),
    /// `#` and the DER.
    Der(Vec<u8>),
}

/// The relative distinguished names in the order of the certificate; none if the text is no name.
pub(crate) fn parse(text: &str) -> Option<Vec<Vec<(String, Value)>>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut rest = text;
    let mut rdns = vec![Vec::new()];
    loop {
        let (attribute_type, after) = rest.split_once('=')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if attribute_type.is_empty() || !attribute_type.chars().all(plain) {
            return None;
        }
        let (value, after) = value(after)?;
        rdns.last_mut()?.push((attribute_type.to_owned(), value));
        match after.chars().next() {
            None => break,
            Some(',') => rdns.push(Vec::new()),
            Some('+') => {}
            Some(_) => return None,
        }
        rest = &after[1..];
    }
    rdns.reverse();
    Some(rdns)
}

fn value(text: &str) -> Option<(Value, &str)> {
    if let Some(hex) = text.strip_prefix('#') {
        let end = hex.find([',', '+']).unwrap_or(hex.len());
        let digits: Option<Vec<u32>> = hex[..end].chars().map(|c| c.to_digit(16)).collect();
        let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
        let der = digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect();
        return Some((Value::Der(der), &hex[end..]));
    }
    let mut bytes = Vec::new();
    let mut characters = text.char_indices().peekable();
    let mut blank_is_last = false;
    let mut end = text.len();
    while let Some((index, character)) = characters.next() {
        match character {
            ',' | '+' => {
                end = index;
                break;
            }
            '"' | ';' | '<' | '>' | '\0' => return None,
            ' ' if bytes.is_empty() => return None,
            '\\' => {
                let (_, escaped) = characters.next()?;
                if let Some(high) = escaped.to_digit(16) {
                    let low = characters.next()?.1.to_digit(16)?;
                    bytes.push(u8::try_from(high * 16 + low).unwrap());
                } else if " \"#+,;<=>\\".contains(escaped) {
                    bytes.push(u8::try_from(escaped).unwrap());
                } else {
                    return None;
                }
                blank_is_last = false;
                continue;
            }
            plain => bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes()),
        }
        blank_is_last = character == ' ';
    }
    if blank_is_last {
        return None;
    }
    Some((Value::Text(String::from_utf8(bytes).ok()?), &text[end..]))
}

#[test]
fn it_reads_the_examples_of_the_standard() {
    let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
    let read = |text: &str| parse(text).unwrap();
    assert_eq!(
        read("OU=Sales+CN=J.  Smith,DC=example,DC=net"),
        [
            vec![text("DC", "net")],
            vec![text("DC", "example")],
            vec![text("OU", "Sales"), text("CN", "J.  Smith")],
        ]
    );
    assert_eq!(read(r#"CN=James \"Jim\" Smith\, III"#), [[text("CN", r#"James "Jim" Smith, III"#)]]);
    assert_eq!(read(r"CN=Before\0dAfter"), [[text("CN", "Before\rAfter")]]);
    assert_eq!(read("1.3.6.1.4.1.1466.0=#04024869")[0][0].1, Value::Der(b"\x04\x02Hi".to_vec()));
    assert_eq!(read(r"CN=Lu\C4\8Di\C4\87"), [[text("CN", "Lučić")]]);
    for wrong in
        ["CN", "=a", "CN=a,", "CN=a;b", "CN= a", "CN=a ", "CN=a\\", "CN=#1", "CN=#", "CN=\\ff", "C N=a"]
    {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}
