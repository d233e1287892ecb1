//! Whose key has signed a list.

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use webpki::RawPublicKeyEntity;

/// The signature of a list, checked once for each key, and whose it turned out to be.
///
/// The bytes that were signed are needed only until the key is known: a list has one signer.
#[derive(Debug)]
pub(super) struct Proof {
    signer: OnceLock<Box<[u8]>>,
    open: Mutex<Option<Open>>,
}

struct Open {
    der: Vec<u8>,
    body: Range<usize>,
    algorithm: Box<[u8]>,
    signature: Box<[u8]>,
    /// Keys that have not signed, so that the list is not hashed for them again.
    refused: Vec<Box<[u8]>>,
}

/// More keys under one name than this are no change of keys; they are checked each time.
const MOST_REFUSED: usize = 16;

impl Proof {
    /// Of the bytes of a list, where the signed part lies in it, and how it is signed.
    pub(super) fn new(der: Vec<u8>, body: Range<usize>, algorithm: &[u8], signature: &[u8]) -> Self {
        let (algorithm, signature) = (algorithm.into(), signature.into());
        let open = Open { der, body, algorithm, signature, refused: Vec::new() };
        Self { signer: OnceLock::new(), open: Mutex::new(Some(open)) }
    }

    /// The key that has signed it, if that is known.
    pub(super) fn signer(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.signer.get().map(|key| SubjectPublicKeyInfoDer::from(&**key))
    }

    /// Whether this key has signed it.
    pub(super) fn is_by(
        &self,
        key: &SubjectPublicKeyInfoDer<'_>,
        supported: &WebPkiSupportedAlgorithms,
    ) -> bool {
        if let Some(signer) = self.signer.get() {
            return **signer == **key;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(unproven) = open.as_mut() else {
            // Another thread has settled it meanwhile.
            return self.signer.get().is_some_and(|signer| **signer == **key);
        };
        if unproven.refused.iter().any(|refused| **refused == **key) {
            return false;
        }
        if unproven.verifies(key, supported) {
            let _ = self.signer.set(key.as_ref().into());
            *open = None;
            return true;
        }
        if unproven.refused.len() < MOST_REFUSED {
            unproven.refused.push(key.as_ref().into());
        }
        false
    }
}

impl Open {
    fn verifies(&self, key: &SubjectPublicKeyInfoDer<'_>, supported: &WebPkiSupportedAlgorithms) -> bool {
        let Some(body) = self.der.get(self.body.clone()) else { return false };
        is_signed_by(key, &self.algorithm, body, &self.signature, supported)
    }
}

/// Whether a signature of this algorithm, given by the content of its identifier, is by this key.
pub(crate) fn is_signed_by(
    key: &SubjectPublicKeyInfoDer<'_>,
    algorithm: &[u8],
    body: &[u8],
    signature: &[u8],
    supported: &WebPkiSupportedAlgorithms,
) -> bool {
    let Ok(key) = RawPublicKeyEntity::try_from(key) else { return false };
    supported
        .all
        .iter()
        .filter(|known| *known.signature_alg_id() == *algorithm)
        .any(|known| key.verify_signature(*known, body, signature).is_ok())
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("bytes", &self.der.len()).finish_non_exhaustive()
    }
}
