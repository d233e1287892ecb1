//! What is said of mistakes, and where.

use std::fs;

use portcullis_tls::{Configuration, ConfigurationError};

use crate::{EVERYTHING, LEAST, mistake, mistakes};

#[test]
fn each_mistake_is_shown_where_it_is() {
    let text = EVERYTHING.replacen("certificate", "certifcate", 1).replace("\"request\"", "\"requst\"");
    let error = Configuration::from_text("conf/portcullis.toml", &text).unwrap_err();
    let expected = r#"error: `[server]` has no key `certifcate`
 --> conf/portcullis.toml:3:1
  |
3 | certifcate = "server.pem"
  | ^^^^^^^^^^
  |
  = help: did you mean `certificate`?

error: `mode` must say how to ask for a certificate
  --> conf/portcullis.toml:19:8
   |
19 | mode = "requst"
   |        ^^^^^^^^
   |
   = help: write `"require"`, `"if-given"` or `"request"`; to ask nobody, leave `[clients]` out"#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn mistyped_keys_are_guessed_and_others_are_listed() {
    for (from, to, line, message, help) in [
        ("[clients]", "[client]", 18, "the configuration has no key `client`", "did you mean `clients`?"),
        ("listen", "Listen", 2, "`[server]` has no key `Listen`", "did you mean `listen`?"),
        ("label", "lable", 20, "an entry of `anchors` has no key `lable`", "did you mean `label`?"),
        (
            "trusted_origins",
            "trusted_origin",
            37,
            "`cross_site` has no key `trusted_origin`",
            "did you mean `trusted_origins`?",
        ),
        ("candidate", "candidat", 35, "`[policy]` has no key `candidat`", "did you mean `candidate`?"),
        (
            "danger_ignore",
            "ignore",
            31,
            "`[clients]` has no key `ignore_key_usage`",
            "expected one of `mode`, `anchors`, `advertise`, `most_intermediates`, `largest_certificate`, `most_alternative_names`, `most_intermediate_bytes`, `longest_path`, `smallest_rsa_key`, `revocation`, `danger_allow_absent_extended_key_usage`, `danger_allow_any_extended_key_usage`, `danger_ignore_key_usage`",
        ),
    ] {
        let (at, _, said, helps) = mistake(&EVERYTHING.replacen(from, to, 1));
        assert_eq!((at, said.as_str(), helps.as_str()), (line, message, help));
    }
}

#[test]
fn what_is_missing_is_named_with_an_example() {
    for (line, message, help) in [
        (
            "listen = \"[::]:8443\"",
            "`[server]` has no `listen`",
            "add a line such as `listen = \"[::]:8443\"`",
        ),
        (
            "certificate = \"server.pem\"",
            "`[server]` has no `certificate`",
            "add a line such as `certificate = \"server.pem\"`",
        ),
        ("key = \"server.key\"", "`[server]` has no `key`", "add a line such as `key = \"server.key\"`"),
        ("file = \"policy.toml\"", "`[policy]` has no `file`", "add a line such as `file = \"policy.toml\"`"),
        (
            "[policy]\nfile = \"policy.toml\"",
            "the configuration has no `policy`",
            "add a line such as `[policy]`",
        ),
    ] {
        let (_, _, said, helps) = mistake(&LEAST.replace(line, ""));
        assert_eq!((said.as_str(), helps.as_str()), (message, help));
    }
    let (_, _, said, helps) = mistake(&format!("{LEAST}[clients]\nmode = 'request'\n"));
    assert_eq!(said, "`[clients]` has no `anchors`, so that nobody could be trusted");
    assert_eq!(helps, "write `anchors = [{ label = \"staff\", file = \"staff-ca.pem\" }]`");
    assert_eq!(mistakes("").len(), 2);
}

#[test]
fn values_of_another_kind_are_refused() {
    let server = |line: &str| LEAST.replace("[policy]", &format!("{line}\n[policy]"));
    let policy = |line: &str| format!("{LEAST}{line}\n");
    let clients = |line: &str| {
        format!("{LEAST}[clients]\nmode = 'request'\nanchors = [{{ label = 'a', file = 'b' }}]\n{line}\n")
    };
    for (text, expected) in [
        (clients("revocation = {}"), "`revocation` names nothing that says what is revoked"),
        (clients("revocation = { deny = ['spki:12'] }"), "each entry of `deny` must say what is blocked"),
        (
            clients("revocation = { deny_lists = ['blocked'], grace = '1h' }"),
            "`leaf_only` and `grace` are about revocation lists, and none are named",
        ),
        (clients("revocation = { lists = 'a.crl' }"), "`lists` must be a list, not a string"),
        (
            clients("smallest_rsa_key = 1024"),
            "`smallest_rsa_key` must be 2048 at least: shorter keys can be broken",
        ),
        (
            format!(
                "{LEAST}[clients]\nmode = 'request'\nanchors = [{{ label = 'a', file = 'b', pin_spki = ['ab'] }}]\n"
            ),
            "each entry of `pin_spki` must be a SHA-256",
        ),
        (
            format!(
                "{LEAST}[clients]\nmode = 'request'\nanchors = [{{ label = 'a', file = 'b', danger_allow_unknown_status = true }}]\n"
            ),
            "`danger_allow_unknown_status` is set, but nothing says what is revoked",
        ),
        (
            format!("{LEAST}[[site]]\ncertificate = 'a'\nkey = 'b'\n"),
            "an entry of `[[site]]` has no `names`, so that nobody could ask for it",
        ),
        (
            format!("{LEAST}[[site]]\nnames = ['a']\ncertificate = 'a'\nkey = 'b'\nclients = 'none'\n"),
            "`clients` of a site must be `\"nobody\"` or a table, not a string",
        ),
        (format!("{LEAST}[site]\nnames = ['a']\n"), "`site` must be a list of tables, not a table"),
        (
            format!("{LEAST}[[crl_fetch]]\nfile = 'a'\nissuer = 'b'\n"),
            if cfg!(feature = "fetch") {
                "an entry of `[[crl_fetch]]` has no `url`"
            } else {
                "this program fetches no revocation lists"
            },
        ),
        (server("handshake_timeout = 10"), "`handshake_timeout` must be a time in quotes, not an integer"),
        (server("handshake_timeout = '10'"), "`handshake_timeout` is no time"),
        (server("handshake_timeout = '0s'"), "`handshake_timeout` must be more than 0"),
        (server("shutdown_timeout = '9000h'"), "`shutdown_timeout` is more than a year"),
        (server("connection_limit = -1"), "`connection_limit` must not be less than 0"),
        (server("connection_limit = 0"), "`connection_limit` must be more than 0"),
        (server("concurrent_handshakes = 1.5"), "`concurrent_handshakes` must be an integer, not a float"),
        (server("concurrent_handshakes = 99999999999999999999"), "`concurrent_handshakes` is too large"),
        (
            server("min_tls_version = '1.1'"),
            "`min_tls_version` must be a version of TLS that is still secure",
        ),
        (server("min_tls_version = 1.3"), "`min_tls_version` must be a version of TLS that is still secure"),
        (LEAST.replace("\"[::]:8443\"", "8443"), "`listen` must be a string, not an integer"),
        (LEAST.replace("[::]:8443", "::1:8443"), "`listen` must be an address and a port"),
        (LEAST.replace("server.pem", ""), "`certificate` must not be empty"),
        (LEAST.replace("server.pem", "\\u0000"), "`certificate` must not contain control characters"),
        (policy("unauthorized_status = 1"), "`unauthorized_status` must be a boolean, not an integer"),
        (policy("cross_site = true"), "`cross_site` must be a table, not a boolean"),
        (
            policy("cross_site = { trusted_origins = 'https://a' }"),
            "`trusted_origins` must be a list, not a string",
        ),
        (
            policy("cross_site = { trusted_origins = ['*'] }"),
            "each entry of `trusted_origins` must be the origin of a site",
        ),
        (
            policy("danger_allow = ['encoded-nul']"),
            "each entry of `danger_allow` must be a reading that the firewall can let through",
        ),
        (policy("danger_allow = 'encoded-slash'"), "`danger_allow` must be a list, not a string"),
        (
            clients("danger_ignore_key_usage = 'yes'"),
            "`danger_ignore_key_usage` must be a boolean, not a string",
        ),
        (clients("advertise = 'none'"), "`advertise` must say which authorities to name to clients"),
        (clients("advertise = []"), "`advertise` must say which authorities to name to clients"),
        (clients("advertise = [1]"), "a file to advertise must be a string, not an integer"),
        (clients("largest_certificate = 0"), "`largest_certificate` must be more than 0"),
        (clients("").replace("'request'", "'if_given'"), "`mode` must say how to ask for a certificate"),
        (
            clients("").replace("[{ label = 'a', file = 'b' }]", "[]"),
            "`anchors` must be a list of tables, not an empty one",
        ),
        (
            clients("").replace("[{ label = 'a', file = 'b' }]", "{}"),
            "`anchors` must be a list of tables, not a table",
        ),
        (
            clients("").replace("[{ label = 'a', file = 'b' }]", "['b']"),
            "an entry of `anchors` must be a table, not a string",
        ),
        (clients("").replace("label = 'a'", "label = 1"), "`label` must be a string, not an integer"),
        (format!("{LEAST}clients = 1"), "`[policy]` has no key `clients`"),
    ] {
        assert_eq!(mistake(&text).2, expected, "{text}");
    }
    let sections = mistakes("server = 1\nclients = []\npolicy = 'policy.toml'\n");
    let messages: Vec<_> = sections.iter().map(|mistake| mistake.message()).collect();
    assert_eq!(
        messages,
        [
            "`[server]` must be a table, not an integer",
            "`[clients]` must be a table, not a list",
            "`[policy]` must be a table, not a string"
        ]
    );
}

#[test]
fn several_mistakes_come_in_the_order_of_the_file() {
    let text = "[policy]\nfile = 1\nx = 2\n[clients]\nmode = ''\n[server]\nlisten = 'a'\nkey = 'é'\nwhat.is = 'this'\n";
    let found: Vec<_> = mistakes(text).iter().map(|mistake| (mistake.line(), mistake.column())).collect();
    assert_eq!(found, [(2, 8), (3, 1), (4, 1), (5, 8), (6, 1), (7, 10), (9, 1)]);
    let text = "[server]\nlisten = 'a\n[policy\nfile = \"policy.toml\"\n";
    let found = mistakes(text);
    assert!(
        found.len() >= 2 && found.iter().all(|mistake| mistake.message().starts_with("this is no TOML: "))
    );
}

#[test]
fn nothing_that_is_read_makes_it_panic() {
    for beginning in (0..EVERYTHING.len()).filter_map(|end| EVERYTHING.get(..end)) {
        let _any = Configuration::from_text("portcullis.toml", beginning);
    }
    for position in (0..EVERYTHING.len()).filter(|at| EVERYTHING.is_char_boundary(*at)) {
        for insert in ["\u{feff}", "]", "'", "\"", "=", ".", "\n", "é", "\0"] {
            let mut text = EVERYTHING.to_owned();
            text.insert_str(position, insert);
            if let Err(error) = Configuration::from_text("portcullis.toml", &text) {
                assert!(error.to_string().contains("portcullis.toml:"), "{error}");
            }
        }
    }
}

#[test]
fn a_file_of_mistakes_is_no_flood() {
    let text: String = (0..20_000).map(|number| format!("key{number} = {number}\n")).collect();
    assert_eq!(mistakes(&text).len(), 100);
}

#[test]
fn a_byte_order_mark_and_dotted_keys_are_toml() {
    let dotted = "server.listen = 'a:1'\nserver.certificate = 'c'\nserver.key = 'k'\npolicy.file = 'p'\n";
    for text in [dotted.to_owned(), format!("\u{feff}{dotted}"), dotted.replace('\n', "\r\n")] {
        assert_eq!(Configuration::from_text("portcullis.toml", &text).unwrap().listen(), "a:1");
    }
    let (line, column, message, _) = mistake(&format!("\u{feff}{}", dotted.replace("listen", "lisen")));
    assert_eq!((line, message.as_str()), (1, "`[server]` has no key `lisen`"));
    assert!((8..=9).contains(&column), "with or without the mark: {column}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("latin1.toml"), b"# \xe9\n").unwrap();
    fs::write(path("huge.toml"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    for (name, part) in [
        ("absent.toml", "No such file"),
        ("", "it is no file"),
        ("latin1.toml", "UTF-8"),
        ("huge.toml", "more than 1048576 bytes"),
    ] {
        let error = Configuration::from_file(path(name)).unwrap_err();
        assert!(matches!(&error, ConfigurationError::Unreadable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(part) && text.contains(path(name).to_str().unwrap()), "{text}");
    }
}
