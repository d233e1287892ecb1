//! Nobody is asked too often, or waited for too long.

use std::time::{Duration, Instant};

use portcullis_core::peer::live::Answer;
use portcullis_pki::{Extension, Oid};

use super::responder::{Responder, ok};
use super::{World, connect, verdict_at};
use crate::site::now;

#[tokio::test]
async fn a_responder_that_hangs_holds_up_nobody_else() {
    let world = World::new();
    world.responder.hangs();
    let limit = Duration::from_millis(400);
    let connection = world.connect(&world.acceptor(world.settings().timeout(limit))).await;
    let begun = Instant::now();
    let Answer::Pending(pending) = connection.handle().peer(now()) else {
        unreachable!("it has to be asked")
    };
    let pending = tokio::spawn(pending);
    // There is but one thread, and it goes on.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(!pending.is_finished() && begun.elapsed() < limit);
    pending.await.unwrap();
    assert!(begun.elapsed() < 5 * limit, "{:?}", begun.elapsed());
    let said = verdict_at(&connection, now()).await;
    assert!(said.contains("in time") || said.contains("cannot be asked"), "{said}");
}

#[tokio::test]
async fn all_who_wait_are_told_by_one_answer() {
    let world = World::new();
    let body = ok(&world.answer().sign().unwrap());
    world.responder.does(move |_| {
        std::thread::sleep(Duration::from_millis(100));
        Some(body.clone())
    });
    let acceptor = world.acceptor(world.settings());
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(world.connect(&acceptor).await);
    }
    let start = now();
    let mut waiting = tokio::task::JoinSet::new();
    for connection in connections.iter().chain(&connections) {
        let connection = connection.clone();
        waiting.spawn(async move { verdict_at(&connection, start).await });
    }
    assert!(waiting.join_all().await.iter().all(|said| said == "verified"));
    assert_eq!(world.responder.asked(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_has_the_question_asked_once() {
    let world = World::new();
    let body = ok(&world.answer().sign().unwrap());
    world.responder.does(move |_| {
        std::thread::sleep(Duration::from_millis(50));
        Some(body.clone())
    });
    let connection = world.connect(&world.acceptor(world.settings())).await;
    let start = now();
    for _ in 0..5 {
        let Answer::Pending(mut pending) = connection.handle().peer(start) else {
            unreachable!("there is no answer yet")
        };
        // Polled once, and dropped.
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(pending.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    assert_eq!(verdict_at(&connection, start).await, "verified");
    assert_eq!(world.responder.asked(), 1);
}

#[tokio::test]
async fn only_so_many_are_asked_about_at_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    let world = World::new();
    let (busy, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let watch = (busy.clone(), most.clone());
    world.responder.does(move |_| {
        let (busy, most) = &watch;
        most.fetch_max(busy.fetch_add(1, SeqCst) + 1, SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        busy.fetch_sub(1, SeqCst);
        Some(ok(b""))
    });
    let acceptor = world.acceptor(world.settings().concurrent(2));
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = world.site.authority.client(&format!("client {number}")).issue().unwrap();
        let connection = connect(&world.site, &acceptor, &client).await;
        waiting.spawn(async move { verdict_at(&connection, now()).await });
    }
    assert!(waiting.join_all().await.iter().all(|said| said.contains("cannot be read")));
    assert_eq!((world.responder.asked(), most.load(SeqCst)), (8, 2));
}

#[tokio::test]
async fn nobody_is_asked_by_what_a_certificate_says() {
    let world = World::new();
    let trap = Responder::new();
    let url = trap.url().as_bytes();
    let method = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let name = [&[0x86, length(url)], url].concat();
    let inner = [&method[..], &name].concat();
    let description = [&[0x30, length(&inner)], &inner[..]].concat();
    let access = [&[0x30, length(&description)], &description[..]].concat();
    let authority_information_access: Oid = "1.3.6.1.5.5.7.1.1".parse().unwrap();
    let extension = Extension::new(authority_information_access, false, access);
    let mallory = world.site.authority.client("mallory").extension(extension).issue().unwrap();
    let about = portcullis_pki::OcspAnswer::about(mallory.certificate_der(), &world.site.authority).unwrap();
    world.responder.answers(about.revoked().sign().unwrap());
    let connection = connect(&world.site, &world.acceptor(world.settings()), &mallory).await;
    assert_eq!(verdict_at(&connection, now()).await, "revoked");
    assert_eq!((world.responder.asked(), trap.asked()), (1, 0));
}

#[tokio::test]
async fn strangers_have_nobody_asked() {
    let world = World::new();
    let stranger = portcullis_pki::Authority::new("Other CA").unwrap().client("alice").issue().unwrap();
    let acceptor = world.acceptor(world.settings());
    let client = crate::client::Client::with(&world.site.authority, &stranger).config();
    let outcome = crate::site::meet(&acceptor, &client).await;
    assert!(outcome.server.is_err());
    assert_eq!(world.responder.asked(), 0);
}
