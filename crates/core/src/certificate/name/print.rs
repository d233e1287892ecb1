//! Names as RFC 4514 text, for people and logs. Nothing reads this text back.

use std::fmt::{self, Write as _};

use super::{Attribute, Name, Rdn};
use crate::certificate::text::is_invisible;

impl fmt::Display for Name {
    /// Writes the most specific part first, such as `CN=alice,O=Example`.
    ///
    /// Characters that could end, hide or turn around a piece of text are written as escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, ',', self.rdns().iter().rev())
    }
}

impl fmt::Display for Rdn {
    /// Writes the attributes in the order of the certificate, joined by `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, '+', self.attributes().iter())
    }
}

impl fmt::Display for Attribute {
    /// Writes the type and the value; the DER of the value where it has no text or its type no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.attribute_type())?;
        match self.printable().filter(|_| self.attribute_type().descriptor().is_some()) {
            Some(text) => escape(f, text),
            None => {
                f.write_char('#')?;
                self.der().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

fn separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    separator: char,
    parts: impl Iterator<Item = T>,
) -> fmt::Result {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            f.write_char(separator)?;
        }
        part.fmt(f)?;
    }
    Ok(())
}

fn escape(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (start, character) in text.char_indices() {
        let first = start == 0;
        let last = start + character.len_utf8() == text.len();
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if first => f.write_str("\\#")?,
            ' ' if first || last => f.write_str("\\ ")?,
            hidden if is_invisible(hidden) => {
                hidden.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "\\{byte:02x}"))?;
            }
            plain => f.write_char(plain)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::certificate::{
        Name,
        testing::{RawAttribute, name},
    };

    fn printed(rdns: &[&[RawAttribute<'_>]]) -> String {
        Name::from_der(&name(rdns)).unwrap().to_string()
    }

    const CN: &[u8] = &[0x55, 4, 3];
    const OU: &[u8] = &[0x55, 4, 11];

    fn cn(text: &str) -> String {
        printed(&[&[(CN, 0x0c, text.as_bytes())]])
    }

    #[test]
    fn most_specific_first_and_sets_joined() {
        assert_eq!(printed(&[]), "");
        assert_eq!(printed(&[&[(OU, 0x0c, b"eng")], &[(CN, 0x0c, b"alice")]]), "CN=alice,OU=eng");
        assert_eq!(printed(&[&[(OU, 0x0c, b"admin"), (CN, 0x0c, b"mallory")]]), "OU=admin+CN=mallory");
    }

    #[test]
    fn a_value_cannot_leave_its_attribute() {
        assert_eq!(cn("mallory,OU=admin,CN=root"), r"CN=mallory\,OU=admin\,CN=root");
        assert_eq!(cn("mallory+OU=admin"), r"CN=mallory\+OU=admin");
        assert_eq!(cn(r#"mallory";URI=x;X=""#), r#"CN=mallory\"\;URI=x\;X=\""#);
        assert_eq!(cn(r"a\b<c>"), r"CN=a\\b\<c\>");
        assert_eq!(cn("mallory/OU=admin/CN=root"), "CN=mallory/OU=admin/CN=root");
    }

    #[test]
    fn blanks_and_hashes_are_escaped_where_they_matter() {
        assert_eq!(cn(" a b "), r"CN=\ a b\ ");
        assert_eq!(cn(" "), r"CN=\ ");
        assert_eq!(cn("  "), r"CN=\ \ ");
        assert_eq!(cn("#a#"), r"CN=\#a#");
        assert_eq!(cn(""), "CN=");
    }

    #[test]
    fn hidden_characters_are_hexadecimal() {
        assert_eq!(cn("admin\0.evil.example"), r"CN=admin\00.evil.example");
        assert_eq!(cn("mallory\r\nX-Role: admin"), r"CN=mallory\0d\0aX-Role: admin");
        assert_eq!(cn("\u{202e}nimda"), r"CN=\e2\80\aenimda");
        assert_eq!(cn("a\u{85}b\u{2028}c\u{200b}\u{feff}"), r"CN=a\c2\85b\e2\80\a8c\e2\80\8b\ef\bb\bf");
        assert_eq!(cn("é漢😀"), "CN=é漢😀");
    }

    #[test]
    fn what_has_no_text_is_printed_as_der() {
        assert_eq!(printed(&[&[(CN, 0x14, b"j\xf6rg")]]), "CN=#14046af67267");
        assert_eq!(printed(&[&[(CN, 0x0c, b"\xff")]]), "CN=#0c01ff");
        assert_eq!(printed(&[&[(&[0x2a, 3], 0x0c, b"x")]]), "1.2.3=#0c0178");
    }
}
