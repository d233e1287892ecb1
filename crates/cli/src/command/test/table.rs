//! The table of tests: who the actors are, and what they may do.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use portcullis_core::principal::TestPrincipal;
use portcullis_core::{Authorizer, DenialKind, Distrust, Principal, Request};
use serde::Deserialize;
use toml::Spanned;

use crate::actor::Actor;
use crate::outcome::Failure;
use crate::{clock, input};

/// All kinds of denials that a test can expect.
const KINDS: [DenialKind; 6] = [
    DenialKind::Forbidden,
    DenialKind::CertificateRequired,
    DenialKind::CertificateUntrusted,
    DenialKind::NoRule,
    DenialKind::Firewall,
    DenialKind::Unavailable,
];

/// What a table asks, request by request and actor by actor.
pub(super) struct Table {
    pub(super) cases: Vec<Case>,
    /// The least coverage, in percent.
    pub(super) coverage: Option<u8>,
}

/// One actor and one request.
pub(super) struct Case {
    pub(super) line: usize,
    pub(super) actor: String,
    pub(super) principal: Principal,
    pub(super) expected: Expected,
    name: Option<String>,
    method: String,
    path: String,
    host: Option<String>,
    ip: Option<IpAddr>,
    time: Option<i64>,
}

/// What a test expects.
#[derive(Clone)]
pub(super) enum Expected {
    Allow,
    /// Of any kind, or of this one.
    Deny(Option<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    coverage: Option<Spanned<u8>>,
    #[serde(default)]
    actors: BTreeMap<String, Spanned<Described>>,
    #[serde(default)]
    test: Vec<Test>,
}

/// Who an actor is: the name is that of the table, unless a certificate or `name` says another.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Described {
    name: Option<String>,
    /// Nobody in particular.
    anonymous: bool,
    /// Somebody whose certificate is not trusted.
    untrusted: bool,
    roles: Vec<String>,
    attributes: BTreeMap<String, String>,
    /// A certificate file, relative to the table.
    certificate: Option<PathBuf>,
    subject: Option<String>,
    san: Vec<String>,
    anchor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: Option<String>,
    request: Spanned<Requests>,
    host: Option<String>,
    ip: Option<Spanned<String>>,
    time: Option<Spanned<String>>,
    allow: Option<Spanned<Vec<String>>>,
    deny: Option<Spanned<Denied>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "write a request such as \"GET /reports/7\", or a list of them")]
enum Requests {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "write a list of actors, or a table of actors and kinds such as `{ bob = \"forbidden\" }`"
)]
enum Denied {
    Anyhow(Vec<String>),
    As(BTreeMap<String, String>),
}

/// The text of a table, for messages with lines.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn failure<T>(&self, at: &Spanned<T>, message: impl fmt::Display) -> Failure {
        let line = input::line_of(self.text, at.span().start);
        Failure::Input(format!("{}:{line}: {message}", input::name(self.path)))
    }
}

impl Table {
    pub(super) fn read(path: &Path, auth: &Authorizer) -> Result<Self, Failure> {
        let text = input::text(path)?;
        let source = Source { path, text: &text };
        let File { coverage, actors, test } = toml::from_str(&text).map_err(|error| {
            Failure::Input(format!("`{}` is no table of tests: {error}", input::name(path)))
        })?;
        let principals = principals(&actors, &source, auth)?;
        let mut cases = Vec::new();
        for test in &test {
            test.cases(&principals, &source, &mut cases)?;
        }
        if cases.is_empty() {
            let message = format!(
                "`{}` tests nothing: add `[[test]]` with `request`, and `allow` or `deny`",
                input::name(path)
            );
            return Err(Failure::Input(message));
        }
        if let Some(least) = coverage.as_ref().filter(|least| *least.get_ref() > 100) {
            return Err(source.failure(least, "`coverage` is at most 100 percent"));
        }
        Ok(Self { cases, coverage: coverage.map(Spanned::into_inner) })
    }
}

type Principals<'a> = BTreeMap<&'a str, Principal>;

fn principals<'a>(
    actors: &'a BTreeMap<String, Spanned<Described>>,
    source: &Source<'_>,
    auth: &Authorizer,
) -> Result<Principals<'a>, Failure> {
    let principal = |(name, described): (&'a String, &Spanned<Described>)| {
        let principal = described.get_ref().principal(name, source.path, auth);
        principal.map(|principal| (name.as_str(), principal)).map_err(|failure| {
            source.failure(described, format!("the actor `{}`: {failure}", name.escape_debug()))
        })
    };
    actors.iter().map(principal).collect()
}

impl Described {
    fn principal(&self, name: &str, table: &Path, auth: &Authorizer) -> Result<Principal, Failure> {
        if self.untrusted {
            let reason = Distrust::UnknownIssuer { issuer: "CN=unknown".into() };
            return crate::actor::principal(&TestPrincipal::untrusted(reason), auth);
        }
        let has_certificate = self.certificate.is_some() || self.subject.is_some() || !self.san.is_empty();
        let name =
            self.name.clone().or_else(|| (!self.anonymous && !has_certificate).then(|| name.to_owned()));
        let folder = table.parent().unwrap_or(Path::new(""));
        let actor = Actor {
            cert: self.certificate.as_ref().map(|file| folder.join(file)),
            subject: self.subject.clone(),
            san: self.san.clone(),
            anchor: self.anchor.clone(),
            name,
            role: self.roles.clone(),
            attribute: self.attributes.clone().into_iter().collect(),
            ..Actor::default()
        };
        if self.anonymous && (has_certificate || self.name.is_some() || !self.roles.is_empty()) {
            return Err(Failure::Input(
                "nobody in particular has neither name nor certificate nor roles".into(),
            ));
        }
        actor.under(auth)
    }
}

impl Test {
    fn cases(
        &self,
        principals: &Principals<'_>,
        source: &Source<'_>,
        cases: &mut Vec<Case>,
    ) -> Result<(), Failure> {
        let ip = |text: &Spanned<String>| {
            text.get_ref().parse::<IpAddr>().map_err(|_| source.failure(text, "this is no IP address"))
        };
        let time =
            |text: &Spanned<String>| clock::parse(text.get_ref()).map_err(|help| source.failure(text, help));
        let (ip, time) = (self.ip.as_ref().map(ip).transpose()?, self.time.as_ref().map(time).transpose()?);
        let requests = match self.request.get_ref() {
            Requests::One(request) => std::slice::from_ref(request),
            Requests::Several(requests) => requests,
        };
        let expected = self.expected(source)?;
        if expected.is_empty() || requests.is_empty() {
            return Err(source
                .failure(&self.request, "this test asks about nobody: say whom it must `allow` or `deny`"));
        }
        for text in requests {
            let request =
                Request::try_from(text.as_str()).map_err(|error| source.failure(&self.request, error))?;
            for (actor, expected) in &expected {
                let principal = principals.get(actor).ok_or_else(|| {
                    let message = format!(
                        "no actor has the name `{}`: declare `[actors.{}]`",
                        actor.escape_debug(),
                        actor.escape_debug()
                    );
                    source.failure(&self.request, message)
                })?;
                cases.push(Case {
                    line: input::line_of(source.text, self.request.span().start),
                    actor: (*actor).to_owned(),
                    principal: principal.clone(),
                    expected: expected.clone(),
                    name: self.name.clone(),
                    method: request.method().to_owned(),
                    path: request.path().to_owned(),
                    host: self.host.clone(),
                    ip,
                    time,
                });
            }
        }
        Ok(())
    }

    fn expected(&self, source: &Source<'_>) -> Result<Vec<(&str, Expected)>, Failure> {
        let allowed = self.allow.iter().flat_map(|names| names.get_ref());
        let mut expected: Vec<_> = allowed.map(|name| (name.as_str(), Expected::Allow)).collect();
        let Some(denied) = &self.deny else { return Ok(expected) };
        match denied.get_ref() {
            Denied::Anyhow(names) => {
                expected.extend(names.iter().map(|name| (name.as_str(), Expected::Deny(None))))
            }
            Denied::As(kinds) => {
                for (name, kind) in kinds {
                    if !KINDS.iter().any(|known| known.name() == kind) {
                        let known = KINDS.map(DenialKind::name).join("`, `");
                        let message = format!(
                            "`{}` is no kind of denial: the kinds are `{known}`",
                            kind.escape_debug()
                        );
                        return Err(source.failure(denied, message));
                    }
                    expected.push((name, Expected::Deny(Some(kind.clone()))));
                }
            }
        }
        Ok(expected)
    }
}

impl Case {
    pub(super) fn request(&self) -> Request<'_> {
        let request =
            Request::new(&self.method, &self.path).with_host(self.host.as_deref()).with_peer_ip(self.ip);
        match self.time {
            Some(time) => request.with_time(time),
            None => request,
        }
    }

    /// The name of the test, and the request.
    pub(super) fn title(&self) -> String {
        let request = format!("{} {}", self.method.escape_debug(), self.path.escape_debug());
        match &self.name {
            Some(name) => format!("{} ({request})", crate::style::printable(name)),
            None => request,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("allow"),
            Self::Deny(None) => f.write_str("deny"),
            Self::Deny(Some(kind)) => write!(f, "deny ({kind})"),
        }
    }
}
