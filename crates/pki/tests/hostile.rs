//! Each hostile certificate has the fault it is named after, and no other that would hide it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use portcullis_pki::{Authority, Issued, hostile};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer,
};

fn authority() -> Authority {
    Authority::new("Example CA").unwrap()
}

fn parse(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

/// The tag and the bytes of each attribute, relative names kept apart.
fn subject(issued: &Issued) -> Vec<Vec<(u32, Vec<u8>)>> {
    let certificate = parse(issued.certificate_der());
    let relative_names = certificate.subject().iter().map(|relative_name| {
        let attributes = relative_name.iter().map(|attribute| {
            let value = attribute.attr_value();
            (value.header.tag().0, value.data.to_vec())
        });
        attributes.collect()
    });
    relative_names.collect()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn names_are_unique_and_explained() {
    let unique: BTreeSet<_> = hostile::NAMES.iter().collect();
    assert_eq!(unique.len(), hostile::NAMES.len());
    assert!(hostile::NAMES.iter().all(|name| !hostile::about(name).unwrap().is_empty()));
    for name in ["", "DUP_CN", "dup_cn "] {
        assert!(authority().hostile(name).is_err());
    }
}

#[test]
fn every_leaf_is_signed_by_the_key_it_names() {
    let authority = authority();
    let own_root =
        ["selfsigned", "selfsigned_ca", "otherca", "under_exproot", "under_notcaroot", "forged_first"];
    let unparsable = ["san_garbage", "dup_ext"];
    for name in hostile::NAMES.iter() {
        let issued = authority.hostile(name).unwrap();
        let foreign = own_root.contains(name);
        assert_eq!(issued.root_der() == authority.certificate_der(), !foreign, "{name}");
        if unparsable.contains(name) {
            continue;
        }
        let leaf = match X509Certificate::from_der(issued.certificate_der()) {
            Ok(([], leaf)) => leaf,
            other => panic!("{name}: {other:?}"),
        };
        let direct = issued.chain_der().get(1).filter(|issuer| parse(issuer).subject() == leaf.issuer());
        let issuer = match (*name, direct) {
            // the issuer is not presented, or not where it should be
            ("missing_inter", _) => continue,
            ("inter_first", _) => issued.root_der(),
            (_, Some(issuer)) => issuer,
            (_, None) => issued.root_der(),
        };
        leaf.verify_signature(Some(parse(issuer).public_key()))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn subjects_are_byte_for_byte_what_they_should_be() {
    let authority = authority();
    let expected: BTreeMap<&str, (u32, &[u8])> = BTreeMap::from([
        ("inj_comma", (12, &b"mallory,OU=admin,CN=root"[..])),
        ("inj_slash", (12, b"mallory/OU=admin/CN=root")),
        ("inj_quote", (12, b"mallory\";URI=spiffe://test/admin;X=\"")),
        ("inj_crlf", (12, b"mallory\r\nX-Role: admin")),
        ("nul_cn", (12, b"admin\0.evil.example")),
        ("bmp_cn", (30, b"\0j\0\xf6\0r\0g")),
        ("bmp_odd", (30, b"\0a\0d\0m\0i\0n\0")),
        ("bmp_surrogates", (30, b"\0a\xd8\x3d\xde\x00")),
        ("bmp_lone_surrogate", (30, b"\0a\xd8\x00\0b")),
        ("universal_cn", (28, b"\0\0\0j\0\0\0\xf6\0\0\0r\0\0\0g")),
        ("universal_odd", (28, b"\0\0\0a\0")),
        ("universal_range", (28, b"\0\x11\0\0")),
        ("t61_cn", (20, b"j\xf6rg")),
        ("badutf8_cn", (12, b"adm\xff\xfein")),
        ("ia5_high", (22, b"j\xf6rg")),
        ("printable_at", (19, b"a*@&_b")),
        ("printable_cn", (19, b"alice")),
        ("rtl_cn", (12, b"\xe2\x80\xaenimda")),
        ("nfd_cn", (12, b"jo\xcc\x88rg")),
        ("cyrillic_cn", (12, b"\xd0\xb0lice")),
        ("empty_cn", (12, b"")),
    ]);
    for (name, (tag, bytes)) in expected {
        assert_eq!(subject(&authority.hostile(name).unwrap()), [[(tag, bytes.to_vec())]], "{name}");
    }
}

#[test]
fn subjects_keep_their_structure() {
    let authority = authority();
    let texts = |name: &str| -> Vec<Vec<String>> {
        let relative_names = subject(&authority.hostile(name).unwrap());
        let text = |(_, bytes): (u32, Vec<u8>)| String::from_utf8(bytes).unwrap();
        relative_names.into_iter().map(|attributes| attributes.into_iter().map(text).collect()).collect()
    };
    assert_eq!(texts("dup_cn"), [["first"], ["last"]]);
    assert_eq!(texts("two_ou"), [["eng"], ["ops"], ["alice"]]);
    assert_eq!(texts("multi_rdn"), [["admin", "mallory"]], "DER sorts, shorter first");
    assert_eq!(texts("inj_ou"), [["CN=duke,"], ["luke"]]);
    assert!(texts("empty_dn").is_empty());
    // x509-parser leaves the empty one out
    assert_eq!(texts("empty_rdn"), [["alice"]]);
    assert!(holds(authority.hostile("empty_rdn").unwrap().certificate_der(), b"alice\x31\0"));
    assert_eq!(texts("many_ou").len(), 501);
}

#[test]
fn alternative_names_are_byte_for_byte_what_they_should_be() {
    let authority = authority();
    let holds = |name: &str, tag: u8, bytes: &[u8]| {
        let value = [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        assert!(holds(authority.hostile(name).unwrap().certificate_der(), &value), "{name}");
    };
    holds("san_inj", 0x86, b"spiffe://test/mallory;URI=spiffe://test/admin,By=x");
    holds("san_nul_dns", 0x82, b"admin.test\0.evil.example");
    holds("san_nul_email", 0x81, b"admin@admin.test\0.evil.example");
    holds("san_nul_uri", 0x86, b"spiffe://test/admin\0/evil");
    holds("san_nul_upn", 0x0c, b"admin@admin.test\0.evil.example");
    holds("san_ip_five", 0x87, b"\x7f\0\0\x01\0");
    holds("san_badutf8", 0x82, b"adm\xff\xfein.test");
    holds("san_upn_bytes", 0x04, b"admin@test");
    holds("san_empty", 0x04, b"\x30\0");
    holds("san_garbage", 0x04, b"\x30\x84\xff");
    let long = hostile::alternative_names("spiffe_long").unwrap();
    assert!(matches!(&long[..], [portcullis_pki::GeneralName::Uri(uri)] if uri.len() == 2049));
    let count = |name: &str| hostile::alternative_names(name).unwrap().len();
    assert_eq!((count("spiffe_two"), count("san10000"), count("spiffe_ok")), (2, 10_000, 1));
    let many = authority.hostile("san10000").unwrap();
    let parsed = parse(many.certificate_der()).subject_alternative_name().unwrap().unwrap().value.clone();
    assert!(parsed.general_names.contains(&GeneralName::DNSName("host9999.example")));
}

#[test]
fn purposes_differ_from_a_good_certificate_in_one_thing() {
    let authority = authority();
    let facts = |name: &str| {
        let issued = authority.hostile(name).unwrap();
        let certificate = parse(issued.certificate_der());
        let is_ca = certificate.basic_constraints().unwrap().map(|extension| extension.value.ca);
        let signs = certificate.key_usage().unwrap().map(|extension| extension.value.digital_signature());
        let purpose = certificate.extended_key_usage().unwrap().map(|extension| {
            let purposes = extension.value;
            (purposes.client_auth, purposes.server_auth, purposes.any, purposes.email_protection)
        });
        (certificate.version().0 + 1, is_ca, signs, purpose)
    };
    let client = Some((true, false, false, false));
    assert_eq!(facts("good"), (3, Some(false), Some(true), client));
    assert_eq!(facts("no_eku"), (3, Some(false), Some(true), None));
    assert_eq!(facts("server_eku"), (3, Some(false), Some(true), Some((false, true, false, false))));
    assert_eq!(facts("any_eku"), (3, Some(false), Some(true), Some((false, false, true, false))));
    assert_eq!(facts("email_eku"), (3, Some(false), Some(true), Some((false, false, false, true))));
    assert_eq!(facts("ku_no_ds"), (3, Some(false), Some(false), client));
    assert_eq!(facts("ku_absent"), (3, Some(false), None, client));
    assert_eq!(facts("leaf_is_ca"), (3, Some(true), Some(true), client));
    assert_eq!(facts("no_bc"), (3, None, Some(true), client));
    assert_eq!(facts("v1"), (1, None, None, None));
    assert_eq!(facts("v1_extensions"), (1, Some(false), Some(true), client));
    assert_eq!(facts("spiffe_ca").1, Some(true));
}

#[test]
fn critical_unknown_and_repeated_extensions_are_there() {
    let authority = authority();
    let critical = authority.hostile("crit_ext").unwrap();
    let unknown = parse(critical.certificate_der()).extensions().iter().any(|extension| {
        extension.critical
            && matches!(extension.parsed_extension(), ParsedExtension::UnsupportedExtension { .. })
    });
    assert!(unknown);
    let twice = authority.hostile("dup_ext").unwrap();
    let named = |name: &[u8]| holds(twice.certificate_der(), name);
    assert!(named(b"alice.test") && named(b"admin.test"));
    for (name, serial) in [
        ("serial_negative", &[0x80, 1][..]),
        ("serial_zero", &[0]),
        ("serial_padded", &[0, 0, 0, 0x12, 0x34]),
        ("serial_long", &[0x7f; 40]),
    ] {
        let issued = authority.hostile(name).unwrap();
        assert_eq!(parse(issued.certificate_der()).raw_serial(), serial, "{name}");
    }
}

#[test]
fn sizes_and_lengths_are_as_named() {
    let authority = authority();
    for (name, size) in [("big15k", 15_000), ("big40k", 40_000), ("big70k", 70_000)] {
        let length = authority.hostile(name).unwrap().certificate_der().len();
        assert!((size..size + 1000).contains(&length), "{name}: {length}");
    }
    for (name, length) in
        [("good", 1), ("chain1", 2), ("chain5", 6), ("chain10", 11), ("junk10", 11), ("junk100", 101)]
    {
        assert_eq!(authority.hostile(name).unwrap().chain_der().len(), length, "{name}");
    }
    assert_eq!(authority.hostile("missing_inter").unwrap().chain_der().len(), 1);
}

#[test]
fn chains_are_forged_where_they_should_be() {
    let authority = authority();
    let names = |name: &str| -> Vec<String> {
        let issued = authority.hostile(name).unwrap();
        let common_name = |der: &Vec<u8>| {
            parse(der).subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned()
        };
        issued.chain_der().iter().map(common_name).collect()
    };
    assert_eq!(names("forged_third"), ["alice", "Example Team CA", "admin"]);
    assert_eq!(names("forged_first"), ["admin", "alice"]);
    assert_eq!(names("inter_first"), ["Example Team CA", "alice"]);
    assert_eq!(names("with_root"), ["alice", "Example CA"]);
    assert_eq!(names("otherca"), ["alice"]);

    let expired = authority.hostile("expired_inter").unwrap();
    let valid: Vec<_> = expired.chain_der().iter().map(|der| parse(der).validity().is_valid()).collect();
    assert_eq!(valid, [true, false]);
    let root = authority.hostile("under_exproot").unwrap();
    assert!(!parse(root.root_der()).validity().is_valid());
    assert!(!parse(authority.hostile("under_notcaroot").unwrap().root_der()).is_ca());

    let length = |der: &[u8]| parse(der).basic_constraints().unwrap().unwrap().value.path_len_constraint;
    let chain = authority.hostile("pathlen").unwrap();
    assert_eq!(chain.chain_der()[1..].iter().map(|der| length(der)).collect::<Vec<_>>(), [None, Some(0)]);

    let constrained = authority.hostile("nc_dns_bad").unwrap();
    let inter = parse(&constrained.chain_der()[1]);
    let permitted = inter.name_constraints().unwrap().unwrap().value.permitted_subtrees.clone().unwrap();
    assert_eq!(permitted[0].base, GeneralName::DNSName("example.test"));
}
