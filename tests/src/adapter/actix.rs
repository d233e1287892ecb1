//! actix-web behind its guard and its listener.

use std::path::Path;
use std::time::Duration;

use actix_cors::Cors;
use actix_files::Files;
use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Condition, NormalizePath};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, rt, web};
use anyhow::{Context, Result};
use portcullis_actix::{BindPortcullis, Caller, Connection, Guard, Peer};
use tokio::sync::oneshot;

use super::disguise::Disguise;
use super::{Adapter, Listener, Running, Setup, Stop};
use crate::app::{HANDLER, Seen, TRIAL, note};
use crate::case::Shape;

/// actix-web.
#[derive(Debug)]
#[non_exhaustive]
pub struct Actix;

impl Adapter for Actix {
    const NAME: &'static str = "actix";

    async fn start(setup: Setup) -> Result<Running> {
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        // actix-web runs on a system of its own, which stays on the thread that made it.
        std::thread::Builder::new().name("actix".into()).spawn(move || {
            rt::System::new().block_on(run(setup, started, stopped));
        })?;
        let address = start.await.context("the server's thread is gone")??;
        Ok(Running { address, stop: stopping(stop) })
    }
}

type Started = oneshot::Sender<Result<std::net::SocketAddr>>;

fn stopping(stop: oneshot::Sender<oneshot::Sender<()>>) -> Stop {
    Box::new(move || {
        Box::pin(async move {
            let (done, wait) = oneshot::channel();
            if stop.send(done).is_ok() {
                // A server that is gone already has stopped.
                let _gone = wait.await;
            }
        })
    })
}

async fn run(setup: Setup, started: Started, stopped: oneshot::Receiver<oneshot::Sender<()>>) {
    let (server, address) = match bind(setup) {
        Ok(bound) => bound,
        Err(error) => {
            // Nobody waits for a server that did not start.
            let _ = started.send(Err(error));
            return;
        }
    };
    let handle = server.handle();
    let _ = started.send(Ok(address));
    let running = rt::spawn(server);
    match stopped.await {
        Ok(done) => {
            handle.stop(true).await;
            let _ = done.send(());
        }
        // The bench holds the other end as long as the server is needed, mostly to the end of the process.
        Err(_) => {
            let _ended = running.await;
        }
    }
}

fn bind(setup: Setup) -> Result<(actix_web::dev::Server, std::net::SocketAddr)> {
    let Setup { auth, listener, shape, folder } = setup;
    let disguise = Disguise::of(shape, &auth)?;
    let server = HttpServer::new(move || {
        let lies_outside = matches!(shape, Shape::DisguiseOutside | Shape::AssertedOutside);
        let inside = disguise.clone().filter(|_| !lies_outside);
        let outside = disguise.clone().filter(|_| lies_outside);
        App::new()
            .configure(|app| routes(app, &folder))
            .default_service(web::to(async |seen: Sight| seen.answer("fallback", None)))
            .wrap(Condition::new(shape == Shape::NormalizeInside, NormalizePath::trim()))
            .wrap_fn(move |request, inner| inner.call(disguised(request, inside.as_ref())))
            .wrap(Guard::new(auth.clone()))
            .wrap_fn(move |request, inner| inner.call(disguised(request, outside.as_ref())))
            .wrap(Condition::new(shape == Shape::NormalizeOutside, NormalizePath::trim()))
            .wrap(Condition::new(shape == Shape::Cors, cors()))
    })
    .workers(1)
    .shutdown_timeout(1)
    .keep_alive(Duration::from_secs(30))
    .disable_signals();
    let server = match listener {
        Listener::Tls(tls) => server.bind_portcullis("127.0.0.1:0", &tls)?,
        Listener::Plain | Listener::Foreign => server.bind("127.0.0.1:0")?,
    };
    let address = server.addrs().first().copied().context("no address was bound")?;
    Ok((server.run(), address))
}

/// CORS as actix has it: for one site, which may send its user's certificate along.
fn cors() -> Cors {
    Cors::default().allowed_origin(super::CORS_ORIGIN).allowed_methods(["GET", "POST"]).supports_credentials()
}

fn disguised(request: ServiceRequest, disguise: Option<&Disguise>) -> ServiceRequest {
    if let Some(Disguise { identity, peer, principal, connection, strips }) = disguise.cloned() {
        let mut extensions = request.extensions_mut();
        if strips {
            extensions.clear();
        }
        extensions.insert(identity);
        extensions.insert(peer.clone());
        extensions.insert(Peer::from(peer));
        extensions.insert(principal);
        if let Some(connection) = connection {
            extensions.insert(connection);
        }
    }
    request
}

fn routes(app: &mut web::ServiceConfig, folder: &Path) {
    let page = |handler: &'static str| web::to(move |seen: Sight| async move { seen.answer(handler, None) });
    let with = |handler: &'static str| {
        web::to(move |seen: Sight, param: web::Path<String>| async move {
            seen.answer(handler, Some(param.into_inner()))
        })
    };
    app.route("/", page("home"))
        .route("/whoami", page("whoami"))
        .route("/health", page("health"))
        .route("/reports", page("reports"))
        .route("/reports/{id}", with("report"))
        .route("/admin", page("admin"))
        .route("/admin/{rest:.*}", page("admin"))
        .route("/users/{name}/inbox", with("inbox"))
        .route("/café", page("cafe"))
        .route("/dashboard", page("page"))
        .route("/dashboard.rsc", page("page"))
        .route("/uncovered", page("page"))
        .route("/closed", page("page"))
        .route("/rules/{name}", with("rule"))
        .service(
            web::scope("/api")
                .route("/secret", page("api.secret"))
                .route("/items/{id}", with("api.item"))
                .service(web::scope("/v1").service(web::scope("/deep").route("/secret", page("api.deep")))),
        )
        .service(
            web::scope("/files")
                .wrap_fn(|request: ServiceRequest, inner| {
                    note(trial(request.request()), "files");
                    let response = inner.call(request);
                    async move {
                        let mut response = response.await?;
                        let name = HeaderName::from_static(HANDLER);
                        response.headers_mut().insert(name, HeaderValue::from_static("files"));
                        Ok(response)
                    }
                })
                .service(Files::new("", folder).default_handler(web::to(HttpResponse::NotFound))),
        );
}

/// Everything that a handler can know of who is calling.
struct Sight {
    request: HttpRequest,
    peer: Peer,
    caller: Option<Caller>,
    connection: Option<Connection>,
}

impl actix_web::FromRequest for Sight {
    type Error = actix_web::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let peer = Peer::from_request(request, payload);
        let caller = Option::<Caller>::from_request(request, payload);
        let connection = Option::<Connection>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let (peer, caller, connection) = (peer.await?, caller.await?, connection.await?);
            Ok(Self { request, peer, caller, connection })
        })
    }
}

impl Sight {
    fn answer(self, handler: &'static str, param: Option<String>) -> HttpResponse {
        note(trial(&self.request), handler);
        let peer = self.peer.into();
        let seen = Seen::new(handler, param, &peer, self.caller.as_ref().map(Caller::principal));
        let seen = seen.over(self.connection.as_ref().map(Connection::info));
        HttpResponse::Ok().insert_header((HANDLER, handler)).body(seen.body())
    }
}

fn trial(request: &HttpRequest) -> Option<&str> {
    request.headers().get(TRIAL)?.to_str().ok()
}
