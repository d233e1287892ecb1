//! What is asked of the issuers on a path beyond what webpki asks.

use portcullis_core::Certificate;
use rustls::pki_types::UnixTime;
use webpki::{Error, VerifiedPath};

use super::judgement::Window;
use super::profile::Profile;
use crate::clock::unix_time;
use crate::trust_anchors::AnchorSet;

/// Checks a path that webpki has found, and narrows the time in which it holds.
///
/// An error makes webpki look for another path, as for a reason of its own.
pub(super) fn check(
    path: &VerifiedPath<'_>,
    anchors: &AnchorSet,
    profile: &Profile,
    mut window: Window,
    time: UnixTime,
) -> Result<Window, Error> {
    for intermediate in path.intermediate_certificates() {
        let issuer = Certificate::from_der(&intermediate.der()).map_err(|_| Error::BadDer)?;
        if !profile.may_issue(&issuer) {
            return Err(Error::EndEntityUsedAsCa);
        }
        window = window.and(Window::of(&issuer));
    }
    // webpki takes anchors for eternal.
    let anchor = anchors.facts(path.anchor()).ok_or(Error::UnknownIssuer)?;
    let validity = Window::of(&anchor.certificate);
    if unix_time(validity.until).is_none_or(|not_after| time > not_after) {
        return Err(Error::CertExpired { time, not_after: unix_time(validity.until).unwrap_or(time) });
    }
    if unix_time(validity.from).is_some_and(|not_before| time < not_before) {
        return Err(Error::CertNotValidYet { time, not_before: time });
    }
    Ok(window.and(validity))
}
