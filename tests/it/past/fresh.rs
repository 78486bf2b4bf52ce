//! The inbox and its dialog tell what failed lists hold at this moment, however shortly before somebody read them.

use crate::support::{
    TestConsole, TestRedis, eventually,
    payload::{dead, many_dead, payload},
};
use flux_console::{
    model::operation::Verb,
    server::{actions, digest::sha1_hex},
};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

const DECLINED: &str = "Card declined";
const FULL: &str = "Mailbox full";
/// A reading of which nothing is known to have changed is kept longer than this.
const SOON: Duration = Duration::from_secs(2);

/// A job fails for good, as a worker says and writes it: first the event, then the letter into a list of 1,000 at most.
async fn dies(redis: &TestRedis, queue: &str, id: &str, error: &str) {
    let timestamp = actions::now().iso();
    let event =
        json!({ "level": "error", "message": format!("Job failed: {id} - {error}"), "workerId": "w", "jobId": id, "timestamp": timestamp });
    let mut con = redis.con.clone();
    con.publish::<_, _, ()>("flux_console:logs", event.to_string()).await.expect("PUBLISH");
    let key = format!("queue:{queue}:failed");
    con.lpush::<_, _, ()>(&key, dead(id, queue, error, "")).await.expect("LPUSH");
    con.ltrim::<_, ()>(&key, 0, 999).await.expect("LTRIM");
}

/// How many of a kind the inbox says are in Redis; `None`: it does not show the kind.
async fn shown(console: &TestConsole, text: &str) -> Option<u64> {
    let page = console.json("/api/v1/errors").await;
    page["kinds"].as_array().expect("kinds").iter().find(|kind| kind["text"] == text)?["failed"].as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_and_what_is_retried_is_seen_at_once() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", [dead("a", "orders", DECLINED, "")]).await;
    redis.push_raw("queue:mail", [payload("w", "mail", "")]).await;
    let console = redis.console().await;
    console.listens().await;
    assert_eq!(shown(&console, DECLINED).await, Some(1));
    dies(&redis, "orders", "b", DECLINED).await;
    eventually("the second one is counted", SOON, async || shown(&console, DECLINED).await == Some(2)).await;

    // In a queue that had none, and nobody says a word of it.
    redis.push_raw("queue:mail:failed", [dead("m", "mail", FULL, "")]).await;
    let parts = actions::errors::count(&console.state, FULL).await.expect("counted");
    let counted: Vec<(&str, u64)> = parts.iter().map(|part| (part.queue.as_str(), part.count)).collect();
    assert_eq!(counted, [("mail", 1)], "the dialog counts what is there, not what was there at the last sample");
    eventually("the new kind is there", SOON, async || shown(&console, FULL).await == Some(1)).await;
    let one = console.json(&format!("/api/v1/errors/{}", sha1_hex(FULL))).await;
    assert_eq!((&one["kind"]["failed"], &one["failed"][0]["queue"]), (&json!(1), &json!("mail")), "{one}");

    actions::errors::act(&console.state, FULL, Verb::Retry, &parts, None, false).await.expect("started");
    eventually("it is retried", Duration::from_secs(20), async || redis.list("queue:mail").await.len() == 2).await;
    eventually("it is gone from the inbox", SOON, async || shown(&console, FULL).await.is_none()).await;
    console.stop().await;
}

/// The length of a full list says nothing: the event does.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_into_a_full_list_is_seen_at_once() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", many_dead("old", "orders", 1_000)).await;
    let console = redis.console().await;
    console.listens().await;
    assert_eq!(shown(&console, DECLINED).await, None);
    dies(&redis, "orders", "new", DECLINED).await;
    assert_eq!(redis.list("queue:orders:failed").await.len(), 1_000);
    eventually("the new kind is there", SOON, async || shown(&console, DECLINED).await == Some(1)).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_shown_again_has_its_own_time() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", [dead("a", "orders", DECLINED, "")]).await;
    let console = redis.console().await;
    let first = console.json("/api/v1/errors").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(console.json("/api/v1/errors").await["sampledAt"], first["sampledAt"]);
    assert_eq!(console.json(&format!("/api/v1/errors/{}", sha1_hex(DECLINED))).await["sampledAt"], first["sampledAt"]);
    let html = console.get("/errors").await.text().await.expect("a page");
    assert!(html.contains("Failed lists in Redis read at "), "{html}");
    console.stop().await;
}
