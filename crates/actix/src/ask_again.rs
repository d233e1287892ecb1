//! Telling a client to come back with a certificate.

use actix_web::HttpResponse;

/// Put into a response's extensions by a handler that tells its caller to come back with a certificate.
///
/// A client chooses its certificate once per connection: without this, a browser that has just
/// imported one would stay anonymous for as long as the connection is kept alive. The guard ends the
/// connection after such a response, if a new one is asked for a certificate at all. On HTTP/2 actix
/// cannot end one connection, so that the browser has to be restarted there.
///
/// # Examples
///
/// ```
/// use actix_web::HttpResponse;
/// use portcullis_actix::{AskAgain, Peer};
///
/// async fn home(peer: Peer) -> HttpResponse {
///     match peer {
///         Peer::Verified(_) => HttpResponse::Ok().body("welcome"),
///         _ => AskAgain::mark(HttpResponse::Ok().body("import your certificate, then reload this page")),
///     }
/// }
/// # let _ = actix_web::web::get().to(home);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "handlers make it, and it says all by being there")]
pub struct AskAgain;

impl AskAgain {
    /// The response with this mark in its extensions.
    #[must_use]
    pub fn mark<B>(mut response: HttpResponse<B>) -> HttpResponse<B> {
        response.extensions_mut().insert(Self);
        response
    }
}
