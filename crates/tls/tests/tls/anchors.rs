//! Trust anchors: what is no anchor, and how it is said.

use portcullis_pki::{Authority, DistinguishedName, Extension, RawCertificate};
use portcullis_tls::{ClientAuth, TlsError, TrustAnchors, TrustAnchorsError};

use crate::client::Client;
use crate::site::{Site, meet};

fn build(anchors: TrustAnchors) -> Result<(), String> {
    match Site::new().builder().client_auth(ClientAuth::require(anchors)).build() {
        Ok(_) => Ok(()),
        Err(TlsError::TrustAnchors(error)) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn pem(text: &str) -> TrustAnchors {
    TrustAnchors::new().pem("staff", text)
}

#[test]
fn what_is_among_the_certificates_is_named() {
    let authority = Authority::new("Staff CA").unwrap();
    let good = authority.certificate_pem().unwrap();
    let lines = good.lines().count();
    let key = authority.key_pem().unwrap();
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let trusted = good.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let cases = [
        (pem(""), "the trust anchors `staff` is empty: write the PEM text into it".to_owned()),
        (
            pem(&format!("{good}{key}")),
            format!("the trust anchors `staff`: a `PRIVATE KEY` block begins in line {} among the trust anchors: leave `CERTIFICATE` blocks only; for a `TRUSTED CERTIFICATE` use `openssl x509 -in F -out G`", lines + 1),
        ),
        (
            pem(&trusted),
            "the trust anchors `staff`: a `TRUSTED CERTIFICATE` block begins in line 1 among the trust anchors: leave `CERTIFICATE` blocks only; for a `TRUSTED CERTIFICATE` use `openssl x509 -in F -out G`".to_owned(),
        ),
        (
            pem(&format!("{good}{garbage}")),
            format!("certificate 2 in the trust anchors `staff` (line {}) cannot be used as a trust anchor: the certificate is malformed: have the certificate issued again with a conforming tool", lines + 1),
        ),
        (
            pem(&format!("{good}{}", good.replacen("MII", "M*I", 1))),
            format!("the trust anchors `staff`: the `CERTIFICATE` block that begins in line {} is damaged: copy the file again", lines + 1),
        ),
        (TrustAnchors::new(), "there are no trust anchors: add the certificate of an authority, or leave client authentication out".to_owned()),
        (
            TrustAnchors::new().pem_file("staff", "/nowhere/staff-ca.pem"),
            "cannot read `/nowhere/staff-ca.pem`: No such file or directory (os error 2)".to_owned(),
        ),
    ];
    for (anchors, expected) in cases {
        assert_eq!(build(anchors).unwrap_err(), expected);
    }
    assert_eq!(build(pem(&good)), Ok(()));
    assert_eq!(build(pem(&format!("\u{feff}# our own\r\n{}", good.replace('\n', "\r\n")))), Ok(()));
}

#[test]
fn who_is_no_authority_is_no_anchor() {
    let site = Site::new();
    let raw = |certificate: RawCertificate| certificate.root().unwrap().certificate_der().to_vec();
    let named = || RawCertificate::new(DistinguishedName::common_name("Odd CA"));
    let authority = || named().extension(Extension::basic_constraints(true, None));
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(24 * 3600);
    let future = std::time::SystemTime::now() + std::time::Duration::from_secs(24 * 3600);
    let far = future + std::time::Duration::from_secs(24 * 3600);
    let not_authority = "the trust anchors `staff`, `CN=Odd CA`, is not the certificate of an authority: a trust anchor needs version 3 and basicConstraints CA:TRUE";
    let signing = Extension::key_usage(&[portcullis_pki::KeyUsage::DigitalSignature]);
    let cases = [
        (raw(named()), not_authority),
        (raw(named().version(1)), not_authority),
        (raw(named().extension(Extension::basic_constraints(false, None))), not_authority),
        (
            raw(authority().extension(signing)),
            "the trust anchors `staff`, `CN=Odd CA`, may not issue certificates: its keyUsage lacks keyCertSign",
        ),
        (
            raw(authority().valid(past - std::time::Duration::from_secs(60), past)),
            "the trust anchors `staff`, `CN=Odd CA`, expired: replace it, or take it out",
        ),
        (
            raw(authority().valid(future, far)),
            "the trust anchors `staff`, `CN=Odd CA`, is not valid yet: check the clock of this machine, or add it later",
        ),
    ];
    for (der, expected) in cases {
        assert_eq!(build(TrustAnchors::new().der("staff", der)).unwrap_err(), expected);
    }
    // Without keyUsage every use is allowed, and a critical extension of an anchor is its own affair.
    assert_eq!(build(TrustAnchors::new().der("staff", raw(authority()))), Ok(()));
    assert_eq!(build(site.anchors()), Ok(()));
}

#[test]
fn one_key_has_one_label() {
    let staff = Authority::new("Staff CA").unwrap();
    let guests = Authority::new("Guest CA").unwrap();
    let (staff, guests) = (staff.certificate_der(), guests.certificate_der());
    let both = TrustAnchors::new().der("staff", staff).der("guests", guests);
    assert_eq!(build(both.clone()), Ok(()));
    assert_eq!(build(both.clone().der("staff", staff)), Ok(()));
    let error = build(both.der("everybody", staff)).unwrap_err();
    assert_eq!(
        error,
        "the trust anchors `everybody`, `CN=Staff CA`, is also a trust anchor under the label `staff`: leave it under one label"
    );
}

#[test]
fn labels_are_words() {
    let authority = Authority::new("Staff CA").unwrap();
    for label in ["", " ", "sta\nff", "\u{7}"] {
        let anchors = TrustAnchors::new().der(label, authority.certificate_der());
        let error = Site::new().builder().client_auth(ClientAuth::request(anchors)).build().unwrap_err();
        let TlsError::TrustAnchors(TrustAnchorsError::Label { label: shown }) = &error else {
            panic!("{error}")
        };
        assert_eq!(*shown, label.escape_debug().to_string());
        assert!(!error.to_string().contains(['\n', '\u{7}']));
    }
    let anchors = TrustAnchors::new().der("our staff", authority.certificate_der());
    assert_eq!(format!("{anchors:?}"), r#"{"our staff": "bytes"}"#);
    assert_eq!(build(anchors), Ok(()));
}

#[tokio::test]
async fn an_intermediate_can_be_the_anchor() {
    let site = Site::new();
    let team = site.authority.intermediate("Team CA").unwrap();
    let acceptor =
        site.acceptor(ClientAuth::request(TrustAnchors::new().der("team", team.certificate_der())));
    let member = team.client("alice").issue().unwrap();
    let outsider = site.authority.client("alice").issue().unwrap();
    for (issued, expected) in [(member, "verified"), (outsider, "unknown-issuer")] {
        let outcome = meet(&acceptor, &Client::with(&site.authority, &issued).config()).await;
        assert_eq!(outcome.word(), expected);
    }
}

#[tokio::test]
async fn labels_know_of_each_other() {
    let site = Site::new();
    let guests = Authority::new("Guest CA").unwrap();
    let alice = site.authority.client("alice").issue().unwrap();
    let client = Client::with(&site.authority, &alice).config();
    let alone = meet(&site.acceptor(ClientAuth::require(site.anchors())), &client).await;
    let anchors = site.anchors().der("guests", guests.certificate_der());
    let among = meet(&site.acceptor(ClientAuth::require(anchors)), &client).await;
    // Names of one authority could be taken for those of the other, so core must know.
    for (outcome, has_siblings) in [(alone, false), (among, true)] {
        let peer = outcome.peer_at(crate::site::now());
        let shown = format!("{:?}", peer.identity().unwrap().anchor());
        assert!(shown.contains(&format!("has_siblings: {has_siblings}")), "{shown}");
    }
}
