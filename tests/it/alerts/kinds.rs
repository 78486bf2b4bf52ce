//! Rules that read something else than lists: nodes, workers, ages, spikes.

use super::{SOON, backlog, hold_back, outbox, push, store, told};
use crate::support::{Payload, TestRedis, eventually, now_ms, recording::fixtures};
use flux_console::{
    model::time::Millis,
    server::ledger::{frame::Frame, meter::TIERS},
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

fn rule(id: &str, kind: &str, threshold: f64) -> Value {
    json!({ "id": id, "name": id, "type": kind, "threshold": threshold, "cooldownMinutes": 0, "holdSeconds": 0 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_judged_by_its_process_as_the_original_does() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let text = std::fs::read_to_string(fixtures().join("quasar.json")).unwrap();
    let recording: Value = serde_json::from_str(&text).unwrap();
    let key = "gravito:quasar:node:api:api-1-23881";
    let mut beat: Value = serde_json::from_str(recording["keys"][key]["value"].as_str().unwrap()).unwrap();
    let mut renew = async || {
        beat["timestamp"] = now_ms().into();
        let _: () = redis.con.clone().set_ex(key, beat.to_string(), 30).await.unwrap();
    };
    renew().await;
    // The host is at 100 % and holds 28 % of its memory; the process is at 6.08 % and holds a third of a percent.
    store(&redis, &json!([rule("busy", "node_cpu", 90.0), rule("full", "node_ram", 20.0), rule("known", "node_cpu", 6.0)])).await;
    let console = redis.console().await;
    let of_it = async || told(&redis).await.into_iter().filter(|line| line.contains(" api/")).collect::<Vec<_>>();
    eventually("it is looked at", SOON, async || {
        renew().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        !of_it().await.is_empty()
    })
    .await;
    assert_eq!(of_it().await, ["fired known api/api-1-23881"]);
    let said = outbox(&redis).await.into_iter().find(|m| m["subject"] == "api/api-1-23881").unwrap();
    assert_eq!(said["text"], "api/api-1-23881 used 6.1 % of its CPU when it fired (limit 6 %).");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_is_missing_for_a_moment_is_no_lost_worker() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let mut gone = rule("gone", "worker_lost", 1.0);
    gone["queue"] = json!("mail");
    store(&redis, &json!([rule("none", "worker_lost", 1.0), gone, backlog(3, 0.0, json!({}))])).await;
    let (key, beat) = ("flux_console:worker:w", json!({ "id": "w", "status": "online", "queues": ["mail"] }).to_string());
    let _: () = redis.con.clone().set(key, &beat).await.unwrap();
    let console = redis.console().await;
    let workers = async |n: u64| eventually("it is counted", SOON, async || console.json("/api/v1/overview").await["workers"] == n).await;
    workers(1).await;
    let _: u64 = redis.con.clone().del(key).await.unwrap();
    workers(0).await;
    // What fires now shows that the rules were looked at while none was there.
    push(&redis, "mail", 5).await;
    eventually("the backlog fires", SOON, async || !told(&redis).await.is_empty()).await;
    assert_eq!(told(&redis).await, ["fired b"]);
    let _: () = redis.con.clone().set(key, &beat).await.unwrap();
    workers(1).await;
    super::empty(&redis, "mail").await;
    eventually("the backlog is over", SOON, async || told(&redis).await.len() == 2).await;
    assert_eq!(told(&redis).await, ["fired b", "resolved b"]);
    let _: u64 = redis.con.clone().del(key).await.unwrap();
    eventually("it does not come back", SOON * 2, async || told(&redis).await.len() == 4).await;
    let mut rest = told(&redis).await.split_off(2);
    rest.sort();
    assert_eq!(rest, ["fired gone mail", "fired none"]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_waiting_job_is_as_old_as_it_says() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let of = |id: &str, queue: Option<&str>| {
        let mut rule = rule(id, "oldest_waiting", 600.0);
        rule["queue"] = json!(queue);
        rule
    };
    store(&redis, &json!([of("all", None), of("each", Some("m*"))])).await;
    let job = |id: &str, queue: &str, minutes: i64| Payload::new(id, queue).created(now_ms() - minutes * 60_000).waiting();
    // The tail is what runs next, and in order the oldest.
    redis.push_raw("queue:mail", [job("b", "mail", 1), job("a", "mail", 20)]).await;
    redis.push_raw("queue:media", [job("c", "media", 5)]).await;
    let console = redis.console().await;
    eventually("both fire", SOON, async || told(&redis).await.len() == 2).await;
    let mut all = told(&redis).await;
    all.sort();
    assert_eq!(all, ["fired all", "fired each mail"]);
    let texts: Vec<String> = outbox(&redis).await.iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    assert!(texts.contains(&"The oldest waiting job of mail was 20 min old when it fired (limit 10 min).".to_owned()), "{texts:?}");
    let _: Vec<u8> = redis.con.clone().rpop("queue:mail", None).await.unwrap();
    eventually("both are over", SOON, async || told(&redis).await.len() == 4).await;
    assert_eq!(console.json("/api/v1/alerts").await["firing"], json!([]));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spike_is_one_against_what_was_usual() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let mut spike = rule("spike", "failure_spike", 3.0);
    spike["windowSeconds"] = json!(60);
    store(&redis, &json!([spike])).await;
    let console = redis.console().await;
    console.listens().await;
    // Half an hour of ten failed attempts in ten minutes, as consoles before this one wrote it, and a last minute in peace.
    {
        let mut ledger = console.state.ledger.lock();
        let end = ledger.meter().closed() + 1;
        let (ten, _) = TIERS[3];
        let frame = |at: i64, seconds: i64, failed: u64| {
            let mut frame = Frame::new(at);
            (frame.heard, frame.all.failed) = (u32::try_from(seconds * 1_000).unwrap(), failed);
            frame
        };
        let newest = (end - 60).div_euclid(ten) * ten - ten;
        (0..4).for_each(|back| ledger.meter().adopt(3, frame(newest - back * ten, ten, 10)));
        (end - 60..end).for_each(|second| ledger.meter().adopt(0, frame(second, 1, 0)));
    }
    let fail = async |job: &str| {
        for (level, message) in [("info", format!("Processing job: {job}")), ("error", format!("Job failed: {job} - no answer"))] {
            let event = json!({ "level": level, "message": message, "workerId": "w", "jobId": job, "timestamp": Millis(now_ms()).iso() });
            let _: i64 = redis.con.clone().publish("flux_console:logs", event.to_string()).await.unwrap();
        }
    };
    for i in 0..6 {
        fail(&format!("j-{i}")).await;
    }
    eventually("it fires", SOON, async || told(&redis).await == ["fired spike"]).await;
    let text = outbox(&redis).await[0]["text"].as_str().unwrap().to_owned();
    assert!(
        text.ends_with(" over 1 min when it fired (limit 3 times the usual 1 a minute).") && text.contains("failed attempts a minute in "),
        "{text}"
    );
    console.stop().await;
}
