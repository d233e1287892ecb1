//! The application: its routes know nothing of security.
//!
//! Who may call what stands in one place, `example_shared::authorizer`; how the server listens is
//! in `main.rs`.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::{self, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use example_shared::{STATIC_FILES, Whoami, pages};
use portcullis_actix::{AskAgain, Caller, Connection, Denial, Peer};

/// All routes of the application.
pub fn app(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/whoami", web::get().to(whoami))
        .route("/health", web::get().to(async || "ok\n"))
        .route("/reports/{id}", web::get().to(report))
        .route("/admin/{page:.*}", web::get().to(admin))
        .service(actix_files::Files::new("/static", STATIC_FILES));
}

/// Welcomes everybody: the authorised by name, the others with what to do.
async fn home(peer: Peer, caller: Option<Caller>) -> HttpResponse {
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
    AskAgain::mark(page(StatusCode::OK, &unauthorized))
}

async fn whoami(peer: Peer, caller: Option<Caller>, connection: Connection) -> Json<Whoami> {
    Json(Whoami::new(&peer.into(), caller.as_ref().map(Caller::principal), connection.info()))
}

async fn report(caller: Caller, id: Path<u32>) -> HttpResponse {
    page(StatusCode::OK, &pages::Report { id: *id, reader: caller.name() })
}

async fn admin(caller: Caller, path: Path<String>) -> HttpResponse {
    page(StatusCode::OK, &pages::Admin { name: caller.name(), page: &path })
}

/// An own page for refused requests, for people; programs that prefer JSON get the built-in answer.
#[must_use]
pub fn denied(denial: &Denial, request: &HttpRequest) -> HttpResponse {
    let accept = request.headers().get("accept").and_then(|value| value.to_str().ok());
    let rendered = denial.render(accept);
    let status = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = if rendered.content_type.starts_with("text/html") {
        page(status, &pages::Denied::new(denial))
    } else {
        HttpResponse::build(status).content_type(rendered.content_type).body(rendered.body)
    };
    response.headers_mut().insert(
        actix_web::http::header::CACHE_CONTROL,
        actix_web::http::header::HeaderValue::from_static("no-store"),
    );
    response
}

fn page(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status).content_type(ContentType::html()).body(html),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
