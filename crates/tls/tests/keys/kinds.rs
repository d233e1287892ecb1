//! Every way in which OpenSSL encrypts a key.

use std::fs;

use portcullis_tls::{KeyPair, Passphrase};

use crate::site::{build, folder, given, openssl};

/// Which certificate it is for, and what writes the key `key`.
const KEYS: [(&str, &str); 15] = [
    ("rsa", "pkey -in rsa -aes256 -passout P -out key"),
    ("rsa", "rsa -in rsa -traditional -aes128 -passout P -out key"),
    ("rsa", "rsa -in rsa -traditional -aes192 -passout P -out key"),
    ("rsa", "rsa -in rsa -traditional -aes256 -passout P -out key"),
    ("rsa", "rsa -in rsa -traditional -des3 -passout P -out key"),
    ("ec", "ec -in ec -aes256 -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 aes-128-cbc -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 aes-192-cbc -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 aes-256-cbc -v2prf hmacWithSHA512 -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 aes-256-cbc -iter 600000 -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -scrypt -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 des3 -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -v2 aes256 -v2prf hmacWithSHA1 -passout P -out key"),
    ("rsa", "pkcs8 -topk8 -in rsa -v2 aes256 -outform DER -passout P -out key"),
    ("ec", "pkcs8 -topk8 -in ec -scrypt -outform DER -passout P -out key"),
];

#[test]
fn the_right_passphrase_opens_and_no_other() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    for (certificate, line) in KEYS {
        openssl(folder.path(), line);
        let certificate = path(&format!("{certificate}.pem"));
        let key_pair = || KeyPair::from_pem_files(&certificate, path("key"));
        assert_eq!(build(key_pair().passphrase(given(crate::site::PASSPHRASE))), Ok(()), "{line}");
        let error = build(key_pair().passphrase(given("battery staple"))).unwrap_err();
        assert!(error.contains("does not open the private key"), "{line}: {error}");
        let error = build(key_pair()).unwrap_err();
        assert!(error.contains("is encrypted: say where its passphrase comes from"), "{line}: {error}");
    }
}

#[test]
fn plain_keys_are_read_as_der_too() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    for (certificate, line) in [
        ("rsa", "pkcs8 -topk8 -nocrypt -in rsa -outform DER -out key"),
        ("rsa", "rsa -in rsa -traditional -outform DER -out key"),
        ("ec", "ec -in ec -outform DER -out key"),
    ] {
        openssl(folder.path(), line);
        let certificate = path(&format!("{certificate}.pem"));
        assert_eq!(build(KeyPair::from_pem_files(&certificate, path("key"))), Ok(()), "{line}");
        // A passphrase too many is no fault.
        let key_pair = KeyPair::from_pem_files(&certificate, path("key")).passphrase(Passphrase::env("NO"));
        assert_eq!(build(key_pair), Ok(()), "{line}");
    }
}

#[test]
fn what_is_not_read_is_named_with_a_remedy() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    for (line, scheme) in [
        ("pkcs8 -topk8 -in ec -v1 PBE-SHA1-3DES -passout P -out key", "`pbeWithSHAAnd3-KeyTripleDES-CBC`"),
        ("pkcs8 -topk8 -in ec -v2 camellia-256-cbc -passout P -out key", "`Camellia-256-CBC`"),
        ("ec -in ec -camellia256 -passout P -out key", "`CAMELLIA-256-CBC`"),
    ] {
        openssl(folder.path(), line);
        let asked = Passphrase::from_fn(|_| -> Result<String, String> { panic!("it is asked for in vain") });
        let error =
            build(KeyPair::from_pem_files(path("ec.pem"), path("key")).passphrase(asked)).unwrap_err();
        assert!(error.contains(scheme) && error.contains("openssl pkcs8 -topk8 -v2 aes256"), "{error}");
    }
}

#[test]
fn passphrases_need_not_be_text() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    fs::write(path("secret"), b"\xff\xfe\x80 \x01\n").unwrap();
    openssl(folder.path(), "pkcs8 -topk8 -in ec -v2 aes256 -passout file:secret -out key");
    let key_pair = KeyPair::from_pem_files(path("ec.pem"), path("key"));
    assert_eq!(build(key_pair.passphrase(Passphrase::file(path("secret")))), Ok(()));
}

#[cfg(feature = "pkcs12")]
#[test]
fn bundles_are_opened_and_put_in_order() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    let folder = folder.path();
    for (line, expected) in [
        ("pkcs12 -export -inkey rsa -in rsa.pem -passout P -out b", ""),
        ("pkcs12 -export -legacy -inkey rsa -in rsa.pem -passout P -out b", ""),
        ("pkcs12 -export -inkey rsa -in rsa.pem -certfile ec.pem -passout P -out b", ""),
        ("pkcs12 -export -nomac -inkey rsa -in rsa.pem -passout P -out b", ""),
        ("pkcs12 -export -keypbe NONE -certpbe NONE -inkey rsa -in rsa.pem -passout P -out b", ""),
        ("pkcs12 -export -nokeys -in rsa.pem -passout P -out b", "has no private key"),
        ("pkcs12 -export -nocerts -inkey rsa -in rsa.pem -passout P -out b", "has no certificate"),
        ("pkcs12 -export -keypbe camellia-256-cbc -inkey rsa -in rsa.pem -passout P -out b", "not read"),
    ] {
        openssl(folder, line);
        let key_pair = || KeyPair::from_pkcs12_file(path("b"));
        let outcome = build(key_pair().passphrase(given(crate::site::PASSPHRASE)));
        match outcome {
            Ok(()) => assert_eq!(expected, "", "{line}"),
            Err(error) => assert!(!expected.is_empty() && error.contains(expected), "{line}: {error}"),
        }
        if !expected.is_empty() || line.contains("NONE -certpbe") {
            continue;
        }
        let error = build(key_pair().passphrase(given("battery staple"))).unwrap_err();
        assert!(error.contains("does not open"), "{line}: {error}");
        let error = build(key_pair()).unwrap_err();
        assert!(error.contains("is encrypted"), "{line}: {error}");
        let not_text = Passphrase::from_fn(|_| Ok::<_, String>(b"\xff".to_vec()));
        let error = build(key_pair().passphrase(not_text)).unwrap_err();
        assert!(error.contains("has to be UTF-8 text"), "{line}: {error}");
    }
    openssl(folder, "pkcs12 -export -inkey rsa -in rsa.pem -passout pass: -out b");
    assert_eq!(build(KeyPair::from_pkcs12_file(path("b"))), Ok(()), "an empty passphrase");
    let error = build(KeyPair::from_pem_files(path("rsa.pem"), path("b"))).unwrap_err();
    assert!(error.contains("is a PKCS#12 bundle"), "{error}");
    for file in ["rsa", "rsa.pem"] {
        let error = build(KeyPair::from_pkcs12_file(path(file))).unwrap_err();
        assert!(error.contains("is no PKCS#12 bundle"), "{error}");
    }
}

#[cfg(feature = "pkcs12")]
#[test]
fn the_chain_of_a_bundle_is_sent_without_its_root() {
    let root = portcullis_pki::Authority::new("Root CA").unwrap();
    let server = root.intermediate("Team CA").unwrap().server().issue().unwrap();
    let [own, team] = server.chain_der() else { panic!("two certificates") };
    let mixed = [root.certificate_der().to_vec(), team.clone(), own.clone()];
    let bundle = server.clone().presenting(mixed).p12("secret").unwrap();
    let key_pair = KeyPair::from_pkcs12(bundle).passphrase(given("secret"));
    assert_eq!(build(key_pair), Ok(()));
}
