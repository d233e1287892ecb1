//! The certificates of a file, PEM or DER.

use std::path::Path;

use x509_parser::pem::Pem;

use crate::input;
use crate::outcome::Failure;

/// The DER of each certificate of a file, in its order.
pub(crate) fn chain(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let bytes = input::bytes(path)?;
    if !is_pem(&bytes) {
        return Ok(vec![bytes]);
    }
    let blocks = blocks(&bytes, path)?;
    let is_certificate =
        |block: &Pem| matches!(&*block.label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE");
    Ok(blocks.into_iter().filter(is_certificate).map(|block| block.contents).collect())
}

/// Whether the bytes look like PEM text.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// The PEM blocks of a file.
pub(crate) fn blocks(bytes: &[u8], path: &Path) -> Result<Vec<Pem>, Failure> {
    // The parser's words could quote a part of the text, which can be a key.
    let broken =
        |_| Failure::Input(format!("a PEM block in `{}` is broken: copy the file again", input::name(path)));
    Pem::iter_from_buffer(bytes).collect::<Result<_, _>>().map_err(broken)
}
