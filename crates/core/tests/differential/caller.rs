//! Those who ask, here with a real certificate and there with the same facts as variables.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, ExecutionError, Program, Value};
use portcullis_core::certificate::{AttributeType, Certificate, Name, SanKind};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::{Authorizer, Identity, Peer, Policy, Principal, Request, RoleMap};
use portcullis_pki::{Authority, LeafBuilder};

const NOW: i64 = 1_790_000_000;

pub(crate) struct Caller {
    name: &'static str,
    authorizer: Authorizer,
    principal: Principal,
    host: Option<&'static str>,
    ip: Option<IpAddr>,
    context: Context<'static, 'static>,
}

/// A source of roles that cannot be reached.
struct Down;

impl RoleProvider for Down {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("connection refused")))
    }
}

impl Caller {
    /// Callers with much and with little in their certificates, and without any.
    pub(crate) fn each(policy: &Policy) -> Vec<Self> {
        let authority = Authority::builder("Test CA").organization("Tests").build().unwrap();
        let rich = authority
            .client("alice")
            .organizational_unit("Security")
            .organizational_unit("Ops")
            .attribute("O", "Übung")
            .dns("a.example.com")
            .dns("b.example.com")
            .email_san("alice@example.com")
            .uri("spiffe://td/ns/a")
            .ip("10.0.0.9".parse::<IpAddr>().unwrap())
            .serial(&[0xc0, 0xff, 0xee]);
        let plain = authority.client("bob").organizational_unit("Ops").locality("a b");
        let twice = authority.client("carol").attribute("CN", "alice").uri("https://example.com/");
        vec![
            Self::new("alice", policy, Some(rich), false).at("example.com", "10.1.2.3"),
            Self::new("bob", policy, Some(plain.clone()), false),
            Self::new("carol, who has two names", policy, Some(twice), false).at("EXAMPLE.com:8443", "::1"),
            Self::new("bob without a database", policy, Some(plain), true)
                .at("other.test", "::ffff:10.1.2.3"),
            Self::new("nobody", policy, None, false).at("example.com", "192.0.2.1"),
        ]
    }

    fn new(name: &'static str, policy: &Policy, leaf: Option<LeafBuilder<'_>>, fails: bool) -> Self {
        let roles = RoleMap::new().name("alice", ["admin"]).unwrap().name("bob", ["user"]).unwrap();
        let mut authorizer = Authorizer::builder(policy.clone());
        if policy.has_role("user") {
            authorizer = authorizer.roles(roles);
        }
        if fails {
            authorizer = authorizer.roles(Down);
        }
        let authorizer = authorizer.build().unwrap();
        let certificate = leaf.map(|leaf| {
            let issued = leaf.issue().unwrap();
            Certificate::from_der(issued.certificate_der()).unwrap()
        });
        let peer = match &certificate {
            Some(certificate) => Peer::Verified(Identity::assertion(certificate.clone(), "staff")),
            None => Peer::Anonymous,
        };
        let Answer::Ready(principal) = authorizer.principal(peer) else { panic!("no source waits") };
        let context = context(certificate.as_ref(), &principal);
        Self { name, authorizer, principal, host: None, ip: None, context }.with_request()
    }

    fn at(mut self, host: &'static str, ip: &str) -> Self {
        self.host = Some(host);
        self.ip = Some(ip.parse().unwrap());
        self.with_request()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn ours(&self, route: usize) -> Result<bool, ()> {
        let path = format!("/{route}/a%20b");
        let request = Request::new("GET", &path).with_time(NOW).with_host(self.host).with_peer_ip(self.ip);
        match self.authorizer.decide_for(&request, &self.principal).denial() {
            None => Ok(true),
            Some(denial) if denial.to_string().contains("could not be decided") => Err(()),
            Some(_) => Ok(false),
        }
    }

    pub(crate) fn theirs(&self, program: &Program) -> Result<bool, ()> {
        match program.execute(&self.context) {
            Ok(Value::Bool(value)) => Ok(value),
            Ok(other) => panic!("{other:?} is no bool"),
            Err(_) => Err(()),
        }
    }

    /// Tells CEL of the request. The path is not told: no condition compares it with a literal.
    fn with_request(mut self) -> Self {
        let mut request = map([("method", "GET".into()), ("path", "/0/a%20b".into()), ("time", time(NOW))]);
        if let Some(host) = self.host {
            let host = host.split(':').next().unwrap_or_default().to_lowercase();
            request.insert("host", host.into());
        }
        if let Some(ip) = self.ip {
            request.insert("peer_ip", ip.to_canonical().to_string().into());
        }
        self.context.add_variable_from_value("request", request);
        self
    }
}

fn context(certificate: Option<&Certificate>, principal: &Principal) -> Context<'static, 'static> {
    let mut context = Context::default();
    context.add_variable_from_value("params", map([("name", "a b".into())]));
    context.add_variable_from_value("anyone", true);
    let named = principal.name().is_ok();
    let roles: Vec<String> = principal.roles().names().map(String::from).collect();
    let is_whole = principal.roles().unavailable().is_none() && (named || certificate.is_none());
    let mut variable = map([]);
    if let Ok(name) = principal.name() {
        variable.insert("name", name.into());
    }
    if is_whole {
        variable.insert("roles", roles.clone().into());
    }
    context.add_variable_from_value("principal", variable);
    // An unnamed caller is an error: there the variable is not defined.
    if named || certificate.is_none() {
        context.add_variable_from_value("authenticated", named);
    }
    let role = move |role: Arc<String>| {
        let known = roles.contains(&role);
        if known || is_whole { Ok(known) } else { Err(ExecutionError::function_error("role", "unknown")) }
    };
    let custom = |name: Arc<String>| {
        if *name == "yes" { Ok(true) } else { Err(ExecutionError::function_error("custom", "fails")) }
    };
    context.add_function("role", role).unwrap();
    context.add_function("custom", custom).unwrap();
    context.add_function("cidr", |network: Arc<String>| network).unwrap();
    context.add_function("containsIP", contains_ip).unwrap();
    if let Some(certificate) = certificate {
        add_certificate(&mut context, certificate);
    }
    context
}

/// All networks of the test are `10.0.0.0/8`.
fn contains_ip(This(network): This<Arc<String>>, ip: Arc<String>) -> bool {
    assert_eq!(*network, "10.0.0.0/8");
    matches!(ip.parse().unwrap(), IpAddr::V4(ip) if ip.octets()[0] == 10)
}

fn add_certificate(context: &mut Context<'_, '_>, certificate: &Certificate) {
    context.add_variable_from_value("anchor", map([("label", "staff".into())]));
    context.add_variable_from_value("subject", name(certificate.subject()));
    context.add_variable_from_value("issuer", name(certificate.issuer()));
    let kinds = [SanKind::Dns, SanKind::Email, SanKind::Uri, SanKind::Ip];
    let san = kinds.map(|kind| (kind.as_str(), list(certificate.san().values(kind).unwrap())));
    context.add_variable_from_value("san", map(san));
    let mut spiffe = map([]);
    if let Ok(id) = certificate.spiffe_id() {
        spiffe = map([
            ("id", id.as_str().into()),
            ("trust_domain", id.trust_domain().into()),
            ("path", id.path().into()),
        ]);
    }
    // A URI that is no SPIFFE ID makes `has` an error: there the variable is not defined.
    if certificate.spiffe_id().is_ok() || certificate.san().uri().unwrap().is_empty() {
        context.add_variable_from_value("spiffe", spiffe);
    }
    let usages = certificate.extended_key_usages().unwrap_or_default();
    context.add_variable_from_value(
        "cert",
        map([
            ("serial", certificate.serial().to_string().into()),
            ("not_after", time(certificate.not_after())),
            ("eku", list(usages)),
            ("policies", list(certificate.policies())),
        ]),
    );
}

fn name(name: &Name) -> HashMap<&'static str, Value> {
    let attributes = [
        ("CN", AttributeType::CN),
        ("OU", AttributeType::OU),
        ("O", AttributeType::O),
        ("L", AttributeType::L),
    ];
    let mut fields = map([]);
    let mut all = map([]);
    for (field, attribute) in attributes {
        if let Ok(value) = name.one(&attribute) {
            fields.insert(field, value.into());
        }
        all.insert(field, list(name.all(&attribute).unwrap()));
    }
    fields.insert("all", all.into());
    fields
}

fn map<const N: usize>(fields: [(&'static str, Value); N]) -> HashMap<&'static str, Value> {
    fields.into()
}

fn list<T: ToString>(texts: impl IntoIterator<Item = T>) -> Value {
    texts.into_iter().map(|text| text.to_string()).collect::<Vec<_>>().into()
}

fn time(seconds: i64) -> Value {
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let text = time.format(&time::format_description::well_known::Rfc3339).unwrap();
    let program = Program::compile(&format!("timestamp(\"{text}\")")).unwrap();
    program.execute(&Context::default()).unwrap()
}
