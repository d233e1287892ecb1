//! A certificate, as a client may send it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_core::certificate::{AttributeType, Fingerprint, SanKind};
use portcullis_core::{Authorizer, Certificate, Connection, Identity, Peer, Policy, Request};

/// Routes whose rules read everything that there is in a certificate.
static AUTH: LazyLock<Authorizer> = LazyLock::new(|| {
    let text = r#"
        version = 1
        [roles.given]
        when = '"x" in subject.all.OU || spiffe.trust_domain == "x" || san.dns.exists(x, x.endsWith("x"))'
        [[route]]
        match = "GET /subject"
        allow = 'subject.CN == "x" || !("x" in subject.all.OU) || has(issuer.O) || size(subject.all.CN) > 1'
        [[route]]
        match = "GET /names"
        allow = 'san.uri.all(x, x.startsWith("spiffe:")) && san.email.exists(x, x.contains("@")) || size(san.ip) == 2 || "x" in san.upn'
        [[route]]
        match = "GET /rest"
        allow = 'has(spiffe.id) ? spiffe.path == "/x" : cert.not_after > request.time && "clientAuth" in cert.eku && cert.serial == "01"'
        [[route]]
        match = "GET /given"
        allow = '!role("given") && principal.name != "x"'
    "#;
    Authorizer::builder(Policy::from_text("policy.toml", text).expect("the policy"))
        .build()
        .expect("no sources")
});

fuzz_target!(|der: &[u8]| {
    let certificate = match Certificate::from_der(der) {
        Ok(certificate) => certificate,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(certificate.der(), der);
    assert_eq!(*certificate.sha256(), Fingerprint::of(der));
    assert_eq!(Certificate::from_der(der).expect("it was read once"), certificate);

    for name in [certificate.subject(), certificate.issuer()] {
        // Printed, it keeps to one line, whatever is in it.
        let printed = name.to_string();
        assert!(!printed.chars().any(char::is_control), "{printed:?}");
        for attribute in [AttributeType::CN, AttributeType::OU] {
            let count = name.values(&attribute).count();
            assert_eq!(name.has(&attribute), count > 0);
            if let Ok(one) = name.one(&attribute) {
                assert_eq!((count, name.all(&attribute).expect("it can be read")), (1, vec![one]));
            }
        }
    }
    for kind in [SanKind::Dns, SanKind::Email, SanKind::Uri, SanKind::Ip, SanKind::Upn] {
        if let Ok(values) = certificate.san().values(kind) {
            assert!(values.iter().all(|value| !value.is_empty()));
        }
    }
    if let Ok(id) = certificate.spiffe_id() {
        assert_eq!(id.as_str(), format!("spiffe://{}{}", id.trust_domain(), id.path()));
    }
    let (start, end) = (certificate.not_before(), certificate.not_after());
    assert_eq!(certificate.is_valid_at(start), start <= end);
    assert!(!certificate.is_valid_at(end.saturating_add(1)));
    let _ = (format!("{certificate:?}"), certificate.key_usage(), certificate.basic_constraints());

    let connection = Connection::assertion(Peer::Verified(Identity::assertion(certificate, "staff")));
    for path in ["/subject", "/names", "/rest", "/given"] {
        let request = Request::new("GET", path).with_time(1_800_000_000);
        if let Some(denial) = AUTH.decide(&request, Some(&connection)).denial() {
            let told = denial.to_string();
            assert!(!told.chars().any(char::is_control), "{told:?}");
        }
    }
});
