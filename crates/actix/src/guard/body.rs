//! Response bodies that end when their request would be denied.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use super::watch::{Cut, Watch};

pin_project! {
    /// A response body that ends with an error when its request would be denied by now.
    pub struct WatchedBody<B> {
        #[pin]
        body: B,
        watch: Option<Watch>,
    }
}

impl<B> WatchedBody<B> {
    pub(super) fn new(body: B, watch: Option<Watch>) -> Self {
        Self { body, watch }
    }
}

impl<B: MessageBody> MessageBody for WatchedBody<B> {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        let next = this.body.poll_next(cx).map_err(Into::into);
        if !matches!(next, Poll::Ready(None))
            && let Some(watch) = this.watch
            && watch.poll_cut(cx, next.is_pending()).is_ready()
        {
            return Poll::Ready(Some(Err(Cut.into())));
        }
        next
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, watch } = self;
        body.try_into_bytes().map_err(|body| Self { body, watch })
    }
}

impl<B: fmt::Debug> fmt::Debug for WatchedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedBody").field("body", &self.body).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use actix_web::body::to_bytes;
    use actix_web::dev::ServiceResponse;
    use actix_web::rt::time::{Sleep, sleep, timeout};
    use actix_web::{App, HttpResponse, test, web};

    use portcullis_core::Policy;
    use portcullis_core::rule::{authenticated, nobody};

    use super::super::testing::Fake;
    use super::*;

    /// A body without an end: a piece every so often, or nothing ever.
    struct Endless {
        pause: Option<Pin<Box<Sleep>>>,
        every: Option<Duration>,
    }

    impl Endless {
        fn new(every: Option<Duration>) -> Self {
            Self { pause: None, every }
        }
    }

    impl MessageBody for Endless {
        type Error = Infallible;

        fn size(&self) -> BodySize {
            BodySize::Stream
        }

        fn poll_next(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, Infallible>>> {
            let Some(every) = self.every else { return Poll::Pending };
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(every)));
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
            Poll::Ready(Some(Ok(Bytes::from_static(b"tick"))))
        }
    }

    async fn respond(fake: &Fake, every: Option<Duration>) -> ServiceResponse<impl MessageBody + use<>> {
        let handler = move || async move { HttpResponse::Ok().body(Endless::new(every)) };
        let app = test::init_service(App::new().route("/", web::get().to(handler)).wrap(fake.guard())).await;
        test::call_service(&app, test::TestRequest::get().to_request()).await
    }

    /// Whether a body without an end was cut within some time.
    async fn is_cut(response: ServiceResponse<impl MessageBody>, within: Duration) -> bool {
        match timeout(within, to_bytes(response.into_body())).await {
            Ok(body) => body.is_err(),
            Err(_) => false,
        }
    }

    const SPEEDS: [Option<Duration>; 4] = [
        None,
        Some(Duration::from_millis(10)),
        Some(Duration::from_millis(700)),
        Some(Duration::from_secs(60)),
    ];

    #[actix_web::test]
    async fn a_body_goes_on_while_its_reader_is_verified() {
        tokio::time::pause();
        for every in SPEEDS {
            let response = respond(&Fake::new(None), every).await;
            assert!(!is_cut(response, Duration::from_secs(300)).await, "{every:?}");
        }
    }

    #[actix_web::test]
    async fn a_body_is_cut_when_its_reader_is_revoked() {
        tokio::time::pause();
        for every in SPEEDS {
            let fake = Fake::new(None);
            let response = respond(&fake, every).await;
            fake.revoke();
            assert!(is_cut(response, Duration::from_millis(5_100)).await, "{every:?}");
        }
    }

    #[actix_web::test]
    async fn a_body_is_cut_when_the_policy_comes_to_deny_it() {
        tokio::time::pause();
        for every in SPEEDS {
            let fake = Fake::new(None);
            let (auth, guard) = fake.auth_and_guard();
            let handler = move || async move { HttpResponse::Ok().body(Endless::new(every)) };
            let app = test::init_service(App::new().route("/", web::get().to(handler)).wrap(guard)).await;
            let respond = || test::call_service(&app, test::TestRequest::get().to_request());
            let (first, second) = (respond().await, respond().await);
            let policy = |rule| Policy::builder().route("GET /", rule).build().unwrap();
            auth.replace_policy(policy(authenticated())).unwrap();
            assert!(!is_cut(first, Duration::from_secs(300)).await, "{every:?}");
            auth.replace_policy(policy(nobody())).unwrap();
            assert!(is_cut(second, Duration::from_millis(5_100)).await, "{every:?}");
        }
    }

    #[actix_web::test]
    async fn a_judgement_may_take_time_but_not_for_ever() {
        tokio::time::pause();
        for (takes, revoked, cut) in [(2, false, false), (2, true, true), (60, false, true)] {
            let takes = Some(Duration::from_secs(takes));
            let fake = Fake::new(takes);
            let response = respond(&fake, None).await;
            if revoked {
                fake.revoke();
            }
            assert_eq!(is_cut(response, Duration::from_secs(30)).await, cut, "{takes:?} {revoked}");
        }
    }

    #[actix_web::test]
    async fn a_body_that_is_there_at_once_is_left_alone() {
        let fake = Fake::new(None);
        let app =
            test::init_service(App::new().route("/", web::get().to(async || "all of it")).wrap(fake.guard()))
                .await;
        let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
        assert_eq!(response.response().body().size(), BodySize::Sized(9));
        fake.revoke();
        assert_eq!(test::read_body(response).await, "all of it");
    }
}
