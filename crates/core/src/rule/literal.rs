//! Values that are written in a rule.

use std::fmt::{self, Write};
use std::net::IpAddr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::value::{Scalar, Value};
use crate::certificate::{ExtendedKeyUsage, Fingerprint, Oid, Serial};

/// A value that is written in a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Int(i64),
    Str(Box<str>),
    /// Seconds since 1970-01-01 00:00:00 UTC.
    Timestamp(i64),
    Ip(IpAddr),
    Fingerprint(Fingerprint),
    Serial(Serial),
}

/// The years 1 to 9999, as CEL has it; others could not be printed.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Literal {
    /// Reads a string literal as what it is compared with; the error says why it is none.
    pub(crate) fn read(text: &str, scalar: Scalar) -> Result<Self, String> {
        match scalar {
            Scalar::Ip => text
                .parse::<IpAddr>()
                .map(|ip| Self::Ip(ip.to_canonical()))
                .map_err(|_| format!("`{}` is no IP address", text.escape_debug())),
            Scalar::Fingerprint => text.parse().map(Self::Fingerprint).map_err(|error| {
                // The error of an odd character does not repeat the whole text.
                format!("`{}` is no SHA-256: {error}", shortened(text).escape_debug())
            }),
            Scalar::Serial => text.parse().map(Self::Serial).map_err(|error| error.to_string()),
            Scalar::Purpose => text
                .parse::<ExtendedKeyUsage>()
                .map(|purpose| Self::Str(purpose.as_str().into()))
                .map_err(|_| format!("`{}` is no key purpose", text.escape_debug())),
            Scalar::Oid => text
                .parse::<Oid>()
                .map(|oid| Self::Str(oid.as_str().into()))
                .map_err(|_| format!("`{}` is no object identifier", text.escape_debug())),
            Scalar::Bool | Scalar::Int | Scalar::String | Scalar::Timestamp => Ok(Self::Str(text.into())),
        }
    }

    /// Reads RFC 3339; the error says what is wrong.
    pub(crate) fn timestamp(text: &str) -> Result<Self, String> {
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| format!("`{}` is no time of RFC 3339", text.escape_debug()))?;
        if time.nanosecond() != 0 {
            return Err(format!("`{}` is no whole second", text.escape_debug()));
        }
        let seconds = time.unix_timestamp();
        if !TIMES.contains(&seconds) {
            return Err(format!("`{}` is not between the years 1 and 9999", text.escape_debug()));
        }
        Ok(Self::Timestamp(seconds))
    }

    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Str(text) => Value::text(text),
            Self::Timestamp(seconds) => Value::Timestamp(*seconds),
            Self::Ip(ip) => Value::Ip(*ip),
            Self::Fingerprint(fingerprint) => Value::Fingerprint(fingerprint),
            Self::Serial(serial) => Value::Serial(serial),
        }
    }
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(80).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Str(text) => Quoted(text).fmt(f),
            Self::Timestamp(seconds) => write_timestamp(*seconds, f),
            Self::Ip(ip) => write!(f, "\"{ip}\""),
            Self::Fingerprint(fingerprint) => write!(f, "\"{fingerprint}\""),
            Self::Serial(serial) => write!(f, "\"{serial}\""),
        }
    }
}

fn write_timestamp(seconds: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    match time.and_then(|time| time.format(&Rfc3339).ok()) {
        Some(text) => write!(f, "timestamp(\"{text}\")"),
        None => write!(f, "timestamp(\"{seconds}\")"),
    }
}

/// A CEL string literal.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\'' => f.write_char(c)?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                // What a reader would not see.
                c if c.escape_debug().len() > 1 && u32::from(c) > 0xffff => {
                    write!(f, "\\U{:08x}", u32::from(c))?
                }
                c if c.escape_debug().len() > 1 => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_of_any_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("2027-01-01T00:00:00Z", 1_798_761_600),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1970-01-01T00:00:00.000Z", 0),
        ] {
            assert_eq!(Literal::timestamp(text), Ok(Literal::Timestamp(seconds)), "{text}");
        }
        for text in ["", "2027-01-01", "2027-13-01T00:00:00Z", "2027-01-01T00:00:00", "now", "1798761600"] {
            assert!(Literal::timestamp(text).unwrap_err().ends_with("is no time of RFC 3339"), "{text}");
        }
        for text in ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert!(Literal::timestamp(text).unwrap_err().contains("between the years"), "{text}");
        }
        assert!(Literal::timestamp("2027-01-01T00:00:00.5Z").unwrap_err().ends_with("is no whole second"));
        assert!(
            Literal::timestamp("2016-12-31T23:59:60Z").is_err(),
            "no fraction is hidden in a leap second"
        );
    }

    #[test]
    fn texts_are_read_as_what_they_are_compared_with() {
        let read = |text, scalar| Literal::read(text, scalar).map(|literal| literal.to_string());
        assert_eq!(read("::ffff:10.0.0.1", Scalar::Ip).as_deref(), Ok("\"10.0.0.1\""));
        assert_eq!(read("2001:DB8::0:1", Scalar::Ip).as_deref(), Ok("\"2001:db8::1\""));
        assert_eq!(read("00:C0:FF:EE", Scalar::Serial).as_deref(), Ok("\"c0ffee\""));
        assert_eq!(read("1.3.6.1.5.5.7.3.2", Scalar::Purpose).as_deref(), Ok("\"clientAuth\""));
        assert_eq!(read("1.2.3", Scalar::Oid).as_deref(), Ok("\"1.2.3\""));
        assert!(read("10.0.0", Scalar::Ip).is_err());
        assert!(read("10.0.0.01", Scalar::Ip).is_err());
        assert!(read("clientauth", Scalar::Purpose).is_err());
        assert!(read("1.2.", Scalar::Oid).is_err());
        let long = read(&"x".repeat(4000), Scalar::Fingerprint).unwrap_err();
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        let quoted = |text| Quoted(text).to_string();
        assert_eq!(quoted("a\"b\\c'd"), r#""a\"b\\c'd""#);
        assert_eq!(quoted("\n\r\t\0\u{1b}"), r#""\n\r\t\u0000\u001b""#);
        assert_eq!(quoted("\u{202e}\u{200b}\u{feff}"), r#""\u202e\u200b\ufeff""#);
        assert_eq!(quoted("\u{e0001}"), r#""\U000e0001""#);
        assert_eq!(quoted("héß 日本 🦀"), "\"héß 日本 🦀\"");
    }
}
