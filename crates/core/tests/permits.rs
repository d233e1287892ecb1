//! What goes on after its request was let pass, and what ends it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy exempts test functions, not what they call")]

mod audited;

use std::future::{pending, ready as at_once};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use audited::Events;
use portcullis_core::authorizer::{AuthorizerBuilder, Permit, Vigil};
use portcullis_core::peer::live::Answer;
use portcullis_core::provider::{Account, Grants, ProviderError, RoleProvider};
use portcullis_core::rule::{anyone, authenticated, custom, nobody, role};
use portcullis_core::{
    Authorizer, Certificate, Connection, ConnectionInfo, Distrust, Identity, Live, Peer, Policy, Request,
    Rule,
};
use portcullis_pki::Authority;

/// A connection that a test turns while it lives.
#[derive(Clone)]
struct Turning(Arc<State>);

struct State {
    peer: Mutex<Peer>,
    trust: AtomicU64,
    covers: AtomicBool,
    is_slow: AtomicBool,
    closed: AtomicUsize,
    info: ConnectionInfo,
}

impl Turning {
    fn new(peer: Peer) -> Self {
        Self(Arc::new(State {
            peer: Mutex::new(peer),
            trust: 1.into(),
            covers: true.into(),
            is_slow: false.into(),
            closed: 0.into(),
            info: ConnectionInfo::default(),
        }))
    }

    fn become_(&self, peer: Peer) {
        *self.0.peer.lock().unwrap() = peer;
    }
}

impl Live for Turning {
    fn peer(&self, _now: i64) -> Answer<Peer> {
        let peer = self.0.peer.lock().unwrap().clone();
        if self.0.is_slow.load(SeqCst) { Answer::Pending(Box::pin(slow(peer))) } else { Answer::Ready(peer) }
    }
    fn covers(&self, _authority: Option<&str>) -> bool {
        self.0.covers.load(SeqCst)
    }
    fn trust_generation(&self) -> Option<u64> {
        Some(self.0.trust.load(SeqCst))
    }
    fn close(&self) {
        self.0.closed.fetch_add(1, SeqCst);
    }
    fn info(&self) -> &ConnectionInfo {
        &self.0.info
    }
}

/// Is there at the second time of asking.
async fn slow<T>(value: T) -> T {
    let mut is_first = true;
    std::future::poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) })
        .await;
    value
}

const REVOKED: Peer = Peer::Untrusted { certificate: None, reason: Distrust::Revoked };

fn alice() -> Peer {
    let issued = Authority::new("Test CA").unwrap().client("alice").issue().unwrap();
    let certificate = Certificate::from_der(issued.certificate_der()).unwrap();
    Peer::Verified(Identity::assertion(certificate, "staff"))
}

fn policy(rule: Rule) -> Policy {
    Policy::builder().role("admin", []).route("GET /events", rule).build().unwrap()
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// An authorizer, and a connection on which `GET /events` was let pass.
struct Scene {
    auth: Authorizer,
    turning: Turning,
    connection: Connection,
    events: Events,
}

impl Scene {
    fn new(peer: Peer, rule: Rule) -> Self {
        Self::with(peer, rule, |builder| builder)
    }

    fn with(peer: Peer, rule: Rule, set: impl FnOnce(AuthorizerBuilder) -> AuthorizerBuilder) -> Self {
        let events = Events::default();
        let auth = set(Authorizer::builder(policy(rule)).audit(events.sink())).build().unwrap();
        let turning = Turning::new(peer);
        let connection = Connection::new(turning.clone());
        Self { auth, turning, connection, events }
    }

    fn permit(&self) -> Permit {
        let request = Request::new("GET", "/events").with_host("localhost");
        let Answer::Ready(verdict) = self.auth.authorize(&request, Some(&self.connection)) else { panic!() };
        let principal = verdict.into_result().unwrap();
        self.auth.permit(&request, Some(&self.connection), &principal)
    }

    /// The kind of the denial, if there is one by now.
    fn asked(&self, permit: &mut Permit, now: i64) -> Poll<Option<&'static str>> {
        permit
            .poll_denied(&mut context(), Some(&self.connection), now, |_| pending())
            .map(|denial| denial.map(|denial| denial.kind().name()))
    }

    fn held(&self) -> Option<bool> {
        match self.connection.allows_held(0, |_| pending()) {
            Answer::Ready(allowed) => Some(allowed),
            Answer::Pending(_) => None,
        }
    }

    /// The kinds of what was recorded; `None` for what was let pass.
    fn recorded(&self) -> Vec<Option<String>> {
        assert!(self.auth.flush_audit(Duration::from_secs(10)));
        let kind = |event: &serde_json::Value| event["kind"].as_str().map(str::to_owned);
        self.events.json().iter().map(kind).collect()
    }
}

const GOES_ON: Poll<Option<&str>> = Poll::Ready(None);

fn ends(kind: &'static str) -> Poll<Option<&'static str>> {
    Poll::Ready(Some(kind))
}

#[test]
fn it_goes_on_while_nothing_changes_and_leaves_no_trace() {
    for (peer, rule) in [(alice(), authenticated()), (REVOKED, anyone()), (Peer::Anonymous, anyone())] {
        let scene = Scene::new(peer, rule);
        let mut permit = scene.permit();
        for now in [0, 1, i64::MAX] {
            assert!(!permit.has_moved(Some(&scene.connection)));
            assert_eq!(scene.asked(&mut permit, now), GOES_ON);
        }
        assert_eq!(scene.recorded(), [None]);
    }
}

#[test]
fn it_ends_with_the_certificate_even_where_everybody_may_go_in() {
    for rule in [authenticated(), anyone()] {
        let scene = Scene::new(alice(), rule);
        let mut permit = scene.permit();
        scene.turning.become_(REVOKED);
        assert_eq!(scene.asked(&mut permit, 0), ends("certificate-untrusted"));
        assert_eq!(scene.recorded(), [None, Some("certificate-untrusted".into())]);
    }
}

#[test]
fn it_ends_with_the_policy_and_only_if_that_denies_it() {
    let scene = Scene::new(alice(), authenticated());
    let mut permit = scene.permit();
    scene.auth.replace_policy(policy(anyone())).unwrap();
    assert!(permit.has_moved(Some(&scene.connection)));
    assert_eq!(scene.asked(&mut permit, 0), GOES_ON);
    assert!(!permit.has_moved(Some(&scene.connection)));
    scene.auth.replace_policy(policy(role("admin"))).unwrap();
    assert_eq!(scene.asked(&mut permit, 0), ends("forbidden"));
}

#[test]
fn it_ends_when_its_route_or_its_host_is_gone() {
    let scene = Scene::new(alice(), authenticated());
    let mut permit = scene.permit();
    scene.turning.0.covers.store(false, SeqCst);
    assert_eq!(scene.asked(&mut permit, 0), ends("misdirected"));

    let scene = Scene::new(alice(), authenticated());
    let mut permit = scene.permit();
    scene.auth.replace_policy(Policy::builder().build().unwrap()).unwrap();
    assert_eq!(scene.asked(&mut permit, 0), ends("no-rule"));
}

#[test]
fn it_ends_with_the_hours_of_its_rule() {
    let early = custom("before noon", |scope| scope.request().time() < 100);
    let scene = Scene::new(alice(), early.or(custom("now", |scope| scope.request().time() > 1_000_000)));
    let mut permit = scene.permit();
    assert_eq!(scene.asked(&mut permit, 99), GOES_ON);
    assert_eq!(scene.asked(&mut permit, 100), ends("forbidden"));
}

#[test]
fn a_policy_that_came_between_the_verdict_and_the_permit_counts() {
    let scene = Scene::new(alice(), authenticated());
    let request = Request::new("GET", "/events");
    let Answer::Ready(verdict) = scene.auth.authorize(&request, Some(&scene.connection)) else { panic!() };
    let principal = verdict.into_result().unwrap();
    for (rule, expected) in [(authenticated(), GOES_ON), (nobody(), ends("forbidden"))] {
        scene.auth.replace_policy(policy(rule)).unwrap();
        let mut permit = scene.auth.permit(&request, Some(&scene.connection), &principal);
        assert!(permit.has_moved(Some(&scene.connection)));
        assert_eq!(scene.asked(&mut permit, 0), expected);
    }
}

#[test]
fn a_judgement_that_takes_time_is_waited_for() {
    for (peer, expected) in [(None, GOES_ON), (Some(REVOKED), ends("certificate-untrusted"))] {
        let scene = Scene::new(alice(), authenticated());
        let mut permit = scene.permit();
        scene.turning.0.is_slow.store(true, SeqCst);
        if let Some(peer) = peer {
            scene.turning.become_(peer);
        }
        assert_eq!(scene.asked(&mut permit, 0), Poll::Pending);
        assert_eq!(scene.asked(&mut permit, 0), expected);
    }
}

#[test]
fn a_judgement_that_takes_too_long_ends_it() {
    let scene = Scene::new(alice(), authenticated());
    let mut permit = scene.permit();
    scene.turning.0.is_slow.store(true, SeqCst);
    let denial = permit.poll_denied(&mut context(), Some(&scene.connection), 0, |_| at_once(()));
    let Poll::Ready(Some(denial)) = denial else { panic!() };
    let text = denial.to_string();
    assert!(text.starts_with("what it had begun was cut off: ") && text.contains("within 10 s"), "{text}");
}

/// A source that can go away, and counts how often it is asked.
#[derive(Clone, Default)]
struct Source {
    asked: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl RoleProvider for Source {
    fn roles(&self, _account: Account<'_>) -> Answer<Result<Grants, ProviderError>> {
        self.asked.fetch_add(1, SeqCst);
        let is_down = self.is_down.load(SeqCst);
        Answer::Ready(if is_down {
            Err(ProviderError::new("down"))
        } else {
            Ok(Grants::from_iter(["admin"]))
        })
    }
}

#[test]
fn sources_are_asked_again_only_when_something_has_moved() {
    let source = Source::default();
    let scene = Scene::with(alice(), role("admin"), |builder| builder.roles(source.clone()));
    let mut permit = scene.permit();
    for _ in 0..10 {
        assert_eq!(scene.asked(&mut permit, 0), GOES_ON);
    }
    assert_eq!(source.asked.load(SeqCst), 1);
    scene.auth.replace_policy(policy(role("admin"))).unwrap();
    assert_eq!(scene.asked(&mut permit, 0), GOES_ON);
    scene.turning.become_(alice());
    assert_eq!(scene.asked(&mut permit, 0), GOES_ON);
    assert_eq!(source.asked.load(SeqCst), 3);
    // A source that fails denies, as it does for a request.
    source.is_down.store(true, SeqCst);
    assert_eq!(scene.asked(&mut permit, 0), GOES_ON);
    scene.auth.replace_policy(policy(role("admin"))).unwrap();
    assert_eq!(scene.asked(&mut permit, 0), ends("unavailable"));
}

#[test]
fn a_denial_of_what_is_held_is_told_once_and_stays() {
    let scene = Scene::new(alice(), authenticated());
    assert_eq!(scene.held(), Some(true));
    for _ in 0..3 {
        scene.connection.hold(scene.permit());
    }
    assert_eq!(scene.held(), Some(true));
    scene.turning.become_(REVOKED);
    assert_eq!(scene.held(), Some(false));
    scene.turning.become_(alice());
    assert_eq!(scene.held(), Some(false), "it has been denied");
    assert_eq!(scene.recorded(), [None, None, None, Some("certificate-untrusted".into())]);
}

#[test]
fn what_is_held_waits_for_judgements() {
    let scene = Scene::new(alice(), authenticated());
    scene.connection.hold(scene.permit());
    scene.turning.0.is_slow.store(true, SeqCst);
    for (peer, expected) in [(alice(), true), (REVOKED, false)] {
        scene.turning.become_(peer);
        let Answer::Pending(mut allowed) = scene.connection.allows_held(0, |_| pending()) else { panic!() };
        assert_eq!(allowed.as_mut().poll(&mut context()), Poll::Ready(expected));
    }
}

#[test]
fn a_connection_holds_so_many_and_is_closed_then() {
    let policy = Policy::builder().route("GET /rooms/{id}", anyone()).build().unwrap();
    let auth = Authorizer::builder(policy).build().unwrap();
    let turning = Turning::new(Peer::Anonymous);
    let connection = Connection::new(turning.clone());
    let Answer::Ready(nobody) = auth.principal(Peer::Anonymous) else { panic!() };
    for room in 0..1024 {
        let path = format!("/rooms/{room}");
        for _ in 0..2 {
            connection.hold(auth.permit(&Request::new("GET", &path), Some(&connection), &nobody));
        }
    }
    assert_eq!(turning.0.closed.load(SeqCst), 0);
    connection.hold(auth.permit(&Request::new("GET", "/rooms/x"), Some(&connection), &nobody));
    assert_eq!(turning.0.closed.load(SeqCst), 1);
}

#[test]
fn a_connection_with_what_it_holds_is_freed() {
    let scene = Scene::new(alice(), authenticated());
    scene.connection.hold(scene.permit());
    let turning = scene.turning.clone();
    assert_eq!(Arc::strong_count(&turning.0), 3);
    drop(scene);
    assert_eq!(Arc::strong_count(&turning.0), 1);
}

/// How often a timer was made, and whether it has run out.
#[derive(Clone, Default)]
struct Timer {
    made: Arc<AtomicUsize>,
    is_out: Arc<AtomicBool>,
}

impl Timer {
    fn wait(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.made.fetch_add(1, SeqCst);
        let is_out = Arc::clone(&self.is_out);
        std::future::poll_fn(
            move |_: &mut Context<'_>| {
                if is_out.swap(false, SeqCst) { Poll::Ready(()) } else { Poll::Pending }
            },
        )
    }
}

#[test]
fn a_vigil_looks_at_numbers_each_time_and_at_the_clock_now_and_then() {
    let scene = Scene::new(alice(), authenticated());
    let timer = Timer::default();
    let mut vigil = Vigil::new(scene.permit(), Some(scene.connection.clone()));
    let mut poll = |is_idle| {
        let wait = |every| {
            assert_eq!(every, Duration::from_secs(5));
            timer.wait()
        };
        vigil.poll_denied(&mut context(), is_idle, wait).map(|denial| denial.kind().name())
    };
    assert_eq!(poll(false), Poll::Pending);
    assert_eq!(timer.made.load(SeqCst), 0, "a body of one piece needs none");
    for is_idle in [true, false, true] {
        assert_eq!(poll(is_idle), Poll::Pending);
    }
    assert_eq!(timer.made.load(SeqCst), 1);
    scene.turning.become_(REVOKED);
    assert_eq!(poll(true), Poll::Pending, "nothing says yet that it has moved");
    timer.is_out.store(true, SeqCst);
    assert_eq!(poll(true), Poll::Ready("certificate-untrusted"));

    for moves in [(|scene| scene.auth.replace_policy(policy(nobody())).unwrap()) as fn(&Scene), |scene| {
        scene.turning.become_(REVOKED);
        scene.turning.0.trust.store(2, SeqCst);
    }] {
        let scene = Scene::new(alice(), authenticated());
        let mut vigil = Vigil::new(scene.permit(), Some(scene.connection.clone()));
        assert!(vigil.poll_denied(&mut context(), false, |_| pending()).is_pending());
        moves(&scene);
        assert!(vigil.poll_denied(&mut context(), false, |_| pending()).is_ready());
    }
}

#[test]
fn a_vigil_sees_what_moved_before_the_first_piece() {
    let scene = Scene::new(alice(), authenticated());
    let mut vigil = Vigil::new(scene.permit(), Some(scene.connection.clone()));
    scene.auth.replace_policy(policy(nobody())).unwrap();
    assert!(vigil.poll_denied(&mut context(), false, |_| pending()).is_ready());
}

#[test]
fn without_a_connection_the_policy_alone_ends_it() {
    let auth = Authorizer::without_certificates(["GET /events"]).unwrap();
    let request = Request::new("GET", "/events");
    let Answer::Ready(verdict) = auth.authorize(&request, None) else { panic!() };
    let mut permit = auth.permit(&request, None, &verdict.into_result().unwrap());
    let mut asked = || permit.poll_denied(&mut context(), None, 0, |_| pending()).map(|d| d.is_some());
    assert_eq!(asked(), Poll::Ready(false));
    auth.replace_policy(policy(anyone())).unwrap();
    assert_eq!(asked(), Poll::Ready(false));
    auth.replace_policy(policy(nobody())).unwrap();
    assert_eq!(asked(), Poll::Ready(true));
}
