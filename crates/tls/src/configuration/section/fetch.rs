//! `[[crl_fetch]]`: revocation lists that are fetched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::rule::Diagnostic;

use crate::configuration::table::Table;
use crate::configuration::value;
#[cfg(feature = "fetch")]
use crate::{CrlFetch, CrlFetchError, pem::Input};

/// What an entry of `[[crl_fetch]]` says; what is not set is as in the builder.
#[derive(Debug)]
#[cfg_attr(not(feature = "fetch"), expect(dead_code, reason = "it is a mistake without the feature"))]
pub(in crate::configuration) struct Fetch {
    url: String,
    pub(in crate::configuration) file: PathBuf,
    issuer: PathBuf,
    server_authorities: Option<PathBuf>,
    timeout: Option<Duration>,
    largest_list: Option<u64>,
    every: Option<Duration>,
    retry: Option<Duration>,
}

pub(super) fn read(root: &mut Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Vec<Fetch> {
    let tables = root.tables("crl_fetch", "an entry of `[[crl_fetch]]`", found);
    if let (false, Some(table)) = (cfg!(feature = "fetch"), tables.first()) {
        let message = "this program fetches no revocation lists";
        let help = "build it with the feature `fetch` of portcullis-tls, or fetch them by other means";
        found.push(Diagnostic::new(table.span(), message).help(help.to_owned()));
        return Vec::new();
    }
    tables.into_iter().filter_map(|table| Fetch::read(table, folder, found)).collect()
}

impl Fetch {
    fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let url = table.required("url", "url = \"http://pki.example/staff.crl\"", value::text, found);
        let file = table.required("file", "file = \"staff.crl\"", value::path, found);
        let issuer = table.required("issuer", "issuer = \"staff-ca.pem\"", value::path, found);
        let server_authorities = table.optional("server_authorities", value::path, found);
        let timeout = table.optional("timeout", value::duration, found);
        let largest_list = table.optional("largest_list", value::bytes, found);
        let every = table.optional("every", value::duration, found);
        let retry = table.optional("retry", value::duration, found);
        table.finish(found);
        Some(Self {
            url: url?,
            file: folder.join(file?),
            issuer: folder.join(issuer?),
            server_authorities: server_authorities.map(|file| folder.join(file)),
            timeout,
            largest_list,
            every,
            retry,
        })
    }

    #[cfg(feature = "fetch")]
    pub(in crate::configuration) fn crl_fetch(&self) -> Result<CrlFetch, CrlFetchError> {
        let read = |file: &PathBuf| Input::File(file.clone()).read("").map(|(bytes, _)| bytes);
        let mut builder = CrlFetch::builder(&self.url, &self.file, read(&self.issuer)?);
        if let Some(file) = &self.server_authorities {
            builder = builder.server_authorities(read(file)?);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(bytes) = self.largest_list {
            builder = builder.largest_list(bytes);
        }
        if let Some(interval) = self.every {
            builder = builder.every(interval);
        }
        if let Some(interval) = self.retry {
            builder = builder.retry(interval);
        }
        builder.build()
    }
}
