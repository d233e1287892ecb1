//! PEM text taken apart into blocks, with line numbers for the error messages.
//!
//! rustls' own reader skips blocks with labels that it does not know, which is how an encrypted key
//! becomes "no key found". So the lines are looked at here, and only the base64 is left to it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

/// More than any bundle of certificates has.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why PEM text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// The file cannot be read.
    #[error("cannot read {origin}: {reason}")]
    Unreadable {
        /// The file.
        origin: String,
        /// What the operating system says.
        reason: String,
    },
    /// The file is too large to be what it should be.
    #[error("{origin} has more than {limit} bytes: this is not the file that was meant")]
    TooLarge {
        /// The file.
        origin: String,
        /// How many are accepted.
        limit: u64,
    },
    /// There is nothing in it.
    #[error("{origin} is empty: write the PEM text into it")]
    Empty {
        /// The file.
        origin: String,
    },
    /// It is DER.
    #[error(
        "{origin} is DER, not PEM: convert it with `openssl x509 -inform der -in F -out G`, or with `openssl pkey` in the place of `openssl x509` for a key"
    )]
    Der {
        /// The file.
        origin: String,
    },
    /// It is text in two-byte characters, as some Windows tools write it.
    #[error("{origin} is UTF-16 text: save it as UTF-8 or ASCII")]
    Utf16 {
        /// The file.
        origin: String,
    },
    /// There is no block at all.
    #[error("{origin} has no PEM block: a line such as `-----BEGIN CERTIFICATE-----` is missing")]
    NoBlock {
        /// The file.
        origin: String,
    },
    /// A line begins or ends a block, and goes on.
    #[error(
        "{origin}: line {line} begins or ends a block, but more follows on it: the line breaks were lost, write them again"
    )]
    LineBreaks {
        /// The file.
        origin: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// A block does not end.
    #[error("{origin}: the `{label}` block that begins in line {line} does not end: the text is cut off")]
    Unended {
        /// The file.
        origin: String,
        /// What the block says it is.
        label: String,
        /// The line in which it begins, counted from 1.
        line: usize,
    },
    /// The content of a block is not base64, or it ends as another one began.
    #[error("{origin}: the `{label}` block that begins in line {line} is damaged: copy the file again")]
    Base64 {
        /// The file.
        origin: String,
        /// What the block says it is.
        label: String,
        /// The line in which it begins, counted from 1.
        line: usize,
    },
}

/// Bytes to be read when the configuration is built.
#[derive(Clone)]
pub(crate) enum Input {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl Input {
    /// The bytes, and how to call their origin in a message.
    pub(crate) fn read(&self, what: &str) -> Result<(Vec<u8>, String), PemError> {
        match self {
            Self::File(path) => Ok((read_file(path)?, self.origin(what))),
            Self::Memory(bytes) => Ok((bytes.clone(), self.origin(what))),
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }

    /// How to call the origin in a message.
    pub(crate) fn origin(&self, what: &str) -> String {
        match self {
            Self::File(path) => name(path),
            Self::Memory(_) => what.to_owned(),
        }
    }
}

/// The name of a file. Somebody may have passed the key itself, which is not told.
pub(crate) fn name(path: &Path) -> String {
    let name = path.display().to_string();
    if name.contains("-----BEGIN ") { "a file whose name is PEM text".into() } else { format!("`{name}`") }
}

fn read_file(path: &Path) -> Result<Vec<u8>, PemError> {
    let origin = name(path);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(PemError::Unreadable { origin, reason: error.to_string() });
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(PemError::TooLarge { origin, limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// One block, from its BEGIN to its END line.
pub(crate) struct Block {
    /// What it says it is, such as `CERTIFICATE`; safe to print.
    pub(crate) label: String,
    /// The line of its BEGIN, counted from 1.
    pub(crate) line: usize,
    /// Whether a header says that it is encrypted, as OpenSSL before 1.0 did it.
    pub(crate) has_encryption_header: bool,
    /// What the header `DEK-Info` says about that; not safe to print.
    pub(crate) encryption: String,
    text: Zeroizing<Vec<u8>>,
}

impl Block {
    /// The DER inside.
    pub(crate) fn der(&self, origin: &str) -> Result<Vec<u8>, PemError> {
        // rustls skips this label, so the block goes by another one: begin and end must still agree.
        let text =
            if self.label == ENCRYPTED { Zeroizing::new(relabelled(&self.text)) } else { self.text.clone() };
        match <(SectionKind, Vec<u8>)>::from_pem_slice(&text) {
            Ok((_, der)) if !der.is_empty() => Ok(der),
            _ => Err(PemError::Base64 {
                origin: origin.to_owned(),
                label: self.label.clone(),
                line: self.line,
            }),
        }
    }
}

/// The label of a PKCS#8 key under a passphrase.
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

fn relabelled(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line {
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" => {
                lines.extend_from_slice(b"-----BEGIN X509 CRL-----\n")
            }
            b"-----END ENCRYPTED PRIVATE KEY-----\n" => lines.extend_from_slice(b"-----END X509 CRL-----\n"),
            line => lines.extend_from_slice(line),
        }
    }
    lines
}

/// The blocks of a PEM text; at least one. Text outside of blocks is commentary.
pub(crate) fn blocks(bytes: &[u8], origin: &str) -> Result<Vec<Block>, PemError> {
    let origin = origin.to_owned();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(PemError::Empty { origin });
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(PemError::Utf16 { origin });
    }
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in lines(bytes) {
        let (begins, ends) = (marker(line, b"-----BEGIN "), marker(line, b"-----END "));
        if begins == Marker::Broken || ends == Marker::Broken {
            return Err(PemError::LineBreaks { origin, line: number });
        }
        if let Marker::Of(label) = begins {
            if let Some(unended) = open.take() {
                return Err(PemError::Unended { origin, label: unended.label, line: unended.line });
            }
            open = Some(Block {
                label: printable(label),
                line: number,
                has_encryption_header: false,
                encryption: String::new(),
                text: Zeroizing::new(Vec::new()),
            });
        }
        let Some(block) = &mut open else { continue };
        if line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED") {
            block.has_encryption_header = true;
            continue;
        }
        match line.strip_prefix(b"DEK-Info:") {
            Some(value) if block.has_encryption_header => {
                block.encryption = String::from_utf8_lossy(value).into_owned();
                continue;
            }
            _ => {}
        }
        block.text.extend_from_slice(line);
        block.text.push(b'\n');
        if ends != Marker::None {
            blocks.extend(open.take());
        }
    }
    if let Some(unended) = open {
        return Err(PemError::Unended { origin, label: unended.label, line: unended.line });
    }
    if blocks.is_empty() {
        // The first byte of every certificate and key: SEQUENCE.
        let is_der = bytes.first() == Some(&0x30);
        return Err(if is_der { PemError::Der { origin } } else { PemError::NoBlock { origin } });
    }
    Ok(blocks)
}

/// The lines with their numbers, whatever ends them, without the white space around them.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let has_line_feeds = bytes.contains(&b'\n');
    let end = if has_line_feeds { b'\n' } else { b'\r' };
    bytes
        .split(move |byte| *byte == end)
        .map(<[u8]>::trim_ascii)
        .zip(1..)
        .map(|(line, number)| (number, line))
}

/// Whether a line begins or ends a block, and of what.
#[derive(Debug, PartialEq, Eq)]
enum Marker<'a> {
    None,
    Broken,
    Of(&'a [u8]),
}

fn marker<'a>(line: &'a [u8], begin: &[u8]) -> Marker<'a> {
    let Some(rest) = line.strip_prefix(begin) else { return Marker::None };
    match rest.strip_suffix(b"-----") {
        Some(label) if !label.contains(&b'-') => Marker::Of(label),
        _ => Marker::Broken,
    }
}

/// A label as it can stand in a message: whatever could be a part of a key cannot.
fn printable(label: &[u8]) -> String {
    let is_label = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let is_plain = label.len() <= 40 && label.iter().all(is_label);
    if is_plain { String::from_utf8_lossy(label).into_owned() } else { "?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "text\n-----BEGIN A-----\nAAAA\n-----END A-----\n  -----BEGIN B C-----  \r\nProc-Type: 4,ENCRYPTED\r\n\r\nAAAA\r\n-----END B C-----";

    fn fault(text: &[u8]) -> PemError {
        blocks(text, "`f`").err().unwrap()
    }

    #[test]
    fn blocks_know_their_lines_and_headers() {
        let found = blocks(TWO.as_bytes(), "`f`").unwrap();
        let found: Vec<_> =
            found.iter().map(|b| (b.label.as_str(), b.line, b.has_encryption_header)).collect();
        assert_eq!(found, [("A", 2, false), ("B C", 5, true)]);
    }

    #[test]
    fn no_beginning_of_a_text_is_taken_for_the_whole() {
        for end in 0..TWO.len() - 1 {
            let outcome = blocks(&TWO.as_bytes()[..end], "`f`").map(|found| found.len());
            assert!(outcome != Ok(2), "{end}: {outcome:?}");
        }
    }

    #[test]
    fn what_may_be_a_part_of_a_key_is_not_a_label() {
        assert_eq!(printable(b"RSA PRIVATE KEY"), "RSA PRIVATE KEY");
        for odd in [&b"MIGHAgEAMBM"[..], b"A\nB", b"\xff", &[b'A'; 41]] {
            assert_eq!(printable(odd), "?");
        }
        let line = b"-----BEGIN PRIVATE KEY-----MIGHAgEAMBM-----END PRIVATE KEY-----";
        assert_eq!(fault(line), PemError::LineBreaks { origin: "`f`".into(), line: 1 });
        let line = b"-----BEGIN A-----\nAAAA\n-----END A----- and more";
        assert_eq!(fault(line), PemError::LineBreaks { origin: "`f`".into(), line: 3 });
    }
}
