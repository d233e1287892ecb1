//! A bare tower service under hyper-util, behind the guard layer and the TLS listener.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use portcullis_core::{Connection, Peer};
use portcullis_tls::{TlsConnection, TlsListener};
use portcullis_tower::{Admission, GuardLayer, GuardedBody};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tower::util::{BoxCloneSyncService, MapRequest};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::services::ServeDir;

use super::disguise::Disguise;
use super::{Adapter, Listener, Running, Setup, cors};
use crate::app::{HANDLER, Seen, TRIAL, note};
use crate::case::Shape;

/// The guard around a bare service.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tower;

// axum's body, which any text and any other body can become, and nothing else of axum.
type App = BoxCloneSyncService<Request<Incoming>, Response<GuardedBody<Body>>, Infallible>;

impl Adapter for Tower {
    const NAME: &'static str = "tower";

    async fn start(setup: Setup) -> Result<Running> {
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        let address = tcp.local_addr()?;
        let listener = setup.listener.clone();
        let app = app(setup)?;
        let server = tokio::spawn(async move {
            // Dropping the set ends the connections together with the server.
            let mut connections = JoinSet::new();
            match listener {
                Listener::Tls(tls) => {
                    let mut listener = TlsListener::from_tcp(tcp, tls.acceptor(&[b"h2", b"http/1.1"]));
                    loop {
                        let (stream, connection) = listener.accept().await;
                        connections.spawn(serve(stream, Some(connection), app.clone()));
                    }
                }
                Listener::Plain | Listener::Foreign => loop {
                    if let Ok((stream, _)) = tcp.accept().await {
                        connections.spawn(serve(stream, None, app.clone()));
                    }
                },
            }
        });
        Ok(Running { address, stop: stop(server.abort_handle()) })
    }
}

fn stop(server: AbortHandle) -> super::Stop {
    Box::new(move || {
        Box::pin(async move {
            server.abort();
            while !server.is_finished() {
                tokio::task::yield_now().await;
            }
        })
    })
}

async fn serve<S>(stream: S, connection: Option<TlsConnection>, app: App)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let closing = Arc::new(Notify::new());
    if let Some(connection) = &connection {
        let closing = Arc::clone(&closing);
        connection.on_close(move || closing.notify_one());
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        if let Some(connection) = &connection {
            request.extensions_mut().insert(connection.handle().clone());
        }
        app.clone().oneshot(request)
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut served =
        std::pin::pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    tokio::select! {
        // A client that goes away in the middle is no failure of the server.
        _ended = served.as_mut() => return,
        () = closing.notified() => served.as_mut().graceful_shutdown(),
    }
    let _ended = served.await;
}

fn app(setup: Setup) -> Result<App> {
    let Setup { auth, shape, folder, .. } = setup;
    let folder = Arc::new(folder);
    let router = service_fn(move |request| route(request, Arc::clone(&folder)));
    let disguise = Disguise::of(shape, &auth)?;
    let guard = GuardLayer::new(auth);
    let normalize = NormalizePathLayer::trim_trailing_slash();
    Ok(match shape {
        Shape::Standard => BoxCloneSyncService::new(guard.layer(router)),
        Shape::NormalizeInside => BoxCloneSyncService::new(guard.layer(normalize.layer(router))),
        Shape::NormalizeOutside => BoxCloneSyncService::new(normalize.layer(guard.layer(router))),
        Shape::Cors => BoxCloneSyncService::new(cors().layer(guard.layer(router))),
        Shape::DisguiseInside | Shape::StrippedInside => {
            BoxCloneSyncService::new(guard.layer(MapRequest::new(router, Disguise::worn(disguise))))
        }
        Shape::DisguiseOutside | Shape::AssertedOutside => {
            BoxCloneSyncService::new(MapRequest::new(guard.layer(router), Disguise::worn(disguise)))
        }
    })
}

async fn route(request: Request<Incoming>, folder: Arc<PathBuf>) -> Result<Response<Body>, Infallible> {
    // A bare service has no extractors that fail without a guard, so it looks itself.
    if Admission::of(request.extensions()).is_none() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return Ok(response);
    }
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (handler, param) = match *segments {
        [""] => ("home", None),
        ["whoami"] => ("whoami", None),
        ["health"] => ("health", None),
        ["reports"] => ("reports", None),
        ["reports", id] => ("report", Some(id)),
        ["admin", ..] => ("admin", None),
        ["users", name, "inbox"] => ("inbox", Some(name)),
        ["caf%C3%A9"] => ("cafe", None),
        ["dashboard" | "dashboard.rsc" | "uncovered" | "closed"] => ("page", None),
        ["rules", name] => ("rule", Some(name)),
        ["api", "secret"] => ("api.secret", None),
        ["api", "items", id] => ("api.item", Some(id)),
        ["api", "v1", "deep", "secret"] => ("api.deep", None),
        ["files", ..] => return Ok(file(request, &folder).await),
        _ => ("fallback", None),
    };
    Ok(answer(&request, handler, param))
}

fn answer(request: &Request<Incoming>, handler: &'static str, param: Option<&str>) -> Response<Body> {
    note(trial(request), handler);
    let param = param.and_then(|param| portcullis_core::policy::table::decode(param).map(Into::into));
    let admitted = Admission::of(request.extensions()).map(Admission::principal);
    let peer = admitted.map_or(&Peer::Anonymous, |principal| principal.peer());
    let connection = request.extensions().get::<Connection>();
    let body = Seen::new(handler, param, peer, admitted).over(connection.map(Connection::info)).body();
    // hyper drops the body of a response to HEAD on HTTP/1 only.
    let body = if request.method() == http::Method::HEAD { String::new() } else { body };
    named(Response::new(Body::from(body)), handler)
}

async fn file(request: Request<Incoming>, folder: &Path) -> Response<Body> {
    note(trial(&request), "files");
    let files = ServiceBuilder::new().map_request(below_files).service(ServeDir::new(folder));
    let Ok(response) = files.oneshot(request).await;
    named(response.map(Body::new), "files")
}

/// What `nest_service` of a router would do.
fn below_files(mut request: Request<Incoming>) -> Request<Incoming> {
    let rest = request.uri().path().strip_prefix("/files").filter(|rest| !rest.is_empty()).unwrap_or("/");
    if let Ok(uri) = rest.parse() {
        *request.uri_mut() = uri;
    }
    request
}

fn trial(request: &Request<Incoming>) -> Option<&str> {
    request.headers().get(TRIAL)?.to_str().ok()
}

fn named(mut response: Response<Body>, handler: &'static str) -> Response<Body> {
    response.headers_mut().insert(HANDLER, http::HeaderValue::from_static(handler));
    response
}
