//! Listening: everything that a server must be told, in the right order, by one call.

mod connect;
mod error;
mod options;

use std::fmt::Debug;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactory};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Service};
use actix_web::{Error, HttpServer};
use portcullis_tls::ServerTls;
use portcullis_tls::rustls::ServerConfig;

pub(crate) use connect::{Accepted, Refused};
pub use error::BindError;
pub use options::ConnectionOptions;

/// Makes an [`HttpServer`] listen with TLS and know its peers.
///
/// One call sets `TCP_NODELAY` (without it actix stalls some 40 ms on each new connection), the
/// handshake timeout, and the `on_connect` callback that judges the client's certificate after every
/// handshake, a resumed one too; and it does so before it binds, because a callback that is set later
/// is silently ignored.
///
/// A callback that was set by [`HttpServer::on_connect`] is replaced. Hand it over with
/// [`ConnectionOptions::on_connect`] instead.
///
/// # Security
///
/// If the same server also binds a rustls configuration of your own that does not check that clients
/// hold the keys of their certificates, then whoever has a copy of a certificate gets in there: the
/// callback serves every TLS listener of the server.
///
/// # Examples
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use portcullis_actix::rule::authenticated;
/// use portcullis_actix::{Authorizer, BindPortcullis, Caller, ClientAuth, Guard, KeyPair, Policy, ServerTls, TrustAnchors};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = Authorizer::builder(Policy::builder().route("GET /", authenticated()).build()?).build()?;
/// let tls = ServerTls::builder(KeyPair::from_pem_files("server.pem", "server.key"))
///     .client_auth(ClientAuth::request(TrustAnchors::new().pem_file("staff", "staff-ca.pem")))
///     .build()?;
/// HttpServer::new(move || {
///     App::new()
///         .route("/", web::get().to(async |caller: Caller| format!("hello {}", caller.name())))
///         .wrap(Guard::new(auth.clone()))
/// })
/// .bind_portcullis("[::]:8443", &tls)?
/// .run()
/// .await?;
/// # Ok(())
/// # }
/// ```
pub trait BindPortcullis: Sized {
    /// Binds the addresses, and serves them with TLS.
    ///
    /// # Errors
    ///
    /// [`BindError`] when the text is no address, none of its addresses can be listened on, or the sites
    /// of the configuration ask for certificates in different ways.
    fn bind_portcullis(
        self,
        address: impl ToSocketAddrs + Debug,
        tls: &ServerTls,
    ) -> Result<Self, BindError> {
        self.bind_portcullis_with(address, tls, ConnectionOptions::default())
    }

    /// Binds the addresses with options for their connections.
    ///
    /// # Errors
    ///
    /// As [`bind_portcullis`](Self::bind_portcullis).
    fn bind_portcullis_with(
        self,
        address: impl ToSocketAddrs + Debug,
        tls: &ServerTls,
        options: ConnectionOptions,
    ) -> Result<Self, BindError>;

    /// Serves a bound listener with TLS.
    ///
    /// # Errors
    ///
    /// [`BindError`] when the listener cannot be used.
    fn listen_portcullis(self, listener: TcpListener, tls: &ServerTls) -> Result<Self, BindError> {
        self.listen_portcullis_with(listener, tls, ConnectionOptions::default())
    }

    /// Serves a bound listener with options for its connections.
    ///
    /// # Errors
    ///
    /// As [`listen_portcullis`](Self::listen_portcullis).
    fn listen_portcullis_with(
        self,
        listener: TcpListener,
        tls: &ServerTls,
        options: ConnectionOptions,
    ) -> Result<Self, BindError>;
}

impl<F, I, S, B> BindPortcullis for HttpServer<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    fn bind_portcullis_with(
        self,
        address: impl ToSocketAddrs + Debug,
        tls: &ServerTls,
        options: ConnectionOptions,
    ) -> Result<Self, BindError> {
        let name = format!("{address:?}");
        let name = name.trim_matches('"');
        let addresses: Vec<SocketAddr> = address
            .to_socket_addrs()
            .map_err(|source| BindError::Address { address: name.to_owned(), source })?
            .collect();
        prepare(self, tls, options)
            .bind_rustls_0_23(addresses.as_slice(), config(tls, name)?)
            .map_err(|source| BindError::new(name, source))
    }

    fn listen_portcullis_with(
        self,
        listener: TcpListener,
        tls: &ServerTls,
        options: ConnectionOptions,
    ) -> Result<Self, BindError> {
        let name = listener.local_addr().map_err(|source| BindError::new("the listener", source))?;
        prepare(self, tls, options)
            .listen_rustls_0_23(listener, config(tls, name)?)
            .map_err(|source| BindError::new(name, source))
    }
}

/// Everything that must be set before the listener is bound.
fn prepare<F, I, S, B>(
    server: HttpServer<F, I, S, B>,
    tls: &ServerTls,
    options: ConnectionOptions,
) -> HttpServer<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let handshake_timeout = tls.handshake_timeout();
    let tls = tls.clone();
    server
        .tcp_nodelay(true)
        .tls_handshake_timeout(handshake_timeout)
        .on_connect(move |io, extensions| connect::on_connect(&tls, &options, io, extensions))
}

/// The TLS configuration; actix adds the protocols that it speaks.
fn config(tls: &ServerTls, address: impl ToString) -> Result<ServerConfig, BindError> {
    if !tls.has_one_client_auth() {
        return Err(BindError::SeveralClientAuths { address: address.to_string() });
    }
    Ok(ServerConfig::clone(&tls.server_config(&[])))
}
