//! Files that somebody has broken, on purpose or not.

use std::fs;
use std::time::{Duration, Instant};

use portcullis_tls::KeyPair;

use crate::site::{PASSPHRASE, build, folder, given, openssl};

/// Replaces the only occurrence of some bytes.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut places = bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from);
    let (at, _) = places.next().unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn broken_keys_are_errors_and_nothing_worse() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    let certificate = fs::read(path("ec.pem")).unwrap();
    for line in [
        "pkcs8 -topk8 -in ec -v2 des3 -iter 1 -outform DER -passout P -out key",
        "pkcs8 -topk8 -in ec -v2 aes256 -iter 1 -outform DER -passout P -out key",
        "pkcs8 -topk8 -in ec -scrypt -scrypt_N 2 -outform DER -passout P -out key",
        "ec -in ec -aes256 -passout P -out key",
    ] {
        openssl(folder.path(), line);
        let good = fs::read(path("key")).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(path("broken"), &flipped).unwrap();
            for bytes in [&flipped[..], &good[..at]] {
                fs::write(path("broken"), bytes).unwrap();
                let key_pair = KeyPair::from_pem_files(path("ec.pem"), path("broken"));
                // A flipped bit in a comment, or in padding, may do no harm.
                let _ = build(key_pair.passphrase(given(PASSPHRASE)));
                let in_memory = KeyPair::from_pem(certificate.clone(), bytes);
                let _ = build(in_memory.passphrase(given(PASSPHRASE)));
            }
        }
        for cut in [1, good.len() / 2, good.len() - 2] {
            fs::write(path("broken"), &good[..cut]).unwrap();
            let key_pair = KeyPair::from_pem_files(path("ec.pem"), path("broken"));
            assert!(build(key_pair.passphrase(given(PASSPHRASE))).is_err(), "{line} up to {cut}");
        }
    }
}

#[test]
fn two_billion_rounds_are_not_tried() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    openssl(folder.path(), "pkcs8 -topk8 -in ec -v2 aes256 -iter 16777216 -outform DER -passout P -out key");
    let good = fs::read(path("key")).unwrap();
    let worse = replaced(&good, &[0x02, 0x04, 0x01, 0, 0, 0], &[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff]);
    openssl(folder.path(), "pkcs8 -topk8 -in ec -scrypt -outform DER -passout P -out key");
    let scrypt = fs::read(path("key")).unwrap();
    let large =
        replaced(&scrypt, &[0x02, 0x02, 0x40, 0, 0x02, 0x01, 8], &[0x02, 0x02, 0x40, 0, 0x02, 0x01, 0x7f]);
    let large = replaced(&large, &[0x02, 0x01, 0x7f, 0x02, 0x01, 1], &[0x02, 0x01, 0x7f, 0x02, 0x01, 0x7f]);
    for bytes in [good, worse, large] {
        fs::write(path("key"), bytes).unwrap();
        let start = Instant::now();
        let key_pair = KeyPair::from_pem_files(path("ec.pem"), path("key"));
        let error = build(key_pair.passphrase(given(PASSPHRASE))).unwrap_err();
        assert!(error.contains("asks for more work or memory"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_short_initialisation_vector_is_damage() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    openssl(folder.path(), "pkcs8 -topk8 -in ec -v2 des3 -outform DER -passout P -out key");
    let good = fs::read(path("key")).unwrap();
    // DES-EDE3-CBC with its eight bytes; now they are one octet string of four and two NULLs.
    let oid = [0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
    let at = good.windows(oid.len()).position(|window| window == oid).unwrap() + oid.len();
    let mut short = good;
    short[at..at + 10].copy_from_slice(&[0x04, 4, 1, 2, 3, 4, 5, 0, 5, 0]);
    fs::write(path("key"), short).unwrap();
    let error =
        build(KeyPair::from_pem_files(path("ec.pem"), path("key")).passphrase(given("x"))).unwrap_err();
    assert!(error.contains("is damaged"), "{error}");
}

#[cfg(feature = "pkcs12")]
#[test]
fn broken_bundles_are_errors_and_nothing_worse() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.path().join(name);
    for line in [
        "pkcs12 -export -iter 1 -inkey ec -in ec.pem -passout P -out b",
        "pkcs12 -export -nomac -keypbe des-ede3-cbc -certpbe des-ede3-cbc -iter 1 -inkey ec -in ec.pem -passout P -out b",
        "pkcs12 -export -legacy -nomac -iter 1 -inkey ec -in ec.pem -passout P -out b",
    ] {
        openssl(folder.path(), line);
        let good = fs::read(path("b")).unwrap();
        assert_eq!(build(KeyPair::from_pkcs12(good.clone()).passphrase(given(PASSPHRASE))), Ok(()), "{line}");
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1 << (at % 8);
            let _ = build(KeyPair::from_pkcs12(flipped).passphrase(given(PASSPHRASE)));
            let cut = build(KeyPair::from_pkcs12(&good[..at]).passphrase(given(PASSPHRASE)));
            assert!(cut.is_err(), "{line} up to {at}");
        }
    }
    openssl(folder.path(), "pkcs12 -export -iter 5000000 -nomac -inkey ec -in ec.pem -passout P -out b");
    let error = build(KeyPair::from_pkcs12_file(path("b")).passphrase(given(PASSPHRASE))).unwrap_err();
    assert!(error.contains("asks for more work or memory"), "{error}");
}
