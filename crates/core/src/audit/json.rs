//! An audit event as JSON.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::AuditEvent;

pub(super) fn object(event: &AuditEvent<'_>) -> Value {
    let mut object = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(key.into(), value);
        }
    };
    set("schema", Some(AuditEvent::SCHEMA.into()));
    set("sequence", Some(event.sequence.into()));
    set("time", Some(rfc3339(event.time).into()));
    set("latency_ns", Some(u64::try_from(event.latency.as_nanos()).unwrap_or(u64::MAX).into()));
    set("decision", Some(if event.allowed { "allow" } else { "deny" }.into()));
    set("kind", event.kind.map(|kind| kind.name().into()));
    set("denial_id", event.denial_id.map(|id| id.to_string().into()));
    set("status", event.status.map(Into::into));
    set("cause", event.cause.as_deref().map(Into::into));
    set("distrust", event.distrust.map(Into::into));
    set("source_failure", event.source_failure.as_deref().map(Into::into));
    set("method", Some(event.method.as_ref().into()));
    set("path", Some(event.path.as_ref().into()));
    set("host", event.host.as_deref().map(Into::into));
    set("route", event.route.as_deref().map(Into::into));
    set("route_id", event.route_id.as_deref().map(Into::into));
    set("rule", event.rule.as_deref().map(Into::into));
    set("peer", event.peer.map(Into::into));
    set("name", event.name.as_deref().map(Into::into));
    set("roles", Some(event.roles.iter().map(AsRef::as_ref).collect()));
    set("anchor", event.anchor.as_deref().map(Into::into));
    set("provenance", event.provenance.map(Into::into));
    set("forwarded_by", event.forwarded_by.as_deref().map(Into::into));
    set("subject", event.subject.as_deref().map(Into::into));
    set("issuer", event.issuer.as_deref().map(Into::into));
    set("serial", event.serial.as_deref().map(Into::into));
    set("certificate_sha256", event.certificate_sha256.as_deref().map(Into::into));
    set("peer_ip", event.peer_ip.as_deref().map(Into::into));
    set("peer_port", event.peer_port.map(Into::into));
    set("trace_id", event.trace_id.as_deref().map(Into::into));
    set("policy_sha256", Some(event.policy_sha256.as_str().into()));
    set("policy_generation", Some(event.policy_generation.into()));
    set("trust_generation", event.trust_generation.map(Into::into));
    set("candidate", event.candidate.map(|difference| difference.name().into()));
    Value::Object(object)
}

/// A time outside of the four-digit years is a broken clock; the nearest that can be written stands for it.
fn rfc3339(unix_seconds: i64) -> String {
    const YEAR_0: i64 = -62_167_219_200;
    const END_OF_9999: i64 = 253_402_300_799;
    OffsetDateTime::from_unix_timestamp(unix_seconds.clamp(YEAR_0, END_OF_9999))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(feature = "serde")]
impl serde::Serialize for AuditEvent<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MIN), "0000-01-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59Z");
    }
}
