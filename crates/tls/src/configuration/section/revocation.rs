//! `[clients.revocation]`: which certificates are no longer good.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::rule::Diagnostic;

use crate::configuration::table::Table;
use crate::configuration::value;
use crate::{Denied, Revocation};

/// What `[clients.revocation]` says; what is not set is as in the builder.
#[derive(Debug)]
pub(super) struct RevocationSection {
    lists: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    deny: Vec<Denied>,
    deny_lists: Vec<PathBuf>,
    leaf_only: bool,
    grace: Option<Duration>,
    largest_list: Option<u64>,
}

impl RevocationSection {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Self {
        let mistakes = found.len();
        let mut paths = |key, found: &mut Vec<_>| -> Vec<PathBuf> {
            table.list(key, value::path, found).into_iter().map(|path| folder.join(path)).collect()
        };
        let lists = paths("lists", found);
        let folders = paths("folders", found);
        let deny_lists = paths("deny_lists", found);
        let deny = table.list("deny", value::denied, found);
        let leaf_only = table.optional("leaf_only", value::flag, found);
        let grace = table.optional("grace", value::duration, found);
        let largest_list = table.optional("largest_list", value::bytes, found);
        let is_empty = lists.is_empty() && folders.is_empty() && deny.is_empty() && deny_lists.is_empty();
        if is_empty && found.len() == mistakes {
            let message = "`revocation` names nothing that says what is revoked";
            let help = "add `lists = [\"staff.crl\"]`, `folders`, `deny` or `deny_lists`, or leave it out";
            found.push(Diagnostic::new(table.span(), message).help(help.to_owned()));
        }
        let span = table.span();
        let needs_lists = leaf_only.is_some() || grace.is_some();
        if needs_lists && !is_empty && lists.is_empty() && folders.is_empty() {
            let message = "`leaf_only` and `grace` are about revocation lists, and none are named";
            found.push(
                Diagnostic::new(span, message).help("add `lists` or `folders`, or leave them out".to_owned()),
            );
        }
        table.finish(found);
        Self { lists, folders, deny, deny_lists, leaf_only: leaf_only.unwrap_or(false), grace, largest_list }
    }

    pub(super) fn revocation(&self) -> Revocation {
        let mut revocation = self.lists.iter().fold(Revocation::deny_list(), Revocation::crl_file);
        revocation = self.folders.iter().fold(revocation, Revocation::crl_directory);
        revocation = self.deny.iter().cloned().fold(revocation, Revocation::deny);
        revocation = self.deny_lists.iter().fold(revocation, Revocation::deny_list_file);
        if self.leaf_only {
            revocation = revocation.leaf_only();
        }
        if let Some(grace) = self.grace {
            revocation = revocation.grace(grace);
        }
        match self.largest_list {
            Some(bytes) => revocation.largest_list(bytes),
            None => revocation,
        }
    }
}
