//! Responses that go on, and what ends them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::{untrusted, verified};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use portcullis_core::audit::AuditEvent;
use portcullis_core::peer::live::Answer;
use portcullis_core::rule::{anyone, authenticated, nobody};
use portcullis_core::{Authorizer, Connection, ConnectionInfo, Live, Peer, Policy, Rule};
use portcullis_tower::{Admission, Guard, GuardedBody};
use tokio::time::{Sleep, sleep, timeout};
use tower::{ServiceExt, service_fn};

/// A body that sends a piece every so often, or nothing ever.
#[derive(Default)]
struct Endless {
    every: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    length: Option<u64>,
    is_over: bool,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Some(every) = self.every else { return Poll::Pending };
        if !every.is_zero() {
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(every)));
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"tick")))))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl From<String> for Endless {
    fn from(_page: String) -> Self {
        Self::default()
    }
}

/// A connection whose peer can be taken another's place.
#[derive(Clone)]
struct Turning(Arc<Mutex<Peer>>);

impl Live for Turning {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        Answer::Ready(self.0.lock().unwrap().clone())
    }
    fn close(&self) {}
    fn info(&self) -> &ConnectionInfo {
        static INFO: std::sync::LazyLock<ConnectionInfo> = std::sync::LazyLock::new(Default::default);
        &INFO
    }
}

struct Scene {
    auth: Authorizer,
    turning: Turning,
    connection: Connection,
    kinds: Arc<Mutex<Vec<&'static str>>>,
}

fn policy(rule: Rule) -> Policy {
    Policy::builder().route("GET /events", rule).route("CONNECT /events", anyone()).build().unwrap()
}

impl Scene {
    fn new() -> Self {
        let kinds = Arc::<Mutex<Vec<_>>>::default();
        let noted = Arc::clone(&kinds);
        let auth = Authorizer::builder(policy(authenticated()))
            .audit(move |event: &AuditEvent<'_>| {
                noted.lock().unwrap().push(event.kind.map_or("allowed", |kind| kind.name()));
            })
            .build()
            .unwrap();
        let turning = Turning(Arc::new(Mutex::new(verified("alice"))));
        Self { auth, connection: Connection::new(turning.clone()), turning, kinds }
    }

    async fn ask(
        &self,
        method: &str,
        status: StatusCode,
        body: impl Fn() -> Endless + Clone,
    ) -> Response<GuardedBody<Endless>> {
        let inner = service_fn(move |_: Request<()>| {
            let mut response = Response::new(body());
            *response.status_mut() = status;
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let request = Request::builder().method(method).uri("/events").header("host", "localhost");
        let request = request.extension(self.connection.clone()).body(()).unwrap();
        Guard::new(inner, self.auth.clone()).oneshot(request).await.unwrap()
    }

    async fn stream(&self, every: Option<Duration>) -> GuardedBody<Endless> {
        let body = move || Endless { every, ..Endless::default() };
        self.ask("GET", StatusCode::OK, body).await.into_body()
    }

    fn revoke(&self) {
        *self.turning.0.lock().unwrap() = untrusted();
    }

    fn is_held(&self) -> bool {
        let allows = || match self.connection.allows_held(0, sleep) {
            Answer::Ready(allows) => allows,
            Answer::Pending(_) => unreachable!("nothing has to be waited for"),
        };
        assert!(allows());
        self.auth.replace_policy(Policy::builder().build().unwrap()).unwrap();
        !allows()
    }

    fn recorded(&self) -> Vec<&'static str> {
        assert!(self.auth.flush_audit(Duration::from_secs(10)));
        self.kinds.lock().unwrap().clone()
    }
}

/// Whether a body without an end ends with an error within some time.
async fn is_cut(body: GuardedBody<Endless>, within: Duration) -> bool {
    timeout(within, body.collect()).await.is_ok_and(|body| body.is_err())
}

const SPEEDS: [Option<Duration>; 4] = [
    None,
    Some(Duration::from_millis(10)),
    Some(Duration::from_millis(4_900)),
    Some(Duration::from_secs(60)),
];
const SOON: Duration = Duration::from_millis(5_100);

#[tokio::test(start_paused = true)]
async fn a_body_goes_on_while_nothing_changes() {
    for every in SPEEDS {
        let scene = Scene::new();
        let body = scene.stream(every).await;
        scene.auth.replace_policy(policy(anyone())).unwrap();
        assert!(!is_cut(body, Duration::from_secs(300)).await, "{every:?}");
        assert_eq!(scene.recorded(), ["allowed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_cut_by_revocation_and_by_policy() {
    let changes: [(fn(&Scene), _); 2] = [
        (Scene::revoke, "certificate-untrusted"),
        (|scene| scene.auth.replace_policy(policy(nobody())).unwrap(), "forbidden"),
    ];
    for every in SPEEDS {
        for (change, kind) in changes {
            let scene = Scene::new();
            let mut body = scene.stream(every).await;
            // It is in the midst of it.
            let _piece = timeout(Duration::from_secs(61), body.frame()).await;
            change(&scene);
            assert!(is_cut(body, SOON).await, "{every:?} {kind}");
            assert_eq!(scene.recorded(), ["allowed", kind]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_told_once_even_if_the_transport_was_first() {
    let changes: [(fn(&Scene), _); 3] = [
        (|_| (), None),
        (Scene::revoke, Some("certificate-untrusted")),
        (|scene| scene.auth.replace_policy(policy(nobody())).unwrap(), Some("forbidden")),
    ];
    for (change, kind) in changes {
        for pieces in 0..2 {
            let scene = Scene::new();
            let (mut body, unread) = (scene.stream(None).await, scene.stream(None).await);
            let _nothing = timeout(Duration::from_secs(pieces * 8), body.frame()).await;
            change(&scene);
            // As when its connection ends.
            drop((body, unread));
            let told: Vec<_> = ["allowed"; 2].into_iter().chain(kind).collect();
            assert_eq!(scene.recorded(), told, "{pieces}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_over_is_not_denied_any_more() {
    let scene = Scene::new();
    let body = || Endless { is_over: true, ..Endless::default() };
    let mut body = scene.ask("GET", StatusCode::OK, body).await.into_body();
    assert!(body.is_watched() && body.frame().await.is_none());
    scene.revoke();
    drop(body);
    assert_eq!(scene.recorded(), ["allowed"]);
}

#[tokio::test]
async fn a_body_that_never_waits_is_cut_by_policy_at_once() {
    let scene = Scene::new();
    let mut body = scene.stream(Some(Duration::ZERO)).await;
    for _ in 0..100 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    scene.auth.replace_policy(policy(nobody())).unwrap();
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.is_end_stream() && body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_time_can_be_set() {
    let scene = Scene::new();
    let every = Duration::from_millis(200);
    let auth = Authorizer::builder(policy(authenticated())).recheck_every(every).build().unwrap();
    let body = Scene { auth, ..scene };
    let scene = body;
    let body = scene.stream(None).await;
    scene.revoke();
    assert!(is_cut(body, every + every / 10).await);
}

#[tokio::test]
async fn what_is_short_or_over_is_left_alone() {
    let scene = Scene::new();
    for (length, watched) in
        [(None, true), (Some(64 * 1024), false), (Some(64 * 1024 + 1), true), (Some(0), false)]
    {
        let body = move || Endless { length, ..Endless::default() };
        let response = scene.ask("GET", StatusCode::OK, body).await;
        assert_eq!(response.body().is_watched(), watched, "{length:?}");
    }
    let denied = scene.ask("POST", StatusCode::OK, Endless::default).await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    assert!(!denied.body().is_watched());
}

#[tokio::test]
async fn an_upgraded_connection_is_held() {
    for (method, status, held) in [
        ("GET", StatusCode::SWITCHING_PROTOCOLS, true),
        ("CONNECT", StatusCode::OK, true),
        ("CONNECT", StatusCode::NOT_FOUND, false),
        ("GET", StatusCode::OK, false),
    ] {
        let scene = Scene::new();
        let response = scene.ask(method, status, Endless::default).await;
        assert_eq!(response.status(), status);
        assert_eq!(scene.is_held(), held, "{method} {status}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_if_it_is_answered_and_not_if_it_is_dropped() {
    for is_answered in [true, false] {
        let scene = Scene::new();
        let inner = service_fn(move |request: Request<()>| {
            let (parts, ()) = request.into_parts();
            let refusal = Admission::of(&parts.extensions).unwrap().refuse(&parts);
            let mut response = Response::new(Endless::default());
            if is_answered {
                response.extensions_mut().insert(refusal);
            }
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let request = Request::get("/events").header("host", "localhost").extension(scene.connection.clone());
        let guard = Guard::new(inner, scene.auth.clone());
        let response = guard.oneshot(request.body(()).unwrap()).await.unwrap();
        let expected: &[_] = if is_answered { &["allowed", "forbidden"] } else { &["allowed"] };
        assert_eq!(response.status() == StatusCode::FORBIDDEN, is_answered);
        assert_eq!(scene.recorded(), expected);
    }
}
