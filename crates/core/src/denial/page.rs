//! A denial as a response: the words, and a plain HTML page for people.

use super::accept::{Form, preferred};
use super::{Denial, DenialKind, problem};

/// A response to a refused request, in plain values, for adapters to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// The HTTP status code.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `Cache-Control`: an answer that depends on the caller is nobody else's.
    pub cache_control: &'static str,
    /// The body.
    pub body: String,
}

impl Denial {
    /// The default response: an HTML page, or `application/problem+json` for clients that prefer it.
    ///
    /// `accept` is the value of the request's `Accept` header.
    #[must_use]
    pub fn render(&self, accept: Option<&str>) -> Rendered {
        let (content_type, body) = match preferred(accept) {
            Form::Html => ("text/html; charset=utf-8", html(self)),
            Form::Problem => ("application/problem+json", problem::body(self)),
        };
        Rendered { status: self.status(), content_type, cache_control: "no-store", body }
    }
}

/// What a person is told: all of it constant, so that nothing can leak into it.
pub(super) struct Text {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
}

pub(super) fn text(kind: DenialKind) -> Text {
    let (title, what, remedy) = match kind {
        DenialKind::Firewall => (
            "The request could not be read",
            "The address or the header of this request can be read in more than one way, so it was not read at all.",
            "Write the address without doubled slashes, dots, semicolons and needless percent signs.",
        ),
        DenialKind::CrossSite => (
            "The request came from another site",
            "A page of another site made your browser send this request, and it may not.",
            "If you meant to do this, open this service in the browser and do it there.",
        ),
        DenialKind::CertificateRequired => (
            "A client certificate is required",
            "This page is only for callers who prove who they are by a certificate, and your client sent none.",
            "Import your certificate (a .p12 file) into the browser or operating system and load this page again, \
             choosing the certificate when asked; with curl, pass --cert and --key.",
        ),
        DenialKind::CertificateUntrusted => (
            "Your certificate was not accepted",
            "Your client sent a certificate, but this service does not trust it.",
            "It may have expired, been revoked, or come from an issuer that is not known here. Choose another one, \
             or give the id below to the operator, who can see the reason.",
        ),
        DenialKind::Forbidden => (
            "You may not do this",
            "Your certificate was accepted, but the policy does not allow you this request.",
            "If you should be allowed, give the id below to the operator.",
        ),
        DenialKind::NoRule => (
            "This is not open",
            "Nothing in the policy of this service speaks of this request, and what is not opened is closed.",
            "Check the address. If it is right, give the id below to the operator.",
        ),
        DenialKind::Misdirected => (
            "Wrong connection for this host",
            "The connection was made for another host of this server.",
            "Load the page again over a new connection.",
        ),
        DenialKind::Unavailable => (
            "Try again later",
            "Something that this service needs to decide about your request did not answer.",
            "Try again in a little while. If it stays like this, give the id below to the operator.",
        ),
        DenialKind::Misconfigured => (
            "The service is not set up correctly",
            "The service cannot tell who is calling, so it lets nobody in.",
            "Give the id below to the operator: the log says what was forgotten.",
        ),
    };
    Text { title, what, remedy }
}

fn html(denial: &Denial) -> String {
    let Text { title, what, remedy } = text(denial.kind());
    let (status, kind, id) = (denial.status(), denial.kind(), denial.id());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"status\">{status}</p>\n<h1>{title}</h1>\n<p>{what}</p>\n<p>{remedy}</p>\n\
         <p class=\"id\">{kind} &middot; <code>{id}</code></p>\n</main>\n</body>\n</html>\n"
    )
}

const STYLE: &str = "body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:1rem/1.6 system-ui,sans-serif;color:#1f2933;background:#f4f5f7}\
main{max-width:34rem;margin:1rem;padding:2rem;background:#fff;border-radius:.5rem;\
box-shadow:0 1px 4px rgba(0,0,0,.15)}h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}\
.status{margin:0;color:#b42318;font-weight:600}.id{margin:1.5rem 0 0;color:#5f6b7a;font-size:.85rem;\
overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#e4e7eb;background:#15191e}\
main{background:#1f252c}.status{color:#f97066}.id{color:#9aa5b1}}";
