//! Certificates of the wrong purpose, version, size or number.

use crate::{
    Authority, DistinguishedName, Extension, GeneralName, Issued, KeyUsage, Oid, PkiError, RawCertificate,
    hostile::{Recipe, Row, alice, client},
};

pub(super) const CASES: &[Row<Recipe>] = &[
    ("good", "nothing is wrong with it", |authority| alice().issue(authority)),
    ("no_eku", "no extended key usage", |authority| {
        bare().extension(not_ca()).extension(signing()).issue(authority)
    }),
    ("server_eku", "extended key usage serverAuth only", |a| purpose(a, Oid::SERVER_AUTH)),
    ("any_eku", "extended key usage anyExtendedKeyUsage only", |a| purpose(a, Oid::ANY_EXTENDED_KEY_USAGE)),
    ("email_eku", "extended key usage emailProtection only", |a| purpose(a, Oid::EMAIL_PROTECTION)),
    ("ku_no_ds", "a key usage without digitalSignature", |authority| {
        let usage = Extension::key_usage(&[KeyUsage::KeyEncipherment]);
        bare().extension(not_ca()).extension(usage).extension(client_auth()).issue(authority)
    }),
    ("ku_absent", "no key usage, which allows every use", |authority| {
        bare().extension(not_ca()).extension(client_auth()).issue(authority)
    }),
    ("leaf_is_ca", "a client that is an authority", |authority| {
        let authority_too = Extension::basic_constraints(true, None);
        bare().extension(authority_too).extension(signing()).extension(client_auth()).issue(authority)
    }),
    ("no_bc", "no basic constraints", |authority| {
        bare().extension(signing()).extension(client_auth()).issue(authority)
    }),
    ("v1", "version 1, as a plain `openssl x509 -req` makes it", |authority| {
        bare().version(1).issue(authority)
    }),
    ("v1_extensions", "version 1, but with the extensions of version 3", |authority| {
        alice().version(1).issue(authority)
    }),
    ("crit_ext", "a critical extension that nobody knows", |authority| {
        alice().extension(Extension::new(Oid::UNKNOWN_EXTENSION, true, [5, 0])).issue(authority)
    }),
    ("dup_ext", "two subject alternative name extensions", |authority| {
        let name = |text: &str| Extension::subject_alt_name(&[GeneralName::Dns(text.to_owned())]);
        alice().extension(name("alice.test")).extension(name("admin.test")).issue(authority)
    }),
    ("san_garbage", "a subject alternative name extension that is no DER", |authority| {
        alice().extension(Extension::new(Oid::SUBJECT_ALT_NAME, false, [0x30, 0x84, 0xff])).issue(authority)
    }),
    ("selfsigned", "signed with its own key", |_| alice().self_signed()),
    ("selfsigned_ca", "signed with its own key and an authority, as `openssl req -x509` makes it", |_| {
        bare().extension(Extension::basic_constraints(true, None)).self_signed()
    }),
    ("empty_dn_san", "an empty subject, but an e-mail address as alternative name", |authority| {
        let name = Extension::subject_alt_name(&[GeneralName::Email("alice@example.com".into())]);
        client(DistinguishedName::new()).extension(name).issue(authority)
    }),
    ("spiffe_ca", "a SPIFFE ID in a certificate that is an authority", |authority| {
        let usage = Extension::key_usage(&[KeyUsage::DigitalSignature, KeyUsage::KeyCertSign]);
        let authority_too = bare().extension(Extension::basic_constraints(true, None)).extension(usage);
        authority_too.extension(client_auth()).extension(spiffe()).issue(authority)
    }),
    ("spiffe_certsign", "a SPIFFE ID in a certificate that may sign certificates", |authority| {
        let usage = Extension::key_usage(&[KeyUsage::DigitalSignature, KeyUsage::KeyCertSign]);
        bare()
            .extension(not_ca())
            .extension(usage)
            .extension(client_auth())
            .extension(spiffe())
            .issue(authority)
    }),
    ("serial_negative", "a negative serial number", |authority| alice().serial([0x80, 1]).issue(authority)),
    ("serial_zero", "serial number 0", |authority| alice().serial([0]).issue(authority)),
    ("serial_padded", "a serial number with leading zeros, which DER forbids", |authority| {
        alice().serial([0, 0, 0, 0x12, 0x34]).issue(authority)
    }),
    ("serial_long", "a serial number of 40 bytes", |authority| alice().serial([0x7f; 40]).issue(authority)),
    ("big15k", "a certificate of 15 KB", |authority| padded(15_000).issue(authority)),
    ("big40k", "a certificate of 40 KB", |authority| padded(40_000).issue(authority)),
    ("big70k", "a certificate of 70 KB, more than four TLS records", |authority| {
        padded(70_000).issue(authority)
    }),
    ("many_extensions", "1,000 unknown extensions", |authority| {
        let unknown = (0..1000).map(|_| Extension::new(Oid::UNKNOWN_EXTENSION, false, [5, 0]));
        alice().extensions(unknown).issue(authority)
    }),
];

/// alice without extensions.
fn bare() -> RawCertificate {
    RawCertificate::new(DistinguishedName::common_name("alice"))
}

fn purpose(authority: &Authority, purpose: Oid) -> Result<Issued, PkiError> {
    let certificate = bare().extension(not_ca()).extension(signing());
    certificate.extension(Extension::extended_key_usage(&[purpose])).issue(authority)
}

fn padded(size: usize) -> RawCertificate {
    alice().extension(Extension::new(Oid::UNKNOWN_EXTENSION, false, vec![0; size]))
}

fn not_ca() -> Extension {
    Extension::basic_constraints(false, None)
}

fn signing() -> Extension {
    Extension::key_usage(&[KeyUsage::DigitalSignature])
}

fn client_auth() -> Extension {
    Extension::extended_key_usage(&[Oid::CLIENT_AUTH])
}

fn spiffe() -> Extension {
    Extension::subject_alt_name(&[GeneralName::Uri("spiffe://test/a".into())])
}
