//! The client's own certificate and key, read so that each mistake is called by its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::Certificate;
use portcullis_tls::rustls::crypto::CryptoProvider;
use portcullis_tls::rustls::pki_types::CertificateDer;
use portcullis_tls::rustls::pki_types::pem::PemObject;
use portcullis_tls::rustls::sign::CertifiedKey;
use portcullis_tls::{KeyPair, KeyPairError};

use super::facts;
use super::report::Finding;
use crate::outcome::Failure;
use crate::passphrase::Source;

/// A certificate that can be shown to the server, and its key.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) leaf: Certificate,
    /// The subjects and issuers of all certificates that are sent.
    pub(super) chain: Vec<Certificate>,
    pub(super) key: Arc<CertifiedKey>,
}

/// Reads certificate and key; the key may stand in the file of the certificate, or both in a bundle.
pub(super) fn read(
    certificate: &Path,
    key: Option<&PathBuf>,
    source: Option<&Source>,
    provider: &CryptoProvider,
) -> Result<Result<Own, Finding>, Failure> {
    let pair = pair(certificate, key.map(PathBuf::as_path), source)?;
    let is_whole = key.is_none() && source.is_some();
    let key = key.map_or(certificate, PathBuf::as_path);
    let (certificate_bytes, key_bytes) = (bytes_of(certificate)?, bytes_of(key)?);
    if !(is_whole && is_bundle(&certificate_bytes)) {
        let confusion = confusion(certificate, &certificate_bytes, key, &key_bytes);
        if let Some(finding) = confusion.or_else(|| locked(key, &key_bytes, source)) {
            return Ok(Err(finding));
        }
    }
    Ok(match pair.certified_key(provider) {
        Err(error) => Err(mistake(&error, certificate, key, &certificate_bytes)),
        Ok(certified) => own(certified).ok_or_else(|| unusable(key, "its certificate cannot be read")),
    })
}

/// The files of a certificate and its key: two, one with both, or a bundle.
pub(super) fn pair(
    certificate: &Path,
    key: Option<&Path>,
    source: Option<&Source>,
) -> Result<KeyPair, Failure> {
    let pair = match key {
        Some(key) => KeyPair::from_pem_files(certificate, key),
        None if is_bundle(&bytes_of(certificate)?) => KeyPair::from_pkcs12_file(certificate),
        None => KeyPair::from_pem_files(certificate, certificate),
    };
    Ok(match source {
        Some(source) => pair.passphrase(source.passphrase()),
        None => pair,
    })
}

fn own(key: CertifiedKey) -> Option<Own> {
    let chain: Vec<_> =
        key.cert.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>().ok()?;
    let leaf = chain.first()?.clone();
    Some(Own { leaf, chain, key: Arc::new(key) })
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let limit = 1 << 20;
    match std::fs::metadata(path).map(|metadata| metadata.len()) {
        Ok(length) if length > limit => Err(Failure::Input(format!(
            "`{shown}` has {length} bytes: this is neither a certificate nor a key; pass the right file"
        ))),
        Ok(_) => {
            std::fs::read(path).map_err(|error| Failure::Input(format!("cannot read `{shown}`: {error}")))
        }
        Err(error) => Err(Failure::Input(format!("cannot read `{shown}`: {error}"))),
    }
}

/// What PEM says that it is, block by block.
fn labels(bytes: &[u8]) -> Vec<String> {
    let label =
        |line: &str| Some(line.strip_prefix("-----BEGIN ")?.trim_end().strip_suffix("-----")?.to_owned());
    String::from_utf8_lossy(bytes).lines().filter_map(label).collect()
}

/// Files that are something else, or each other.
fn confusion(certificate: &Path, certificate_bytes: &[u8], key: &Path, key_bytes: &[u8]) -> Option<Finding> {
    let (c, k) = (certificate.display(), key.display());
    if let Some(finding) = not_pem(certificate, certificate_bytes).or_else(|| not_pem(key, key_bytes)) {
        return Some(finding);
    }
    let (of_certificate, of_key) = (labels(certificate_bytes), labels(key_bytes));
    let has = |labels: &[String], word: &str| labels.iter().any(|label| label.ends_with(word));
    let is = |labels: &[String], word: &str| labels.iter().any(|label| label == word);
    if !is(&of_certificate, "CERTIFICATE")
        && has(&of_certificate, "PRIVATE KEY")
        && is(&of_key, "CERTIFICATE")
    {
        return Some(Finding::fail(
            "client-swapped",
            format!("certificate and key are swapped: `{c}` has the key, and `{k}` the certificate"),
            "exchange the values of `--cert` and `--key`",
        ));
    }
    if !is(&of_certificate, "CERTIFICATE") && has(&of_certificate, "CERTIFICATE REQUEST") {
        return Some(Finding::fail(
            "client-is-request",
            format!("`{c}` is a certificate signing request, not a certificate"),
            "have an authority sign it (`portcullis pki csr sign`), and pass what comes back",
        ));
    }
    if is(&of_key, "OPENSSH PRIVATE KEY") {
        return Some(Finding::fail(
            "key-format",
            format!("the private key in `{k}` is in the format of OpenSSH"),
            "convert a copy of it with `ssh-keygen -p -m PKCS8 -f F`",
        ));
    }
    if !has(&of_key, "PRIVATE KEY") && has(&of_key, "PUBLIC KEY") {
        return Some(Finding::fail(
            "key-is-public",
            format!("`{k}` has a public key, and the private one is needed"),
            "pass the file that was made together with the certificate's request",
        ));
    }
    None
}

/// A key that nobody said how to open.
fn locked(key: &Path, bytes: &[u8], source: Option<&Source>) -> Option<Finding> {
    let is_encrypted = labels(bytes).iter().any(|label| label == "ENCRYPTED PRIVATE KEY")
        || contains(bytes, b"ENCRYPTED") && contains(bytes, b"Proc-Type: 4,");
    (is_encrypted && source.is_none()).then(|| {
        Finding::fail(
            "key-encrypted",
            format!("the private key in `{}` is encrypted", key.display()),
            "say where its passphrase is: `--key-passphrase prompt`, `env:VARIABLE` or `file:FILE`; the program that uses the key has to know it, too",
        )
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// DER begins with a SEQUENCE; whoever has such a file has it from a browser or from Windows.
fn not_pem(path: &Path, bytes: &[u8]) -> Option<Finding> {
    if bytes.first() != Some(&0x30) {
        return None;
    }
    let shown = path.display();
    Some(if Certificate::from_der(bytes).is_ok() {
        Finding::fail(
            "client-der",
            format!("`{shown}` is a certificate in DER, and PEM is needed"),
            "convert it with `openssl x509 -inform der -in F -out G`",
        )
    } else if is_bundle(bytes) {
        Finding::fail(
            "client-p12",
            format!("`{shown}` is a PKCS#12 bundle, as browsers import it, and it is encrypted"),
            "pass it to `--cert` alone, and say where its passphrase is: `--key-passphrase prompt`, `env:VARIABLE` or `file:FILE`",
        )
    } else {
        Finding::fail(
            "key-der",
            format!("`{shown}` is DER, and PEM is needed"),
            "convert it with `openssl pkey -inform der -in F -out G`",
        )
    })
}

/// PKCS#12 begins with a sequence, and with the version 3 in it.
fn is_bundle(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30) && contains(bytes.get(..32).unwrap_or(bytes), &[0x02, 0x01, 0x03, 0x30])
}

/// What is wrong with a pair, in the words of a client.
fn mistake(error: &KeyPairError, certificate: &Path, key: &Path, pem: &[u8]) -> Finding {
    let (c, k) = (certificate.display(), key.display());
    match error {
        KeyPairError::NoCertificate { .. } => Finding::fail(
            "client-no-certificate",
            format!("`{c}` has no certificate"),
            "pass the file with the `CERTIFICATE` block to `--cert`",
        ),
        KeyPairError::NoKey { .. } => Finding::fail(
            "client-no-key",
            format!("`{k}` has no private key"),
            "pass the file with the `PRIVATE KEY` block to `--key`",
        ),
        KeyPairError::TrustedCertificate { .. } => Finding::fail(
            "client-trusted-format",
            format!("`{c}` has a `TRUSTED CERTIFICATE` block, which only OpenSSL reads"),
            "convert it with `openssl x509 -in F -out G`",
        ),
        KeyPairError::Certificate { reason, position, .. } => Finding::fail(
            "client-malformed",
            format!("certificate {position} in `{c}` cannot be used: {reason}"),
            "have it issued anew",
        ),
        KeyPairError::Mismatch { .. } => Finding::fail(
            "key-mismatch",
            format!("the private key in `{k}` does not belong to the certificate in `{c}`"),
            "pass the two that were made together",
        ),
        KeyPairError::Order { position, .. } => Finding::fail(
            "client-order",
            format!("the key belongs to certificate {position} in `{c}`, and not to the first one"),
            "put the client's own certificate first, then its intermediates",
        ),
        KeyPairError::UnusableKey { .. } => {
            // Old keys are refused for their size, which is a better word than `damaged`.
            let first = CertificateDer::from_pem_slice(pem).ok();
            let leaf = first.and_then(|der| Certificate::from_der(&der).ok());
            match leaf.as_ref().and_then(facts::weak_key) {
                Some(reason) => facts::client(&reason),
                None => unusable(key, "it is damaged, or of a kind that is not known"),
            }
        }
        KeyPairError::Pem(error) => Finding::fail(
            "client-pem",
            format!("certificate or key cannot be read: {error}"),
            "repair the file",
        ),
        KeyPairError::WrongPassphrase { .. }
        | KeyPairError::Passphrase(_)
        | KeyPairError::BundlePassphrase { .. } => Finding::fail(
            "key-passphrase",
            error.to_string(),
            "give the passphrase that the key was encrypted with",
        ),
        other => unusable(key, &other.to_string()),
    }
}

fn unusable(key: &Path, why: &str) -> Finding {
    Finding::fail(
        "key-unusable",
        format!("the private key in `{}` cannot be used: {why}", key.display()),
        "use ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits, as PKCS#8 in PEM",
    )
}
