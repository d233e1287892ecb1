//! `[server]`: where to listen, the server's own certificate, and its limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::rule::Diagnostic;

use crate::configuration::table::Table;
use crate::configuration::value::{self, MinTlsVersion};
use crate::{KeyPair, ServerTls, ServerTlsBuilder};

/// What `[server]` says; what is not set is as in the builders.
#[derive(Debug)]
pub(in crate::configuration) struct Server {
    pub(in crate::configuration) listen: String,
    certificate: PathBuf,
    key: PathBuf,
    min_tls_version: Option<MinTlsVersion>,
    handshake_timeout: Option<Duration>,
    concurrent_handshakes: Option<usize>,
    handshakes_per_peer: Option<usize>,
    pub(in crate::configuration) connection_limit: Option<usize>,
    pub(in crate::configuration) header_read_timeout: Option<Duration>,
    pub(in crate::configuration) max_connection_age: Option<Duration>,
    pub(in crate::configuration) shutdown_timeout: Option<Duration>,
}

impl Server {
    pub(super) fn read(mut table: Table<'_>, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let listen = table.required("listen", "listen = \"[::]:8443\"", value::address, found);
        let certificate = table.required("certificate", "certificate = \"server.pem\"", value::path, found);
        let key = table.required("key", "key = \"server.key\"", value::path, found);
        let min_tls_version = table.optional("min_tls_version", value::min_tls_version, found);
        let handshake_timeout = table.optional("handshake_timeout", value::duration, found);
        let concurrent_handshakes = table.optional("concurrent_handshakes", value::count, found);
        let handshakes_per_peer = table.optional("handshakes_per_peer", value::count, found);
        let connection_limit = table.optional("connection_limit", value::count, found);
        let header_read_timeout = table.optional("header_read_timeout", value::duration, found);
        let max_connection_age = table.optional("max_connection_age", value::duration, found);
        let shutdown_timeout = table.optional("shutdown_timeout", value::duration, found);
        table.finish(found);
        Some(Self {
            listen: listen?,
            certificate: folder.join(certificate?),
            key: folder.join(key?),
            min_tls_version,
            handshake_timeout,
            concurrent_handshakes,
            handshakes_per_peer,
            connection_limit,
            header_read_timeout,
            max_connection_age,
            shutdown_timeout,
        })
    }

    pub(in crate::configuration) fn builder(&self) -> ServerTlsBuilder {
        let mut builder = ServerTls::builder(KeyPair::from_pem_files(&self.certificate, &self.key));
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
        builder
    }
}
