//! What an audit event says, in which form, and what it keeps to itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy exempts test functions, not what they call"
)]

mod audited;

use audited::{Events, Known, certificate, decide, forwarded, peer, policy, ready, roles, verdict};
use portcullis_core::audit::{Audit, AuditEvent, AuditField};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::request::CrossSite;
use portcullis_core::rule::{anyone, role};
use portcullis_core::{Authorizer, Connection, Distrust, Peer, Policy, Request};
use serde_json::{Value, json};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A source of roles that has to wait, and then fails for everybody but alice.
struct Directory;

impl RoleProvider for Directory {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let known = account.name == "alice";
        Answer::Pending(Box::pin(async move {
            if known {
                Ok(Grants::from(["admin"]))
            } else {
                Err(ProviderError::new("down\nfor\u{202e}today"))
            }
        }))
    }
}

/// A source of roles that fails, and names the caller in its error.
struct Gossip;

impl RoleProvider for Gossip {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new(format!("no reply about {}", account.name))))
    }
}

/// One event of every kind.
fn every_kind() -> Vec<Value> {
    let events = Events::default();
    let auth = Authorizer::builder(policy()).roles(roles()).cross_site(CrossSite::new()).audit(events.sink());
    let auth = auth.build().unwrap();
    let (alice, bob, nobody) = (
        Known::connection(peer("alice")),
        Known::connection(peer("bob")),
        Known::connection(Peer::Anonymous),
    );
    let reason = Distrust::UnknownIssuer { issuer: "CN=Mallory".into() };
    let untrusted = Known::connection(Peer::Untrusted { certificate: Some(certificate("eve")), reason });
    let unreadable = Known::connection(Peer::Untrusted {
        certificate: None,
        reason: Distrust::Malformed { detail: "no DER".into() },
    });
    let request =
        Request::new("GET", "/admin/x").with_host("a.test:8443").with_traceparent(Some(TRACEPARENT));
    let _ = verdict(&auth, &request.with_time(1_700_000_000), &alice);
    for (connection, path) in [
        (&nobody, "/"),
        (&bob, "/admin/x"),
        (&nobody, "/me"),
        (&untrusted, "/me"),
        (&unreadable, "/me"),
        (&alice, "/closed"),
        (&alice, "/nowhere"),
        (&alice, "//admin"),
    ] {
        let _ = decide(&auth, "GET", path, connection);
    }
    let _ = verdict(&auth, &Request::new("GET", "/").with_host("other.test"), &alice);
    let _ = ready(auth.authorize(&Request::new("GET", "/"), None));
    let _ = decide(&auth, "GET", "/me", &Known::connection(forwarded("alice", "CN=proxy")));
    let principal = verdict(&auth, &Request::new("GET", "/"), &nobody).principal.unwrap();
    let _ = auth.caller_required(&Request::new("GET", "/"), Some(&nobody), &principal);
    let _ = verdict(&auth, &Request::new("POST", "/me").with_origin(Some("https://evil.test")), &alice);
    drop(auth);

    let auth = Authorizer::builder(policy()).roles(Directory).audit(events.sink()).build().unwrap();
    auth.set_candidate(Policy::builder().role("admin", []).route("GET /closed", anyone()).build().unwrap())
        .unwrap();
    for (connection, path) in [(&bob, "/admin/x"), (&alice, "/admin/x"), (&alice, "/closed")] {
        let _ = decide(&auth, "GET", path, connection);
    }
    drop(auth);
    events.json()
}

#[test]
fn an_allow_tells_who_what_and_by_which_rule() {
    let mut events = every_kind();
    let mut event = events.remove(0);
    let alice = certificate("alice");
    let object = event.as_object_mut().unwrap();
    assert!(object.remove("latency_ns").unwrap().as_u64().unwrap() > 0);
    assert!(object.remove("policy_generation").unwrap().as_u64().unwrap() > 0);
    for random in ["serial", "certificate_sha256"] {
        assert!(object.remove(random).unwrap().as_str().unwrap().len() > 8, "{random}");
    }
    assert_eq!(
        event,
        json!({
            "schema": 1,
            "sequence": 1,
            "time": "2023-11-14T22:13:20Z",
            "decision": "allow",
            "method": "GET",
            "path": "/admin/x",
            "host": "a.test:8443",
            "route": "* /admin/{*rest}",
            "route_id": "* /admin/{*rest}",
            "rule": "role(\"admin\")",
            "peer": "verified",
            "name": "alice",
            "roles": ["admin", "user"],
            "anchor": "staff",
            "provenance": "asserted",
            "subject": alice.subject().to_string(),
            "issuer": alice.issuer().to_string(),
            "peer_ip": "192.0.2.7",
            "peer_port": 51234,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "policy_sha256": policy().digest().to_string(),
            "trust_generation": 3,
        })
    );
}

#[test]
fn each_decision_is_one_event_of_its_kind() {
    let events = every_kind();
    let told: Vec<_> = events.iter().map(|e| e["kind"].as_str().unwrap_or("allow")).collect();
    assert_eq!(
        told,
        [
            "allow",
            "allow",
            "forbidden",
            "certificate-required",
            "certificate-untrusted",
            "certificate-untrusted",
            "forbidden",
            "no-rule",
            "firewall",
            "misdirected",
            "misconfigured",
            "allow",
            "allow",
            "certificate-required",
            "cross-site",
            "unavailable",
            "allow",
            "forbidden",
        ]
    );
    let sequences: Vec<_> = events.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=15).chain(1..=3).collect::<Vec<_>>(), "each authorizer counts its own");
    assert_eq!(events[4]["distrust"], "unknown-issuer");
    assert_eq!(events[4]["subject"], certificate("eve").subject().to_string());
    assert_eq!(events[4]["name"], Value::Null);
    assert_eq!(events[5]["certificate_sha256"], Value::Null);
    assert_eq!(events[8]["peer"], Value::Null, "nobody was asked");
    assert_eq!(events[11]["forwarded_by"], "CN=proxy");
    assert!(events[13]["cause"].as_str().unwrap().starts_with("the handler needs"), "{}", events[13]);
    assert_eq!(events[13]["route"], "GET /");
    assert_eq!(events[15]["source_failure"], "source 1: down\\nfor\\u{202e}today");
    assert_eq!(events[17]["candidate"], "opens");
}

#[test]
fn the_json_fits_its_schema_and_the_schema_is_strict() {
    let schema: Value = serde_json::from_str(include_str!("../schema/audit-event-1.json")).unwrap();
    assert_eq!(schema["properties"]["schema"]["const"], AuditEvent::SCHEMA);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events = every_kind();
    let mut seen = std::collections::BTreeSet::new();
    for event in &events {
        let errors: Vec<_> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{event}");
        seen.extend(event.as_object().unwrap().keys().cloned());
    }
    let described: std::collections::BTreeSet<_> =
        schema["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(seen, described, "every field is both described and seen in some event");

    for (field, value) in [
        ("schema", json!(2)),
        ("decision", json!("maybe")),
        ("kind", json!("tired")),
        ("path", json!("/a\nb")),
        ("surprise", json!(1)),
        ("roles", json!("admin")),
        ("policy_sha256", Value::Null),
    ] {
        let mut wrong = events[2].clone();
        wrong[field] = value;
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    let mut without_id = events[2].clone();
    without_id.as_object_mut().unwrap().remove("denial_id");
    assert!(!validator.is_valid(&without_id));
}

#[test]
fn the_id_is_the_one_of_the_response() {
    let events = Events::default();
    let auth = Authorizer::builder(policy()).audit(events.sink()).build().unwrap();
    let denied = decide(&auth, "GET", "/admin/", &Known::connection(Peer::Anonymous));
    drop(auth);
    assert_eq!(events.json()[0]["denial_id"], denied.denial().unwrap().id().to_string());
}

#[test]
fn whatever_a_client_sends_stays_on_its_line() {
    let hostile = [
        "\n{\"decision\":\"allow\"}",
        "\r\n",
        "a\u{2028}b\u{2029}c\u{85}d",
        "\u{202e}gpj.exe",
        "\u{1b}]0;owned\u{7}",
        "\u{0}",
        "\u{200b}\u{feff}",
        "\"},{\"",
        "\\n",
        "${jndi:ldap://x}",
        &"\u{1f600}\n".repeat(50_000),
    ];
    let events = Events::default();
    let auth = Authorizer::builder(policy()).audit(events.sink()).build().unwrap();
    let connection = Known::connection(peer("alice"));
    for text in hostile {
        for request in [
            Request::new("GET", text),
            Request::new(text, "/me"),
            Request::new("GET", "/me").with_host(text),
            Request::new("GET", "/me").with_target_authority(Some(text)),
            Request::new("GET", "/").with_traceparent(Some(text)).with_trace_id(Some(text)),
        ] {
            let _ = verdict(&auth, &request, &connection);
        }
        let _ = decide(&auth, "GET", "/me", &Known::connection(forwarded("alice", text)));
    }
    drop(auth);
    let lines = events.lines();
    assert_eq!(lines.len(), hostile.len() * 6);
    for line in &lines {
        assert!(line.len() < 40_000, "{}", line.len());
        let odd = line.chars().find(|c| {
            c.is_control()
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{200b}'..='\u{200f}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        });
        assert_eq!(odd, None, "{line}");
        let event: Value = serde_json::from_str(line).unwrap();
        let strings = event.as_object().unwrap().values().filter_map(Value::as_str);
        for text in strings {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{2028}' || c == '\u{202e}'), "{text:?}");
        }
    }
}

/// Every certificate of the catalogue, trusted and untrusted.
#[test]
fn whatever_a_certificate_says_stays_on_its_line() {
    let events = Events::default();
    let auth = Authorizer::builder(policy()).audit(events.sink()).build().unwrap();
    let authority = portcullis_pki::Authority::new("Test CA").unwrap();
    let mut readable = 0;
    for name in portcullis_pki::hostile::NAMES.iter() {
        let issued = authority.hostile(name).unwrap();
        let Ok(certificate) = portcullis_core::Certificate::from_der(issued.certificate_der()) else {
            continue;
        };
        readable += 1;
        let reason = Distrust::UnknownIssuer { issuer: certificate.issuer().to_string() };
        let identity = portcullis_core::Identity::assertion(certificate.clone(), "staff");
        for peer in [Peer::Verified(identity), Peer::Untrusted { certificate: Some(certificate), reason }] {
            let _ = decide(&auth, "GET", "/admin/", &Connection::assertion(peer));
        }
    }
    assert!(readable > 20, "{readable}");
    drop(auth);
    let lines = events.lines();
    assert_eq!(lines.len(), readable * 2);
    for line in lines {
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}')), "{line}");
        let event: Value = serde_json::from_str(&line).unwrap();
        for text in event.as_object().unwrap().values().filter_map(Value::as_str) {
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}

#[test]
fn masked_fields_are_nowhere_in_the_event() {
    let all = [
        AuditField::Name,
        AuditField::Subject,
        AuditField::Issuer,
        AuditField::Serial,
        AuditField::CertificateSha256,
        AuditField::Roles,
        AuditField::Path,
        AuditField::Host,
        AuditField::PeerIp,
        AuditField::TraceId,
    ];
    let (hidden, hashed, open) = (Events::default(), Events::default(), Events::default());
    let hide = all.iter().fold(Audit::to(hidden.sink()), |audit, field| audit.mask(*field));
    let hash =
        all.iter().fold(Audit::to(hashed.sink()).salt(b"pepper"), |audit, field| audit.pseudonym(*field));
    assert!(!format!("{hash:?}").contains("pepper"));
    let auth = Authorizer::builder(policy()).roles(roles()).roles(Gossip);
    let auth = auth.audit(hide).audit(hash).audit(open.sink());
    assert!(!format!("{auth:?}").contains("pepper"));
    let auth = auth.build().unwrap();
    let request =
        Request::new("GET", "/admin/alice").with_host("secret.test").with_traceparent(Some(TRACEPARENT));
    let alice = Known::connection(peer("alice"));
    let _ = verdict(&auth, &request, &alice);
    let _ = verdict(&auth, &request, &alice);
    let eve = certificate("eve");
    let reason = Distrust::UnknownIssuer { issuer: eve.issuer().to_string() };
    let _ = verdict(&auth, &request, &Known::connection(Peer::Untrusted { certificate: Some(eve), reason }));
    drop(auth);

    let (hidden, hashed, open) = (hidden.json(), hashed.json(), open.json());
    let secrets = ["alice", "eve", "Test CA", "secret.test", "192.0.2.7", "51234", "4bf92f35", "Security"];
    for (event, plain) in hidden.iter().chain(&hashed).zip(open.iter().chain(&open)) {
        let text = event.to_string();
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(!text.contains(plain["certificate_sha256"].as_str().unwrap()));
        assert_eq!(event["decision"], plain["decision"]);
    }
    assert_eq!(open[0]["source_failure"], "source 2: no reply about alice");
    assert_eq!(hidden[0]["roles"], json!(["masked"]));
    assert_eq!(hashed[0]["roles"].as_array().unwrap().len(), 2);
    assert_eq!(hashed[0]["name"], hashed[1]["name"], "the same caller can be told");
    assert_ne!(hashed[0]["subject"], hashed[2]["subject"]);
    let schema: Value = serde_json::from_str(include_str!("../schema/audit-event-1.json")).unwrap();
    for event in hidden.iter().chain(&hashed) {
        assert!(jsonschema::is_valid(&schema, event), "{event}");
    }
}

#[test]
fn digest_and_generation_tell_which_policy_decided() {
    let events = Events::default();
    let auth = Authorizer::builder(policy()).audit(events.sink()).build().unwrap();
    let nobody = Known::connection(Peer::Anonymous);
    let other = || Policy::builder().role("admin", []).route("GET /", role("admin")).build().unwrap();
    let _ = decide(&auth, "GET", "/", &nobody);
    auth.set_candidate(other()).unwrap();
    let _ = decide(&auth, "GET", "/", &nobody);
    auth.replace_policy(other()).unwrap();
    let _ = decide(&auth, "GET", "/", &nobody);
    drop(auth);
    let events = events.json();
    let which =
        |event: &Value| (event["policy_sha256"].clone(), event["policy_generation"].as_u64().unwrap());
    assert_eq!(which(&events[0]), which(&events[1]), "a candidate is not in force");
    assert_eq!(events[1]["candidate"], "closes");
    assert_ne!(which(&events[1]).0, which(&events[2]).0);
    assert!(which(&events[1]).1 < which(&events[2]).1);
    assert_eq!(events[2]["policy_sha256"], other().digest().to_string());
    assert_eq!(events[2]["candidate"], Value::Null, "both decide alike now");
}

#[test]
fn a_route_is_known_by_its_id() {
    let events = Events::default();
    let policy =
        Policy::builder().host_route("a.test", "GET /", anyone()).route_id("front-page").build().unwrap();
    let auth = Authorizer::builder(policy).audit(events.sink()).build().unwrap();
    let request = Request::new("GET", "/").with_host("a.test");
    let _ = verdict(&auth, &request, &Known::connection(Peer::Anonymous));
    drop(auth);
    let event = &events.json()[0];
    assert_eq!((&event["route"], &event["route_id"]), (&json!("GET / on a.test"), &json!("front-page")));
}

#[test]
fn questions_that_are_no_requests_are_not_recorded() {
    let events = Events::default();
    let auth = Authorizer::builder(policy()).audit(events.sink()).build().unwrap();
    let nobody = Known::connection(Peer::Anonymous);
    let principal = ready(auth.principal(Peer::Anonymous));
    assert!(auth.decide(&Request::new("GET", "/"), Some(&nobody)).is_allowed());
    assert!(auth.decide_for(&Request::new("GET", "/"), &principal).is_allowed());
    drop(auth);
    assert_eq!(events.lines().len(), 0);
}
