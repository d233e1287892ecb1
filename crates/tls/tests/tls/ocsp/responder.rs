//! A web server that answers questions as it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Makes the whole response from the body of a request; nothing to keep the client waiting.
type Script = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

pub(crate) struct Responder {
    url: String,
    script: Arc<Mutex<Script>>,
    asked: Arc<AtomicUsize>,
}

impl Responder {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ocsp", listener.local_addr().unwrap());
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(|_| Some(Vec::new()))));
        let asked = Arc::<AtomicUsize>::default();
        let responder = Self { url, script: script.clone(), asked: asked.clone() };
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (script, asked) = (script.clone(), asked.clone());
                std::thread::spawn(move || serve(connection.unwrap(), &script, &asked));
            }
        });
        responder
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How often it was asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    pub(crate) fn does(&self, script: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// Answers with this body.
    pub(crate) fn answers(&self, body: Vec<u8>) {
        self.does(move |_| Some(ok(&body)));
    }

    /// Answers with this, which need not be HTTP.
    pub(crate) fn says(&self, raw: Vec<u8>) {
        self.does(move |_| Some(raw.clone()));
    }

    pub(crate) fn hangs(&self) {
        self.does(|_| None);
    }
}

pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn serve(mut connection: TcpStream, script: &Mutex<Script>, asked: &AtomicUsize) {
    let Some(body) = request(&mut connection) else { return };
    asked.fetch_add(1, SeqCst);
    let script = script.lock().unwrap().clone();
    match script(&body) {
        Some(response) => drop(connection.write_all(&response)),
        // Until the client hangs up.
        None => drop(connection.read(&mut [0; 16])),
    }
}

/// The body of a request, which is small and comes at once.
fn request(connection: &mut TcpStream) -> Option<Vec<u8>> {
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend(buffer.iter().take(count));
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(bytes.split_at(end).0).to_lowercase();
        assert!(head.starts_with("post /ocsp ") && head.contains("application/ocsp-request"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return Some(bytes.split_off(end + 4));
        }
    }
}
