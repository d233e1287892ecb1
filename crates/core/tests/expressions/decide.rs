//! What rules come to: for a certificate with much in it, for odd ones, and for nobody.

use portcullis_core::certificate::Certificate;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::{Authorizer, DenialKind, Identity, Peer, Policy, Principal, Request, RoleMap, Rule};
use portcullis_pki::{Authority, DistinguishedName, Extension, GeneralName, Issued, RawCertificate};

const NOW: i64 = 1_790_000_000;

/// What a rule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    True,
    False,
    Error,
    /// An error for which a source of roles is to blame.
    Unavailable,
}
use Outcome::{Error, False, True, Unavailable};

struct Down;

impl RoleProvider for Down {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("connection refused")))
    }
}

/// `bob` has the role `user`, of which nobody knows whether he is `suspended`.
struct Unsure;

impl RoleProvider for Unsure {
    fn roles(&self, account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        let mut grants = Grants::from(["user"]);
        if account.name == "bob" {
            grants.erred.push("suspended".into());
        }
        Answer::Ready(Ok(grants))
    }
}

fn outcome(text: &str, peer: &Peer, request: Request<'_>, sources: fn() -> Vec<Source>) -> Outcome {
    let (authorizer, principal) = set_up(text, peer, sources);
    match authorizer.decide_for(&request, &principal).denial() {
        None => True,
        Some(denial) if denial.kind() == DenialKind::Unavailable => Unavailable,
        Some(denial) if denial.to_string().contains("could not be decided") => Error,
        Some(_) => False,
    }
}

fn set_up(text: &str, peer: &Peer, sources: fn() -> Vec<Source>) -> (Authorizer, Principal) {
    let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let policy = Policy::builder().role("user", []).role("admin", ["user"]).role("suspended", []);
    let policy =
        policy.route("GET /u/{name}/{*rest}", rule).build().unwrap_or_else(|error| panic!("{error}"));
    let mut authorizer = Authorizer::builder(policy);
    for source in sources() {
        authorizer = match source {
            Source::Map => authorizer.roles(RoleMap::new().name("alice", ["admin"]).unwrap()),
            Source::Down => authorizer.roles(Down),
            Source::Unsure => authorizer.roles(Unsure),
        };
    }
    let authorizer = authorizer.build().unwrap();
    let Answer::Ready(principal) = authorizer.principal(peer.clone()) else { panic!("no source waits") };
    (authorizer, principal)
}

#[derive(Clone, Copy)]
enum Source {
    Map,
    Down,
    Unsure,
}

fn map() -> Vec<Source> {
    vec![Source::Map]
}

fn request() -> Request<'static> {
    Request::new("GET", "/u/a%20b/x/y").with_time(NOW).with_host("Example.COM:8443")
}

fn verified(issued: &Issued) -> Peer {
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

fn alice() -> Peer {
    let authority = Authority::new("Test CA").unwrap();
    let leaf = authority.client("alice").organizational_unit("Security").organizational_unit("Ops");
    let leaf = leaf.email_san("alice@example.com").uri("spiffe://td/ns/a").dns("a.example.com");
    verified(&leaf.serial(&[0xc0, 0xff, 0xee]).issue().unwrap())
}

fn named(name: &str) -> Peer {
    verified(&Authority::new("Test CA").unwrap().client(name).issue().unwrap())
}

#[test]
fn facts_of_certificate_and_request() {
    let alice = alice();
    for (text, expected) in [
        ("subject.CN == 'alice'", True),
        ("subject.CN == 'Alice'", False),
        ("subject.OU == 'Ops'", Error),
        ("!(subject.OU == 'Ops')", Error),
        ("subject.L == 'x'", Error),
        ("subject.L == 'x' || true == authenticated", True),
        ("subject.L == 'x' && role('suspended')", False),
        ("'Ops' in subject.all.OU", True),
        ("'Ops' in subject.all.L", False),
        ("has(subject.OU) && !has(subject.L)", True),
        ("issuer.CN == 'Test CA'", True),
        ("subject.all.OU.exists(u, subject.all.OU.all(v, u == v))", False),
        ("subject.all.OU.all(u, u.matches('^[A-Z]'))", True),
        ("subject.all.L.all(u, u == subject.L)", True),
        ("subject.all.OU.exists(u, subject.L == u || u == 'Ops')", True),
        ("subject.all.OU.exists(u, u == subject.L)", Error),
        ("size(subject.all.OU) == 2 && size(subject.CN) == 5", True),
        ("anchor.label == 'staff'", True),
        ("has(anchor.spki_sha256)", False),
        ("anchor.spki_sha256 == cert.sha256", Error),
        ("cert.sha256 == cert.sha256 && cert.sha256 != cert.spki_sha256", True),
        ("cert.serial == '00:C0:FF:EE'", True),
        ("'clientAuth' in cert.eku && !('serverAuth' in cert.eku)", True),
        ("cert.not_after > request.time", True),
        ("request.time == timestamp('2026-09-21T14:13:20Z')", True),
        ("spiffe.id == 'spiffe://td/ns/a' && spiffe.trust_domain == 'td' && spiffe.path == '/ns/a'", True),
        ("principal.name == 'alice' && principal.roles.exists(r, r == 'user')", True),
        ("principal.attributes.department == 'x'", Error),
        ("has(principal.attributes.department)", Error),
        ("!has(principal.attributes.suspended)", Error),
        ("request.method == 'GET' && request.path == '/u/a%20b/x/y'", True),
        ("request.host == 'example.com'", True),
        ("request.peer_ip == '10.0.0.1'", Error),
        ("has(request.peer_ip)", False),
        ("params.name == 'a b' && params.rest == 'x/y'", True),
        ("(role('admin') ? params.name : subject.L) == 'a b'", True),
        ("(role('suspended') ? params.name : subject.L) == 'a b'", Error),
        ("(subject.L == 'x' ? params.name : params.rest) == 'a b'", Error),
    ] {
        assert_eq!(outcome(text, &alice, request(), map), expected, "{text}");
    }
}

#[test]
fn addresses_are_compared_as_addresses() {
    for (ip, text, expected) in [
        ("10.1.2.3", "cidr('10.0.0.0/8').containsIP(request.peer_ip)", True),
        ("::ffff:10.1.2.3", "cidr('10.0.0.0/8').containsIP(request.peer_ip)", True),
        ("11.1.2.3", "cidr('10.0.0.0/8').containsIP(request.peer_ip)", False),
        ("::1", "cidr('0.0.0.0/0').containsIP(request.peer_ip)", False),
        ("10.1.2.3", "cidr('::/0').containsIP(request.peer_ip)", False),
        ("2001:db8::1", "cidr('2001:db8::/32').containsIP(request.peer_ip)", True),
        ("::ffff:10.1.2.3", "request.peer_ip == '10.1.2.3'", True),
        ("10.1.2.3", "request.peer_ip == '::ffff:10.1.2.3'", True),
        ("2001:db8::1", "request.peer_ip in ['2001:0DB8::0001']", True),
    ] {
        let request = request().with_peer_ip(Some(ip.parse().unwrap()));
        assert_eq!(outcome(text, &Peer::Anonymous, request, map), expected, "{ip}: {text}");
    }
}

#[test]
fn nobody_has_facts_and_no_negation_helps() {
    for (text, expected) in [
        ("subject.CN == 'x'", Error),
        ("!(subject.CN == 'x')", Error),
        ("has(subject.CN)", Error),
        ("!has(spiffe.id)", Error),
        ("size(san.dns) == 0", Error),
        ("principal.name != 'x'", Error),
        ("anchor.label != 'x'", Error),
        ("subject.all.CN.all(x, x == 'y')", Error),
        ("role('user')", False),
        ("authenticated", False),
        ("'user' in principal.roles", False),
        ("request.method == 'GET'", True),
    ] {
        assert_eq!(outcome(text, &Peer::Anonymous, request(), map), expected, "{text}");
    }
}

#[test]
fn who_has_no_name_has_no_known_roles() {
    let twice = Authority::new("Test CA").unwrap().client("alice").attribute("CN", "bob").issue().unwrap();
    for text in
        ["role('user')", "!role('suspended')", "authenticated", "!authenticated", "principal.name != 'x'"]
    {
        assert_eq!(outcome(text, &verified(&twice), request(), map), Error, "{text}");
    }
    for text in ["!('suspended' in principal.roles)", "principal.roles.all(r, r != 'suspended')"] {
        assert_eq!(outcome(text, &verified(&twice), request(), map), Error, "{text}");
    }
}

#[test]
fn a_source_that_fails_makes_roles_unknown() {
    let down = || vec![Source::Map, Source::Down];
    let unsure = || vec![Source::Unsure];
    let (alice, bob) = (alice(), named("bob"));
    for (text, expected) in [
        ("role('admin')", True),
        ("role('suspended')", Unavailable),
        ("!role('suspended')", Unavailable),
        ("'admin' in principal.roles", Unavailable),
        ("size(principal.roles) > 0", Unavailable),
        ("subject.L == 'x' || role('suspended')", Unavailable),
        ("role('suspended') || subject.L == 'x'", Unavailable),
        ("subject.L == (role('suspended') ? 'x' : 'y')", Unavailable),
        ("subject.L in (role('suspended') ? subject.all.L : san.dns)", Unavailable),
        ("subject.all.OU.exists(u, subject.L == u || role('suspended'))", Unavailable),
        ("role('suspended') && subject.CN == 'bob'", False),
    ] {
        assert_eq!(outcome(text, &alice, request(), down), expected, "{text}");
    }
    for (text, expected) in [
        ("role('user')", True),
        ("role('admin')", False),
        ("role('suspended')", Error),
        ("!role('suspended')", Error),
        ("principal.roles.exists(r, r == 'user')", Error),
    ] {
        assert_eq!(outcome(text, &bob, request(), unsure), expected, "{text}");
    }
    assert_eq!(outcome("'user' in principal.roles", &named("carol"), request(), unsure), True);
}

fn with_names(names: &[GeneralName]) -> Peer {
    let raw = RawCertificate::new(DistinguishedName::common_name("web"));
    let raw = raw.extension(Extension::subject_alt_name(names));
    verified(&raw.issue(&Authority::new("Test CA").unwrap()).unwrap())
}

#[test]
fn names_that_cannot_be_read_are_no_absent_names() {
    let uri = |text: &str| GeneralName::Uri(text.into());
    let mapped: std::net::IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    let cases = [
        (with_names(&[uri("spiffe://td/a"), uri("spiffe://td/b")]), "has(spiffe.id)", Error),
        (with_names(&[uri("https://td/a")]), "!has(spiffe.id)", Error),
        (with_names(&[uri("spiffe://td/a\0")]), "!('spiffe://td/b' in san.uri)", Error),
        (with_names(&[uri("spiffe://td/a\0")]), "size(san.dns) == 0", True),
        (with_names(&[GeneralName::Dns("web.test".into())]), "has(spiffe.id)", False),
        (with_names(&[GeneralName::Dns("web.test".into())]), "spiffe.trust_domain != 'td'", Error),
        (with_names(&[GeneralName::Ip(mapped)]), "'10.0.0.1' in san.ip", True),
        (with_names(&[GeneralName::Ip(mapped)]), "san.ip.exists(i, cidr('10.0.0.0/8').containsIP(i))", True),
    ];
    for (peer, text, expected) in cases {
        assert_eq!(outcome(text, &peer, request(), map), expected, "{text}");
    }
}

#[test]
fn hosts_that_are_absent_or_odd() {
    let request = |host| Request::new("GET", "/u/a/").with_host(host);
    for (host, text, expected) in [
        (Some("example.com."), "request.host == 'example.com'", True),
        (Some("[::1]:8443"), "request.host == '::1'", True),
        (None, "request.host != 'example.com'", Error),
        (None, "has(request.host)", False),
        (Some("other.test"), "request.host.endsWith('.example.com')", False),
    ] {
        assert_eq!(outcome(text, &Peer::Anonymous, request(host), map), expected, "{host:?} {text}");
    }
    let rest = Request::new("GET", "/u/a").with_host("example.com");
    assert_eq!(outcome("params.rest == ''", &Peer::Anonymous, rest, map), True);
}

#[test]
fn nothing_is_allocated_to_decide() {
    let request = Request::new("GET", "/u/a/x").with_time(NOW).with_host("example.com");
    let request = request.with_peer_ip(Some("10.1.2.3".parse().unwrap()));
    let alice = alice();
    for text in [
        "role('admin') && !role('suspended')",
        "subject.CN == 'alice' && 'Ops' in subject.all.OU && !has(subject.L)",
        "subject.L == 'x' || principal.name.startsWith('al')",
        "subject.all.OU.exists(u, principal.roles.all(r, r != u)) && size(san.dns) == 1",
        "spiffe.id == 'spiffe://td/ns/a' && 'clientAuth' in cert.eku && cert.serial == 'c0ffee'",
        "request.host == 'example.com' && params.name == 'a' && request.path.matches('^/u/[a-z]+/')",
        "cidr('10.0.0.0/8').containsIP(request.peer_ip) && cert.not_after > request.time",
        "(role('admin') ? params.rest : principal.name) == 'x'",
    ] {
        let (authorizer, principal) = set_up(text, &alice, map);
        // The first search of a regular expression makes room for all others.
        assert!(authorizer.decide_for(&request, &principal).is_allowed(), "{text}");
        let used = allocation_counter::measure(|| {
            assert!(authorizer.decide_for(&request, &principal).is_allowed());
        });
        assert_eq!(used.count_total, 0, "{text}");
    }
}
