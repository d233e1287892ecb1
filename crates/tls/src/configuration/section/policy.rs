//! `[policy]`: who may do what, and what is refused before anybody asks.

use std::path::{Path, PathBuf};

use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::request::CrossSite;
use portcullis_core::rule::Diagnostic;
use portcullis_core::{Ambiguity, Firewall};

use crate::configuration::table::Table;
use crate::configuration::value;

/// What `[policy]` says; what is not set is as in the builder.
#[derive(Debug)]
pub(in crate::configuration) struct PolicySection {
    pub(in crate::configuration) file: PathBuf,
    pub(in crate::configuration) candidate: Option<PathBuf>,
    unauthorized_status: bool,
    cross_site: Option<CrossSite>,
    danger_allow: Vec<Ambiguity>,
}

impl PolicySection {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let file = table.required("file", "file = \"policy.toml\"", value::path, found);
        let candidate = table.optional("candidate", value::path, found);
        let unauthorized_status = table.optional("unauthorized_status", value::flag, found);
        let cross_site = table.table("cross_site", "`cross_site`", found);
        let cross_site = cross_site.map(|table| cross_site_check(table, found));
        let danger_allow = table.list("danger_allow", value::ambiguity, found);
        table.finish(found);
        Some(Self {
            file: folder.join(file?),
            candidate: candidate.map(|candidate| folder.join(candidate)),
            unauthorized_status: unauthorized_status.unwrap_or(false),
            cross_site,
            danger_allow,
        })
    }

    pub(in crate::configuration) fn apply(&self, mut builder: AuthorizerBuilder) -> AuthorizerBuilder {
        if self.unauthorized_status {
            builder = builder.unauthorized_status();
        }
        if let Some(check) = &self.cross_site {
            builder = builder.cross_site(check.clone());
        }
        builder.firewall(self.firewall())
    }

    fn firewall(&self) -> Firewall {
        self.danger_allow.iter().fold(Firewall::strict(), |firewall, ambiguity| {
            tracing::warn!(
                target: "portcullis::policy",
                ambiguity = ambiguity.name(),
                "the firewall lets through what has two readings"
            );
            // Those that are never allowed were mistakes in the file.
            firewall.danger_allow(*ambiguity).unwrap_or(firewall)
        })
    }
}

fn cross_site_check(mut table: Table<'_>, found: &mut Vec<Diagnostic>) -> CrossSite {
    let origins = table.list("trusted_origins", value::origin, found);
    table.finish(found);
    origins.iter().fold(CrossSite::new(), |check, origin| check.trusted_origin(origin))
}
