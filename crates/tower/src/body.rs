//! Response bodies that end when their request would be denied.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use portcullis_core::authorizer::Vigil;

/// A body of known length that is shorter does not go on for long.
const SHORT: u64 = 64 * 1024;

/// Any error, boxed.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

pin_project! {
    /// A response body that is cut when its request would be denied by now.
    ///
    /// Made by the [`Guard`](crate::Guard). A body that is cut ends with an error, so that the client
    /// cannot take it for whole: HTTP/1 closes the connection, HTTP/2 resets the stream. A body that has
    /// ended already, or is known to be short, is passed on as it is.
    pub struct GuardedBody<R> {
        #[pin]
        inner: R,
        watch: Watch,
    }
}

enum Watch {
    None,
    Over(Box<Vigil>),
    Cut,
}

impl<R> GuardedBody<R> {
    pub(crate) fn new(inner: R, vigil: Option<Box<Vigil>>) -> Self {
        Self { inner, watch: vigil.map_or(Watch::None, Watch::Over) }
    }

    /// Whether it can be cut.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !matches!(self.watch, Watch::None)
    }

    /// The body as it was, if nothing watches over it.
    ///
    /// # Errors
    ///
    /// The guarded body, if it can be cut.
    pub fn into_unwatched(self) -> Result<R, Self> {
        if self.is_watched() { Err(self) } else { Ok(self.inner) }
    }
}

/// An empty body, for layers around the guard that answer themselves.
impl<R: Default> Default for GuardedBody<R> {
    fn default() -> Self {
        Self::new(R::default(), None)
    }
}

/// Whether a body may go on for so long that it has to be watched.
pub(crate) fn is_long<R: Body>(body: &R) -> bool {
    !body.is_end_stream() && body.size_hint().exact().is_none_or(|length| length > SHORT)
}

impl<R> Body for GuardedBody<R>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    type Data = R::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        if matches!(this.watch, Watch::Cut) {
            return Poll::Ready(None);
        }
        let next = this.inner.poll_frame(cx).map_err(Into::into);
        if let Watch::Over(vigil) = this.watch {
            if matches!(next, Poll::Ready(None | Some(Err(_)))) {
                vigil.end();
            } else if vigil.poll_denied(cx, next.is_pending(), tokio::time::sleep).is_ready() {
                *this.watch = Watch::Cut;
                return Poll::Ready(Some(Err(Cut.into())));
            }
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.watch, Watch::Cut) || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A body was cut.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request that began it would be denied by now")
    }
}

impl std::error::Error for Cut {}

impl<R: fmt::Debug> fmt::Debug for GuardedBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("inner", &self.inner)
            .field("is_watched", &self.is_watched())
            .finish()
    }
}
