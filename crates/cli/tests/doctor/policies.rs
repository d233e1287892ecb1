//! Set-ups in which TLS is fine, and the policy of a server of portcullis says no.

use axum::Router;
use axum::routing::get;
use portcullis_axum::rule::{anyone, authenticated, role};
use portcullis_axum::{Authorizer, ClientAuth, Policy, ServerTls, guard, serve};
use portcullis_core::authorizer::AuthorizerBuilder;
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_pki::Authority;

use crate::Row;
use crate::bench::{Setup, alice, key_pair, server, staff};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "policy: fine",
        code: "fine",
        sentence: "answers 200 to `CN=alice`",
        setup: || at("/me", true).showing(&alice()),
    },
    Row {
        name: "policy: open to everybody",
        code: "fine",
        sentence: "answers 200.",
        setup: || at("/", true),
    },
    Row {
        name: "policy: certificate required",
        code: "certificate-required",
        sentence: "import its .p12 file",
        setup: || at("/me", true),
    },
    Row {
        name: "policy: certificate untrusted",
        code: "certificate-untrusted",
        sentence: "the server does not trust it",
        setup: || {
            let mallory = Authority::new("Mallory CA").unwrap().client("alice").issue().unwrap();
            at("/me", true).showing(&mallory)
        },
    },
    Row {
        name: "policy: forbidden",
        code: "forbidden",
        sentence: "the policy does not allow it this request",
        setup: || at("/admin", true).showing(&alice()),
    },
    Row {
        name: "policy: no rule",
        code: "no-rule",
        sentence: "no rule of the policy speaks of this path",
        setup: || at("/elsewhere", true).showing(&alice()),
    },
    Row {
        name: "policy: the store of roles is down",
        code: "unavailable",
        sentence: "such as its store of roles, does not answer",
        setup: || serving("/admin", true, |builder| builder.roles(Down)).showing(&alice()),
    },
    Row {
        name: "policy: ambiguous path",
        code: "firewall",
        sentence: "without doubled slashes",
        setup: || at("//me", true).showing(&alice()),
    },
    Row {
        name: "policy: certificates never asked for",
        code: "not-asked",
        sentence: "switch client authentication on",
        setup: || at("/", false).showing(&alice()),
    },
];

/// A store of roles that is down.
struct Down;

impl RoleProvider for Down {
    fn roles(&self, _: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        Answer::Ready(Err(ProviderError::new("connection refused")))
    }
}

/// A server of axum, and a path on it.
fn at(path: &str, asks: bool) -> Setup {
    serving(path, asks, |builder| builder)
}

fn serving(path: &str, asks: bool, with: fn(AuthorizerBuilder) -> AuthorizerBuilder) -> Setup {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let policy = Policy::builder()
        .role("admin", [])
        .route("GET /", anyone())
        .route("GET /me", authenticated())
        .route("GET /admin", role("admin"));
    let auth = with(Authorizer::builder(policy.build().unwrap())).build().unwrap();
    let mut tls = ServerTls::builder(key_pair(&server()));
    if asks {
        tls = tls.client_auth(ClientAuth::request(staff()));
    }
    let app = Router::new().route("/", get(async || "hello")).route("/me", get(async || "me"));
    let tls = tls.build().unwrap();
    runtime.spawn(async move { serve(listener, tls, guard(app, auth)).await.unwrap() });
    Setup::new(format!("https://localhost:{port}{path}")).keeping(runtime)
}
