//! What the integration tests stand on: a real redis-server for each test, payloads as the library writes them, recordings.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod console;
pub mod databases;
pub mod payload;
pub mod proxy;
pub mod receiver;
pub mod recording;
pub mod redis;
pub mod replica;
pub mod smtp;

pub use self::{
    console::TestConsole,
    databases::{Database, Kind as DatabaseKind},
    payload::Payload,
    proxy::Proxy,
    receiver::{Receiver, Reply},
    redis::TestRedis,
    replica::Replica,
    smtp::Smtp,
};

use flux_console::model::{audit::AuditLine, time::Millis};
use std::time::{Duration, Instant};

/// Asks again every 10 ms until the answer is yes; fails with `what` after `within`.
pub async fn eventually(what: &str, within: Duration, mut ask: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !ask().await {
        assert!(since.elapsed() < within, "not within {} ms: {what}", within.as_millis());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The audit line of a pause.
pub fn pause_line(id: &str, at: Millis) -> AuditLine {
    AuditLine {
        id: id.into(),
        at,
        who: "x".into(),
        verb: "pause".into(),
        queue: None,
        filter: None,
        jobs: None,
        result: "done".into(),
        took_ms: 0,
        ids: Vec::new(),
    }
}

/// An HTTP client with settings of one's own.
pub fn http() -> reqwest::ClientBuilder {
    with_crypto();
    // A page that never comes is a failure, not a test without an end; streams say something more often than that.
    reqwest::Client::builder().read_timeout(Duration::from_secs(60))
}

/// A GET, as a browser without a session sends it.
pub async fn get(url: impl reqwest::IntoUrl) -> reqwest::Response {
    http().build().expect("a client").get(url).send().await.expect("an answer")
}

/// As `main` does it: a client of reqwest is not built without.
pub fn with_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Epoch milliseconds.
pub fn now_ms() -> i64 {
    flux_console::server::actions::now().0
}
