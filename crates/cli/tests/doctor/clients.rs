//! Set-ups in which something is wrong with the client's certificate or key.

use portcullis_pki::{Authority, Issued};
use portcullis_tls::ClientAuth;

use crate::Row;
use crate::bench::{STAFF, Setup, alice, fixture, ours, server, staff};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "no certificate for a server that requires one",
        code: "certificate-required",
        sentence: "none was sent: pass one with `--cert`",
        setup: require,
    },
    Row {
        name: "key encrypted",
        code: "key-encrypted",
        sentence: "`--key-passphrase prompt`, `env:VARIABLE` or `file:FILE`",
        setup: encrypted,
    },
    Row {
        name: "key encrypted as OpenSSL used to",
        code: "key-encrypted",
        sentence: "`--key-passphrase prompt`, `env:VARIABLE` or `file:FILE`",
        setup: || files(fixture("server.pem"), fixture("server.legacy.key")),
    },
    Row {
        name: "certificate and key swapped",
        code: "client-swapped",
        sentence: "exchange the values of `--cert` and `--key`",
        setup: || {
            let alice = alice();
            files(alice.key_pem().unwrap(), alice.chain_pem().unwrap())
        },
    },
    Row {
        name: "key of somebody else",
        code: "key-mismatch",
        sentence: "does not belong to the certificate",
        setup: || files(alice().chain_pem().unwrap(), alice().key_pem().unwrap()),
    },
    Row {
        name: "intermediate first",
        code: "client-order",
        sentence: "put the client's own certificate first",
        setup: || {
            let issued = STAFF.hostile("inter_first").unwrap();
            files(issued.chain_pem().unwrap(), issued.key_pem().unwrap())
        },
    },
    Row {
        name: "a request for a certificate",
        code: "client-is-request",
        sentence: "have an authority sign it",
        setup: || {
            let request = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
            files(request, alice().key_pem().unwrap())
        },
    },
    Row {
        name: "a bundle for browsers",
        code: "client-p12",
        sentence: "pass it to `--cert` alone, and say where its passphrase is",
        setup: || bundle("correct horse"),
    },
    Row {
        name: "a bundle for browsers with its key elsewhere",
        code: "client-p12",
        sentence: "pass it to `--cert` alone",
        setup: || files(alice().p12("correct horse").unwrap(), alice().key_pem().unwrap()),
    },
    Row {
        name: "a bundle for browsers and its passphrase",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || bundle("correct horse").passphrase("correct horse\n"),
    },
    Row {
        name: "a bundle for browsers and another passphrase",
        code: "key-passphrase",
        sentence: "does not open",
        setup: || bundle("correct horse").passphrase("battery staple\n"),
    },
    Row {
        name: "a bundle that is cut off",
        code: "client-p12",
        sentence: "pass it to `--cert` alone",
        setup: || {
            let bundle = alice().p12("correct horse").unwrap();
            accepting().file("--cert", "client.p12", bundle.get(..99).unwrap())
        },
    },
    Row {
        name: "an encrypted key and its passphrase",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || encrypted().passphrase("correct horse"),
    },
    Row {
        name: "an encrypted key and another passphrase",
        code: "key-passphrase",
        sentence: "does not open",
        setup: || encrypted().passphrase("battery staple"),
    },
    Row {
        name: "an encrypted key and no passphrase in the variable",
        code: "key-passphrase",
        sentence: "is not set",
        setup: || encrypted().with("--p12-passphrase").with("env:PORTCULLIS_TEST_NOT_SET"),
    },
    Row {
        name: "a key that needs no passphrase, and one",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || require().showing(&alice()).passphrase("correct horse"),
    },
    Row {
        name: "a certificate in DER",
        code: "client-der",
        sentence: "openssl x509 -inform der",
        setup: || files(alice().certificate_der(), alice().key_pem().unwrap()),
    },
    Row {
        name: "a key in DER",
        code: "key-der",
        sentence: "openssl pkey -inform der",
        setup: || {
            let alice = alice();
            files(alice.chain_pem().unwrap(), alice.key_der())
        },
    },
    Row {
        name: "a public key",
        code: "key-is-public",
        sentence: "the private one is needed",
        setup: || {
            let key = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
            files(alice().chain_pem().unwrap(), key)
        },
    },
    Row {
        name: "a key of OpenSSH",
        code: "key-format",
        sentence: "ssh-keygen -p -m PKCS8",
        setup: || {
            let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n";
            files(alice().chain_pem().unwrap(), key)
        },
    },
    Row {
        name: "no key at all",
        code: "client-no-key",
        sentence: "pass the file with the `PRIVATE KEY` block",
        setup: || {
            let chain = alice().chain_pem().unwrap();
            files(&chain, &chain)
        },
    },
    Row {
        name: "a certificate that is cut off",
        code: "client-pem",
        sentence: "cut off",
        setup: || {
            let alice = alice();
            files(alice.chain_pem().unwrap().get(..200).unwrap(), alice.key_pem().unwrap())
        },
    },
    Row {
        name: "a certificate as OpenSSL trusts it",
        code: "client-trusted-format",
        sentence: "which only OpenSSL reads",
        setup: || files(fixture("server.trusted.pem"), fixture("server.key")),
    },
    Row {
        name: "signed with SHA-1",
        code: "client-signature-algorithm",
        sentence: "SHA-1",
        setup: || files(fixture("sha1.pem"), fixture("sha1.key")),
    },
    Row {
        name: "client expired",
        code: "client-expired",
        sentence: "renew the certificate",
        setup: || hostile("expired_leaf"),
    },
    Row {
        name: "client not yet valid",
        code: "client-not-yet-valid",
        sentence: "check the clocks",
        setup: || hostile("future_leaf"),
    },
    Row {
        name: "client of version 1",
        code: "client-version",
        sentence: "pass `-extfile`",
        setup: || hostile("v1"),
    },
    Row {
        name: "client with a server's certificate",
        code: "client-purpose",
        sentence: "clientAuth",
        setup: || hostile("server_eku"),
    },
    Row {
        name: "client for any purpose",
        code: "client-purpose",
        sentence: "clientAuth",
        setup: || hostile("any_eku"),
    },
    Row {
        name: "client that may not sign",
        code: "client-key-usage",
        sentence: "digitalSignature",
        setup: || hostile("ku_no_ds"),
    },
    Row {
        name: "client that is an authority",
        code: "client-is-authority",
        sentence: "CA:FALSE",
        setup: || hostile("leaf_is_ca"),
    },
    Row {
        name: "client with an unknown critical extension",
        code: "client-critical-extension",
        sentence: "critical extension",
        setup: || hostile("crit_ext"),
    },
    Row {
        name: "client of an unknown authority",
        code: "client-issuer-unknown",
        sentence: "`CN=Mallory CA` of the client certificate; it asks for a client certificate of `CN=Staff CA`",
        setup: || require().showing(&Authority::new("Mallory CA").unwrap().client("alice").issue().unwrap()),
    },
    Row {
        name: "client of an authority made anew",
        code: "client-issuer-namesake",
        sentence: "by another `CN=Staff CA` than the one in",
        setup: || require().showing(&Authority::new("Staff CA").unwrap().client("alice").issue().unwrap()),
    },
    Row {
        name: "client without its intermediate",
        code: "client-issuer-unknown",
        sentence: "if `CN=Missing CA` is an intermediate, append its certificate",
        setup: || require().showing(&STAFF.hostile("missing_inter").unwrap()),
    },
    Row {
        name: "client of an authority that is not named",
        code: "client-not-named",
        sentence: "browsers would not offer it",
        setup: || {
            let other = Authority::new("Other CA").unwrap();
            let address = ours(&server(), Some(ClientAuth::request(staff())));
            Setup::to(address).showing(&other.client("alice").issue().unwrap())
        },
    },
    Row {
        name: "nobody asks for the certificate",
        code: "not-asked",
        sentence: "does not ask for a client certificate",
        setup: || Setup::to(ours(&server(), None)).showing(&alice()),
    },
];

fn require() -> Setup {
    Setup::to(ours(&server(), Some(ClientAuth::require(staff()))))
}

fn accepting() -> Setup {
    Setup::to(ours(&server(), Some(ClientAuth::request(staff()))))
}

fn bundle(passphrase: &str) -> Setup {
    accepting().file("--cert", "client.p12", alice().p12(passphrase).unwrap())
}

fn encrypted() -> Setup {
    let alice = alice();
    files(alice.chain_pem().unwrap(), alice.encrypted_key_pem("correct horse").unwrap())
}

fn hostile(name: &str) -> Setup {
    let issued: Issued = STAFF.hostile(name).unwrap();
    require().showing(&issued)
}

/// A server that takes everybody, and these two files.
fn files(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Setup {
    accepting().file("--cert", "client.pem", certificate).file("--key", "client.key", key)
}
