//! Intermediate authorities that were read before.

use std::sync::{PoisonError, RwLock};

use portcullis_core::Certificate;
use portcullis_core::certificate::CertificateError;

/// The intermediates of paths that webpki has found, which many clients have in common.
///
/// Only what an anchor vouches for is kept, so strangers cannot fill it.
#[derive(Debug, Default)]
pub(super) struct Issuers(RwLock<Vec<Certificate>>);

/// More than an operator has; each further one is read every time.
const KEPT: usize = 32;

impl Issuers {
    /// The certificate with these bytes.
    pub(super) fn read(&self, der: &[u8]) -> Result<Certificate, CertificateError> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter().find(|known| known.der() == der) {
            return Ok(known.clone());
        }
        drop(kept);
        let issuer = Certificate::from_der(der)?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && !kept.contains(&issuer) {
            kept.push(issuer.clone());
        }
        Ok(issuer)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_pki::Authority;

    use super::*;

    #[test]
    fn what_is_kept_is_what_was_read_and_not_without_end() {
        let root = Authority::new("Root").unwrap();
        let issuers = Issuers::default();
        for number in 0..2 * KEPT {
            let der = root.client(&format!("{number}")).issue().unwrap().certificate_der().to_vec();
            for _ in 0..2 {
                assert_eq!(issuers.read(&der).unwrap().der(), der);
            }
            assert!(issuers.read(&der[1..]).is_err());
            assert_eq!(issuers.0.read().unwrap().len(), KEPT.min(number + 1));
        }
    }
}
