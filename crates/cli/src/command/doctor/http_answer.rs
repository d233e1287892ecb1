//! The request that is made at last, and what its answer means.

use std::time::{Duration, SystemTime};

use super::report::Finding;
use super::target::Target;
use super::tls::{End, Secured};

/// The answer of the server.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The end of the type of a problem of portcullis, such as `forbidden`.
    pub(super) kind: Option<String>,
    /// The id of the denial, for the operator.
    id: Option<String>,
    /// By how many seconds the clock of this machine is ahead of the server's.
    pub(super) skew: Option<i64>,
    text: String,
}

/// As much of an answer as is read.
const MOST: usize = 64 * 1024;

/// Asks for the path of the target.
pub(super) fn ask(link: &mut Secured, target: &Target, limit: Duration) -> Result<Option<Answer>, End> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: portcullis-doctor/{}\r\nAccept: application/problem+json, */*;q=0.5\r\nConnection: close\r\n\r\n",
        target.path,
        target.authority(),
        env!("CARGO_PKG_VERSION"),
    );
    link.send(request.as_bytes(), limit)?;
    let mut bytes = Vec::new();
    loop {
        match link.read() {
            Ok(part) if part.is_empty() => break,
            Ok(part) => bytes.extend(part),
            // The end of a connection without goodbye, after an answer, is nothing to look into.
            Err(_) if bytes.contains(&b'\n') => break,
            Err(end) => return Err(end),
        }
        if bytes.len() > MOST || is_whole(&bytes) {
            break;
        }
    }
    if bytes.is_empty() { Err(End::Closed) } else { Ok(read(&bytes)) }
}

/// Whether as much of the body is there as the header says.
fn is_whole(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(start)) = response.parse(bytes) else { return false };
    let length = header(&response, "content-length").and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= start.saturating_add(length))
}

fn header(response: &httparse::Response<'_, '_>, name: &str) -> Option<String> {
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(header.value).into_owned())
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut headers);
    let start = match response.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) | Err(_) => return None,
    };
    let body = bytes.get(start..).unwrap_or_default();
    let mut answer = Answer { status: response.code?, ..Answer::default() };
    answer.skew = header(&response, "date").and_then(|date| skew(&date));
    answer.text = String::from_utf8_lossy(body).into_owned();
    // A chunked body has lines of lengths around what is looked for.
    let problem = answer.text.find('{').zip(answer.text.rfind('}'));
    let problem = problem.and_then(|(from, to)| answer.text.get(from..=to));
    if let Some(problem) = problem.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok()) {
        let text = |name: &str| problem.get(name).and_then(|value| value.as_str());
        answer.kind =
            text("type").and_then(|kind| kind.strip_prefix("urn:portcullis:denial:")).map(Into::into);
        answer.id = text("id").map(super::printable);
    }
    Some(answer)
}

fn skew(date: &str) -> Option<i64> {
    let theirs = httpdate::parse_http_date(date.trim()).ok()?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).ok();
    match SystemTime::now().duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(|seconds| -seconds),
    }
}

impl Answer {
    /// Why the request was not answered as one would wish; none if it was.
    pub(super) fn finding(&self, has_certificate: bool, was_asked: bool) -> Option<Finding> {
        let ask = match &self.id {
            Some(id) => format!("give the id {id} to the operator, who sees the reason in the log"),
            None => "ask the operator, who sees the reason in the log".to_owned(),
        };
        if let Some(kind) = &self.kind {
            return Some(denial(kind, has_certificate, was_asked, ask));
        }
        let text = self.text.to_lowercase();
        let status = self.status;
        Some(match status {
            // nginx asks in the handshake and complains in HTTP.
            400 if text.contains("no required ssl certificate") => required(has_certificate, was_asked),
            400 if text.contains("ssl certificate error") => untrusted(ask),
            400 if text.contains("https") => Finding::fail(
                "http-behind-tls",
                "a second server behind this one expects HTTPS too, and is spoken to in plain HTTP",
                "have the proxy speak HTTPS to it, or switch TLS off on the inner one",
            ),
            401 | 403 => {
                Finding::fail("denied", format!("the server answers {status}: it denies the request"), ask)
            }
            421 => misdirected(),
            400 => Finding::fail("bad-request", "the server answers 400: it could not read the request", ask),
            404 => Finding::warn(
                "not-found",
                "TLS is fine, and the server answers 404",
                "check the path of the URL",
            ),
            500.. => Finding::fail(
                "server-failed",
                format!("TLS is fine, and the server answers {status}: it, or the one behind it, failed"),
                "look into its log",
            ),
            _ => return None,
        })
    }
}

fn required(has_certificate: bool, was_asked: bool) -> Finding {
    match (has_certificate, was_asked) {
        (true, false) => not_asked(),
        _ => Finding::fail(
            "certificate-required",
            "the server wants a client certificate for this path, and none was sent",
            "pass one with `--cert` and `--key`; in a browser, import its .p12 file and load the page again",
        ),
    }
}

fn not_asked() -> Finding {
    Finding::fail(
        "not-asked",
        "the server wants a client certificate, but does not ask for one in the handshake",
        "switch client authentication on where TLS ends (`[clients]` of portcullis), and let no proxy before it end TLS",
    )
}

fn untrusted(ask: String) -> Finding {
    Finding::fail(
        "certificate-untrusted",
        "the client certificate arrived, and the server does not trust it",
        format!("use one that an authority of the server issued, in date and not revoked; {ask}"),
    )
}

fn misdirected() -> Finding {
    Finding::fail(
        "misdirected",
        "the server answers 421: this host belongs to another TLS configuration than the one that was connected to",
        "connect by the name that the server was configured for, and let clients not share connections between hosts",
    )
}

/// The kinds of denial of portcullis.
fn denial(kind: &str, has_certificate: bool, was_asked: bool, ask: String) -> Finding {
    match kind {
        "certificate-required" => required(has_certificate, was_asked),
        "certificate-untrusted" => untrusted(ask),
        "forbidden" => Finding::fail(
            "forbidden",
            "the client certificate is trusted, and the policy does not allow it this request",
            format!("ask for the role that it takes; {ask}"),
        ),
        "no-rule" => Finding::fail(
            "no-rule",
            "TLS is fine, and no rule of the policy speaks of this path",
            "check the path of the URL, or add a route to the policy: the server's log shows the block to paste",
        ),
        "firewall" => Finding::fail(
            "firewall",
            "the server did not read the request, because its path can be read in two ways",
            "write the path without doubled slashes, dots, semicolons and needless percent signs",
        ),
        "misdirected" => misdirected(),
        "unavailable" => Finding::fail(
            "unavailable",
            "something that the server needs to decide, such as its store of roles, does not answer",
            ask,
        ),
        "misconfigured" => Finding::fail(
            "misconfigured",
            "the server cannot tell who is calling, so it lets nobody in",
            "look into its log, which says what was forgotten: most often the connection's handle is not passed on",
        ),
        _ => Finding::fail("denied", "the server denies the request", ask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(answer: &[u8]) -> Option<&'static str> {
        read(answer).unwrap().finding(true, true).map(|finding| finding.code)
    }

    #[test]
    fn answers_of_other_servers_are_understood() {
        assert_eq!(code(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(code(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), None);
        let nginx = b"HTTP/1.1 400 Bad Request\r\n\r\n<h1>400 No required SSL certificate was sent</h1>";
        assert_eq!(code(nginx), Some("certificate-required"));
        let nginx = b"HTTP/1.1 400 Bad Request\r\n\r\n<h1>The SSL certificate error</h1>";
        assert_eq!(code(nginx), Some("certificate-untrusted"));
        assert_eq!(code(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), Some("server-failed"));
        assert!(read(b"garbage\r\n\r\n").is_none() && read(b"").is_none() && read(b"HTTP/1.1 200").is_none());
    }

    #[test]
    fn an_id_of_the_server_cannot_play_with_the_terminal() {
        let body = "{\"type\":\"urn:portcullis:denial:forbidden\",\"id\":\"\\u001b[2J\"}";
        let answer = format!("HTTP/1.1 403 Forbidden\r\n\r\n{body}");
        let finding = read(answer.as_bytes()).unwrap().finding(true, true).unwrap();
        assert!(finding.code == "forbidden" && !finding.remedy.contains('\u{1b}'), "{finding:?}");
    }

    #[test]
    fn an_answer_is_whole_by_its_length() {
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n\r\nab"));
    }
}
