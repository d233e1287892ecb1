//! Cases as data: one request by one client, and what must come of it.
//!
//! The format is described in the README of this package; [`load`] reads all files of `cases/`.

mod expect;
mod setting;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

pub use expect::{Exception, Expect, HandshakeOutcome};
pub use setting::{Asked, Http, Mode, Shape, Tls};

/// One row of a file in `cases/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Case {
    /// What the case shows; the trial is reported under this name.
    pub name: String,
    /// How the listener asks for certificates.
    #[serde(default)]
    pub mode: Mode,
    /// The policy, by its name in [`policy`](crate::policy), or a file of `cases/policies/`.
    #[serde(default = "standard")]
    pub policy: String,
    /// How the application is put together.
    #[serde(default)]
    pub app: Shape,
    /// The labels of the trust anchors.
    #[serde(default = "staff")]
    pub anchors: Vec<String>,
    /// What else decides about certificates, and which sites there are, by its name in
    /// [`trust`](crate::trust).
    #[serde(default = "standard")]
    pub trust: String,
    /// Whose certificate is presented; see `fixtures`.
    #[serde(default = "nobody")]
    pub client: String,
    /// Whose private key signs the handshake, if not the client's own.
    pub key_of: Option<String>,
    /// Whether the intermediates are presented along.
    #[serde(default = "yes")]
    pub send_intermediate: bool,
    /// The server as the client names it in the handshake; it names none if this is an IP address.
    #[serde(default = "localhost")]
    pub server_name: String,
    /// The host of the request, if it is not the server.
    pub host: Option<String>,
    /// Method and target; `\xNN` stands for a byte, `\{N}` repeats the one before it.
    #[serde(default)]
    pub request: String,
    /// The whole of an HTTP/1.1 request, byte for byte, instead of `request`; `{trial}` stands for
    /// the mark of the trial.
    pub raw: Option<String>,
    /// Further header lines, such as `host: a.test`; `-host` leaves that one out, and `{authority}`
    /// stands for the server's.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The versions of HTTP that the case is for; both unless `because` says why not.
    #[serde(default = "every_http")]
    pub http: Vec<Http>,
    /// The versions of TLS that the case is for; both unless `because` says why not.
    #[serde(default = "every_tls")]
    pub tls: Vec<Tls>,
    /// Why a version is left out.
    pub because: Option<String>,
    /// What must come of it, on every adapter.
    pub expect: Expect,
    /// Where one adapter differs, and why.
    #[serde(default)]
    pub adapters: BTreeMap<String, Exception>,
}

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<toml::Table>,
    /// For all cases of the file that have none of their own.
    #[serde(default)]
    adapters: BTreeMap<String, Exception>,
}

/// The fields that may be lists, which stand for one case each.
const LISTS: [&str; 9] =
    ["mode", "app", "policy", "trust", "client", "server_name", "host", "request", "raw"];

/// All cases of the files in a folder, in the order of the files' names.
///
/// # Errors
///
/// If a file cannot be read, a case makes no sense, or two cases have one name.
pub fn load(folder: &Path) -> Result<Vec<Case>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read `{}`", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "toml")) {
        let text = std::fs::read_to_string(file)?;
        cases.extend(parse(&text).with_context(|| format!("in `{}`", file.display()))?);
    }
    let mut names: Vec<&str> = cases.iter().map(|case| &*case.name).collect();
    names.sort_unstable();
    if let Some(twice) =
        names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.concat()))
    {
        bail!("two cases have one name: `{twice}`");
    }
    Ok(cases)
}

/// The cases of one file.
///
/// # Errors
///
/// If it is no TOML, or a case makes no sense.
pub fn parse(text: &str) -> Result<Vec<Case>> {
    let file: File = toml::from_str(text)?;
    let mut cases = Vec::new();
    for row in file.case {
        for fields in expand(row) {
            let name = fields.get("name").map_or("a case without a name".into(), ToString::to_string);
            let mut case: Case = fields.try_into().with_context(|| format!("in {name}"))?;
            for (adapter, exception) in &file.adapters {
                case.adapters.entry(adapter.clone()).or_insert_with(|| exception.clone());
            }
            case.check().with_context(|| format!("in {name}"))?;
            cases.push(case);
        }
    }
    Ok(cases)
}

/// One table for each combination of the listed values, whose names tell which.
fn expand(fields: toml::Table) -> Vec<toml::Table> {
    let mut tables = vec![fields];
    for field in LISTS {
        tables = tables.into_iter().flat_map(|table| unfold(table, field)).collect();
    }
    tables
}

fn unfold(table: toml::Table, field: &str) -> Vec<toml::Table> {
    let Some(toml::Value::Array(values)) = table.get(field).cloned() else { return vec![table] };
    let named = |value: toml::Value| {
        let mut table = table.clone();
        if let Some(toml::Value::String(name)) = table.get_mut("name") {
            name.push_str(if name.contains(": ") { ", " } else { ": " });
            name.push_str(value.as_str().unwrap_or_default());
        }
        table.insert(field.into(), value);
        table
    };
    values.into_iter().map(named).collect()
}

impl Case {
    /// The method and the target as bytes.
    ///
    /// # Errors
    ///
    /// If there is no blank between them, or an escape is none.
    pub fn request_line(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (method, target) = self.request.split_once(' ').context("a request is `METHOD target`")?;
        Ok((unescape(method)?, unescape(target)?))
    }

    fn check(&self) -> Result<()> {
        match &self.raw {
            None => drop(self.request_line()?),
            Some(raw) => {
                let is_alone = self.request.is_empty() && self.headers.is_empty() && self.host.is_none();
                ensure!(is_alone, "`raw` is the whole request");
                ensure!(self.http == [Http::One], "`raw` is HTTP/1.1: write http = [\"1.1\"]");
                unescape(raw)?;
            }
        }
        let everywhere = self.http.len() == Http::ALL.len() && self.tls.len() == Tls::ALL.len();
        ensure!(everywhere || self.because.is_some(), "a restricted case needs `because`");
        ensure!(!everywhere || self.because.is_none(), "`because` is for restricted cases");
        ensure!(!self.http.is_empty() && !self.tls.is_empty(), "the case would never run");
        ensure!(
            self.mode.has_tls() || (self.http == [Http::One] && self.tls == [Tls::Three]),
            "without TLS there is one trial: write http = [\"1.1\"] and tls = [\"1.3\"]"
        );
        self.expect.check()?;
        self.adapters.values().try_for_each(|exception| exception.expect.check())
    }
}

/// Text with `\xNN` for bytes that TOML cannot hold, and `a\{9000}` for what nobody wants to write.
///
/// # Errors
///
/// If a backslash is followed by something else, another backslash apart.
pub fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        rest = if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            after
        } else if let Some((times, after)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            let last = *bytes.last().context("there is nothing to repeat")?;
            bytes.resize(bytes.len() + times.parse::<usize>()?.saturating_sub(1), last);
            after
        } else {
            let digits = after.strip_prefix('x').and_then(|digits| digits.get(..2));
            let digits = digits.with_context(|| format!("`\\{after}` is no escape"))?;
            bytes.push(u8::from_str_radix(digits, 16)?);
            after.get(3..).unwrap_or_default()
        };
    }
    bytes.extend(rest.as_bytes());
    Ok(bytes)
}

fn standard() -> String {
    "standard".into()
}

fn localhost() -> String {
    "localhost".into()
}

fn staff() -> Vec<String> {
    vec!["staff".into()]
}

fn nobody() -> String {
    "nobody".into()
}

fn yes() -> bool {
    true
}

fn every_http() -> Vec<Http> {
    Http::ALL.into()
}

fn every_tls() -> Vec<Tls> {
    Tls::ALL.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[case]]\nname = 'x'\nrequest = 'GET /'\nexpect = { status = 200 }\n";

    #[test]
    fn lists_make_a_case_each() {
        let text = ROW.replace("'GET /'", "['GET /a', 'GET /b']") + "mode = ['require', 'request']\n";
        let cases = parse(&text).unwrap();
        let names: Vec<_> = cases.iter().map(|case| &*case.name).collect();
        assert_eq!(
            names,
            ["x: require, GET /a", "x: require, GET /b", "x: request, GET /a", "x: request, GET /b"]
        );
        assert_eq!(cases[3].mode, Mode::Request);
    }

    #[test]
    fn senseless_cases_are_refused() {
        for (bad, why) in [
            (ROW.replace("status = 200", ""), "asserts nothing"),
            (ROW.replace("status = 200", "statsu = 200"), "statsu"),
            (ROW.to_owned() + "http = ['2']\n", "because"),
            (ROW.to_owned() + "because = 'x'\n", "restricted"),
            (ROW.replace("GET /", "GET/"), "METHOD target"),
            (ROW.to_owned() + "clinet = 'alice'\n", "clinet"),
            (ROW.to_owned() + "mode = 'plain'\n", "without TLS"),
            (ROW.replace("GET /", r"GET /\q"), "no escape"),
            (ROW.to_owned() + "raw = 'GET /'\n", "the whole request"),
            (ROW.replace("request", "raw"), "HTTP/1.1"),
            (ROW.to_owned() + "adapters = { actix = { expect = { status = 404 } } }\n", "because"),
        ] {
            let error = format!("{:#}", parse(&bad).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_exception_for_a_file_is_for_each_of_its_cases_but_those_with_their_own() {
        let exception = |status| format!("because = 'x'\nexpect = {{ status = {status} }}\n");
        let text = format!("[adapters.actix]\n{}", exception(404)) + ROW + ROW;
        let own = format!("[case.adapters.actix]\n{}", exception(405));
        let statuses: Vec<_> =
            parse(&(text + &own)).unwrap().iter().map(|case| case.adapters["actix"].expect.status).collect();
        assert_eq!(statuses, [Some(404), Some(405)]);
    }

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(unescape(r"/a\xff\\\x00b").unwrap(), b"/a\xff\\\0b");
        assert_eq!(unescape(r"/a\{3}b").unwrap(), b"/aaab");
    }
}
