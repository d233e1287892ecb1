//! Going to a server, step by step.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::Certificate;
use portcullis_tls::rustls::{
    AlertDescription, ClientConfig, ProtocolVersion, SupportedProtocolVersion, version,
};

use super::asked::Resolver;
use super::http_answer::{self, Answer};
use super::own::Own;
use super::refusal::{self, Context};
use super::report::{Finding, Report};
use super::server::{self, Recorder};
use super::target::Target;
use super::tls::{self, Broken, End, Secured};
use super::trust::Trust;
use super::wire::{self, Wire};
use super::{Arguments, Provider, facts, greeting, own};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// How long a server may take to refuse a certificate once the handshake is done for the client.
const SETTLE: Duration = Duration::from_millis(500);

/// From how many seconds on clocks count as different.
const SKEW: i64 = 300;

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

pub(super) fn run(
    arguments: &Arguments,
    url: &str,
    provider: Provider,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let target = Target::parse(url)?;
    let (trust, objection) = Trust::read(arguments.ca.as_deref())?;
    let own = match &arguments.cert {
        Some(certificate) => {
            Some(own::read(certificate, arguments.key.as_ref(), arguments.passphrase()?.as_ref(), &provider)?)
        }
        None => None,
    };
    let mut report = Report::new(output, target.to_string());
    report.ok("url", target.to_string());
    if let Some(objection) = objection {
        report.finding("authorities", objection);
    }
    let own = match own {
        Some(Ok(own)) => Some(own),
        Some(Err(finding)) => {
            // Whatever the server would say, it would say it about something else.
            report.finding("certificate", finding);
            return report.conclude("");
        }
        None => None,
    };
    let mut visit = Visit { limit: arguments.limit(), target, trust, own, provider, report };
    let fine = visit.go()?.unwrap_or_default();
    visit.report.conclude(&fine)
}

struct Visit<'a> {
    limit: Duration,
    target: Target,
    trust: Trust,
    own: Option<Own>,
    provider: Provider,
    report: Report<'a>,
}

/// A handshake, and what was seen during it.
struct Tried {
    recorder: Arc<Recorder>,
    resolver: Arc<Resolver>,
    outcome: Result<Secured, Box<Broken>>,
}

impl Visit<'_> {
    /// All steps, until one fails; the last words if none does.
    fn go(&mut self) -> Result<Option<String>, Failure> {
        let addresses = match wire::resolve(&self.target, self.limit) {
            Ok(addresses) => addresses,
            Err(finding) => return Ok(self.stop("name", finding)),
        };
        let shown: Vec<_> = addresses.iter().take(4).map(|address| address.ip().to_string()).collect();
        self.report.ok("name", format!("`{}` is {}", self.target.host, shown.join(", ")));
        let (wire, address) = match Wire::connect(&addresses, self.limit) {
            Ok(connected) => connected,
            Err(error) => {
                let finding = wire::unreachable(&self.target, &error, self.limit);
                return Ok(self.stop("connection", finding));
            }
        };
        self.report.ok("connection", format!("to {address}"));
        if self.target.is_plain {
            drop(wire);
            let hello = self.hello();
            let finding = greeting::of_plain(address, hello.as_deref(), &self.target, self.limit);
            return Ok(self.stop("tls", finding));
        }
        let mut tried = self.handshake(wire, b"http/1.1")?;
        if let Err(broken) = &tried.outcome
            && matches!(broken.end, End::Alert(AlertDescription::NoApplicationProtocol))
            && let Ok((wire, _)) = Wire::connect(&[address], self.limit)
        {
            tried = self.handshake(wire, b"h2")?;
        }
        let Tried { recorder, resolver, outcome } = tried;
        let mut link = match outcome {
            Ok(link) => link,
            Err(broken) => return Ok(self.broken(&broken, address, &recorder, &resolver)),
        };
        let words = self.words(&link, address);
        self.report.ok("tls", words);
        self.server(&recorder);
        self.client(&resolver);
        Ok(match link.settle(SETTLE) {
            Ok(()) => self.request(link, &resolver),
            Err(end) => self.refused(&end, &resolver),
        })
    }

    fn handshake(&self, wire: Wire, protocol: &[u8]) -> Result<Tried, Failure> {
        let (recorder, resolver) = self.witnesses();
        let config = self.config(&recorder, &resolver, BOTH, &[protocol])?;
        let outcome = tls::handshake(wire, &config, &self.target.name);
        Ok(Tried { recorder, resolver, outcome })
    }

    fn stop(&mut self, step: &'static str, finding: Finding) -> Option<String> {
        self.report.finding(step, finding);
        None
    }

    fn witnesses(&self) -> (Arc<Recorder>, Arc<Resolver>) {
        let recorder = Recorder::new(self.provider.signature_verification_algorithms);
        (Arc::new(recorder), Arc::new(Resolver::new(self.own.as_ref())))
    }

    fn config(
        &self,
        recorder: &Arc<Recorder>,
        resolver: &Arc<Resolver>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> Result<Arc<ClientConfig>, Failure> {
        let unusable = |error| Failure::Other(format!("the cryptography of this program fails: {error}"));
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions)
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(recorder.clone())
            .with_client_cert_resolver(resolver.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn hello(&self) -> Option<Vec<u8>> {
        let (recorder, resolver) = self.witnesses();
        let config = self.config(&recorder, &resolver, BOTH, &[b"http/1.1"]).ok()?;
        tls::client_hello(&config, &self.target.name)
    }

    /// What was agreed upon, and what else the server would agree to.
    fn words(&self, link: &Secured, address: SocketAddr) -> String {
        let is_newest = link.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let protocol = match link.connection.alpn_protocol() {
            Some(b"h2") => "HTTP/2",
            Some(_) => "HTTP/1.1",
            None => "no protocol agreed upon",
        };
        let version = if is_newest { "TLS 1.3" } else { "TLS 1.2" };
        let other: (&'static SupportedProtocolVersion, &str) =
            if is_newest { (&version::TLS12, "TLS 1.2") } else { (&version::TLS13, "TLS 1.3") };
        let (speaks_other, speaks_h2) = self.probe(address, other.0);
        let also = if speaks_other { format!("; also {}", other.1) } else { format!("; not {}", other.1) };
        let h2 = if speaks_h2 && protocol != "HTTP/2" { ", HTTP/2 too" } else { "" };
        format!("{version}, {protocol}{h2}{also}")
    }

    /// Whether the server also speaks this version, and whether it prefers HTTP/2 then.
    fn probe(&self, address: SocketAddr, version: &'static SupportedProtocolVersion) -> (bool, bool) {
        let Ok((wire, _)) = Wire::connect(&[address], self.limit.min(Duration::from_secs(3))) else {
            return (false, false);
        };
        let (recorder, _) = self.witnesses();
        let nobody = Arc::new(Resolver::new(None));
        let Ok(config) = self.config(&recorder, &nobody, &[version], &[b"h2", b"http/1.1"]) else {
            return (false, false);
        };
        let connection = match tls::handshake(wire, &config, &self.target.name) {
            Ok(link) => {
                let found = (true, link.connection.alpn_protocol() == Some(b"h2"));
                link.close();
                return found;
            }
            Err(broken) => broken.connection,
        };
        let version = connection.as_ref().and_then(|connection| connection.protocol_version());
        (version.is_some(), connection.is_some_and(|connection| connection.alpn_protocol() == Some(b"h2")))
    }

    /// The handshake did not come to its end.
    fn broken(
        &mut self,
        broken: &Broken,
        address: SocketAddr,
        recorder: &Recorder,
        resolver: &Resolver,
    ) -> Option<String> {
        if !broken.spoke_tls {
            let finding = match &broken.end {
                End::NotTls(bytes) => greeting::of_bytes(bytes, &self.target),
                end @ (End::Closed | End::Reset | End::Silent) => {
                    let hello = self.hello();
                    greeting::of_wordless(end, address, hello.as_deref(), &self.target, self.limit)
                }
                end => refusal::explain(end, &self.context(None, false)),
            };
            return self.stop("tls", finding);
        }
        if !recorder.seen().chain.is_empty() {
            self.report.ok("tls", "the server speaks it");
            self.server(recorder);
        }
        if resolver.asked().is_some() {
            self.client(resolver);
        }
        let asked = resolver.asked();
        let finding = refusal::explain(&broken.end, &self.context(asked.as_ref(), false));
        self.stop("handshake", finding)
    }

    fn context<'a>(&'a self, asked: Option<&'a super::asked::Asked>, is_late: bool) -> Context<'a> {
        let now = crate::clock::now();
        let is_in_date =
            self.own.as_ref().is_some_and(|own| own.chain.iter().all(|one| one.is_valid_at(now)));
        Context { own: self.own.as_ref(), asked, is_late, is_in_date }
    }

    /// The server's certificate.
    fn server(&mut self, recorder: &Recorder) {
        let seen = recorder.seen();
        let supported = &self.provider.signature_verification_algorithms;
        let findings = server::judge(&seen, &self.trust, &self.target, crate::clock::now(), supported);
        if findings.is_empty() {
            let leaf = seen.chain.first().and_then(|der| Certificate::from_der(der).ok());
            let words = leaf.map(|leaf| {
                format!(
                    "for `{}`, issued by `{}`{}",
                    server::names(&leaf).join("`, `"),
                    leaf.issuer(),
                    rest(&leaf)
                )
            });
            self.report.ok("server", words.unwrap_or_default());
        }
        for finding in findings {
            self.report.finding("server", finding);
        }
    }

    /// What is asked for, and the client's certificate.
    fn client(&mut self, resolver: &Resolver) {
        let asked = resolver.asked();
        match &asked {
            Some(asked) => self.report.ok("asks for", asked.words()),
            None => self.report.ok("asks for", "no client certificate"),
        }
        let Some(own) = &self.own else { return };
        let mut findings = facts::of_client(&own.leaf, crate::clock::now());
        findings.extend(asked.as_ref().and_then(|asked| asked.misfit(own)));
        findings.extend(self.trust.namesake(own, crate::clock::now()));
        if asked.is_none() {
            findings.push(Finding::warn(
                "not-asked",
                "the server does not ask for a client certificate, so ours was not sent",
                "switch client authentication on where TLS ends (`[clients]` of portcullis), and let no proxy before it end TLS",
            ));
        }
        if findings.is_empty() {
            let words =
                format!("`{}`, issued by `{}`{}", own.leaf.subject(), own.leaf.issuer(), rest(&own.leaf));
            self.report.ok("certificate", words);
        }
        for finding in findings {
            self.report.finding("certificate", finding);
        }
    }

    fn refused(&mut self, end: &End, resolver: &Resolver) -> Option<String> {
        let asked = resolver.asked();
        let finding = refusal::explain(end, &self.context(asked.as_ref(), true));
        self.stop("handshake", finding)
    }

    fn request(&mut self, mut link: Secured, resolver: &Resolver) -> Option<String> {
        if link.connection.alpn_protocol() == Some(b"h2") {
            self.report.ok("handshake", "done");
            link.close();
            return Some(format!("{} answers over HTTP/2 only, and its handshake is fine.", self.target));
        }
        let answer = match http_answer::ask(&mut link, &self.target, self.limit) {
            Ok(answer) => answer,
            Err(End::Silent) => {
                self.report.ok("handshake", "done");
                return self.stop("http", http_silent());
            }
            Err(End::Closed) if self.own.is_none() && resolver.asked().is_none() => {
                return self.stop("http", http_closed());
            }
            Err(end) => return self.refused(&end, resolver),
        };
        self.report.ok("handshake", "done");
        link.close();
        let Some(answer) = answer else { return self.stop("http", not_http()) };
        self.clock(&answer);
        match answer.finding(self.own.is_some(), resolver.asked().is_some()) {
            Some(finding) => self.stop("http", finding),
            None => {
                self.report.ok("http", format!("status {}", answer.status));
                let who = match &self.own {
                    Some(own) if resolver.asked().is_some() => format!(" to `{}`", own.leaf.subject()),
                    _ => String::new(),
                };
                Some(format!("Nothing is wrong: {} answers {}{who}.", self.target, answer.status))
            }
        }
    }

    /// Compares the clocks.
    fn clock(&mut self, answer: &Answer) {
        let Some(skew) = answer.skew.filter(|skew| skew.abs() >= SKEW) else { return };
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        let minutes = skew.abs() / 60;
        let mut finding = Finding::fail(
            "clock-skew",
            format!("the clock of this machine is {minutes} minutes {direction} the server's"),
            "set both by NTP",
        );
        // A wrong clock does no harm by itself.
        if !self.report.has_found_time() && !self.report.found(&["certificate-untrusted"]) {
            finding.mark = super::report::Mark::Warn;
        }
        self.report.finding("clock", finding);
    }
}

/// How long a certificate is valid still.
fn rest(certificate: &Certificate) -> String {
    let days = certificate.not_after().saturating_sub(crate::clock::now()) / 86_400;
    format!(", valid for {days} more day{}", if days == 1 { "" } else { "s" })
}

fn http_silent() -> Finding {
    Finding::fail(
        "http-silent",
        "the handshake is fine, and the server does not answer the request",
        "look into its log: it, or the one behind it, hangs",
    )
}

fn http_closed() -> Finding {
    Finding::fail(
        "http-closed",
        "the handshake is fine, and the server closes the connection without an answer",
        "look into its log",
    )
}

fn not_http() -> Finding {
    Finding::fail(
        "not-http",
        "the handshake is fine, and what answers is not HTTP/1.1",
        "check that this is the port of a web server",
    )
}
