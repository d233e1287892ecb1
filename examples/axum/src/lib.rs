//! The application: its routes know nothing of security.
//!
//! Who may call what stands in one place, `example_shared::authorizer`; how the server listens is
//! in `main.rs`.

use askama::Template;
use axum::extract::Path;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use example_shared::{STATIC_FILES, Whoami, pages};
use portcullis_axum::{AskAgain, Caller, Connection, Denial, Peer};
use tower_http::services::ServeDir;

/// All routes of the application.
pub fn app() -> Router {
    Router::new()
        .route("/", get(home))
        .route("/whoami", get(whoami))
        .route("/health", get(async || "ok\n"))
        .route("/reports/{id}", get(report))
        .route("/admin/", get(async |caller: Caller| admin(caller, Path(String::new())).await))
        .route("/admin/{*page}", get(admin))
        .nest_service("/static", ServeDir::new(STATIC_FILES))
}

/// Welcomes everybody: the authorised by name, the others with what to do.
async fn home(peer: Peer, caller: Option<Caller>) -> Response {
    let unauthorized = match &peer {
        Peer::Verified(identity) => {
            let caller = caller.as_ref().map(Caller::principal);
            return page(StatusCode::OK, &pages::Authorized::new(identity, caller));
        }
        Peer::Untrusted { certificate, reason } => {
            pages::Unauthorized::untrusted(certificate.as_ref().map(|c| c.subject()), reason)
        }
        Peer::Anonymous => pages::Unauthorized::anonymous(),
    };
    (Extension(AskAgain), page(StatusCode::OK, &unauthorized)).into_response()
}

async fn whoami(peer: Peer, caller: Option<Caller>, connection: Connection) -> Json<Whoami> {
    Json(Whoami::new(&peer.into(), caller.as_ref().map(Caller::principal), connection.info()))
}

async fn report(caller: Caller, Path(id): Path<u32>) -> Response {
    page(StatusCode::OK, &pages::Report { id, reader: caller.name() })
}

async fn admin(caller: Caller, Path(path): Path<String>) -> Response {
    page(StatusCode::OK, &pages::Admin { name: caller.name(), page: &path })
}

/// An own page for refused requests, for people; programs that prefer JSON get the built-in answer.
#[must_use]
pub fn denied(denial: &Denial, request: &Parts) -> Response {
    let accept = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let rendered = denial.render(accept);
    let status = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if rendered.content_type.starts_with("text/html") {
        page(status, &pages::Denied::new(denial))
    } else {
        let headers =
            [(header::CONTENT_TYPE, rendered.content_type), (header::CACHE_CONTROL, rendered.cache_control)];
        (status, headers, rendered.body).into_response()
    }
}

fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
