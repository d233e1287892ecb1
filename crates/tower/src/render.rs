//! From a denial to a response.

mod grpc;
mod page;

use http::Response;
use http::request::Parts;
use portcullis_core::Denial;

pub use grpc::GrpcStatus;
pub use page::DefaultPage;

/// Makes the response to a refused request, with a body of type `R`.
///
/// Every closure `Fn(&Denial, &Parts) -> Response<R>` is one, and so is [`DefaultPage`]. The guard
/// adds the [`Denial`] to the extensions, and the header that ends the connection where that is due.
///
/// # Security
///
/// If more than [`Denial::kind`] and [`Denial::id`] is rendered, then whoever was refused learns of
/// rules, roles or the trust anchors.
pub trait RenderDenial<R> {
    /// The response. `request` is the head of the refused request.
    fn render(&self, denial: &Denial, request: &Parts) -> Response<R>;
}

impl<F, R> RenderDenial<R> for F
where
    F: Fn(&Denial, &Parts) -> Response<R>,
{
    fn render(&self, denial: &Denial, request: &Parts) -> Response<R> {
        self(denial, request)
    }
}
