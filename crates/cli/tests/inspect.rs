//! The transcripts of `portcullis inspect`, over certificates that are made for them.
//!
//! Serial numbers and digests differ from run to run: `[..]` stands for them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_pki::{Attribute, Authority, DistinguishedName, Oid, RawCertificate, Revoked};
use rcgen::{CertificateParams, DnType, KeyPair, SanType};

const DAY: u64 = 24 * 3600;

/// A day of 2027, the first being 1.
fn day(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_798_761_600 + (number - 1) * DAY)
}

#[test]
fn transcripts() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("inspect.trycmd");
    fs::copy("tests/inspect/inspect.trycmd", &copy).unwrap();
    let files = folder.path().join("inspect.in");
    fs::create_dir(&files).unwrap();
    fs::copy("tests/inspect/policy.toml", files.join("policy.toml")).unwrap();
    make(&files);
    trycmd::TestCases::new().env("NO_COLOR", "1").env("PASSPHRASE", "correct horse").case(&copy).run();
    if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
        fs::copy(&copy, "tests/inspect/inspect.trycmd").unwrap();
    }
}

/// Makes every file that the transcripts name.
fn make(folder: &Path) {
    let write = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    let authority = |name: &str| {
        let builder = Authority::builder(name).organization("Example");
        builder.valid(day(1), day(3650)).build().unwrap()
    };
    let ca = authority("Example CA");
    write("ca.pem", ca.certificate_pem().unwrap().as_bytes());
    write("namesake.pem", authority("Example CA").certificate_pem().unwrap().as_bytes());
    write("other.pem", authority("Other CA").certificate_pem().unwrap().as_bytes());

    let alice = ca
        .client("alice")
        .organizational_unit("Security")
        .organization("Example")
        .email_san("alice@example.com")
        .serial(&[0xc0, 0xff, 0xee])
        .valid(day(1), day(60));
    let alice = alice.issue().unwrap();
    let leaf = alice.certificate_pem().unwrap();
    write("alice.pem", leaf.as_bytes());
    write("alice.der", alice.certificate_der());
    write("chain.pem", format!("{leaf}{}", ca.certificate_pem().unwrap()).as_bytes());
    write("alice.p12", &alice.p12("correct horse").unwrap());
    write("cut.p12", alice.p12("correct horse").unwrap().get(..200).unwrap());
    write("passphrase", b"correct horse\n");
    write("wrong", b"battery staple\n");
    write("broken.pem", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");

    let old = RawCertificate::new(DistinguishedName::common_name("old")).version(1);
    write("old.pem", old.valid(day(1), day(90)).issue(&ca).unwrap().certificate_pem().unwrap().as_bytes());
    // what no library makes any more
    for name in ["sha1.pem", "rsa1024.pem"] {
        fs::copy(Path::new("../tls/tests/fixtures").join(name), folder.join(name)).unwrap();
    }
    let subject = DistinguishedName::new()
        .with(Attribute::utf8(Oid::COMMON_NAME, "alice\n\u{1b}[2Jtrusted  by `ca`\u{202e}"));
    let hostile = RawCertificate::new(subject).valid(day(1), day(90)).issue(&ca).unwrap();
    write("hostile.pem", hostile.certificate_pem().unwrap().as_bytes());

    let list = ca.revocation_list().this_update(day(1)).next_update(day(8)).number(7);
    let list = list.revoke(Revoked::serial([1]).at(day(1))).sign().unwrap();
    write("ca.crl", list.der());
    write("crl.pem", list.pem().unwrap().as_bytes());

    let request = request();
    write("alice.csr", request.der());
    let mut forged = request.der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    write("forged.csr", &forged);
}

fn request() -> rcgen::CertificateSigningRequest {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.subject_alt_names.push(SanType::Rfc822Name("alice@example.com".try_into().unwrap()));
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap()
}
