//! The first request waits for what a responder says of the client.

use actix_web::web;
use portcullis_actix::rule::authenticated;
use portcullis_actix::tls::{OcspResponder, Revocation};
use portcullis_actix::{Authorizer, Caller, ClientAuth, ConnectionOptions, Guard, Policy};
use portcullis_pki::OcspAnswer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::wire::{Client, World, serve};

/// A responder that gives one answer to everybody.
async fn responder(answer: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    actix_web::rt::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let _ = tcp.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            let _ = tcp.write_all(&[head.as_bytes(), &answer].concat()).await;
            let _ = tcp.read(&mut [0; 4096]).await;
        }
    });
    url
}

#[actix_web::test]
async fn whoever_is_revoked_or_unknown_is_refused_by_the_first_response() {
    for mode in [ClientAuth::require, ClientAuth::request] {
        let world = World::new();
        let alice = world.client("alice");
        let about = || OcspAnswer::about(alice.certificate_der(), &world.authority).unwrap();
        let answers =
            [(about().sign().unwrap(), 200), (about().revoked().sign().unwrap(), 403), (Vec::new(), 403)];
        for (answer, expected) in answers {
            let revocation =
                Revocation::ocsp_responders([OcspResponder::new("staff", responder(answer).await)]);
            let tls = world.tls(mode(world.anchors())).revocation(revocation).build().unwrap();
            let policy = Policy::builder().route("GET /me", authenticated()).build().unwrap();
            let guard = Guard::new(Authorizer::builder(policy).build().unwrap());
            let me = |config: &mut web::ServiceConfig| {
                config.route("/me", web::get().to(async |caller: Caller| caller.name().to_owned()));
            };
            let server = serve(&tls, guard, me, ConnectionOptions::default());
            let mut client = Client::connect(&world.connector(Some(&alice)), server.address).await.unwrap();
            let reply = client.get("/me").await.unwrap();
            assert_eq!(reply.status, expected, "{}", reply.head);
            assert_eq!(reply.body == "alice", expected == 200, "{}", reply.body);
            assert_eq!(reply.says_close(), expected == 403, "{}", reply.head);
            server.stop().await;
        }
    }
}
