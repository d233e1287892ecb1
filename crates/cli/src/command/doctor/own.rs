//! The client's own certificate and key, read so that each mistake is called by its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::Certificate;
use portcullis_tls::rustls::crypto::CryptoProvider;
use portcullis_tls::rustls::pki_types::pem::PemObject;
use portcullis_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use portcullis_tls::rustls::sign::CertifiedKey;
use portcullis_tls::{KeyPair, KeyPairError, ServerTls, TlsError};

use super::facts;
use super::report::Finding;
use crate::outcome::Failure;

/// A certificate that can be shown to the server, and its key.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) leaf: Certificate,
    /// The subjects and issuers of all certificates that are sent.
    pub(super) chain: Vec<Certificate>,
    pub(super) key: Arc<CertifiedKey>,
}

/// Reads certificate and key; the key may stand in the file of the certificate.
pub(super) fn read(
    certificate: &Path,
    key: Option<&PathBuf>,
    provider: &CryptoProvider,
) -> Result<Result<Own, Finding>, Failure> {
    let key = key.map_or(certificate, PathBuf::as_path);
    let (certificate_bytes, key_bytes) = (bytes_of(certificate)?, bytes_of(key)?);
    if let Some(finding) = confusion(certificate, &certificate_bytes, key, &key_bytes) {
        return Ok(Err(finding));
    }
    let pair = KeyPair::from_pem(certificate_bytes.clone(), key_bytes.clone());
    Ok(match ServerTls::builder(pair).build() {
        Err(TlsError::KeyPair(error)) => Err(mistake(&error, certificate, key, &certificate_bytes)),
        // Whatever else a server needs does not concern a client.
        _ => load(&certificate_bytes, &key_bytes, provider)
            .ok_or_else(|| unusable(key, "it is damaged, or of a kind that is not known")),
    })
}

fn load(certificate: &[u8], key: &[u8], provider: &CryptoProvider) -> Option<Own> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>().ok()?;
    let parsed: Vec<_> = chain.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>().ok()?;
    let key = provider.key_provider.load_private_key(PrivateKeyDer::from_pem_slice(key).ok()?).ok()?;
    let leaf = parsed.first()?.clone();
    Some(Own { leaf, chain: parsed, key: Arc::new(CertifiedKey::new(chain, key)) })
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
    let is_encrypted = is(&of_key, "ENCRYPTED PRIVATE KEY")
        || key_bytes.windows(9).any(|bytes| bytes == b"ENCRYPTED") && contains(key_bytes, b"Proc-Type: 4,");
    if is_encrypted {
        return Some(Finding::fail(
            "key-encrypted",
            format!("the private key in `{k}` is encrypted"),
            "unlock it for this test with `openssl pkey -in F -out G`, or see that the program which uses it knows its passphrase",
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

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// DER begins with a SEQUENCE; whoever has such a file has it from a browser or from Windows.
fn not_pem(path: &Path, bytes: &[u8]) -> Option<Finding> {
    if bytes.first() != Some(&0x30) {
        return None;
    }
    let shown = path.display();
    let is_p12 = contains(bytes.get(..32).unwrap_or(bytes), &[0x02, 0x01, 0x03, 0x30]);
    Some(if Certificate::from_der(bytes).is_ok() {
        Finding::fail(
            "client-der",
            format!("`{shown}` is a certificate in DER, and PEM is needed"),
            "convert it with `openssl x509 -inform der -in F -out G`",
        )
    } else if is_p12 {
        Finding::fail(
            "client-p12",
            format!("`{shown}` is a PKCS#12 bundle, as browsers import it, and PEM is needed"),
            "take it apart with `openssl pkcs12 -in F -nodes -out G`, and pass G for both",
        )
    } else {
        Finding::fail(
            "key-der",
            format!("`{shown}` is DER, and PEM is needed"),
            "convert it with `openssl pkey -inform der -in F -out G`",
        )
    })
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
