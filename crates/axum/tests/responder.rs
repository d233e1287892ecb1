//! The first request waits for what a responder says of the client.

#![cfg(feature = "ocsp")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod common;
#[path = "common/live.rs"]
mod live;

use axum::Router;
use axum::routing::get;
use common::auth;
use live::{Mode, Pki, soon, text};
use portcullis_axum::tls::{OcspResponder, Revocation};
use portcullis_axum::{Caller, guard, serve};
use portcullis_pki::OcspAnswer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A responder that gives one answer to everybody.
async fn responder(answer: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
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

#[tokio::test]
async fn whoever_is_revoked_or_unknown_is_refused_by_the_first_response() {
    for mode in [Mode::Require, Mode::Request] {
        let pki = Pki::new();
        let alice = pki.issue_for(std::time::Duration::from_secs(3600), "alice");
        let about = || OcspAnswer::about(alice.certificate_der(), pki.authority()).unwrap();
        let answers =
            [(about().sign().unwrap(), 200), (about().revoked().sign().unwrap(), 403), (Vec::new(), 403)];
        for (answer, expected) in answers {
            let revocation =
                Revocation::ocsp_responders([OcspResponder::new("staff", responder(answer).await)]);
            let tls = pki.builder(mode).revocation(revocation).build().unwrap();
            let app =
                Router::new().route("/reports/{id}", get(async |caller: Caller| caller.name().to_owned()));
            let server = serve("127.0.0.1:0", tls, guard(app, auth())).bind().await.unwrap();
            let address = server.local_addr();
            tokio::spawn(server.into_future());
            let mut http1 = pki.client_with(Some(&alice), "http/1.1").http1(address).await;
            let mut http2 = pki.client_with(Some(&alice), "h2").http2(address).await;
            for response in [http1.send("GET", "/reports/7").await, http2.send("GET", "/reports/7").await] {
                let response = response.unwrap();
                assert_eq!(response.status(), expected);
                let body = text(response).await.unwrap();
                assert_eq!(body == "alice", expected == 200, "{body}");
            }
            if expected == 403 {
                soon(http1.ended).await.unwrap().unwrap();
                soon(http2.ended).await.unwrap().unwrap();
            }
        }
    }
}
