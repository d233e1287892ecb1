//! Reading what the user names: a file, or `-` for standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::outcome::Failure;
use crate::style::printable;

/// More than any policy, certificate or revocation list; what never ends must not fill the memory.
const MOST_BYTES: u64 = 1 << 30;

/// Whether the path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What messages call the file.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { printable(&path.display().to_string()) }
}

/// Reads a file, or standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = || -> io::Result<Vec<u8>> {
        let source: Box<dyn Read> =
            if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        let mut bytes = Vec::new();
        source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| Failure::Input(format!("cannot read `{}`: {error}", name(path))))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::Input(format!("`{}` is larger than 1 GiB: is it the right file?", name(path))));
    }
    Ok(bytes)
}

/// Reads text from a file, or from standard input.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?)
        .map_err(|_| Failure::Input(format!("`{}` is no text: it is not UTF-8", name(path))))
}

/// The line of a byte of the text, the first being 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
