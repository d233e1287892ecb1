//! From certificate bytes to an identity, beside x509-parser alone.

#![expect(clippy::expect_used, reason = "a benchmark without its certificate has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis_core::certificate::Certificate;
use portcullis_core::{Identity, certificate::AttributeType};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

fn identity(c: &mut Criterion) {
    let issued = portcullis_benches::alice().expect("a certificate is made");
    let der = issued.certificate_der();
    let mut group = c.benchmark_group(format!("identity/{} bytes", der.len()));
    // What somebody who takes x509-parser alone would do for the same facts, but for the fingerprint.
    group.bench_function("x509-parser, names and SANs", |b| {
        b.iter(|| {
            let (_, certificate) = X509Certificate::from_der(black_box(der)).expect("it parses");
            let name = |name: &x509_parser::x509::X509Name<'_>| {
                name.iter_attributes().filter_map(|a| a.as_str().ok().map(String::from)).collect::<Vec<_>>()
            };
            let names = (name(certificate.subject()), name(certificate.issuer()));
            let alternative: Vec<String> = certificate
                .extensions()
                .iter()
                .filter_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::SubjectAlternativeName(names) => Some(names),
                    _ => None,
                })
                .flat_map(|names| names.general_names.iter().map(ToString::to_string))
                .collect();
            (names, alternative, certificate.validity().not_after.timestamp())
        });
    });
    group.bench_function("portcullis, with both fingerprints", |b| {
        b.iter(|| Certificate::from_der(black_box(der)).expect("it parses"));
    });
    let certificate = Certificate::from_der(der).expect("it parses");
    group.bench_function("portcullis, identity of a parsed certificate", |b| {
        b.iter(|| Identity::assertion(black_box(&certificate).clone(), "staff"));
    });
    group.bench_function("portcullis, one subject attribute", |b| {
        b.iter(|| black_box(&certificate).subject().one(&AttributeType::CN).map(str::len));
    });
    group.finish();
}

criterion_group!(benches, identity);
criterion_main!(benches);
