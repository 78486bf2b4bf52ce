//! Commands: exactly as the protocol says, or not at all.

use super::{SOON, node};
use crate::support::{Payload, TestRedis, eventually, now_ms};
use futures::StreamExt;
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

async fn beat(redis: &TestRedis, language: &str, failed: u64) {
    let json = json!({
        "id": "n-1", "service": "billing", "language": language,
        "queues": [{"name": "default", "driver": "laravel", "size": {"waiting": 0, "active": 0, "failed": failed, "delayed": 0}}],
        "meta": {"laravel": {"workerCount": 2, "roots": []}}, "timestamp": now_ms(),
    });
    let _: () = redis.con.clone().set_ex("gravito:quasar:node:billing:n-1", json.to_string(), 30).await.unwrap();
}

const COMMANDS: &str = "/api/v1/nodes/billing/n-1/commands";

fn retry_all() -> Value {
    json!({"type": "LARAVEL_ACTION", "queue": "default", "action": "retry-all"})
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_listener_nothing_is_sent() {
    let redis = TestRedis::start().await;
    beat(&redis, "php", 3).await;
    let console = redis.console().await;
    node(&console, "billing", "n-1").await;
    // Every agent of the service hears this one, and it is not the node.
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut others = client.get_async_pubsub().await.unwrap();
    others.psubscribe("gravito:quasar:cmd:billing:*").await.unwrap();
    let (status, problem) = console.post(COMMANDS, &retry_all()).await;
    assert_eq!(status, 409, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("No agent listens") && detail.ends_with("Nothing was sent."), "{detail}");
    let heard = tokio::time::timeout(Duration::from_millis(300), others.on_message().next()).await;
    assert!(heard.is_err(), "nothing was published");
    let audit = console.json("/api/v1/audit?verb=node-retry-all").await;
    assert!(audit["lines"][0]["result"].as_str().unwrap().starts_with("refused: No agent listens"), "{audit}");

    let (status, _) = console.post("/api/v1/nodes/billing/nobody/commands", &retry_all()).await;
    assert_eq!(status, 404);
    let (status, _) = console.post("/api/v1/nodes/billing/*/commands", &retry_all()).await;
    assert_eq!(status, 404, "a command is for one node");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_published_exactly_and_held_against_heartbeats() {
    let redis = TestRedis::start().await;
    beat(&redis, "php", 3).await;
    let console = redis.console().await;
    node(&console, "billing", "n-1").await;
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut agent = client.get_async_pubsub().await.unwrap();
    agent.subscribe("gravito:quasar:cmd:billing:n-1").await.unwrap();
    let mut messages = agent.on_message();

    let (status, sent) = console.post(COMMANDS, &retry_all()).await;
    assert_eq!(status, 202, "{sent}");
    let message = tokio::time::timeout(SOON, messages.next()).await.unwrap().unwrap();
    let text: String = message.get_payload().unwrap();
    let (id, at) = (sent["command"]["id"].as_str().unwrap(), serde_json::from_str::<Value>(&text).unwrap()["timestamp"].as_i64().unwrap());
    assert!(uuid::Uuid::parse_str(id).is_ok() && (now_ms() - at).abs() < 10_000);
    assert_eq!(
        text,
        format!(
            r#"{{"id":"{id}","type":"LARAVEL_ACTION","targetNodeId":"n-1","payload":{{"queue":"default","jobKey":"*","driver":"laravel","action":"retry-all"}},"timestamp":{at},"issuer":"flux-console: somebody at 127.0.0.1"}}"#
        )
    );
    let asked = node(&console, "billing", "n-1").await["commands"][0].clone();
    assert_eq!((&asked["listeners"], &asked["answeredAt"], &asked["before"]["failed"]), (&json!(1), &Value::Null, &json!(3)));
    beat(&redis, "php", 2).await;
    eventually("the next heartbeat is held against it", SOON, async || {
        let command = node(&console, "billing", "n-1").await["commands"][0].clone();
        !command["answeredAt"].is_null() && command["after"]["failed"] == 2
    })
    .await;

    // Another action is the same but for its name.
    let (status, sent) = console.post(COMMANDS, &json!({"type": "LARAVEL_ACTION", "queue": "default", "action": "restart"})).await;
    assert_eq!(status, 202, "{sent}");
    let message = tokio::time::timeout(SOON, messages.next()).await.unwrap().unwrap();
    let json: Value = serde_json::from_str(&message.get_payload::<String>().unwrap()).unwrap();
    assert_eq!((&json["type"], &json["targetNodeId"]), (&json!("LARAVEL_ACTION"), &json!("n-1")));
    assert_eq!(json["payload"], json!({"queue": "default", "jobKey": "*", "driver": "laravel", "action": "restart"}));

    // One job, by its whole payload: with quotes, big numbers and spaces as they are.
    let raw = "{\"id\":\"job-1\", \"n\":9007199254740993123,\"t\":\"a \\\"b\\\" é\"}";
    let body = json!({"type": "DELETE_JOB", "queue": "queue:elsewhere", "jobKey": raw});
    assert_eq!(console.post(COMMANDS, &body).await.0, 202);
    let message = tokio::time::timeout(SOON, messages.next()).await.unwrap().unwrap();
    let json: Value = serde_json::from_str(&message.get_payload::<String>().unwrap()).unwrap();
    assert_eq!(json["type"], "DELETE_JOB");
    assert_eq!(json["payload"], json!({"queue": "queue:elsewhere", "jobKey": raw, "driver": "redis"}));
    let audit = console.json("/api/v1/audit").await;
    let said: Vec<_> =
        audit["lines"].as_array().unwrap().iter().map(|l| (l["verb"].as_str().unwrap(), l["result"].as_str().unwrap())).collect();
    assert_eq!(said, ["node-delete", "node-restart", "node-retry-all"].map(|verb| (verb, "sent, 1 agent listened; agents do not reply")));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_hit_another_job_or_nobody_is_refused() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", [Payload::new("job-10", "mail").waiting()]).await;
    beat(&redis, "bun", 3).await;
    let console = redis.console().await;
    node(&console, "billing", "n-1").await;
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut agent = client.get_async_pubsub().await.unwrap();
    agent.subscribe("gravito:quasar:cmd:billing:n-1").await.unwrap();

    let refused = async |body: Value, status: u16, why: &str| {
        let (got, problem) = console.post(COMMANDS, &body).await;
        assert_eq!(got, status, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    };
    refused(retry_all(), 409, "TypeScript agent").await;
    refused(json!({"type": "RETRY_JOB", "queue": "queue:x", "jobKey": "job-1"}), 422, "whole raw payload").await;
    refused(json!({"type": "RETRY_JOB", "queue": "", "jobKey": "{}"}), 422, "Name the queue").await;
    refused(json!({"type": "RETRY_JOB", "queue": "queue:x", "jobKey": "{}", "driver": "bull"}), 422, "`driver`").await;
    refused(json!({"type": "REBOOT", "queue": "queue:x"}), 400, "").await;
    // In this Redis the console's own verbs are safer, and it says where.
    let body = json!({"type": "RETRY_JOB", "queue": "queue:mail", "jobKey": "{\"id\":\"job-10\"}"});
    refused(body.clone(), 409, "page of the queue mail").await;
    let quiet = tokio::time::timeout(Duration::from_millis(300), agent.on_message().next()).await;
    assert!(quiet.is_err(), "none of them was published");
    let mut anyway = body;
    anyway["anyway"] = json!(true);
    assert_eq!(console.post(COMMANDS, &anyway).await.0, 202);
    assert!(tokio::time::timeout(SOON, agent.on_message().next()).await.unwrap().is_some());
    console.stop().await;
}
