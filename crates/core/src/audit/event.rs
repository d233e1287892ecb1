//! One decision as an auditor sees it.

use std::borrow::Cow;
use std::time::Duration;

use super::field::{Mask, Masks};
use super::record::Record;
use super::text::clean;
use super::{AuditField, json};
use crate::authorizer::Difference;
use crate::certificate::Certificate;
use crate::denial::{Denial, DenialId, DenialKind};
use crate::identity::Provenance;
use crate::peer::Peer;
use crate::principal::Principal;

/// One decision as an auditor sees it.
///
/// Every text that a client can choose is on one line, with control, invisible and turning
/// characters escaped as `\n` or `\u{202e}` and the backslash as `\\`, and ends in `…` after 2048 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent<'a> {
    /// Counts the events of this sink from 1: a gap is a loss.
    pub sequence: u64,
    /// When the request was judged, in seconds since the Unix epoch.
    pub time: i64,
    /// From the question to the decision, waiting for sources of roles included.
    pub latency: Duration,
    /// Whether the request might pass.
    pub allowed: bool,
    /// The kind of the denial.
    pub kind: Option<DenialKind>,
    /// The id of the denial, which the response carries, too.
    pub denial_id: Option<DenialId>,
    /// The status of the denial.
    pub status: Option<u16>,
    /// Why it was denied, in words.
    pub cause: Option<String>,
    /// Why the certificate was not trusted, as a [stable word](crate::Distrust::code).
    pub distrust: Option<&'static str>,
    /// What the first failed source of roles said; masked like the name, which it may quote.
    pub source_failure: Option<Cow<'a, str>>,
    /// The method of the request.
    pub method: Cow<'a, str>,
    /// The path of the request, not decoded.
    pub path: Cow<'a, str>,
    /// The host that the request was for, with its port if it had one.
    pub host: Option<Cow<'a, str>>,
    /// The route whose rule decided, as written in the policy.
    pub route: Option<String>,
    /// The id that the policy gives the route, else its pattern.
    pub route_id: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// `anonymous`, `untrusted` or `verified`; `None` when nobody was asked.
    pub peer: Option<&'static str>,
    /// The caller's name under the policy.
    pub name: Option<Cow<'a, str>>,
    /// The caller's roles, those that they include among them.
    pub roles: Vec<Cow<'a, str>>,
    /// The label of the trust anchor that vouched.
    pub anchor: Option<Cow<'a, str>>,
    /// `tls`, `forwarded` or `asserted`.
    pub provenance: Option<&'static str>,
    /// The proxy that passed the certificate on.
    pub forwarded_by: Option<Cow<'a, str>>,
    /// The certificate's subject (RFC 4514), trusted or not.
    pub subject: Option<Cow<'a, str>>,
    /// The certificate's issuer field (RFC 4514).
    pub issuer: Option<Cow<'a, str>>,
    /// The certificate's serial number in hexadecimal.
    pub serial: Option<Cow<'a, str>>,
    /// SHA-256 of the certificate.
    pub certificate_sha256: Option<Cow<'a, str>>,
    /// The address of the TCP peer.
    pub peer_ip: Option<Cow<'a, str>>,
    /// The port of the TCP peer.
    pub peer_port: Option<u16>,
    /// The trace that the request belongs to.
    pub trace_id: Option<Cow<'a, str>>,
    /// [`Policy::digest`](crate::Policy::digest) of the policy in force.
    pub policy_sha256: String,
    /// Which reload the policy came with; grows within one process.
    pub policy_generation: u64,
    /// The number of the trust snapshot that judged the certificate.
    pub trust_generation: Option<u64>,
    /// What the candidate policy would have done instead.
    pub candidate: Option<Difference>,
}

impl<'a> AuditEvent<'a> {
    /// The version of the event's form; it grows when a field changes its meaning or goes.
    pub const SCHEMA: u32 = 1;

    pub(super) fn of(sequence: u64, record: &'a Record, masks: &Masks) -> Self {
        let Record { state, asked, .. } = record;
        let denial = record.decision.denial();
        let principal = record.principal.as_ref();
        let identity = principal.and_then(Principal::identity);
        let certificate = principal.and_then(|principal| certificate(principal.peer()));
        let route = record.route.and_then(|route| state.policy.route(route));
        let shown = |field, text: Option<&'a str>| text.map(|text| masks.apply(field, text));
        let printed = |field, text: Option<String>| text.map(|text| masks.apply_owned(field, text));
        Self {
            sequence,
            time: asked.time,
            latency: record.latency,
            allowed: record.decision.is_allowed(),
            kind: denial.map(Denial::kind),
            denial_id: denial.map(Denial::id),
            status: denial.map(Denial::status),
            cause: denial.map(Denial::cause),
            distrust: principal.and_then(|principal| distrust(principal.peer())),
            source_failure: shown(AuditField::Name, principal.and_then(|p| p.roles().unavailable())),
            method: clean(&asked.method),
            path: masks.apply(AuditField::Path, &asked.path),
            host: shown(AuditField::Host, asked.host.as_deref()),
            route: route.map(ToString::to_string),
            route_id: route.map(|route| route.id().to_owned()),
            rule: route.map(|route| route.rule().to_string()),
            peer: principal.map(|principal| principal.peer().name()),
            name: shown(AuditField::Name, principal.and_then(|principal| principal.name().ok())),
            roles: principal.map(|principal| roles(principal, masks)).unwrap_or_default(),
            anchor: identity.map(|identity| clean(identity.anchor().label())),
            provenance: identity.map(|identity| identity.provenance().name()),
            forwarded_by: identity.and_then(|identity| forwarded_by(identity.provenance())),
            subject: printed(AuditField::Subject, certificate.map(|c| c.subject().to_string())),
            issuer: printed(AuditField::Issuer, certificate.map(|c| c.issuer().to_string())),
            serial: printed(AuditField::Serial, certificate.map(|c| c.serial().to_string())),
            certificate_sha256: printed(
                AuditField::CertificateSha256,
                certificate.map(|c| c.sha256().to_string()),
            ),
            peer_ip: printed(AuditField::PeerIp, asked.peer_ip.map(|ip| ip.to_string())),
            peer_port: asked.peer_port.filter(|_| masks.of(AuditField::PeerIp).is_none()),
            trace_id: printed(AuditField::TraceId, asked.trace_id.map(|id| id.to_string())),
            policy_sha256: state.digest().to_string(),
            policy_generation: state.policy_generation,
            trust_generation: asked.trust_generation,
            candidate: record.difference,
        }
    }

    /// The event as one line of JSON, without the line's end.
    ///
    /// Fields that are not known are left out. The form is described by the JSON Schema
    /// `schema/audit-event-1.json` of this crate.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::object(self).to_string()
    }
}

fn certificate(peer: &Peer) -> Option<&Certificate> {
    match peer {
        Peer::Anonymous => None,
        Peer::Untrusted { certificate, .. } => certificate.as_ref(),
        Peer::Verified(identity) => Some(identity.certificate()),
    }
}

fn distrust(peer: &Peer) -> Option<&'static str> {
    match peer {
        Peer::Untrusted { reason, .. } => Some(reason.code()),
        Peer::Anonymous | Peer::Verified(_) => None,
    }
}

fn forwarded_by(provenance: &Provenance) -> Option<Cow<'_, str>> {
    match provenance {
        Provenance::Forwarded { by } => Some(clean(by)),
        Provenance::Tls | Provenance::Asserted => None,
    }
}

/// How many roles there are is hidden with them.
fn roles<'a>(principal: &'a Principal, masks: &Masks) -> Vec<Cow<'a, str>> {
    let names = principal.roles().names();
    if masks.of(AuditField::Roles) == Some(Mask::Hidden) {
        return vec![Cow::Borrowed("masked")];
    }
    names.map(|name| masks.apply(AuditField::Roles, name)).collect()
}
