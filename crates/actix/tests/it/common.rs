//! What the tests share: people, a policy, and an application that names the handler that ran.

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpResponse, test, web};
use portcullis_actix::core::{Certificate, Identity, Peer};
use portcullis_actix::rule::{anyone, authenticated, role};
use portcullis_actix::{Authorizer, Denial, DenialKind, Distrust, Policy, RoleMap};
use portcullis_pki::{Authority, Issued};

/// A client's certificate and key.
pub(crate) fn issued(name: &str) -> Issued {
    Authority::new("Test CA").unwrap().client(name).issue().unwrap()
}

/// A peer that was verified as `name`.
pub(crate) fn verified(name: &str) -> Peer {
    let certificate = Certificate::from_der(issued(name).certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

/// A peer whose certificate was not trusted, although it says `name`.
pub(crate) fn untrusted(name: &str) -> Peer {
    let certificate = Some(Certificate::from_der(issued(name).certificate_der()).unwrap());
    Peer::Untrusted { certificate, reason: Distrust::Revoked }
}

/// Anybody reads `/` and `/open/..`, authenticated callers the reports, alice does everything.
pub(crate) fn policy() -> Policy {
    Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("GET /open/{*rest}", anyone())
        .route("GET /reports/{id}", authenticated())
        .route("* /admin/{*rest}", role("admin"))
        .route("* /api/{*rest}", role("admin"))
        .route("GET /static/{*rest}", anyone())
        .route("GET /static/private/{*rest}", role("admin"))
        .build()
        .unwrap()
}

pub(crate) fn auth() -> Authorizer {
    let roles = RoleMap::new().name("alice", ["admin"]).unwrap();
    Authorizer::builder(policy()).roles(roles).build().unwrap()
}

/// The name of the handler that answered.
pub(crate) const HANDLER: HeaderName = HeaderName::from_static("x-handler");

/// A handler that says that it ran.
pub(crate) fn ran(name: &'static str) -> HttpResponse {
    HttpResponse::Ok().insert_header((HANDLER, name)).body(format!("{name} ran"))
}

pub(crate) fn handler(headers: &HeaderMap) -> Option<&str> {
    headers.get(HANDLER).map(|value| value.to_str().unwrap())
}

/// All routes of the test application, without a guard.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(async || ran("home")))
        .route("/open/{tail:.*}", web::get().to(async || ran("open")))
        .route("/reports/{id}", web::get().to(async || ran("report")))
        .route("/admin", web::route().to(async || ran("admin")))
        .route("/admin/{tail:.*}", web::route().to(async || ran("admin")))
        .service(web::scope("/api").route("/secret", web::route().to(async || ran("secret"))))
        .default_service(web::route().to(async || ran("fallback")));
}

/// What came of a request: the status, the handler that ran, and the denial.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) handler: Option<String>,
    pub(crate) denial: Option<Denial>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Outcome {
    pub(crate) fn kind(&self) -> Option<DenialKind> {
        self.denial.as_ref().map(Denial::kind)
    }
}

/// Sends a request to an application under test.
pub(crate) async fn send<B>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    request: test::TestRequest,
) -> Outcome
where
    B: actix_web::body::MessageBody,
{
    let response = test::call_service(app, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let denial = response.response().extensions().get::<Denial>().cloned();
    let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    Outcome { status, handler: handler(&headers).map(str::to_owned), denial, headers, body }
}

/// A `GET` of the target as it stands; `None` if actix cannot even read it.
pub(crate) fn get(target: &str) -> test::TestRequest {
    test::TestRequest::with_uri(target)
}

/// A `GET` with a header.
pub(crate) fn get_with(target: &str, name: &'static str, value: &str) -> test::TestRequest {
    get(target).insert_header((HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
}

/// Puts something into a request's extensions before it is sent.
pub(crate) fn get_holding<T: 'static>(target: &str, value: T) -> actix_http::Request {
    let request = get(target).to_request();
    request.extensions_mut().insert(value);
    request
}
