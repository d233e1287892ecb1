//! The kinds of values that there are in a configuration.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::Ambiguity;
use portcullis_core::certificate::Fingerprint;
use toml::de::DeValue;

use super::table::{Fault, kind};
use crate::client_auth::Mode;
use crate::{Denied, RevocationError};

fn fault<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { message: message.into(), help: help.into() })
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, Fault> {
    match value {
        DeValue::String(text) if text.is_empty() => {
            fault("must not be empty", "write something, or leave the key out")
        }
        DeValue::String(text) if text.contains(char::is_control) => {
            fault("must not contain control characters", "write it in one line of plain text")
        }
        DeValue::String(text) => Ok(text.clone().into_owned()),
        other => fault(format!("must be a string, not {}", kind(other)), "write it in quotes"),
    }
}

pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, Fault> {
    text(value).map(PathBuf::from)
}

/// `host:port`; whether there is such a host is found out when it is listened on.
pub(super) fn address(value: &DeValue<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    let is_address = match text.rsplit_once(':') {
        // More colons are an IPv6 address, which must be in brackets.
        Some((host, port)) if host.contains([':', '[', ']']) => {
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            host.is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok()) && is_port(port)
        }
        Some((host, port)) => !host.is_empty() && !host.contains([' ', '/']) && is_port(port),
        None => false,
    };
    if is_address {
        Ok(text)
    } else {
        fault("must be an address and a port", "write it as in `[::]:8443` or `127.0.0.1:8443`")
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// The origin of a site, as browsers write it.
pub(super) fn origin(value: &DeValue<'_>) -> Result<String, Fault> {
    let text = text(value)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(text),
        _ => {
            fault("must be the origin of a site", "write it as in `https://partner.example`, without a path")
        }
    }
}

pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, Fault> {
    match value {
        DeValue::Boolean(flag) => Ok(*flag),
        other => fault(format!("must be a boolean, not {}", kind(other)), "write `true` or `false`"),
    }
}

/// A number from 0.
pub(super) fn number(value: &DeValue<'_>) -> Result<usize, Fault> {
    const HELP: &str = "write a number such as `100`";
    let DeValue::Integer(integer) = value else {
        return fault(format!("must be an integer, not {}", kind(value)), HELP);
    };
    // The digits are without their `_` and prefix.
    match i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(usize::try_from) {
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => fault("must not be less than 0", HELP),
        None => fault("is too large", HELP),
    }
}

/// A number from 1.
pub(super) fn count(value: &DeValue<'_>) -> Result<usize, Fault> {
    match number(value)? {
        0 => fault("must be more than 0", "leave it out for the default"),
        count => Ok(count),
    }
}

/// The bits of an RSA key.
pub(super) fn rsa_bits(value: &DeValue<'_>) -> Result<u32, Fault> {
    const HELP: &str = "write a number of bits such as `3072`";
    match u32::try_from(number(value)?) {
        Ok(bits @ 2048..) => Ok(bits),
        Ok(_) => fault("must be 2048 at least: shorter keys can be broken", HELP),
        Err(_) => fault("is too large", HELP),
    }
}

/// A SHA-256 in hexadecimal digits.
pub(super) fn fingerprint(value: &DeValue<'_>) -> Result<Fingerprint, Fault> {
    text(value)?.parse().or_else(|_| {
        fault("must be a SHA-256", "write 64 hexadecimal digits, as `portcullis inspect` prints them")
    })
}

/// What the operator blocks.
pub(super) fn denied(value: &DeValue<'_>) -> Result<Denied, Fault> {
    text(value)?
        .parse()
        .or_else(|error: RevocationError| fault("must say what is blocked", error.to_string()))
}

/// A number of bytes.
pub(super) fn bytes(value: &DeValue<'_>) -> Result<u64, Fault> {
    count(value).map(|count| count as u64)
}

/// The number of a file descriptor.
pub(super) fn descriptor(value: &DeValue<'_>) -> Result<u32, Fault> {
    match u32::try_from(number(value)?) {
        Ok(number) => Ok(number),
        Err(_) => fault("is too large", "write the number that the server is started with, such as `3`"),
    }
}

/// Longer times are slips; a server that needs them has none of these limits.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A whole number with a unit.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Fault> {
    const HELP: &str =
        "write a whole number with a unit, such as `\"500ms\"`, `\"10s\"`, `\"5m\"` or `\"1h\"`";
    let DeValue::String(text) = value else {
        return fault(format!("must be a time in quotes, not {}", kind(value)), HELP);
    };
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let milliseconds = match text.strip_prefix(digits) {
        Some("ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        _ => return fault("is no time", HELP),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return fault("is no time", HELP);
    }
    let duration = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match duration.map(Duration::from_millis) {
        Some(Duration::ZERO) => fault("must be more than 0", "leave it out for the default"),
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => fault("is more than a year", HELP),
    }
}

/// The oldest version of TLS to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MinTlsVersion {
    Tls12,
    Tls13,
}

pub(super) fn min_tls_version(value: &DeValue<'_>) -> Result<MinTlsVersion, Fault> {
    match value {
        DeValue::String(text) if text == "1.2" => Ok(MinTlsVersion::Tls12),
        DeValue::String(text) if text == "1.3" => Ok(MinTlsVersion::Tls13),
        _ => fault("must be a version of TLS that is still secure", "write `\"1.2\"` or `\"1.3\"`"),
    }
}

pub(super) fn mode(value: &DeValue<'_>) -> Result<Mode, Fault> {
    match value {
        DeValue::String(text) if text == "require" => Ok(Mode::Require),
        DeValue::String(text) if text == "if-given" => Ok(Mode::IfGiven),
        DeValue::String(text) if text == "request" => Ok(Mode::Request),
        _ => fault(
            "must say how to ask for a certificate",
            "write `\"require\"`, `\"if-given\"` or `\"request\"`; to ask nobody, leave `[clients]` out",
        ),
    }
}

/// A reading that the firewall is to let through.
pub(super) fn ambiguity(value: &DeValue<'_>) -> Result<Ambiguity, Fault> {
    let text = text(value)?;
    let known = || Ambiguity::ALL.iter().filter(|ambiguity| ambiguity.can_be_allowed());
    match known().find(|ambiguity| ambiguity.name() == text) {
        Some(ambiguity) => Ok(*ambiguity),
        None => {
            let names: Vec<_> = known().map(|ambiguity| ambiguity.name()).collect();
            fault(
                "must be a reading that the firewall can let through",
                format!("expected one of `{}`", names.join("`, `")),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(read: fn(&DeValue<'_>) -> Result<T, Fault>, source: &str) -> Option<T> {
        read(DeValue::parse(source).unwrap().get_ref()).ok()
    }

    #[test]
    fn times_have_a_unit_and_are_neither_zero_nor_endless() {
        for (source, milliseconds) in [
            ("1ms", 1),
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("0010s", 10_000),
        ] {
            let duration = read(duration, &format!("'{source}'"));
            assert_eq!(duration, Some(Duration::from_millis(milliseconds)), "{source}");
        }
        for source in [
            "''",
            "'s'",
            "'10'",
            "10",
            "'10 s'",
            "' 10s'",
            "'10s '",
            "'-10s'",
            "'+1s'",
            "'1.5s'",
            "'10S'",
            "'1d'",
            "'0s'",
            "'0ms'",
            "'8785h'",
            "'99999999999999999999s'",
            "'18446744073709551615h'",
            "'1s1s'",
            "'١s'",
            "10.0",
            "true",
            "[]",
        ] {
            assert_eq!(read(duration, source), None, "{source}");
        }
    }

    #[test]
    fn addresses_have_a_port() {
        for good in ["[::]:8443", "127.0.0.1:0", "localhost:443", "example.com:65535", "[::1]:1"] {
            assert_eq!(read(address, &format!("'{good}'")).as_deref(), Some(good));
        }
        for bad in [
            "",
            "8443",
            ":8443",
            "localhost",
            "::1:443",
            "[::1]",
            "[::1:443",
            "::1]:443",
            "[]:1",
            "a:b:1",
            "a:65536",
            "a:+1",
            "a:-1",
            "a:",
            "a b:1",
            "https://a:1",
            "[localhost]:1",
            "a:1 ",
        ] {
            assert_eq!(read(address, &format!("'{bad}'")), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_whole_and_not_negative() {
        for (source, expected) in [("0", 0), ("1_000", 1000), ("0x10", 16), ("0b11", 3)] {
            assert_eq!(read(number, source), Some(expected), "{source}");
        }
        for source in ["-1", "1.0", "'1'", "9223372036854775808", "99999999999999999999", "true"] {
            assert_eq!(read(number, source), None, "{source}");
        }
        assert_eq!((read(count, "0"), read(count, "1")), (None, Some(1)));
    }

    #[test]
    fn origins_have_a_scheme_and_no_path() {
        for good in ["https://a.example", "https://a.example:8443", "http://localhost"] {
            assert_eq!(read(origin, &format!("'{good}'")).as_deref(), Some(good));
        }
        for bad in ["", "a.example", "https://", "https://a/", "https://a/b", "https://u@a", "*", "null"] {
            assert_eq!(read(origin, &format!("'{bad}'")), None, "{bad}");
        }
    }

    #[test]
    fn only_what_can_be_allowed_is_a_reading() {
        assert_eq!(read(ambiguity, "'encoded-slash'"), Some(Ambiguity::EncodedSlash));
        for bad in ["'encoded-nul'", "'EncodedSlash'", "''", "1"] {
            assert_eq!(read(ambiguity, bad), None, "{bad}");
        }
    }
}
