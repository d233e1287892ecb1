//! `[server]`: where to listen, the server's own certificate, and its limits.

use std::path::Path;
use std::time::Duration;

use portcullis_core::rule::Diagnostic;

use super::key::KeyFiles;
use crate::configuration::table::Table;
use crate::configuration::value::{self, MinTlsVersion};
use crate::{ServerTls, ServerTlsBuilder};

/// What `[server]` says; what is not set is as in the builders.
#[derive(Debug)]
pub(in crate::configuration) struct Server {
    pub(in crate::configuration) listen: String,
    key: KeyFiles,
    min_tls_version: Option<MinTlsVersion>,
    handshake_timeout: Option<Duration>,
    concurrent_handshakes: Option<usize>,
    handshakes_per_peer: Option<usize>,
    pub(in crate::configuration) connection_limit: Option<usize>,
    pub(in crate::configuration) header_read_timeout: Option<Duration>,
    pub(in crate::configuration) max_connection_age: Option<Duration>,
    pub(in crate::configuration) shutdown_timeout: Option<Duration>,
    pub(in crate::configuration) recheck_interval: Option<Duration>,
    session_tickets: bool,
    /// Whether what changes in files holds at once.
    pub(in crate::configuration) follow_files: bool,
}

impl Server {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let listen = table.required("listen", "listen = \"[::]:8443\"", value::address, found);
        let key = KeyFiles::read(&mut table, folder, found);
        let min_tls_version = table.optional("min_tls_version", value::min_tls_version, found);
        let handshake_timeout = table.optional("handshake_timeout", value::duration, found);
        let concurrent_handshakes = table.optional("concurrent_handshakes", value::count, found);
        let handshakes_per_peer = table.optional("handshakes_per_peer", value::count, found);
        let connection_limit = table.optional("connection_limit", value::count, found);
        let header_read_timeout = table.optional("header_read_timeout", value::duration, found);
        let max_connection_age = table.optional("max_connection_age", value::duration, found);
        let shutdown_timeout = table.optional("shutdown_timeout", value::duration, found);
        let recheck_interval = table.optional("recheck_interval", value::duration, found);
        let session_tickets = table.optional("session_tickets", value::flag, found);
        let follow_files = table.optional("follow_files", value::flag, found);
        table.finish(found);
        Some(Self {
            listen: listen?,
            key: key?,
            min_tls_version,
            handshake_timeout,
            concurrent_handshakes,
            handshakes_per_peer,
            connection_limit,
            header_read_timeout,
            max_connection_age,
            shutdown_timeout,
            recheck_interval,
            session_tickets: session_tickets.unwrap_or(false),
            follow_files: follow_files.unwrap_or(true),
        })
    }

    pub(in crate::configuration) fn builder(&self) -> ServerTlsBuilder {
        let mut builder = ServerTls::builder(self.key.key_pair());
        builder = match self.min_tls_version {
            Some(MinTlsVersion::Tls13) => builder.versions([&rustls::version::TLS13]),
            Some(MinTlsVersion::Tls12) => {
                builder.versions([&rustls::version::TLS13, &rustls::version::TLS12])
            }
            None => builder,
        };
        if let Some(limit) = self.handshake_timeout {
            builder = builder.handshake_timeout(limit);
        }
        if let Some(count) = self.concurrent_handshakes {
            builder = builder.concurrent_handshakes(count);
        }
        if let Some(count) = self.handshakes_per_peer {
            builder = builder.handshakes_per_peer(count);
        }
        if self.session_tickets {
            builder = builder.session_tickets();
        }
        builder
    }
}
