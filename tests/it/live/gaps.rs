//! What was not heard is a gap, unless the history tells it.

use crate::support::{TestConsole, TestRedis, eventually};
use redis::AsyncCommands;
use serde_json::Value;
use std::time::Duration;

async fn heard(console: &TestConsole) -> Value {
    console.json("/api/v1/overview").await["heard"].take()
}

async fn listening(redis: &TestRedis) -> TestConsole {
    let console = redis.console().await;
    console.listens().await;
    console
}

async fn events(console: &TestConsole, n: u64) {
    eventually("the events arrived", Duration::from_secs(5), async || heard(console).await["events"] == n).await;
}

/// Cuts the connection of the subscriber; it is back after half a second.
async fn cut(redis: &TestRedis) {
    let n: u64 = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").query_async(&mut redis.con.clone()).await.expect("CLIENT KILL");
    assert_eq!(n, 1);
}

#[tokio::test]
async fn a_short_cut_is_filled_from_the_history() {
    let redis = TestRedis::start().await;
    let console = listening(&redis).await;
    redis.say("w", Some("a"), "Processing job: a").await;
    events(&console, 1).await;
    cut(&redis).await;
    redis.say("w", Some("a"), "Completed job: a").await;
    redis.say("w", Some("b"), "Processing job: b").await;
    events(&console, 3).await;
    let told = heard(&console).await;
    assert_eq!((told["completed"].as_u64(), told["unknown"].as_u64(), &told["gap"]), (Some(1), Some(0), &Value::Null), "{told}");
    assert!(!told["listeningSince"].is_null());
    // What came over the new connection is not counted twice.
    redis.say("w", Some("b"), "Completed job: b").await;
    events(&console, 4).await;
    console.stop().await;
}

#[tokio::test]
async fn a_cut_that_the_history_does_not_tell_is_a_gap() {
    let redis = TestRedis::start().await;
    let console = listening(&redis).await;
    redis.beat("w", &["mail"], 60_000).await;
    redis.say("w", Some("a"), "Processing job: a").await;
    events(&console, 1).await;
    cut(&redis).await;
    for i in 0..120 {
        redis.say("other", Some(&format!("x{i}")), &format!("Completed job: x{i}")).await;
    }
    eventually("the gap is told", Duration::from_secs(10), async || !heard(&console).await["gap"].is_null()).await;
    let unsure = async || {
        let runs = console.json("/api/v1/workers").await;
        runs["workers"].as_array().unwrap().iter().any(|w| w["id"] == "w" && w["runs"][0]["state"] == "unsure")
    };
    eventually("whether it still runs is unknown", Duration::from_secs(5), unsure).await;
    // Its next word makes it known again.
    redis.say("w", Some("a"), "Completed job: a").await;
    let known =
        async || console.json("/api/v1/workers").await["workers"].as_array().unwrap().iter().all(|w| w["runs"] == serde_json::json!([]));
    eventually("it is over", Duration::from_secs(5), known).await;
    assert_eq!(heard(&console).await["unknown"].as_u64(), Some(0));
    console.stop().await;
}

#[tokio::test]
async fn a_producer_that_keeps_no_history_leaves_a_gap() {
    let redis = TestRedis::start().await;
    let console = listening(&redis).await;
    let text = r#"{"message":"Processing job: a","workerId":"w","jobId":"a"}"#;
    redis.con.clone().publish::<_, _, ()>("flux_console:logs", text).await.expect("PUBLISH");
    events(&console, 1).await;
    cut(&redis).await;
    eventually("the gap is told", Duration::from_secs(10), async || !heard(&console).await["gap"].is_null()).await;
    console.stop().await;
}

#[tokio::test]
async fn a_console_that_starts_late_knows_what_the_history_tells() {
    let redis = TestRedis::start().await;
    redis.beat("w", &["mail"], 60_000).await;
    redis.beat("quiet", &["mail"], 60_000).await;
    redis.say("w", Some("a"), "Processing job: a").await;
    let console = listening(&redis).await;
    let runs = async || console.json("/api/v1/queues/mail/jobs?state=active").await;
    eventually("the run is known", Duration::from_secs(5), async || runs().await["jobs"][0]["id"] == "a").await;
    let told = heard(&console).await;
    assert_eq!((told["started"].as_u64(), told["events"].as_u64()), (Some(0), Some(0)), "it was not heard, so it is not counted");
    // Nobody heard the other one: there may be more.
    eventually("a lower bound", Duration::from_secs(5), async || {
        let page = runs().await;
        page["total"] == 1 && page["partial"] == true
    })
    .await;
    redis.say("w", Some("a"), "Completed job: a").await;
    redis.say("quiet", None, "Consumer started on [mail]").await;
    eventually("now all is known", Duration::from_secs(5), async || {
        let page = runs().await;
        page["total"] == 0 && page["partial"] == false
    })
    .await;
    console.stop().await;
}

#[tokio::test]
async fn every_monitor_prefix_is_heard_and_nonsense_is_counted() {
    let redis = TestRedis::start().await;
    let config = flux_console::server::config::Config {
        url: redis.url.clone(),
        monitor_prefixes: vec!["a:".into(), "b:".into()],
        ..flux_console::server::config::Config::default()
    };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    console.listens().await;
    let started = |job: &str| format!(r#"{{"message":"Processing job: {job}","workerId":"w-{job}","jobId":"{job}"}}"#);
    for (channel, text) in [
        ("queue:logs", started("1")),
        ("a:logs", started("2")),
        ("b:logs", started("3")),
        ("flux_console:logs", started("nobody asked for")),
        ("a:logs", "not json".into()),
        ("b:logs", "[]".into()),
        ("queue:logs", "\u{1f525}".repeat(3_000)),
    ] {
        redis.con.clone().publish::<_, _, ()>(channel, text).await.expect("PUBLISH");
    }
    events(&console, 6).await;
    let told = heard(&console).await;
    assert_eq!((told["started"].as_u64(), told["malformed"].as_u64()), (Some(3), Some(3)));
    let lines = console.json("/api/v1/logs").await["lines"].take();
    let problems = lines.as_array().unwrap().iter().filter(|l| l["problem"].is_string()).count();
    assert_eq!((lines.as_array().unwrap().len(), problems), (6, 3));
    let some = console.json("/api/v1/logs?worker=w-2").await;
    assert_eq!((some["matched"].as_u64(), some["lines"][0]["job"].as_str()), (Some(1), Some("2")));
    assert_eq!(console.get("/api/v1/logs?level=loud").await.status(), 422);
    assert_eq!(console.get("/api/v1/metrics?window=2m").await.status(), 422);
    console.stop().await;
}

/// While nobody was there to say anything, "nothing ended" is not known.
#[tokio::test]
async fn what_nobody_told_is_unknown_and_not_nothing() {
    let redis = TestRedis::start().await;
    let console = listening(&redis).await;
    let minute = async || console.json("/api/v1/metrics?window=1m").await;
    eventually("a second was heard", Duration::from_secs(10), async || minute().await["points"][59]["covered"] == 1.0).await;
    let told = minute().await;
    let unknown = |point: &Value| point["completed"].is_null() && point["failed"].is_null();
    assert!(told["points"].as_array().unwrap().iter().all(unknown), "{told}");
    assert_eq!((&told["summary"]["completedPerSecond"], &told["summary"]["failedPerSecond"]), (&Value::Null, &Value::Null));
    let page = console.get("/").await.text().await.unwrap();
    assert!(page.contains("Completed <b>—</b>") && page.contains("Failed <b>—</b>"), "{page}");
    // From a worker that reports, silence says something; of the time before the console nothing is known.
    redis.beat("w", &["mail"], 60_000).await;
    eventually("nothing ends", Duration::from_secs(20), async || minute().await["points"][59]["completed"] == 0).await;
    let told = minute().await;
    assert!(unknown(&told["points"][0]) && told["points"][0]["covered"] == 0.0, "{told}");
    console.stop().await;
}

/// Far more than a browser is sent in a second: the counters have all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_events_are_all_counted() {
    const EVENTS: u64 = 20_000;
    let redis = TestRedis::start().await;
    let console = listening(&redis).await;
    let mut con = redis.con.clone();
    for part in 0..EVENTS / 500 {
        let mut pipe = redis::pipe();
        for i in 0..250 {
            let id = part * 250 + i;
            for what in ["Processing", "Completed"] {
                pipe.publish("flux_console:logs", format!(r#"{{"message":"{what} job: {id}","workerId":"w{}","jobId":"{id}"}}"#, id % 40))
                    .ignore();
            }
        }
        pipe.exec_async(&mut con).await.expect("PUBLISH");
    }
    eventually("all arrived", Duration::from_secs(20), async || heard(&console).await["events"] == EVENTS).await;
    let told = heard(&console).await;
    assert_eq!(
        (told["started"].as_u64(), told["completed"].as_u64(), told["unknown"].as_u64()),
        (Some(EVENTS / 2), Some(EVENTS / 2), Some(0))
    );
    console.stop().await;
}
