//! Everybody who is known: the members of the policy, a file of roles, and certificates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use portcullis_core::principal::TestPrincipal;
use portcullis_core::{Authorizer, Certificate, Principal};
use portcullis_pki::{Status, Store};
use toml::Spanned;

use crate::outcome::Failure;
use crate::{actor, clock, input};

/// Where people are known from, beside the policy itself.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Who is known")]
pub(crate) struct Sources {
    /// A TOML file that stands for the sources of roles: `alice = ["admin"]`
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// A folder of `portcullis pki`: everybody with a certificate in its `client` folder
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// The label of the trust anchor of these certificates
    #[arg(long, value_name = "LABEL", requires = "pki")]
    anchor: Option<String>,
}

/// Everybody who is known, by name.
pub(crate) struct Roster {
    people: BTreeMap<String, Person>,
    /// Certificates that name nobody, and why.
    pub(crate) remarks: Vec<String>,
}

#[derive(Default)]
struct Person {
    roles: BTreeSet<String>,
    certificates: Vec<Certificate>,
}

impl Sources {
    pub(crate) fn roster(&self, auth: &Authorizer) -> Result<Roster, Failure> {
        let policy = auth.policy();
        let members = policy.roles().flat_map(|role| role.members().map(str::to_owned).collect::<Vec<_>>());
        let people = members.map(|name| (name, Person::default())).collect();
        let mut roster = Roster { people, remarks: Vec::new() };
        if let Some(path) = &self.roles {
            for (name, roles) in read_roles(path, auth)? {
                roster.people.entry(name).or_default().roles.extend(roles);
            }
        }
        if let Some(folder) = &self.pki {
            roster.add_certificates(folder, self.anchor.as_deref(), auth)?;
        }
        Ok(roster)
    }
}

impl Roster {
    /// Everybody, once for each of their certificates.
    pub(crate) fn principals(
        &self,
        anchor: Option<&str>,
        auth: &Authorizer,
    ) -> Result<Vec<(String, Principal)>, Failure> {
        let mut principals = Vec::new();
        for name in self.people.keys() {
            principals.extend(self.known_as(name, anchor, auth)?.into_iter().map(|who| (name.clone(), who)));
        }
        Ok(principals)
    }

    /// Whether somebody has the name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.people.contains_key(name)
    }

    /// Who has this name: one principal for each certificate; one without, if there is none.
    pub(crate) fn known_as(
        &self,
        name: &str,
        anchor: Option<&str>,
        auth: &Authorizer,
    ) -> Result<Vec<Principal>, Failure> {
        let unknown = Person::default();
        let person = self.people.get(name).unwrap_or(&unknown);
        let caller = Principal::test(name).roles(&person.roles).source("`--roles`");
        if person.certificates.is_empty() {
            return Ok(vec![actor::principal(&caller, auth)?]);
        }
        let certified = person.certificates.iter().map(|certificate| {
            actor::principal(&vouched(caller.clone().certificate(certificate.clone()), anchor), auth)
        });
        certified.collect()
    }

    fn add_certificates(
        &mut self,
        folder: &Path,
        anchor: Option<&str>,
        auth: &Authorizer,
    ) -> Result<(), Failure> {
        let issued = issued(folder)?;
        let now = clock::now();
        let folder = folder.join("client");
        let cannot_read =
            |error: std::io::Error| Failure::Input(format!("cannot read `{}`: {error}", folder.display()));
        let entries = fs::read_dir(&folder).map_err(cannot_read)?;
        let files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
        let mut files = files.map_err(cannot_read)?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
        files.sort();
        for file in files {
            let certificate = actor::leaf(&file)?;
            // No server lets these in, whatever the policy says of their names.
            let closed = match issued.get(&certificate.sha256().to_string()) {
                None => Some("its folder does not know it"),
                Some(Status::Revoked) => Some("it is revoked"),
                Some(Status::IssuerRevoked) => Some("its authority is revoked"),
                Some(Status::IssuerExpired) => Some("its authority has expired"),
                Some(Status::Valid | Status::Replaced) if certificate.is_valid_at(now) => None,
                Some(_) => Some("it has expired, or is not yet valid"),
            };
            if let Some(reason) = closed {
                self.remarks.push(format!("{} does not count: {reason}", file.display()));
                continue;
            }
            let caller = vouched(TestPrincipal::anonymous().certificate(certificate.clone()), anchor);
            match caller.try_under(auth) {
                Ok(principal) => {
                    let name = principal.name().map(str::to_owned).unwrap_or_default();
                    self.people.entry(name).or_default().certificates.push(certificate);
                }
                Err(error) => self.remarks.push(format!("{}: {error}", file.display())),
            }
        }
        Ok(())
    }
}

fn vouched(caller: TestPrincipal, anchor: Option<&str>) -> TestPrincipal {
    match anchor {
        Some(label) => caller.anchor(label),
        None => caller,
    }
}

impl Sources {
    pub(crate) fn anchor(&self) -> Option<&str> {
        self.anchor.as_deref()
    }
}

/// What became of each certificate that the folder's index knows, by its SHA-256.
fn issued(folder: &Path) -> Result<BTreeMap<String, Status>, Failure> {
    let store = Store::open(folder).map_err(|error| Failure::Input(error.to_string()))?;
    let now = SystemTime::now();
    Ok(store.entries().iter().map(|entry| (entry.sha256().to_owned(), store.status(entry, now))).collect())
}

fn read_roles(path: &Path, auth: &Authorizer) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let text = input::text(path)?;
    let file = input::name(path);
    let read: BTreeMap<String, Spanned<Vec<String>>> = toml::from_str(&text).map_err(|error| {
        Failure::Input(format!("`{file}` is no file of roles such as `alice = [\"admin\"]`: {error}"))
    })?;
    let policy = auth.policy();
    let mut roles = BTreeMap::new();
    for (name, granted) in read {
        let Range { start, .. } = granted.span();
        let granted = granted.into_inner();
        if let Some(unknown) = granted.iter().find(|role| !policy.has_role(role)) {
            let line = input::line_of(&text, start);
            let message =
                format!("{file}:{line}: the policy does not define the role `{}`", unknown.escape_debug());
            return Err(Failure::Input(message));
        }
        roles.insert(name, granted);
    }
    Ok(roles)
}
