//! What RFC 5280 forbids and webpki does not look at.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a test needs is there, or it fails")]

use portcullis_core::Distrust;
use portcullis_pki::{
    Authority, DistinguishedName, Extension, GeneralName, Issued, KeyUsage, Oid, RawCertificate,
};
use portcullis_tls::{ClientAuth, ClientTrust, TlsError, TrustAnchors, TrustAnchorsError};

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed()
}

/// What is made of a client below this authority: by default, and in the strict profile.
fn judge(authority: &Authority, client: &Issued) -> [Result<(), String>; 2] {
    let anchors = || TrustAnchors::new().der("staff", authority.root_der());
    [ClientAuth::require(anchors()), ClientAuth::require(anchors()).strict_profile()].map(|asked| {
        let trust = match ClientTrust::builder(asked).build() {
            Ok(trust) => trust,
            Err(TlsError::TrustAnchors(TrustAnchorsError::Nonconforming { label, violation, .. })) => {
                return Err(format!("{label}: {violation}"));
            }
            Err(error) => panic!("{error}"),
        };
        match trust.judge(client.chain_der(), now()) {
            Ok(_) => Ok(()),
            Err(Distrust::Nonconforming { violation, .. }) => Err(violation),
            Err(reason) => panic!("{reason}"),
        }
    })
}

fn client(subject: DistinguishedName, extensions: impl IntoIterator<Item = Extension>) -> RawCertificate {
    RawCertificate::new(subject)
        .extension(Extension::extended_key_usage(&[Oid::CLIENT_AUTH]))
        .extensions(extensions)
}

fn alice(extensions: impl IntoIterator<Item = Extension>) -> RawCertificate {
    client(DistinguishedName::common_name("alice"), extensions)
}

/// A key identifier of the authority that names no key, for rules that come later.
fn identifier() -> Extension {
    Extension::new("2.5.29.35".parse().unwrap(), false, [0x30, 0x03, 0x80, 0x01, 0x07])
}

fn root(subject: DistinguishedName, extensions: impl IntoIterator<Item = Extension>) -> Authority {
    RawCertificate::new(subject)
        .extension(Extension::key_usage(&[KeyUsage::KeyCertSign, KeyUsage::CrlSign]))
        .extensions(extensions)
        .root()
        .unwrap()
}

fn subject_identifier() -> Extension {
    Extension::new("2.5.29.14".parse().unwrap(), false, [0x04, 0x01, 0x07])
}

#[test]
fn what_pki_makes_is_strict() {
    let authority = Authority::new("Staff CA").unwrap();
    assert_eq!(judge(&authority, &authority.client("alice").issue().unwrap()), [Ok(()), Ok(())]);
    let team = authority.intermediate("Team CA").unwrap();
    assert_eq!(judge(&authority, &team.client("alice").issue().unwrap()), [Ok(()), Ok(())]);
}

#[test]
fn what_could_let_somebody_in_is_always_refused() {
    let authority = Authority::new("Staff CA").unwrap();
    let signer =
        alice([identifier(), Extension::key_usage(&[KeyUsage::DigitalSignature, KeyUsage::KeyCertSign])]);
    for verdict in judge(&authority, &signer.issue(&authority).unwrap()) {
        assert_eq!(verdict.unwrap_err(), "its key usage is keyCertSign, though it is no authority (4.2.1.9)");
    }

    let constraints = || Extension::basic_constraints(true, None);
    let nameless = root(DistinguishedName::default(), [constraints(), subject_identifier()]);
    for verdict in judge(&nameless, &alice([identifier()]).issue(&nameless).unwrap()) {
        assert_eq!(verdict.unwrap_err(), "staff: an authority has an empty subject (4.1.2.6)");
    }

    let unknown = Extension::new("1.3.6.1.4.1.55738.666.1".parse().unwrap(), true, [5, 0]);
    let odd = root(DistinguishedName::common_name("Odd CA"), [constraints(), subject_identifier(), unknown]);
    for verdict in judge(&odd, &alice([identifier()]).issue(&odd).unwrap()) {
        assert_eq!(verdict.unwrap_err(), "staff: it has a critical extension that is not understood (4.2)");
    }
}

#[test]
fn what_harms_nobody_is_refused_by_the_strict_profile_alone() {
    let authority = Authority::new("Staff CA").unwrap();
    let dns = |name: &str| Extension::subject_alt_name(&[GeneralName::Dns(name.into())]);
    let constraint = Extension::name_constraints(&[GeneralName::Dns("example.com".into())], &[]);
    let rows = [
        (alice([]), "it has no authorityKeyIdentifier (4.2.1.1)"),
        (alice([identifier(), constraint]), "it has nameConstraints, though it is no authority (4.2.1.10)"),
        (
            alice([identifier(), dns("my_host")]),
            "a DNS name in its subjectAltName has an underscore (4.2.1.6)",
        ),
        (
            client(DistinguishedName::default(), [identifier(), dns("host")]),
            "its subject is empty, but its subjectAltName is not critical (4.2.1.6)",
        ),
        (alice([identifier()]).serial([0]), "its serial number is not positive (4.1.2.2)"),
    ];
    for (client, violation) in rows {
        let verdict = judge(&authority, &client.issue(&authority).unwrap());
        assert_eq!(verdict, [Ok(()), Err(violation.to_owned())]);
    }

    let careless =
        root(DistinguishedName::common_name("Home CA"), [Extension::basic_constraints(true, None)]);
    let verdict = judge(&careless, &alice([identifier()]).issue(&careless).unwrap());
    let violation = "staff: an authority has no subjectKeyIdentifier (4.2.1.2)";
    assert_eq!(verdict, [Ok(()), Err(violation.to_owned())]);
}
