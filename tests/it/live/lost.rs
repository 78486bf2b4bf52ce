//! A worker that is gone, and the job that it held.

use crate::support::{Payload, TestConsole, TestRedis, eventually, payload::payload};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

async fn run(console: &TestConsole) -> Value {
    let jobs = console.json("/api/v1/queues/mail/jobs?state=active").await["jobs"].take();
    jobs.get(0).map_or(Value::Null, |job| job["run"].clone())
}

/// A job that waited, seen there, taken by a worker that then dies.
async fn lose(redis: &TestRedis, console: &TestConsole) -> String {
    // Redis keeps it as long as the console needs to see it; then the worker takes it.
    eventually("the queue is counted", Duration::from_secs(10), async || {
        console.json("/api/v1/queues").await["queues"].as_array().unwrap().iter().any(|q| q["byPriority"]["high"] == 1 && q["workers"] == 1)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let raw: Vec<u8> = redis.con.clone().rpop("queue:mail:high", None).await.expect("RPOP");
    redis.say("w", Some("a"), "Processing job: a").await;
    eventually("it runs", Duration::from_secs(5), async || run(console).await["state"] == "running").await;
    let _: () = redis.con.clone().del("flux_console:worker:w").await.expect("DEL");
    eventually("it is lost", Duration::from_secs(20), async || run(console).await["state"] == "lost").await;
    String::from_utf8(raw).expect("text")
}

async fn put_back(console: &TestConsole) -> (u16, Value) {
    let key = run(console).await["key"].as_str().expect("a key").to_owned();
    let key = flux_console::model::ids::segment(&key);
    console.post(&format!("/api/v1/runs/{key}/put-back"), &json!({})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_job_is_put_back_once_and_byte_for_byte() {
    let redis = TestRedis::start().await;
    redis.beat("w", &["mail"], 600_000).await;
    let payload = Payload::new("a", "mail").group("g").waiting().replacen('{', r#"{"big":9007199254740993,"empty":[],"#, 1);
    redis.push_raw("queue:mail:high", [&payload]).await;
    // The dead job still holds its group, behind which another one waits.
    let behind = Payload::new("b", "mail").group("g").waiting();
    let _: () = redis.con.clone().sadd("queue:active", "g").await.expect("SADD");
    redis.push_raw("queue:pending:g", [&behind]).await;
    let (console, other) = (redis.console().await, redis.console().await);
    let raw = lose(&redis, &console).await;
    assert_eq!(raw, payload);
    let shown = run(&console).await;
    assert_eq!(
        (shown["queue"].as_str(), shown["worker"].as_str(), shown["putBack"]["possible"].as_bool()),
        (Some("mail"), Some("w"), Some(false))
    );
    let (status, early) = put_back(&console).await;
    assert_eq!(status, 409, "{early}");
    assert!(early["detail"].as_str().unwrap().contains("30 s"), "{early}");
    eventually("the queue tells it", Duration::from_secs(15), async || console.json("/api/v1/queues").await["queues"][0]["lost"] == 1)
        .await;

    eventually("it may be put back", Duration::from_secs(40), async || run(&console).await["putBack"]["possible"] == true).await;
    eventually("the other console knows", Duration::from_secs(40), async || run(&other).await["putBack"]["possible"] == true).await;
    // Two operators at the same moment.
    let (first, second) = tokio::join!(put_back(&console), put_back(&other));
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{first:?} {second:?}");
    assert_eq!(redis.texts("queue:mail:high").await, [payload.as_str()], "never behind its own group");
    assert_eq!(redis.texts("queue:pending:g").await, [behind]);
    assert_eq!(put_back(&console).await.0, 409, "a second click");
    assert_eq!(redis.texts("queue:mail:high").await.len(), 1);
    // Without an archive the lines of both consoles are in one list.
    let audit = console.json("/api/v1/audit?verb=put-back").await;
    let lines = audit["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 4, "one for each click: {audit}");
    assert!(lines.iter().all(|l| l["who"] == "somebody at 127.0.0.1" && l["queue"] == "mail" && l["filter"] == "a"), "{audit}");
    let refused = |line: &&Value| line["result"].as_str().is_some_and(|text| text.starts_with("refused: The job"));
    assert_eq!(lines.iter().filter(refused).count(), 3, "{audit}");
    assert_eq!(lines.iter().filter(|line| line["result"] == "done" && line["jobs"] == 1).count(), 1, "{audit}");

    // A console that starts now knows it as well.
    let late = redis.console().await;
    eventually("it is noted", Duration::from_secs(10), async || run(&late).await["putBack"]["doneAt"].is_string()).await;
    for console in [console, other, late] {
        console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_only_busy_keeps_its_job() {
    let redis = TestRedis::start().await;
    redis.beat("w", &["mail"], 600_000).await;
    redis.push_raw("queue:mail:high", [payload("a", "mail", "")]).await;
    let console = redis.console().await;
    lose(&redis, &console).await;
    redis.beat("w", &["mail"], 600_000).await;
    eventually("it runs again", Duration::from_secs(10), async || run(&console).await["state"] == "running").await;
    redis.say("w", Some("a"), "Completed job: a").await;
    eventually("it is done", Duration::from_secs(5), async || run(&console).await.is_null()).await;
    let told = async || console.json("/api/v1/overview").await["heard"].take();
    eventually("it is counted", Duration::from_secs(15), async || told().await["completed"] == 1).await;
    assert_eq!((told().await["lost"].as_u64(), told().await["unknown"].as_u64()), (Some(0), Some(0)));
    // Nothing is noted any more, so nothing can be put back.
    eventually("the note is gone", Duration::from_secs(5), async || !redis.keys().await.iter().any(|k| k.ends_with(":lost"))).await;
    console.stop().await;
}
