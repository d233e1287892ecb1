//! A certificate from flags: signed by an authority that nobody has ever seen.

use std::net::IpAddr;

use portcullis_core::Certificate;
use portcullis_pki::{Attribute, Authority, DistinguishedName, Extension, GeneralName, Oid, RawCertificate};

use crate::outcome::Failure;

/// What a made-up certificate says.
pub(crate) struct MadeUp<'a> {
    pub(crate) subject: Option<&'a str>,
    pub(crate) emails: &'a [String],
    pub(crate) names: &'a [String],
}

impl MadeUp<'_> {
    /// The certificate, unless nothing is said of it.
    pub(crate) fn certificate(&self) -> Result<Option<Certificate>, Failure> {
        if self.subject.is_none() && self.emails.is_empty() && self.names.is_empty() {
            return Ok(None);
        }
        let subject =
            self.subject.map_or_else(|| Ok(DistinguishedName::new()), subject).map_err(Failure::Input)?;
        let emails = self.emails.iter().map(|address| Ok(GeneralName::Email(address.as_str().into())));
        let names = emails.chain(self.names.iter().map(|name| general_name(name)));
        let names = names.collect::<Result<Vec<_>, String>>().map_err(Failure::Input)?;
        let mut raw =
            RawCertificate::new(subject).extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]));
        if !names.is_empty() {
            raw = raw.extension(Extension::subject_alt_name(&names));
        }
        let issued = Authority::new("made up").and_then(|authority| raw.issue(&authority));
        let issued = issued.map_err(|error| Failure::Other(error.to_string()))?;
        Certificate::from_der(issued.certificate_der())
            .map(Some)
            .map_err(|error| Failure::Input(format!("there can be no such certificate: {error}")))
    }
}

fn general_name(text: &str) -> Result<GeneralName, String> {
    let help = || {
        format!(
            "`{}` is no alternative name: write `email:alice@example.com`, `dns:`, `uri:`, `upn:` or `ip:`",
            text.escape_debug()
        )
    };
    let (kind, value) = text.split_once(':').ok_or_else(help)?;
    Ok(match kind {
        "dns" => GeneralName::Dns(value.into()),
        "email" => GeneralName::Email(value.into()),
        "uri" => GeneralName::Uri(value.into()),
        "upn" => GeneralName::Upn(value.into()),
        "ip" => GeneralName::Ip(value.parse::<IpAddr>().map_err(|_| help())?),
        _ => return Err(help()),
    })
}

/// Reads a name in the form of RFC 4514: the most specific attribute first, `\` before special characters.
fn subject(text: &str) -> Result<DistinguishedName, String> {
    let wrong = |why: &str| format!("`{}` is no subject: {why}", text.escape_debug());
    let mut steps = Vec::new();
    for step in split(text, ',') {
        let mut attributes = Vec::new();
        for attribute in split(step, '+') {
            let (attribute_type, value) = attribute
                .split_once('=')
                .ok_or_else(|| wrong("write it as `CN=alice,OU=Security,O=Example`"))?;
            let oid =
                Oid::attribute_type(attribute_type.trim()).map_err(|error| wrong(&error.to_string()))?;
            let value = unescaped(value)
                .ok_or_else(|| wrong("after `\\` stands a special character or two hexadecimal digits"))?;
            attributes.push(Attribute::utf8(oid, value));
        }
        steps.push(attributes);
    }
    // A certificate has the most general attribute first.
    Ok(steps.into_iter().rev().fold(DistinguishedName::new(), |name, step| match <[_; 1]>::try_from(step) {
        Ok([one]) => name.with(one),
        Err(several) => name.with_all(several),
    }))
}

/// The parts between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut is_escaped = false;
    text.split(move |c| {
        let is_end = c == separator && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    })
    .collect()
}

/// The value without its escapes and the blanks around it; `None` if an escape is none.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    // A blank at the end can be escaped, too.
    let trimmed = value.trim_start();
    let end = trimmed.trim_end();
    let trimmed = match trimmed.get(end.len()..) {
        Some(rest) if end.ends_with('\\') && rest.starts_with(' ') => trimmed.get(..=end.len())?,
        _ => end,
    };
    let mut rest = trimmed.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next()? {
            special @ (',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | ' ' | '#') => {
                bytes.push(special as u8)
            }
            high => {
                let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                bytes.push(digit(high)? << 4 | digit(rest.next()?)?);
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(subject: &str, names: &[&str]) -> Result<Certificate, String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made_up = MadeUp { subject: Some(subject), emails: &[], names: &names };
        made_up.certificate().map(Option::unwrap).map_err(|failure| failure.to_string())
    }

    #[test]
    fn subjects_are_read_as_they_are_printed() {
        for text in [
            "CN=alice",
            "CN=alice,OU=Security,OU=Ops,O=Example",
            r"CN=a\,OU\=admin,O=Exa\+mple",
            "CN=Zoë",
            "UID=a1,CN=alice+OU=x",
            r"CN=\ a\ ",
            r"CN=\#a\\",
        ] {
            let printed = made_up(text, &[]).unwrap().subject().to_string();
            assert_eq!(made_up(&printed, &[]).unwrap().subject().to_string(), printed, "{text}");
        }
        let name = made_up(r" CN = a\,OU=admin , O=Ex\c3\a4", &[]).unwrap();
        assert_eq!(name.subject().common_name(), Ok("a,OU=admin"));
        assert_eq!(name.subject().organization(), Ok("Exä"));
        assert_eq!(name.subject().organizational_units(), Ok(vec![]));
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for text in ["alice", "CN", "XY=a", r"CN=a\", r"CN=\zz", r"CN=\ff"] {
            assert!(made_up(text, &[]).unwrap_err().contains("is no subject"), "{text}");
        }
    }

    #[test]
    fn alternative_names_say_their_kind() {
        let made = made_up("CN=a", &["email:a@example.com", "uri:spiffe://x/y", "ip:::1", "dns:a.example"]);
        let made = made.unwrap();
        assert_eq!(made.san().email().unwrap(), ["a@example.com".into()]);
        assert_eq!(made.spiffe_id().unwrap().as_str(), "spiffe://x/y");
        for text in ["a@example.com", "mail:a@example.com", "ip:1.2.3"] {
            assert!(made_up("CN=a", &[text]).unwrap_err().contains("is no alternative name"), "{text}");
        }
    }
}
