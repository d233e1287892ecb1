//! `portcullis inspect`: what a file holds, and what portcullis would make of it.

mod certificate;
mod contents;
mod problems;
mod request;
mod revocation_list;
mod section;

use std::path::PathBuf;

use portcullis_core::Authorizer;
use portcullis_tls::{ClientAuth, ClientTrust, TrustAnchors};
use serde_json::json;

use self::contents::Contents;
use self::section::Section;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::{certificates, clock, input, policy};

/// Exit status: 2 if there is an error among the problems.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A certificate, a chain, a PKCS#12 bundle, a revocation list or a signing request; PEM or DER, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The authorities to verify the chain with, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The policy that says who this is, and which roles they have
    #[arg(long, short, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The label of the trust anchor
    #[arg(long, value_name = "LABEL")]
    anchor: Option<String>,
    /// Where the passphrase of a PKCS#12 bundle is: prompt, env:VARIABLE or file:FILE; asked for unless given
    #[arg(long, value_name = "SOURCE")]
    p12_passphrase: Option<String>,
    /// The time to judge at: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = clock::parse, hide = true)]
    now: Option<i64>,
}

/// What certificates are held against.
struct Bench {
    now: i64,
    /// The certificates of the authorities in DER, which sign revocation lists.
    authorities: Option<Vec<Vec<u8>>>,
    trust: Option<ClientTrust>,
    auth: Option<Authorizer>,
    anchor: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Outcome, Failure> {
    let Arguments { file, ca, policy, anchor, p12_passphrase, now } = arguments;
    let now = now.unwrap_or_else(clock::now);
    let trust = ca.as_ref().map(|path| trust(path, anchor.as_deref(), now)).transpose()?;
    let auth = policy.as_ref().map(|path| policy::authorizer(policy::load(path)?)).transpose()?;
    let authorities = ca.as_ref().map(|path| certificates::chain(path)).transpose()?;
    let bench = Bench { now, authorities, trust, auth, anchor: anchor.clone() };

    let contents = Contents::read(file, p12_passphrase.as_deref())?;
    let mut sections = certificate::sections(&contents.certificates, &bench);
    sections.extend(contents.requests.iter().map(|der| request::section(der)));
    sections.extend(contents.revocation_lists.iter().map(|der| revocation_list::section(der, &bench)));
    sections.extend(contents.keys.iter().map(|label| Section::new(&format!("private key ({label})"))));
    if sections.is_empty() {
        let message = format!(
            "`{}` holds no certificate, revocation list or signing request: is it the right file?",
            input::name(file)
        );
        return Err(Failure::Input(message));
    }
    let text: Vec<String> = sections.iter().map(Section::text).collect();
    let values: Vec<_> = sections.iter().map(Section::value).collect();
    output.result(&text.join("\n"), &json!({ "file": input::name(file), "contents": values }))?;
    Ok(if sections.iter().any(Section::has_error) { Outcome::Finding } else { Outcome::Fine })
}

fn trust(path: &std::path::Path, anchor: Option<&str>, now: i64) -> Result<ClientTrust, Failure> {
    let anchors = TrustAnchors::new().pem(anchor.unwrap_or("ca"), input::bytes(path)?);
    ClientTrust::builder(ClientAuth::require(anchors)).clock(move || now).build().map_err(|error| {
        Failure::Input(format!("the authorities in `{}` cannot be used: {error}", input::name(path)))
    })
}
