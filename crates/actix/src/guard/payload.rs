//! Request bodies that end when their sender is no longer trusted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;

use super::watch::{Cut, Watch};

/// The body, if there is one, with the watch over it.
pub(super) fn watched(payload: Payload, watch: impl FnOnce() -> Watch) -> Payload {
    if matches!(payload, Payload::None) {
        return payload;
    }
    Payload::Stream { payload: Box::pin(WatchedPayload { payload, watch: watch(), is_cut: false }) }
}

struct WatchedPayload {
    payload: Payload,
    watch: Watch,
    is_cut: bool,
}

impl Stream for WatchedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_cut {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut this.payload).poll_next(cx);
        if !matches!(next, Poll::Ready(None)) && this.watch.poll_cut(cx, next.is_pending()).is_ready() {
            this.is_cut = true;
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionAborted, Cut).into())));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::rt::time::{sleep, timeout};
    use actix_web::{App, HttpResponse, test, web};

    use super::super::testing::Fake;
    use super::*;

    /// An upload of one piece a second.
    struct Upload(Option<Pin<Box<actix_web::rt::time::Sleep>>>);

    impl Stream for Upload {
        type Item = Result<Bytes, PayloadError>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            let pause = self.0.get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(900))));
            std::task::ready!(pause.as_mut().poll(cx));
            self.0 = None;
            Poll::Ready(Some(Ok(Bytes::from_static(b"piece"))))
        }
    }

    /// Sends a body and tells the status, if the handler answered within half a minute.
    async fn upload(fake: &Fake, payload: Payload) -> Option<u16> {
        let handler = async |body: web::Payload| match body.to_bytes().await {
            Ok(_) => HttpResponse::Ok(),
            Err(_) => HttpResponse::BadRequest(),
        };
        let app = test::init_service(App::new().route("/", web::get().to(handler)).wrap(fake.guard())).await;
        let (request, _) = test::TestRequest::get().to_request().replace_payload(payload);
        let response = timeout(Duration::from_secs(30), test::call_service(&app, request)).await;
        response.ok().map(|response| response.status().as_u16())
    }

    fn endless() -> Payload {
        Payload::Stream { payload: Box::pin(Upload(None)) }
    }

    #[actix_web::test]
    async fn an_upload_is_cut_when_its_sender_is_revoked() {
        tokio::time::pause();
        let fake = Fake::new(None);
        assert_eq!(upload(&fake, endless()).await, None, "it goes on");

        let revoked = fake.clone();
        actix_web::rt::spawn(async move {
            sleep(Duration::from_secs(5)).await;
            revoked.revoke();
        });
        assert_eq!(upload(&fake, endless()).await, Some(400));
    }

    #[actix_web::test]
    async fn a_small_body_arrives_whole() {
        let fake = Fake::new(None);
        assert_eq!(upload(&fake, Payload::from(Bytes::from_static(b"all of it"))).await, Some(200));
        assert_eq!(upload(&fake, Payload::None).await, Some(200));
    }
}
