//! Certificates that the operator blocks, whatever their issuer says.

use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;

use portcullis_core::certificate::{Fingerprint, Serial};
use portcullis_core::{Certificate, Distrust};

use super::distinguished::Distinguished;
use super::{RevocationError, source};

/// A certificate, or a key, that this service blocks.
///
/// Written as text, as in the file of [`Revocation::deny_list_file`](super::Revocation::deny_list_file),
/// it is one of these:
///
/// ```text
/// sha256:9f86d081..                           # the certificate, by the SHA-256 of its DER
/// spki:2c26b46b..                             # whatever has this key, by the SHA-256 of the key
/// serial:c0ffee issuer:"CN=Staff CA,O=Example" # the certificate with this number of this issuer
/// ```
///
/// The issuer is written as portcullis prints it, in RFC 4514 form.
///
/// # Examples
///
/// ```
/// use portcullis_tls::Denied;
///
/// let lost: Denied = r#"serial:c0ffee issuer:"CN=Staff CA,O=Example""#.parse()?;
/// assert_eq!(lost, Denied::serial("O=Example,CN=Staff CA", "c0ffee".parse()?)?);
/// assert!("serial:c0ffee".parse::<Denied>().is_err()); // of which issuer?
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Denied(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Certificate(Fingerprint),
    Key(Fingerprint),
    Serial { issuer: Distinguished, serial: Serial },
}

impl Denied {
    /// The certificate with this SHA-256.
    pub fn certificate_sha256(fingerprint: Fingerprint) -> Self {
        Self(Kind::Certificate(fingerprint))
    }

    /// Every certificate whose public key has this SHA-256.
    ///
    /// A stolen key is blocked with all the certificates it has and will get.
    pub fn spki_sha256(fingerprint: Fingerprint) -> Self {
        Self(Kind::Key(fingerprint))
    }

    /// The certificate with this serial number of this issuer, named in RFC 4514 form.
    ///
    /// Order and letter case of its attributes make no difference.
    ///
    /// # Errors
    ///
    /// If the issuer is no name.
    pub fn serial(issuer: &str, serial: Serial) -> Result<Self, RevocationError> {
        let issuer = Distinguished::read(issuer).map_err(|reason| RevocationError::Denied { reason })?;
        Ok(Self(Kind::Serial { issuer, serial }))
    }
}

impl FromStr for Denied {
    type Err = RevocationError;

    fn from_str(text: &str) -> Result<Self, RevocationError> {
        read_entry(text).map_err(|reason| RevocationError::Denied { reason })
    }
}

/// All that is blocked, ready to be asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DenyList(HashSet<Kind>);

impl DenyList {
    pub(super) fn load(entries: &[Denied], files: &[PathBuf], limit: u64) -> Result<Self, RevocationError> {
        let mut list = Self(entries.iter().map(|Denied(kind)| kind.clone()).collect());
        for path in files {
            let origin = source::name(path);
            let bytes = source::read(path, limit)?;
            list.read(&bytes, &origin)?;
        }
        Ok(list)
    }

    fn read(&mut self, bytes: &[u8], origin: &str) -> Result<(), RevocationError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let problem = |reason: String| RevocationError::DenyList {
                origin: origin.to_owned(),
                line: index + 1,
                reason,
            };
            let line = str::from_utf8(line)
                .map_err(|_| problem("it is not UTF-8 text: save the file as such".to_owned()))?
                .trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Denied(kind) = read_entry(line).map_err(problem)?;
            self.0.insert(kind);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reason if this certificate is blocked.
    pub(super) fn denies(&self, certificate: &Certificate) -> Option<Distrust> {
        if self.0.is_empty() {
            return None;
        }
        let kinds = [Kind::Certificate(*certificate.sha256()), Kind::Key(*certificate.spki_sha256())];
        let is_denied = kinds.iter().any(|kind| self.0.contains(kind)) || self.denies_serial(certificate);
        is_denied.then_some(Distrust::Denied)
    }

    fn denies_serial(&self, certificate: &Certificate) -> bool {
        if !self.0.iter().any(|kind| matches!(kind, Kind::Serial { .. })) {
            return false;
        }
        let issuer = Distinguished::read(&certificate.issuer().to_string());
        issuer.is_ok_and(|issuer| {
            self.0.contains(&Kind::Serial { issuer, serial: certificate.serial().clone() })
        })
    }
}

/// Reads `sha256:..`, `spki:..` or `serial:.. issuer:".."`, with a comment behind it or without.
fn read_entry(text: &str) -> Result<Denied, String> {
    const FORMS: &str = "write `sha256:` or `spki:` and 64 hexadecimal digits, or `serial:` with hexadecimal digits and then `issuer:\"CN=..\"`";
    let (key, rest) = text.trim().split_once(':').ok_or_else(|| format!("this blocks nothing: {FORMS}"))?;
    let (value, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    let fingerprint = || value.parse::<Fingerprint>().map_err(|error| error.to_string());
    let denied = match key {
        "sha256" => Denied::certificate_sha256(fingerprint()?),
        "spki" => Denied::spki_sha256(fingerprint()?),
        "serial" => {
            let serial = value
                .parse()
                .map_err(|error: portcullis_core::certificate::SerialError| error.to_string())?;
            let (issuer, rest) = read_issuer(rest)?;
            only_comment(rest)?;
            return Ok(Denied(Kind::Serial { issuer: Distinguished::read(issuer)?, serial }));
        }
        other => return Err(format!("`{}:` is nothing to block by: {FORMS}", other.escape_debug())),
    };
    only_comment(rest)?;
    Ok(denied)
}

/// Reads `issuer:".."`, in which quotes are escaped as in RFC 4514.
fn read_issuer(text: &str) -> Result<(&str, &str), String> {
    const MISSING: &str =
        "a serial number alone says nothing, each issuer has its own: add `issuer:\"CN=..\"` with its name";
    let quoted = text.trim_start().strip_prefix("issuer:\"").ok_or(MISSING)?;
    let mut is_escaped = false;
    for (index, character) in quoted.char_indices() {
        if character == '"' && !is_escaped {
            let (issuer, rest) = quoted.split_at(index);
            return Ok((issuer, rest.strip_prefix('"').unwrap_or_default()));
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    Err("the name of the issuer does not end: close it with `\"`".to_owned())
}

fn only_comment(rest: &str) -> Result<(), String> {
    let rest = rest.trim();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(());
    }
    Err(format!("`{}` is too much: write one entry a line, and comments behind `#`", rest.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn read(text: &str) -> Result<DenyList, String> {
        let mut list = DenyList::default();
        list.read(text.as_bytes(), "`f`").map_err(|error| error.to_string())?;
        Ok(list)
    }

    #[test]
    fn comments_blank_lines_and_windows_line_ends_are_fine() {
        let text = format!(
            "\u{feff}# lost laptops\r\n\r\n  sha256:{HASH} # bob\r\nspki:{HASH}\r\nserial:00:C0:FF:EE issuer:\"CN=a\\\"b#c,O=x\"# x\r\nserial:c0ffee   issuer:\"CN=a\\\"b#c,O=x\""
        );
        let list = read(&text).unwrap();
        assert_eq!(list.len(), 3);
        let serial = "c0ffee".parse().unwrap();
        let issuer = Distinguished::read("CN=a\\\"b#c,O=x").unwrap();
        assert!(list.0.contains(&Kind::Serial { issuer, serial }));
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let table = [
            ("c0ffee", "this blocks nothing"),
            ("sha1:c0ffee", "`sha1:` is nothing to block by"),
            ("sha256:c0ffee", "has 64 hexadecimal digits, not 6"),
            (&format!("spki: {HASH}"), "has 64 hexadecimal digits, not 0"),
            (&format!("sha256:{HASH} {HASH}"), "is too much"),
            ("serial:c0ffee", "add `issuer:"),
            ("serial:xyz issuer:\"CN=a\"", "is no serial number"),
            ("serial:c0ffee issuer:\"Staff CA\"", "is no name of an issuer"),
            ("serial:c0ffee issuer:\"CN=a", "does not end"),
            ("serial:c0ffee issuer:\"CN=a\\\"", "does not end"),
            ("serial:c0ffee issuer:\"CN=a\" CN=b", "is too much"),
            ("serial: issuer:\"CN=a\"", "is no serial number"),
        ];
        for (line, expected) in table {
            let text = read(&format!("# first\n{line}\n")).err().unwrap_or_default();
            assert!(text.starts_with("`f`, line 2: ") && text.contains(expected), "{line}: {text}");
        }
        let mut list = DenyList::default();
        let binary = list.read(b"\n\xff\n", "`f`").unwrap_err().to_string();
        assert_eq!(binary, "`f`, line 2: it is not UTF-8 text: save the file as such");
    }
}
