//! axum behind its guard and its server.

use std::convert::Infallible;
use std::path::Path as FilePath;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use portcullis_axum::{Caller, Connection, Guarded, Peer, Rejection, guard, serve, serve_plain};
use tokio::sync::oneshot;
use tower::Layer;
use tower::make::Shared;
use tower::util::{BoxCloneSyncService, MapRequest};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::services::ServeDir;

use super::disguise::Disguise;
use super::{Adapter, Listener, Running, Setup, Stop, cors};
use crate::app::{HANDLER, Seen, TRIAL, note};
use crate::case::Shape;

/// axum.
#[derive(Debug)]
#[non_exhaustive]
pub struct Axum;

impl Adapter for Axum {
    const NAME: &'static str = "axum";

    async fn start(setup: Setup) -> Result<Running> {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = tcp.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // The bench holds the other end as long as the server is needed.
            let _ = stopped.await;
        };
        let limit = Duration::from_secs(1);
        let server: Server = match setup.listener.clone() {
            Listener::Tls(tls) => {
                let server = serve(tcp, tls, app(setup)?).graceful_shutdown(stopped, limit);
                Box::pin(async { Ok(server.await?) })
            }
            Listener::Plain => {
                let server = serve_plain(tcp, app(setup)?).graceful_shutdown(stopped, limit);
                Box::pin(async { Ok(server.await?) })
            }
            Listener::Foreign => {
                tcp.set_nonblocking(true)?;
                let tcp = tokio::net::TcpListener::from_std(tcp)?;
                let server = axum::serve(tcp, Shared::new(app(setup)?)).with_graceful_shutdown(stopped);
                Box::pin(async { Ok(server.await?) })
            }
        };
        let server = tokio::spawn(server);
        let stop: Stop = Box::new(move || {
            Box::pin(async move {
                let _ = stop.send(());
                let _ended = server.await;
            })
        });
        Ok(Running { address, stop })
    }
}

type Server = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

type App<B> = BoxCloneSyncService<http::Request<B>, Response, Infallible>;

fn app<B>(setup: Setup) -> Result<App<B>>
where
    B: HttpBody<Data = bytes::Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    let Setup { auth, shape, folder, .. } = setup;
    let router = router(&folder);
    let normalize = NormalizePathLayer::trim_trailing_slash();
    let disguise = Disguise::of(shape, &auth)?;
    Ok(match shape {
        Shape::Standard => BoxCloneSyncService::new(guard(router, auth)),
        Shape::NormalizeInside => BoxCloneSyncService::new(Guarded::new(normalize.layer(router), auth)),
        Shape::NormalizeOutside => BoxCloneSyncService::new(normalize.layer(guard(router, auth))),
        Shape::Cors => BoxCloneSyncService::new(cors().layer(guard(router, auth))),
        Shape::DisguiseInside | Shape::StrippedInside => {
            BoxCloneSyncService::new(Guarded::new(MapRequest::new(router, Disguise::worn(disguise)), auth))
        }
        Shape::DisguiseOutside | Shape::AssertedOutside => {
            BoxCloneSyncService::new(MapRequest::new(guard(router, auth), Disguise::worn(disguise)))
        }
    })
}
fn router(folder: &FilePath) -> Router {
    let api = Router::new()
        .route("/secret", page("api.secret"))
        .route("/items/{id}", with("api.item"))
        .nest("/v1", Router::new().nest("/deep", Router::new().route("/secret", page("api.deep"))));
    let files = Router::new().fallback_service(ServeDir::new(folder)).layer(from_fn(noted));
    let merged = Router::new().route("/uncovered", page("page")).route("/closed", page("page"));
    Router::new()
        .route("/", page("home"))
        .route("/whoami", page("whoami"))
        .route("/health", page("health"))
        .route("/reports", page("reports"))
        .route("/reports/{id}", with("report"))
        .route("/admin", page("admin"))
        .route("/admin/", page("admin"))
        .route("/admin/{*rest}", page("admin"))
        .route("/users/{name}/inbox", with("inbox"))
        // axum compares with the path as it was sent.
        .route("/caf%C3%A9", page("cafe"))
        .route("/dashboard", page("page"))
        .route("/dashboard.rsc", page("page"))
        .route("/rules/{name}", with("rule"))
        .nest("/api", api)
        .nest_service("/files", files)
        .merge(merged)
        .fallback(async |seen: Sight| seen.answer("fallback", None))
}

fn page(handler: &'static str) -> MethodRouter {
    any(async move |seen: Sight| seen.answer(handler, None))
}

fn with(handler: &'static str) -> MethodRouter {
    any(async move |seen: Sight, Path(param): Path<String>| seen.answer(handler, Some(param)))
}

async fn noted(request: Request, next: Next) -> Response {
    note(trial(request.headers()), "files");
    let mut response = next.run(request).await;
    let name = HeaderName::from_static(HANDLER);
    response.headers_mut().insert(name, HeaderValue::from_static("files"));
    response
}

/// Everything that a handler can know of who is calling.
struct Sight {
    headers: HeaderMap,
    peer: Peer,
    caller: Option<Caller>,
    connection: Option<Connection>,
}

// Derived, it would ask for a `Caller` and drop the refusal, which is told before it is dropped.
impl<S: Send + Sync> FromRequestParts<S> for Sight {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let Ok(connection) = Option::<Connection>::from_request_parts(parts, state).await;
        Ok(Self {
            headers: parts.headers.clone(),
            peer: Peer::from_request_parts(parts, state).await?,
            caller: Option::<Caller>::from_request_parts(parts, state).await?,
            connection,
        })
    }
}

impl Sight {
    fn answer(self, handler: &'static str, param: Option<String>) -> Response {
        note(trial(&self.headers), handler);
        let peer = self.peer.into();
        let seen = Seen::new(handler, param, &peer, self.caller.as_ref().map(Caller::principal));
        let seen = seen.over(self.connection.as_ref().map(Connection::info));
        ([(HANDLER, handler)], seen.body()).into_response()
    }
}

fn trial(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRIAL)?.to_str().ok()
}
