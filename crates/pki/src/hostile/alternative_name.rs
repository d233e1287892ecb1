//! Subject alternative names that inject, confuse types, or are no SPIFFE ID.

use crate::{
    GeneralName, Oid,
    hostile::{Part, Row},
};

pub(super) const CASES: &[Row<Part<Vec<GeneralName>>>] = &[
    ("san_inj", "a URI that reads like more elements of a forwarded header", || {
        uri("spiffe://test/mallory;URI=spiffe://test/admin,By=x")
    }),
    ("san_nul_dns", "a DNS name with a NUL", || vec![GeneralName::Dns("admin.test\0.evil.example".into())]),
    ("san_nul_email", "an e-mail address with a NUL", || {
        vec![GeneralName::Email("admin@admin.test\0.evil.example".into())]
    }),
    ("san_nul_uri", "a URI with a NUL", || uri("spiffe://test/admin\0/evil")),
    ("san_nul_upn", "a user principal name with a NUL", || {
        vec![GeneralName::Upn("admin@admin.test\0.evil.example".into())]
    }),
    ("san_dns_in_uri", "a URI that looks like a DNS name", || uri("admin.test")),
    ("san_dns_in_email", "an e-mail address that looks like a DNS name", || {
        vec![GeneralName::Email("admin.test".into())]
    }),
    ("san_uri_in_dns", "a DNS name that looks like a SPIFFE ID", || {
        vec![GeneralName::Dns("spiffe://test/admin".into())]
    }),
    ("san_ip_in_dns", "a DNS name that looks like an IP address", || {
        vec![GeneralName::Dns("127.0.0.1".into())]
    }),
    ("san_ip_five", "an IP address of five bytes", || vec![raw(7, &[127, 0, 0, 1, 0])]),
    ("san_badutf8", "a DNS name with bytes beyond ASCII", || vec![raw(2, b"adm\xff\xfein.test")]),
    ("san_crlf", "a URI with a line break", || uri("spiffe://test/a\r\nX-Role: admin")),
    ("san_upn_bytes", "a user principal name that is an OCTET STRING", || {
        let der = yasna::construct_der(|writer| writer.write_bytes(b"admin@test"));
        vec![GeneralName::Other { oid: Oid::USER_PRINCIPAL_NAME, der }]
    }),
    ("san_empty", "the extension without any name", Vec::new),
    ("san_empty_dns", "a DNS name of no characters", || vec![GeneralName::Dns(String::new())]),
    ("san10000", "10,000 DNS names", || {
        (0..10_000).map(|i| GeneralName::Dns(format!("host{i}.example"))).collect()
    }),
    ("spiffe_ok", "a good SPIFFE ID", || uri("spiffe://test/ns/prod/sa/web")),
    ("spiffe_two", "two SPIFFE IDs", || [uri("spiffe://test/a"), uri("spiffe://test/b")].concat()),
    ("spiffe_and_uri", "a SPIFFE ID and another URI", || {
        [uri("spiffe://test/a"), uri("https://test/b")].concat()
    }),
    ("spiffe_upper_domain", "a trust domain with a capital letter", || uri("spiffe://Test/a")),
    ("spiffe_upper_scheme", "the scheme in capital letters", || uri("SPIFFE://test/a")),
    ("spiffe_upper_path", "a path with a capital letter, which is another one", || {
        uri("spiffe://test/Admin")
    }),
    ("spiffe_no_path", "a trust domain alone, which no leaf may have", || uri("spiffe://test")),
    ("spiffe_no_domain", "an empty trust domain", || uri("spiffe:///a")),
    ("spiffe_trailing_slash", "a slash at the end", || uri("spiffe://test/a/")),
    ("spiffe_root_slash", "nothing but a slash after the trust domain", || uri("spiffe://test/")),
    ("spiffe_double_slash", "an empty path segment", || uri("spiffe://test//a")),
    ("spiffe_dot_segment", "a path that climbs", || uri("spiffe://test/a/../admin")),
    ("spiffe_percent", "a path that climbs, percent-encoded", || uri("spiffe://test/a/%2e%2e/admin")),
    ("spiffe_query", "a query", || uri("spiffe://test/a?admin")),
    ("spiffe_fragment", "a fragment", || uri("spiffe://test/a#admin")),
    ("spiffe_port", "a port", || uri("spiffe://test:443/a")),
    ("spiffe_user", "user information", || uri("spiffe://admin@test/a")),
    ("spiffe_long", "a SPIFFE ID of 2049 bytes", || {
        let start = "spiffe://test/";
        uri(&format!("{start}{}", "a".repeat(2049 - start.len())))
    }),
];

fn uri(text: &str) -> Vec<GeneralName> {
    vec![GeneralName::Uri(text.to_owned())]
}

fn raw(tag: u64, bytes: &[u8]) -> GeneralName {
    GeneralName::Raw { tag, bytes: bytes.to_vec() }
}
