//! What makes a subject alternative name valid for its kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::asn1_rs::Tag;

use crate::certificate::{
    der::{Element, Malformed, Reader},
    oid::Dotted,
    text::is_deceptive,
};

/// A name, or what is wrong with it.
type Checked<T = Box<str>> = Result<T, &'static str>;

/// Microsoft's user principal name.
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

/// DNS names mean the same in either case, so they are kept in one (RFC 4343).
pub(super) fn dns(content: &[u8]) -> Checked {
    let name = graphic(content)?;
    let labels_fit = name.split('.').all(|label| (1..=63).contains(&label.len()));
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte));
    if name.len() <= 253 && labels_fit && plain {
        Ok(name.to_ascii_lowercase().into())
    } else {
        Err("is no DNS name")
    }
}

pub(super) fn email(content: &[u8]) -> Checked {
    let address = graphic(content)?;
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(address.into()),
        _ => Err("is no e-mail address"),
    }
}

pub(super) fn uri(content: &[u8]) -> Checked {
    let uri = graphic(content)?;
    let (scheme, rest) = uri.split_once(':').ok_or("is no URI: it has no scheme")?;
    let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme_fits {
        return Err("is no URI: it has no scheme");
    }
    if rest.is_empty() || rest.bytes().any(|byte| b"\"<>\\^`{|}".contains(&byte)) {
        return Err("is no URI");
    }
    Ok(uri.into())
}

pub(super) fn ip(content: &[u8]) -> Checked<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(content) {
        return Ok(Ipv4Addr::from(octets).into());
    }
    match <[u8; 16]>::try_from(content) {
        Ok(octets) => Ok(Ipv6Addr::from(octets).into()),
        Err(_) => Err("is no IP address: it has neither 4 nor 16 bytes"),
    }
}

/// Reads an other name; none if it is not a user principal name.
pub(super) fn upn(mut fields: Reader<'_>) -> Result<Option<Checked>, Malformed> {
    let oid = Dotted::read(fields.expect(Tag::Oid)?.content)?;
    let value = fields.optional(0)?.ok_or(Malformed)?;
    fields.end()?;
    Ok((oid.as_str() == UPN).then(|| upn_value(&value)))
}

fn upn_value(value: &Element<'_>) -> Checked {
    let text = value.inner().and_then(|text| text.expect(Tag::Utf8String));
    principal(text.map_err(|Malformed| "is no UTF8String")?.content)
}

pub(super) fn principal(content: &[u8]) -> Checked {
    match std::str::from_utf8(content) {
        Ok("") => Err("is empty"),
        Ok(name) if name.contains(is_deceptive) => Err("holds a control character"),
        Ok(name) => Ok(name.into()),
        Err(_) => Err("is no valid UTF-8"),
    }
}

/// ASCII characters that can be seen: no control character, no blank.
fn graphic(content: &[u8]) -> Checked<&str> {
    match std::str::from_utf8(content) {
        Ok("") => Err("is empty"),
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text),
        Ok(text) if text.contains(is_deceptive) => Err("holds a control character"),
        Ok(text) if text.is_ascii() => Err("holds a blank"),
        _ => Err("is not ASCII"),
    }
}
