//! A real HTTP server on this machine, as somebody's webhook: it writes down what comes and answers what it was told to.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

#[derive(Clone)]
pub enum Reply {
    /// Status and body.
    Say(u16, &'static str),
    /// Status and a header.
    With(u16, &'static str, String),
    /// Never.
    Hang,
    /// 200 and a body without end.
    Huge,
}

#[derive(Clone)]
pub struct Got {
    pub at: Instant,
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}

#[derive(Clone)]
struct Desk {
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    otherwise: Reply,
}

pub struct Receiver {
    /// `http://127.0.0.1:{port}`
    pub url: String,
    desk: Desk,
    server: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Answers these in turn, then `ok`.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::ending(replies, Reply::Say(200, "ok")).await
    }

    /// Answers these in turn, and then always the last one.
    pub async fn ending(replies: impl IntoIterator<Item = Reply>, otherwise: Reply) -> Self {
        let desk = Desk { got: Arc::default(), replies: Arc::new(Mutex::new(replies.into_iter().collect())), otherwise };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(take).with_state(desk.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { url, desk, server }
    }

    pub fn got(&self) -> Vec<Got> {
        self.desk.got.lock().expect("no panic").clone()
    }

    pub fn count(&self) -> usize {
        self.got().len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(desk): State<Desk>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    desk.got.lock().expect("no panic").push(Got { at: Instant::now(), method, path: uri.to_string(), headers, body });
    let reply = desk.replies.lock().expect("no panic").pop_front().unwrap_or_else(|| desk.otherwise.clone());
    let answer = |status: u16| Response::builder().status(status);
    match reply {
        Reply::Say(status, text) => answer(status).body(Body::from(text)),
        Reply::With(status, name, value) => answer(status).header(name, value).body(Body::from("later")),
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            answer(200).body(Body::empty())
        }
        Reply::Huge => {
            let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 64 * 1024])));
            answer(200).body(Body::from_stream(endless))
        }
    }
    .expect("a response")
}
