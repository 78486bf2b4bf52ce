//! Where alerts go: settings, what each channel is sent, and delivery from the outbox; with real receivers.

mod delivery;
mod refused;
mod replicas;
mod sends;
mod settings;

use crate::support::{TestConsole, TestRedis};
use flux_console::{
    model::{
        alert::message::{Kind, Message},
        time::Millis,
    },
    server::{
        config::{Config, Delivery},
        driver::redis::{channels::CONFIG, keys::Keys},
    },
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

pub const SOON: Duration = Duration::from_secs(20);
/// Of a console in a process of its own that may send to this machine.
pub const FLAGS: [&str; 3] = ["--archive", "off", "--allow-private-webhooks"];

pub fn key(name: &str) -> String {
    Keys::new("queue:", &[]).alerts(name)
}

/// A console that may send to this machine, and does not wait long.
pub async fn console(redis: &TestRedis) -> TestConsole {
    TestConsole::start(config(redis)).await
}

pub fn config(redis: &TestRedis) -> Config {
    let delivery = Delivery { within: Duration::from_secs(1), waits: vec![Duration::from_millis(100); 3] };
    Config { url: redis.url.clone(), allow_private_webhooks: true, delivery, ..Config::default() }
}

/// As the original would have stored them.
pub async fn store(redis: &TestRedis, channels: &Value) {
    let _: () = redis.con.clone().set(CONFIG, json!({ "channels": channels }).to_string()).await.expect("SET");
}

pub async fn stored(redis: &TestRedis) -> String {
    redis.con.clone().get(CONFIG).await.expect("GET")
}

/// PUT over what is stored now.
pub async fn save(console: &TestConsole, mut edit: Value) -> (u16, Value) {
    edit["version"] = console.json("/api/v1/alerts/channels").await["version"].clone();
    put(console, &edit).await
}

pub async fn put(console: &TestConsole, edit: &Value) -> (u16, Value) {
    let response = console.client.put(format!("{}/api/v1/alerts/channels", console.base_url)).json(edit).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

pub fn message(id: &str) -> Message {
    Message {
        id: id.into(),
        kind: Kind::Fired,
        rule_id: format!("rule-of-{id}"),
        rule: "Orders pile up".into(),
        rule_type: "backlog".into(),
        subject: Some("or<ders".into()),
        text: "or<ders has 12,000 waiting jobs, more than 10,000, for 2 min.".into(),
        value: "12,000 jobs".into(),
        threshold: "10,000 jobs".into(),
        at: Millis(1_795_432_807_494),
        since: None,
        environment: Some("production".into()),
    }
}

/// As the alert script does it.
pub async fn push(redis: &TestRedis, message: &Message) {
    let text = serde_json::to_string(message).expect("JSON");
    let _: u64 = redis.con.clone().lpush(key("outbox"), text).await.expect("LPUSH");
}

/// Nothing waits and nothing is under way.
pub async fn done(redis: &TestRedis) -> bool {
    let mut con = redis.con.clone();
    let (outbox, delivering): (u64, u64) = (con.llen(key("outbox")).await.expect("LLEN"), con.hlen(key("delivering")).await.expect("HLEN"));
    outbox + delivering == 0
}
