//! What is asked of a path beyond what webpki asks.

use portcullis_core::{Certificate, Distrust};
use rustls::pki_types::UnixTime;
use webpki::{Error, VerifiedPath};

use super::Judge;
use super::conformance::Position;
use super::judgement::Window;
use crate::clock::unix_time;

/// Why a path is refused that webpki found good.
pub(super) enum Refusal {
    /// For a reason that webpki has a word for.
    Webpki(Error),
    /// For one of ours.
    Ours(Distrust),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Webpki(error)
    }
}

impl From<Distrust> for Refusal {
    fn from(reason: Distrust) -> Self {
        Self::Ours(reason)
    }
}

/// A path to judge, and when.
pub(super) struct Question<'a> {
    pub(super) leaf: &'a Certificate,
    pub(super) path: &'a VerifiedPath<'a>,
    pub(super) now: i64,
    pub(super) time: UnixTime,
}

impl Judge {
    /// Checks a path that webpki has found, and tells in which time it holds.
    ///
    /// An error makes webpki look for another path, as for a reason of its own.
    pub(super) fn check_path(&self, question: &Question<'_>) -> Result<Window, Refusal> {
        let Question { leaf, path, now, time } = *question;
        let profile = &self.profile;
        let mut window = Window::of(leaf);
        profile.check_conformance(leaf, Position::Leaf)?;
        let mut issuers = Vec::new();
        for intermediate in path.intermediate_certificates() {
            let issuer = self.issuers.read(&intermediate.der()).map_err(|_| Error::BadDer)?;
            if !profile.may_issue(&issuer) {
                return Err(Error::EndEntityUsedAsCa.into());
            }
            profile.check_issuer_key(&issuer)?;
            profile.check_conformance(&issuer, Position::Issuer)?;
            window = window.and(Window::of(&issuer));
            issuers.push(issuer);
        }
        if issuers.len() > profile.path_length {
            return Err(Distrust::TooLong.into());
        }
        // webpki takes anchors for eternal.
        let anchor = self.anchors.facts(path.anchor()).ok_or(Error::UnknownIssuer)?;
        let validity = Window::of(&anchor.certificate);
        if unix_time(validity.until).is_none_or(|not_after| time > not_after) {
            let not_after = unix_time(validity.until).unwrap_or(time);
            return Err(Error::CertExpired { time, not_after }.into());
        }
        if unix_time(validity.from).is_some_and(|not_before| time < not_before) {
            return Err(Error::CertNotValidYet { time, not_before: time }.into());
        }
        profile.check_issuer_key(&anchor.certificate)?;
        let label = anchor.anchor.label();
        if !self.pins.allow(label, std::iter::once(leaf).chain(&issuers)) {
            return Err(Distrust::NotPinned.into());
        }
        window = window.and(validity);
        if let Some(revocation) = &self.revocation {
            if let Some(reason) = revocation.denied(&anchor.certificate) {
                return Err(reason.into());
            }
            window.until = window.until.min(revocation.check(path, label, now)?);
            // Before this moment the lists may not have been in force.
            window.from = window.from.max(now);
        }
        Ok(window)
    }
}
