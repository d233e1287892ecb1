//! `[clients]`: how clients are asked for a certificate, and which are trusted.

use std::path::{Path, PathBuf};

use portcullis_core::Certificate;
use portcullis_core::certificate::Fingerprint;
use portcullis_core::rule::Diagnostic;
use toml::de::DeValue;

use super::revocation::RevocationSection;
use crate::client_auth::Mode;
use crate::configuration::ConfigurationError;
use crate::configuration::table::{Table, Value, kind, one};
use crate::configuration::value;
use crate::pem::{self, Input};
use crate::{ClientAuth, TrustAnchors};

/// What `[clients]` says; what is not set is as in the builder.
#[derive(Debug)]
pub(in crate::configuration) struct Clients {
    mode: Mode,
    anchors: Vec<AnchorFile>,
    advertise: Advertise,
    most_intermediates: Option<usize>,
    largest_certificate: Option<usize>,
    most_alternative_names: Option<usize>,
    most_intermediate_bytes: Option<usize>,
    longest_path: Option<usize>,
    smallest_rsa_key: Option<u32>,
    revocation: Option<RevocationSection>,
    /// The settings that weaken the judgement.
    dangers: Vec<Danger>,
}

#[derive(Debug)]
struct AnchorFile {
    label: String,
    file: PathBuf,
    pin_spki: Vec<Fingerprint>,
    pin_certificates: Vec<Fingerprint>,
    danger_allow_unknown_status: bool,
}

/// Which names of authorities clients are told.
#[derive(Debug)]
enum Advertise {
    Anchors,
    Nothing,
    SubjectsOf(Vec<PathBuf>),
}

type Danger = (&'static str, fn(ClientAuth) -> ClientAuth);

const DANGERS: [Danger; 3] = [
    ("danger_allow_absent_extended_key_usage", ClientAuth::danger_allow_absent_extended_key_usage),
    ("danger_allow_any_extended_key_usage", ClientAuth::danger_allow_any_extended_key_usage),
    ("danger_ignore_key_usage", ClientAuth::danger_ignore_key_usage),
];

impl Clients {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let mode = table.required("mode", "mode = \"request\"", value::mode, found);
        let anchors = anchors(&mut table, folder, found);
        let advertise = advertise(&mut table, folder, found);
        let most_intermediates = table.optional("most_intermediates", value::number, found);
        let largest_certificate = table.optional("largest_certificate", value::count, found);
        let most_alternative_names = table.optional("most_alternative_names", value::number, found);
        let most_intermediate_bytes = table.optional("most_intermediate_bytes", value::count, found);
        let longest_path = table.optional("longest_path", value::number, found);
        let smallest_rsa_key = table.optional("smallest_rsa_key", value::rsa_bits, found);
        let revocation = table.table("revocation", "`revocation`", found);
        let revocation = revocation.map(|table| RevocationSection::read(table, folder, found));
        if revocation.is_none() {
            refuse_idle_waivers(&anchors, &table, found);
        }
        let mut dangers = Vec::new();
        for danger in DANGERS {
            if table.optional(danger.0, value::flag, found) == Some(true) {
                dangers.push(danger);
            }
        }
        table.finish(found);
        Some(Self {
            mode: mode?,
            anchors,
            advertise,
            most_intermediates,
            largest_certificate,
            most_alternative_names,
            most_intermediate_bytes,
            longest_path,
            smallest_rsa_key,
            revocation,
            dangers,
        })
    }

    pub(in crate::configuration) fn client_auth(&self) -> Result<ClientAuth, ConfigurationError> {
        let anchors = self.anchors.iter().fold(TrustAnchors::new(), |anchors, anchor| {
            anchors.pem_file(anchor.label.as_str(), &anchor.file)
        });
        let mut client_auth = match self.mode {
            Mode::Require => ClientAuth::require(anchors),
            Mode::IfGiven => ClientAuth::if_given(anchors),
            Mode::Request => ClientAuth::request(anchors),
        };
        client_auth = match &self.advertise {
            Advertise::Anchors => client_auth,
            Advertise::Nothing => client_auth.advertise_no_names(),
            Advertise::SubjectsOf(files) => client_auth.advertised_names(subjects(files)?),
        };
        if let Some(count) = self.most_intermediates {
            client_auth = client_auth.most_intermediates(count);
        }
        if let Some(bytes) = self.largest_certificate {
            client_auth = client_auth.largest_certificate(bytes);
        }
        if let Some(count) = self.most_alternative_names {
            client_auth = client_auth.most_alternative_names(count);
        }
        if let Some(bytes) = self.most_intermediate_bytes {
            client_auth = client_auth.most_intermediate_bytes(bytes);
        }
        if let Some(count) = self.longest_path {
            client_auth = client_auth.longest_path(count);
        }
        if let Some(bits) = self.smallest_rsa_key {
            client_auth = client_auth.smallest_rsa_key(bits);
        }
        for anchor in &self.anchors {
            if !anchor.pin_spki.is_empty() {
                client_auth = client_auth.pin_spki(&anchor.label, anchor.pin_spki.iter().copied());
            }
            if !anchor.pin_certificates.is_empty() {
                let pins = anchor.pin_certificates.iter().copied();
                client_auth = client_auth.pin_certificates(&anchor.label, pins);
            }
        }
        if let Some(revocation) = &self.revocation {
            let waived = self.anchors.iter().filter(|anchor| anchor.danger_allow_unknown_status);
            let revocation = waived.fold(revocation.revocation(), |revocation, anchor| {
                weakened("danger_allow_unknown_status");
                revocation.danger_allow_unknown_status(&anchor.label)
            });
            client_auth = client_auth.revocation(revocation);
        }
        for (name, weaken) in &self.dangers {
            weakened(name);
            client_auth = weaken(client_auth);
        }
        Ok(client_auth)
    }
}

/// Tells the operator of a setting that lets in more than the default.
fn weakened(setting: &str) {
    tracing::warn!(target: "portcullis::tls", setting, "a setting lets in more clients than the default");
}

/// Where nothing says what is revoked, nothing can be unknown.
fn refuse_idle_waivers(anchors: &[AnchorFile], table: &Table<'_>, found: &mut Vec<Diagnostic>) {
    if anchors.iter().any(|anchor| anchor.danger_allow_unknown_status) {
        let message = "`danger_allow_unknown_status` is set, but nothing says what is revoked";
        let help = "add `[clients.revocation]`, or leave it out".to_owned();
        found.push(Diagnostic::new(table.span(), message).help(help));
    }
}

const ANCHORS_HELP: &str = "write `anchors = [{ label = \"staff\", file = \"staff-ca.pem\" }]`";

fn anchors(table: &mut Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Vec<AnchorFile> {
    let Some(value) = table.value("anchors") else {
        let message = "`[clients]` has no `anchors`, so that nobody could be trusted";
        found.push(Diagnostic::new(table.span(), message).help(ANCHORS_HELP.to_owned()));
        return Vec::new();
    };
    match value.get_ref() {
        DeValue::Array(list) if !list.is_empty() => {
            list.iter().filter_map(|value| anchor(value, folder, found)).collect()
        }
        other => {
            let what = if other.is_array() { "an empty one" } else { kind(other) };
            let message = format!("`anchors` must be a list of tables, not {what}");
            found.push(Diagnostic::new(value.span(), message).help(ANCHORS_HELP.to_owned()));
            Vec::new()
        }
    }
}

fn anchor(value: &Value<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<AnchorFile> {
    let mut table = Table::of("an entry of `anchors`", value, found)?;
    let label = table.required("label", "label = \"staff\"", value::text, found);
    let file = table.required("file", "file = \"staff-ca.pem\"", value::path, found);
    let pin_spki = table.list("pin_spki", value::fingerprint, found);
    let pin_certificates = table.list("pin_certificates", value::fingerprint, found);
    let waived = table.optional("danger_allow_unknown_status", value::flag, found);
    table.finish(found);
    Some(AnchorFile {
        label: label?,
        file: folder.join(file?),
        pin_spki,
        pin_certificates,
        danger_allow_unknown_status: waived.unwrap_or(false),
    })
}

fn advertise(table: &mut Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Advertise {
    const HELP: &str = "write `\"anchors\"`, `\"nothing\"`, or a list of PEM files with the certificates of \
                        the authorities to name";
    let Some(value) = table.value("advertise") else { return Advertise::Anchors };
    match value.get_ref() {
        DeValue::String(text) if text == "anchors" => return Advertise::Anchors,
        DeValue::String(text) if text == "nothing" => return Advertise::Nothing,
        DeValue::Array(list) if !list.is_empty() => {
            let files = list.iter().filter_map(|value| one("a file to advertise", value, value::path, found));
            return Advertise::SubjectsOf(files.map(|file| folder.join(file)).collect());
        }
        _ => {}
    }
    let message = "`advertise` must say which authorities to name to clients";
    found.push(Diagnostic::new(value.span(), message).help(HELP.to_owned()));
    Advertise::Anchors
}

/// The subjects of all certificates in the files, in DER.
fn subjects(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, ConfigurationError> {
    let mut subjects = Vec::new();
    for file in files {
        let failed =
            |reason: String| ConfigurationError::Advertised { file: file.display().to_string(), reason };
        let (bytes, origin) =
            Input::File(file.clone()).read("").map_err(|error| failed(error.to_string()))?;
        for block in pem::blocks(&bytes, &origin).map_err(|error| failed(error.to_string()))? {
            if block.label != "CERTIFICATE" {
                let reason = format!(
                    "a `{}` block begins in line {}: leave `CERTIFICATE` blocks only",
                    block.label, block.line
                );
                return Err(failed(reason));
            }
            let der = block.der(&origin).map_err(|error| failed(error.to_string()))?;
            let certificate = Certificate::from_der(&der).map_err(|error| {
                failed(format!("the certificate in line {} is malformed: {error}", block.line))
            })?;
            subjects.push(certificate.subject_der().to_vec());
        }
    }
    Ok(subjects)
}
