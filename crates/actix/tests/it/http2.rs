//! The same decisions over HTTP/2, and what actix cannot do there.

use actix_web::{HttpResponse, web};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_actix::{AskAgain, ClientAuth, ConnectionOptions, Guard, Peer};

use crate::common::{auth, ran};
use crate::wire::{World, serve};

type Sender = SendRequest<Empty<hyper::body::Bytes>>;

fn routes(config: &mut web::ServiceConfig) {
    let who = async |peer: Peer| match peer {
        Peer::Verified(_) => HttpResponse::Ok().body("verified"),
        _ => AskAgain::mark(HttpResponse::Ok().body("anonymous")),
    };
    config.route("/", web::get().to(who)).route("/admin", web::get().to(async || ran("admin")));
}

async fn get(sender: &mut Sender, target: &str) -> (u16, Vec<String>, String) {
    let request = hyper::Request::get(format!("https://localhost{target}")).body(Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let names = response.headers().keys().map(ToString::to_string).collect();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, names, String::from_utf8(body.to_vec()).unwrap())
}

#[actix_web::test]
async fn decisions_are_the_same_and_the_connection_goes_on() {
    let world = World::new();
    let tls = world.tls(ClientAuth::request(world.anchors())).build().unwrap();
    let server = serve(&tls, Guard::new(auth()), routes, ConnectionOptions::default());
    for (name, admin) in [(None, 403), (Some("bob"), 403), (Some("alice"), 200)] {
        let shown = name.map(|name| world.client(name));
        let connector = world.connector(shown.as_ref());
        let mut config = connector.config().as_ref().clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let tcp = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        actix_web::rt::spawn(connection);

        for _ in 0..2 {
            let (status, names, body) = get(&mut sender, "/admin").await;
            assert_eq!(status, admin, "{name:?} {body}");
            assert!(!names.contains(&"connection".to_owned()), "HTTP/2 forbids it: {names:?}");
            let (status, _, body) = get(&mut sender, "/").await;
            assert_eq!((status, body.as_str()), (200, if name.is_some() { "verified" } else { "anonymous" }));
        }
        assert_eq!(get(&mut sender, "/%61dmin").await.0, 400);
    }
    server.stop().await;
}
