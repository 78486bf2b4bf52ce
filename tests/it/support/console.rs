//! A whole console in this process: real Redis, real tasks, real HTTP.

use super::{TestRedis, eventually};
use flux_console::server::{config::Config, http, state::AppState, tasks};
use reqwest::{Client, Response};
use serde_json::Value;
use std::time::Duration;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub struct TestConsole {
    /// `http://127.0.0.1:{port}`
    pub base_url: String,
    pub client: Client,
    pub state: AppState,
    shutdown: CancellationToken,
    server: tokio::task::JoinHandle<anyhow::Result<()>>,
    tasks: JoinSet<()>,
}

impl TestRedis {
    /// A console on this Redis whose first pass over the keys has ended.
    pub async fn console(&self) -> TestConsole {
        let console = TestConsole::start(Config { url: self.url.clone(), ..Config::default() }).await;
        console.discovered().await;
        console
    }
}

impl TestConsole {
    /// With settings of one's own, and without waiting for Redis. The port is chosen here.
    pub async fn start(config: Config) -> Self {
        let shutdown = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let options = http::leptos_options().expect("Leptos.toml");
        let (state, tasks) = tasks::start(config, shutdown.clone()).await.expect("the tasks start");
        let server = tokio::spawn(http::serve(listener, state.clone(), options));
        let client = super::http().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { base_url, client, state, shutdown, server, tasks }
    }

    /// Waits until every key was looked at and every queue found was counted.
    pub async fn discovered(&self) {
        eventually("the first pass over the keys ends", Duration::from_secs(20), async || self.state.snapshot().discovery.complete).await;
    }

    /// Waits until the event channel is heard.
    pub async fn listens(&self) {
        let heard = async || !self.json("/api/v1/overview").await["heard"]["listeningSince"].is_null();
        eventually("the channel is heard", Duration::from_secs(5), heard).await;
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base_url)).send().await.expect("an answer")
    }

    /// GET that must succeed, as JSON.
    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        let status = response.status();
        let text = response.text().await.expect("text");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e} in {text}"))
    }

    /// POST of JSON, with status and answer.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.client.post(format!("{}{path}", self.base_url)).json(body).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Ends it as Ctrl-C does, and waits.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.server).await.expect("no panic").expect("no error");
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for TestConsole {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
