//! Set-ups in which something is wrong with the server.

use std::time::{Duration, SystemTime};

use portcullis_pki::{Authority, DistinguishedName, Extension, GeneralName, Issued, Oid, RawCertificate};
use portcullis_tls::{ClientAuth, ServerTls};

use crate::Row;
use crate::bench::{OK, STAFF, Setup, alice, key_pair, ours, ours_answering, server, staff, tls_answering};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "all is fine",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || Setup::to(ours(&server(), Some(ClientAuth::require(staff())))).showing(&alice()),
    },
    Row {
        name: "all is fine without certificates",
        code: "fine",
        sentence: "answers 200.",
        setup: || Setup::to(ours(&server(), None)),
    },
    Row {
        name: "HTTP/2 only",
        code: "fine",
        sentence: "over HTTP/2 only",
        setup: || {
            let tls = ServerTls::builder(key_pair(&server())).build().unwrap();
            Setup::to(tls_answering(tls.server_config(&[b"h2"]), OK))
        },
    },
    Row {
        name: "neither HTTP",
        code: "alpn",
        sentence: "neither HTTP/1.1 nor HTTP/2",
        setup: || {
            let tls = ServerTls::builder(key_pair(&server())).build().unwrap();
            Setup::to(tls_answering(tls.server_config(&[b"imap"]), OK))
        },
    },
    Row {
        name: "server expired",
        code: "server-expired",
        sentence: "expired on",
        setup: || Setup::to(ours(&STAFF.server().expired().issue().unwrap(), None)),
    },
    Row {
        name: "server not yet valid",
        code: "server-not-yet-valid",
        sentence: "check the clocks",
        setup: || Setup::to(ours(&STAFF.server().not_yet_valid().issue().unwrap(), None)),
    },
    Row {
        name: "server under another name",
        code: "server-name",
        sentence: "is for `example.com`, not for `localhost`",
        setup: || Setup::to(ours(&STAFF.server_named("example.com").issue().unwrap(), None)),
    },
    Row {
        name: "server with its name in the CN only",
        code: "server-no-names",
        sentence: "has no subjectAltName",
        setup: || {
            let purpose = Extension::extended_key_usage(&[Oid::SERVER_AUTH]);
            Setup::to(ours(&localhost().extension(purpose).issue(&STAFF).unwrap(), None))
        },
    },
    Row {
        name: "server of an unknown authority",
        code: "server-issuer-unknown",
        sentence: "was issued by `CN=Other CA`, which is not among",
        setup: || Setup::to(ours(&Authority::new("Other CA").unwrap().server().issue().unwrap(), None)),
    },
    Row {
        name: "server of an authority made anew",
        code: "server-issuer-namesake",
        sentence: "of the same name but with another key",
        setup: || Setup::to(ours(&Authority::new("Staff CA").unwrap().server().issue().unwrap(), None)),
    },
    Row {
        name: "server without its intermediate",
        code: "server-issuer-unknown",
        sentence: "have the server send its certificate along",
        setup: || {
            let issued = STAFF.intermediate("Team CA").unwrap().server().issue().unwrap();
            let leaf = issued.certificate_der().to_vec();
            Setup::to(ours(&issued.presenting([leaf]), None))
        },
    },
    Row {
        name: "server below an expired intermediate",
        code: "server-issuer-expired",
        sentence: "an issuer of the server's is out of date",
        setup: || {
            let (now, day) = (SystemTime::now(), Duration::from_secs(86_400));
            let team =
                STAFF.intermediate_builder("Team CA").valid(now - 30 * day, now - day).build().unwrap();
            Setup::to(ours(&team.server().issue().unwrap(), None))
        },
    },
    Row {
        name: "server self-signed",
        code: "server-self-signed",
        sentence: "is self-signed",
        setup: || Setup::to(ours(&named(localhost()).self_signed().unwrap(), None)),
    },
    Row {
        name: "server self-signed by the usual recipe",
        code: "server-is-authority",
        sentence: "`openssl req -x509` makes an authority",
        setup: || {
            let issued = own_authority();
            let pem = issued.certificate_pem().unwrap();
            let address = ours(&issued, None);
            Setup::trusting(format!("https://localhost:{}/", address.port()), &pem)
        },
    },
    Row {
        name: "server with a client's certificate",
        code: "server-purpose",
        sentence: "is not for servers",
        setup: || {
            let client = Extension::extended_key_usage(&[Oid::CLIENT_AUTH]);
            Setup::to(ours(&named(localhost()).extension(client).issue(&STAFF).unwrap(), None))
        },
    },
    Row {
        name: "server of version 1",
        code: "server-version",
        sentence: "X.509 version 1",
        setup: || Setup::to(ours(&localhost().version(1).issue(&STAFF).unwrap(), None)),
    },
    Row {
        name: "authority expired",
        code: "ca-expired",
        sentence: "an authority in",
        setup: || {
            let (now, day) = (SystemTime::now(), Duration::from_secs(86_400));
            let old = Authority::builder("Old CA").valid(now - 30 * day, now - day).build().unwrap();
            let address = ours(&old.server().issue().unwrap(), None);
            Setup::trusting(format!("https://localhost:{}/", address.port()), &old.certificate_pem().unwrap())
        },
    },
    Row {
        name: "a key for the authorities",
        code: "ca-unusable",
        sentence: "is no file of authorities",
        setup: || Setup::trusting("https://localhost:1/", "no PEM at all"),
    },
    Row {
        name: "clocks differ",
        code: "clock-skew",
        sentence: "minutes ahead of the server's",
        setup: || {
            let answer =
                "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2019 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
            let alice = STAFF.client("alice").expired().issue().unwrap();
            Setup::to(ours_answering(&server(), Some(ClientAuth::request(staff())), answer)).showing(&alice)
        },
    },
    Row {
        name: "no answer over TLS",
        code: "http-closed",
        sentence: "closes the connection without an answer",
        setup: || Setup::to(ours_answering(&server(), None, "")),
    },
    Row {
        name: "no HTTP over TLS",
        code: "not-http",
        sentence: "is not HTTP/1.1",
        setup: || Setup::to(ours_answering(&server(), None, "hello\r\n")),
    },
    Row {
        name: "nothing behind the server",
        code: "server-failed",
        sentence: "answers 502",
        setup: || {
            Setup::to(ours_answering(
                &server(),
                None,
                "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            ))
        },
    },
    Row {
        name: "a host of another configuration",
        code: "misdirected",
        sentence: "let clients not share connections between hosts",
        setup: || {
            let answer = "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n";
            Setup::to(ours_answering(&server(), None, answer))
        },
    },
    Row {
        name: "a server that does not pass on who is calling",
        code: "misconfigured",
        sentence: "look into its log, which says what was forgotten",
        setup: || Setup::to(ours_answering(&server(), None, problem(500, "misconfigured"))),
    },
    Row {
        name: "a denial of a kind that is not known",
        code: "denied",
        sentence: "give the id 0198c0ffee to the operator",
        setup: || Setup::to(ours_answering(&server(), None, problem(403, "of-tomorrow"))),
    },
    Row {
        name: "a server that is overloaded",
        code: "server-failed",
        sentence: "answers 503",
        setup: || {
            let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
            Setup::to(ours_answering(&server(), None, answer))
        },
    },
    Row {
        name: "HTTPS behind a server that speaks HTTP to it",
        code: "http-behind-tls",
        sentence: "have the proxy speak HTTPS",
        setup: || {
            let answer = "HTTP/1.1 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.";
            Setup::to(ours_answering(&server(), None, answer))
        },
    },
    Row {
        name: "nginx wants a certificate",
        code: "certificate-required",
        sentence: "none was sent",
        setup: || {
            let answer =
                "HTTP/1.1 400 Bad Request\r\n\r\n<center>No required SSL certificate was sent</center>";
            Setup::to(ours_answering(&server(), Some(ClientAuth::request(staff())), answer))
        },
    },
    Row {
        name: "no such page",
        code: "not-found",
        sentence: "check the path",
        setup: || {
            Setup::to(ours_answering(&server(), None, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        },
    },
];

/// An answer with a problem as servers of portcullis write it.
fn problem(status: u16, kind: &str) -> String {
    let body = format!("{{\"type\":\"urn:portcullis:denial:{kind}\",\"id\":\"0198c0ffee\"}}");
    format!(
        "HTTP/1.1 {status} No\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn localhost() -> RawCertificate {
    RawCertificate::new(DistinguishedName::common_name("localhost"))
}

fn named(certificate: RawCertificate) -> RawCertificate {
    certificate.extension(Extension::subject_alt_name(&[GeneralName::Dns("localhost".into())]))
}

fn own_authority() -> Issued {
    named(localhost()).extension(Extension::basic_constraints(true, None)).self_signed().unwrap()
}
