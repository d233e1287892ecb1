//! Without the feature nobody is asked.

use std::sync::Arc;

use portcullis_core::Certificate;
use rustls::crypto::CryptoProvider;
use webpki::VerifiedPath;

use super::Standing;
use crate::revocation::{RevocationError, RevocationSet};
use crate::trust_anchors::AnchorSet;

#[derive(Debug, Clone)]
pub(crate) enum OcspResponder {}

#[derive(Debug)]
pub(crate) enum Inquiry {}

#[derive(Debug)]
pub(crate) struct Responders;

impl Responders {
    pub(crate) fn load(
        _: &[OcspResponder],
        _: &AnchorSet,
        _: &Arc<CryptoProvider>,
    ) -> Result<Self, RevocationError> {
        Ok(Self)
    }

    pub(crate) fn inquiry(
        &self,
        _: &Certificate,
        _: &VerifiedPath<'_>,
        _: &str,
        _: &Arc<RevocationSet>,
        _: u64,
    ) -> Option<Inquiry> {
        None
    }
}

impl Inquiry {
    pub(crate) fn recall(&self, _: i64) -> Option<Standing> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "it is waited for where there is the feature")]
    pub(crate) async fn ask(self: Arc<Self>, _: i64) -> Standing {
        match *self {}
    }
}
