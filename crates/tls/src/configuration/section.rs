//! The sections of a configuration.

mod clients;
mod fetch;
mod key;
mod policy;
mod revocation;
mod server;
mod site;

use std::path::Path;

use portcullis_core::rule::Diagnostic;
use toml::de::DeTable;

use self::clients::Clients;
pub(super) use self::fetch::Fetch;
use self::policy::PolicySection;
use self::server::Server;
use self::site::SiteSection;
use super::table::Table;

/// One slip makes a parser stumble again and again.
const MOST_SYNTAX_ERRORS: usize = 5;

/// Everything that a configuration says.
#[derive(Debug)]
pub(super) struct Sections {
    pub(super) server: Server,
    /// Absent if nobody is asked for a certificate.
    pub(super) clients: Option<Clients>,
    pub(super) policy: PolicySection,
    pub(super) sites: Vec<SiteSection>,
    #[cfg_attr(not(feature = "fetch"), expect(dead_code, reason = "none is there without the feature"))]
    pub(super) fetches: Vec<Fetch>,
}

/// What PEM text begins with.
const PEM: &str = "-----BEGIN ";

/// Reads a configuration whose paths are relative to a folder; the error is every mistake in it.
pub(super) fn read(text: &str, folder: &Path) -> Result<Sections, Vec<Diagnostic>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // The picture of a mistake would show the key.
        if let Some(start) = text.find(PEM) {
            let message = "this is PEM text, such as a key, and no configuration";
            let help = "check which file is which".to_owned();
            return Err(vec![Diagnostic::new(start..start + PEM.len(), message.to_owned()).help(help)]);
        }
        // What else is wrong can only be guessed at.
        return Err(errors.into_iter().take(MOST_SYNTAX_ERRORS).map(syntax_error).collect());
    }
    let mut mistakes = Vec::new();
    let found = &mut mistakes;
    let mut root = Table::new("the configuration", document.get_ref(), 0..0);
    let server = root.required_table("server", "`[server]`", "[server]", found);
    let server = server.and_then(|table| Server::read(table, folder, found));
    let clients = root.table("clients", "`[clients]`", found);
    let clients = clients.map(|table| Clients::read(table, folder, found));
    let policy = root.required_table("policy", "`[policy]`", "[policy]", found);
    let policy = policy.and_then(|table| PolicySection::read(table, folder, found));
    let sites = root.tables("site", "an entry of `[[site]]`", found);
    let sites = sites.into_iter().filter_map(|table| SiteSection::read(table, folder, found)).collect();
    let fetches = fetch::read(&mut root, folder, found);
    root.finish(found);
    match (server, clients, policy) {
        (Some(server), clients, Some(policy)) if mistakes.is_empty() => {
            Ok(Sections { server, clients: clients.flatten(), policy, sites, fetches })
        }
        _ => Err(mistakes),
    }
}

fn syntax_error(error: toml::de::Error) -> Diagnostic {
    let message = format!("this is no TOML: {}", error.message());
    let help = "see <https://toml.io> for how values, keys and tables are written";
    Diagnostic::new(error.span().unwrap_or(0..0), message).help(help.to_owned())
}
