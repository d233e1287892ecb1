//! Certificates that are broken, forged or odd on purpose, by name.
//!
//! Each case is one certificate with the chain its owner would present, signed (unless the case
//! is about the signer) by the authority that is asked for it. Some are harmless neighbours of a
//! broken one (`good`, `ku_absent`, `nc_dns_ok`): tests need both sides of a line.
//!
//! # Examples
//!
//! ```
//! use portcullis_pki::{Authority, PkiError, hostile};
//!
//! let authority = Authority::new("Example CA")?;
//! let forged = authority.hostile("nul_cn")?;
//! assert!(forged.certificate_der().windows(6).any(|bytes| bytes == b"admin\0"));
//!
//! for name in hostile::NAMES.iter() {
//!     assert!(hostile::about(name).is_some(), "{name} is explained");
//! }
//! assert!(matches!(authority.hostile("no such case"), Err(PkiError::UnknownCase { .. })));
//! # Ok::<(), PkiError>(())
//! ```

mod alternative_name;
mod path;
mod purpose;
mod subject;

use std::sync::LazyLock;

use crate::{
    Authority, DistinguishedName, Extension, GeneralName, Issued, KeyUsage, Oid, PkiError, RawCertificate,
    hostile::{alternative_name::CASES as ALTERNATIVE_NAMES, subject::CASES as SUBJECTS},
};

/// A row of the catalogue: name, explanation, and how to make it.
type Row<T> = (&'static str, &'static str, T);

/// How a part of a certificate is made.
type Part<T> = fn() -> T;

/// How a whole certificate is made.
type Recipe = fn(&Authority) -> Result<Issued, PkiError>;

/// The names of all cases.
pub static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| rows().map(|(name, _)| name).collect());

/// What is wrong with a case, in a few words.
pub fn about(name: &str) -> Option<&'static str> {
    rows().find(|row| row.0 == name).map(|(_, about)| about)
}

/// The subject of a case that is about the subject.
pub fn subject(name: &str) -> Option<DistinguishedName> {
    SUBJECTS.iter().find(|row| row.0 == name).map(|(.., make)| make())
}

/// The subject alternative names of a case that is about them.
pub fn alternative_names(name: &str) -> Option<Vec<GeneralName>> {
    ALTERNATIVE_NAMES.iter().find(|row| row.0 == name).map(|(.., make)| make())
}

impl Authority {
    /// The certificate that is hostile in this way.
    ///
    /// # Errors
    ///
    /// [`PkiError::UnknownCase`] if [`hostile::NAMES`](NAMES) has no such name, or a failure of the
    /// cryptography library.
    pub fn hostile(&self, name: &str) -> Result<Issued, PkiError> {
        if let Some(subject) = subject(name) {
            return client(subject).issue(self);
        }
        if let Some(names) = alternative_names(name) {
            let alternative_name = Extension::subject_alt_name(&names);
            return client(DistinguishedName::common_name("mallory")).extension(alternative_name).issue(self);
        }
        let recipe = recipes().find(|row| row.0 == name).map(|(.., recipe)| recipe);
        recipe.ok_or_else(|| PkiError::UnknownCase { name: name.to_owned() })?(self)
    }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let subjects = SUBJECTS.iter().map(|(name, about, _)| (*name, *about));
    let alternative_names = ALTERNATIVE_NAMES.iter().map(|(name, about, _)| (*name, *about));
    subjects.chain(alternative_names).chain(recipes().map(|(name, about, _)| (name, about)))
}

fn recipes() -> impl Iterator<Item = Row<Recipe>> {
    [purpose::CASES, path::CASES].into_iter().flatten().copied()
}

/// A client certificate without fault, but for its subject.
fn client(subject: DistinguishedName) -> RawCertificate {
    RawCertificate::new(subject)
        .extension(Extension::basic_constraints(false, None))
        .extension(Extension::key_usage(&[KeyUsage::DigitalSignature]))
        .extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]))
}

/// The client certificate of somebody called alice.
fn alice() -> RawCertificate {
    client(DistinguishedName::common_name("alice"))
}
