//! Lists that cannot be used are refused before anybody comes.

use portcullis_pki::{
    Authority, DistinguishedName, Extension, GeneralName, IssuingDistributionPoint, KeyUsage, Oid,
    RevocationListBuilder, Revoked,
};
use portcullis_tls::{Revocation, RevocationError};

use crate::{World, at, of, trust};

fn refusal(list: &RevocationListBuilder<'_>, world: &World) -> String {
    world.trust(of(&[list])).unwrap_err().to_string()
}

#[test]
fn each_fault_has_its_reason() {
    let world = World::new();
    let list = || world.root.revocation_list();
    let scope = IssuingDistributionPoint::new;
    let unknown = |critical| Extension::new(Oid::UNKNOWN_EXTENSION, critical, [5, 0]);
    let other = DistinguishedName::common_name("Partner CA");
    let entry = || Revoked::serial([5]);
    let faults = [
        (list().version(1), "is of version 1"),
        (list().no_next_update(), "does not say when the next one is due"),
        (list().next_update(at(-4000)), "is out of date before it is made"),
        (list().this_update(at(1)), "is of the future"),
        (list().delta(1), "(delta)"),
        (list().extension(unknown(true)), "a critical extension that is not understood"),
        (list().scope(&scope().uri("x:y").indirect()), "(indirect)"),
        (list().scope(&scope().uri("x:y").only_some_reasons(0x40)), "(onlySomeReasons)"),
        (list().scope(&scope().uri("x:y").only_some_reasons(0)), "cannot be"),
        (list().scope(&scope().only_some_reasons(0)), "cannot be"),
        (list().scope(&scope().uri("x:y").only_attribute_certificates()), "attribute certificates only"),
        (
            list().extension(Extension::new(Oid::ISSUING_DISTRIBUTION_POINT, true, [5, 0])),
            "issuingDistributionPoint cannot be read",
        ),
        (list().extension(Extension::new(Oid::CRL_NUMBER, false, [2, 1, 0x80])), "its number is negative"),
        (
            list().revoke(entry()).revoke(entry().extension(unknown(true))),
            "for its entry 2: it has a critical",
        ),
        (
            list().revoke(entry().extension(Extension::certificate_issuer(&[GeneralName::Directory(other)]))),
            "for its entry 1: it is about a certificate of another issuer",
        ),
        (list().revoke(Revoked::serial([])), "for its entry 1: it is not the DER of an entry"),
        (list().signed_by(&world.team), "but another key has signed it"),
    ];
    for (list, expected) in faults {
        let text = refusal(&list, &world);
        assert!(
            text.starts_with("the given revocation list ") && text.contains(expected),
            "{expected}: {text}"
        );
    }
    assert!(world.trust(of(&[&list().extension(unknown(false))])).is_ok());
    assert!(world.trust(of(&[&list().revoke(entry().extension(unknown(false)))])).is_ok());
    assert!(world.trust(of(&[&list().this_update(at(0))])).is_ok());
}

#[test]
fn an_anchor_without_crl_sign_has_no_lists() {
    let root = Authority::builder("Staff CA").key_usage(&[KeyUsage::KeyCertSign]).build().unwrap();
    let error = trust(&[("staff", &root)], of(&[&root.revocation_list()])).unwrap_err();
    assert!(
        matches!(&error, RevocationError::CannotSign { issuer, .. } if issuer == "CN=Staff CA"),
        "{error}"
    );
}

#[test]
fn bytes_that_are_no_list_are_told_apart() {
    let world = World::new();
    let list = world.root.revocation_list().sign().unwrap();
    let with = |bytes: &[u8]| match world.trust(Revocation::crl_files([""; 0]).crl_der(bytes)) {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(with(list.der()), "fine");
    for length in 2..list.der().len() {
        let text = with(list.clone().truncated(length).der());
        assert!(text.ends_with("is cut off: fetch it again"), "{length}: {text}");
    }
    for bytes in
        [&b""[..], b"\x30", b"\x05\x00", b"hello", &[0x30, 0x84], &[0x30, 0xff, 1, 2], &[0x30, 0x80, 0, 0]]
    {
        let text = with(bytes);
        assert!(text.contains("cannot be read") || text.contains("is cut off"), "{bytes:x?}: {text}");
    }
    let text = with(&[list.der(), b"\n"].concat());
    assert!(text.contains("has 1 bytes too many"), "{text}");
    let text = with(world.root.certificate_der());
    assert!(text.contains("cannot be read") || text.contains("version 1"), "{text}");
}

#[test]
fn nothing_to_check_by_is_a_mistake() {
    let world = World::new();
    assert_eq!(world.trust(Revocation::crl_files([""; 0])).unwrap_err(), RevocationError::NoLists);
    assert_eq!(world.trust(Revocation::deny_list()).unwrap_err(), RevocationError::NoLists);
    let denied = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".parse().unwrap();
    let only_denied = Revocation::crl_files([""; 0]).deny(denied);
    assert_eq!(world.trust(only_denied).unwrap_err(), RevocationError::NoLists);
}
