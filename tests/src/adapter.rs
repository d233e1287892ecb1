//! One adapter under test: how its application is built and served.

pub mod actix;
pub mod axum;
mod disguise;
pub mod tower;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;

use anyhow::Result;
use http::Method;
use portcullis_core::Authorizer;
use portcullis_tls::ServerTls;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::case::Shape;

/// What an adapter is asked to serve.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Who may pass.
    pub auth: Authorizer,
    /// Who accepts the connections.
    pub listener: Listener,
    /// How the application is put together.
    pub shape: Shape,
    /// The folder below `/files`.
    pub folder: PathBuf,
}

/// Who accepts the connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Listener {
    /// portcullis, over TLS.
    Tls(ServerTls),
    /// portcullis, over plain HTTP, where the adapter has that.
    Plain,
    /// The framework's own server over plain HTTP, which knows of no portcullis.
    Foreign,
}

/// The site whose pages may read what the application answers, in the shape that has CORS.
const CORS_ORIGIN: &str = "https://app.test";

/// CORS as tower has it: for one site, which may send its user's certificate along.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin, _| origin == CORS_ORIGIN))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
}

/// A server that runs.
#[non_exhaustive]
pub struct Running {
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    /// Stops it, giving connections that are in the middle of something a second.
    pub stop: Stop,
}

/// Stops a server; ready once it has stopped.
pub type Stop = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An adapter under test.
pub trait Adapter: Send + Sync + 'static {
    /// The name, as in the exceptions of cases.
    const NAME: &'static str;

    /// Serves the application on a free port of 127.0.0.1.
    fn start(setup: Setup) -> impl Future<Output = Result<Running>> + Send;
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}
