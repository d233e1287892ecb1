//! `[[site]]`: a further server name, with a certificate and possibly clients of its own.

use std::path::Path;

use portcullis_core::rule::Diagnostic;
use toml::de::DeValue;

use super::clients::Clients;
use super::key::KeyFiles;
use crate::Site;
use crate::configuration::ConfigurationError;
use crate::configuration::table::{Table, Value, kind};
use crate::configuration::value;

/// What an entry of `[[site]]` says.
#[derive(Debug)]
pub(in crate::configuration) struct SiteSection {
    names: Vec<String>,
    key: KeyFiles,
    clients: SiteClients,
}

/// Who is asked for a certificate on a site.
#[derive(Debug)]
enum SiteClients {
    AsByDefault,
    Nobody,
    Clients(Box<Clients>),
}

impl SiteSection {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let mistakes = found.len();
        let names = table.list("names", value::text, found);
        if names.is_empty() && found.len() == mistakes {
            let message = "an entry of `[[site]]` has no `names`, so that nobody could ask for it";
            let help = "add a line such as `names = [\"admin.example.com\"]`".to_owned();
            found.push(Diagnostic::new(table.span(), message).help(help));
        }
        let key = KeyFiles::read(&mut table, folder, found);
        let clients = match table.value("clients") {
            None => Some(SiteClients::AsByDefault),
            Some(value) => clients(value, folder, found),
        };
        table.finish(found);
        Some(Self { names, key: key?, clients: clients? })
    }

    pub(in crate::configuration) fn site(&self) -> Result<Site, ConfigurationError> {
        let site = Site::new(&self.names, self.key.key_pair());
        Ok(match &self.clients {
            SiteClients::AsByDefault => site,
            SiteClients::Nobody => site.without_client_auth(),
            SiteClients::Clients(clients) => site.client_auth(clients.client_auth()?),
        })
    }
}

fn clients(value: &Value<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<SiteClients> {
    match value.get_ref() {
        DeValue::String(text) if text == "nobody" => Some(SiteClients::Nobody),
        DeValue::Table(_) => {
            let table = Table::of("`clients` of a site", value, found)?;
            Clients::read(table, folder, found).map(|clients| SiteClients::Clients(Box::new(clients)))
        }
        other => {
            let message = format!("`clients` of a site must be `\"nobody\"` or a table, not {}", kind(other));
            let help = "write `clients = \"nobody\"`, or `[site.clients]` with what `[clients]` can have";
            found.push(Diagnostic::new(value.span(), message).help(help.to_owned()));
            None
        }
    }
}
