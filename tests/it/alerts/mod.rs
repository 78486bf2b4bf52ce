//! Alerts on a real Redis: what is stored, what is said once, and what survives.

mod engine;
mod kinds;
mod replicas;
mod rules;

use crate::support::{TestRedis, payload::payload};
use flux_console::server::driver::redis::keys::Keys;
use redis::AsyncCommands;
use serde_json::Value;
use std::time::Duration;

pub const RULES: &str = "gravito:zenith:alerts:rules";
pub const SOON: Duration = Duration::from_secs(20);

/// Keeps messages in the outbox: somebody else has the lease of who delivers, and never does.
pub async fn hold_back(redis: &TestRedis) {
    let lease = Keys::new("queue:", &[]).lease(flux_console::server::driver::redis::channels::LEASE);
    let _: () = redis.con.clone().set(lease, "the test").await.expect("SET");
}

pub async fn store(redis: &TestRedis, rules: &Value) {
    let _: () = redis.con.clone().set(RULES, rules.to_string()).await.expect("SET");
}

/// A rule about all waiting jobs, as the original stores it, with `more` fields.
pub fn backlog(threshold: u64, cooldown: f64, more: Value) -> Value {
    let mut rule =
        serde_json::json!({ "id": "b", "name": "Backlog", "type": "backlog", "threshold": threshold, "cooldownMinutes": cooldown });
    let more = more.as_object().cloned().unwrap_or_default();
    rule.as_object_mut().expect("an object").extend(more);
    rule
}

pub async fn push(redis: &TestRedis, queue: &str, jobs: usize) {
    redis.push_raw(&format!("queue:{queue}"), (0..jobs).map(|i| payload(&format!("{queue}-{i}"), queue, ""))).await;
}

pub async fn empty(redis: &TestRedis, queue: &str) {
    let _: u64 = redis.con.clone().del(format!("queue:{queue}")).await.expect("DEL");
}

async fn list(redis: &TestRedis, end: &str) -> Vec<Value> {
    let Some(key) = redis.keys().await.into_iter().find(|key| key.starts_with("flux_console:") && key.ends_with(end)) else {
        return Vec::new();
    };
    redis.texts(&key).await.iter().rev().map(|text| serde_json::from_str(text).expect("JSON")).collect()
}

/// Messages for the channels, oldest first, after [`hold_back`].
pub async fn outbox(redis: &TestRedis) -> Vec<Value> {
    list(redis, ":alerts:outbox").await
}

/// Oldest first.
pub async fn history(redis: &TestRedis) -> Vec<Value> {
    list(redis, ":alerts:history").await
}

/// `fired b`, `resolved b mail`, oldest first.
pub async fn told(redis: &TestRedis) -> Vec<String> {
    let text = |m: &Value| {
        let subject = m["subject"].as_str().map(|s| format!(" {s}")).unwrap_or_default();
        format!("{} {}{subject}", m["kind"].as_str().unwrap_or("?"), m["ruleId"].as_str().unwrap_or("?"))
    };
    outbox(redis).await.iter().map(text).collect()
}
