//! `kill -9` in the middle of bulk operations: every job stays in exactly one place.

use crate::support::{
    Payload, Replica, TestRedis, eventually, http,
    payload::{dead, many_dead},
};
use redis::AsyncCommands;
use std::time::Duration;

const JOBS: usize = 20_000;
const KILLS: u64 = 15;

/// Starts `path` in a fresh console and kills that after a random while; says whether the operation had ended by then.
async fn start_and_kill(redis: &TestRedis, path: &str, body: serde_json::Value, chance: &mut u64) {
    let console = Replica::start(redis);
    let answer = http().build().expect("a client").post(format!("{}{path}", console.base_url)).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 202, "{:?}", answer.text().await);
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    tokio::time::sleep(Duration::from_micros((*chance >> 33) % 120_000)).await;
    console.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_retry_of_all_loses_and_doubles_nothing() {
    let redis = TestRedis::start().await;
    let (mut chance, mut partly) = (7, 0);
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", JOBS)).await;
    let expected = redis.all_ids().await;
    for _ in 0..KILLS {
        start_and_kill(&redis, "/api/v1/queues/mail/jobs/retry", serde_json::json!({"state": "failed", "all": true}), &mut chance).await;
        assert_eq!(redis.all_ids().await, expected);
        let left: usize = redis.con.clone().llen("queue:mail:failed").await.expect("LLEN");
        partly += usize::from(left > 0 && left < JOBS);
        if left < JOBS / 4 {
            redis.con.clone().del::<_, ()>(&["queue:mail", "queue:mail:failed"]).await.expect("DEL");
            redis.push_raw("queue:mail:failed", many_dead("j", "mail", JOBS)).await;
        }
    }
    assert!(partly > 0, "no kill hit a running operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_deletion_leaves_every_job_in_the_queue_or_in_the_trash() {
    let redis = TestRedis::start().await;
    let (mut chance, mut partly) = (11, 0);
    // An active group keeps the list from being renamed whole: jobs go one by one, and groups are completed on the way.
    let jobs = (0..JOBS).map(|i| {
        let job = Payload::new(&format!("j-{i}"), "mail");
        if i % 10 == 0 { job.group(&format!("g-{i}")) } else { job }.waiting()
    });
    redis.push_raw("queue:mail", jobs).await;
    for i in (0..JOBS).step_by(10) {
        redis.con.clone().sadd::<_, _, ()>("queue:active", format!("g-{i}")).await.expect("SADD");
        if i % 100 == 0 {
            redis
                .push_raw(&format!("queue:pending:g-{i}"), [Payload::new(&format!("p-{i}"), "other").group(&format!("g-{i}")).waiting()])
                .await;
        }
    }
    let expected = redis.all_ids().await;
    for _ in 0..KILLS {
        start_and_kill(&redis, "/api/v1/queues/mail/jobs/discard", serde_json::json!({"state": "waiting", "all": true}), &mut chance).await;
        assert_eq!(redis.all_ids().await, expected);
        let left: usize = redis.con.clone().llen("queue:mail").await.expect("LLEN");
        partly += usize::from(left > 0 && left < JOBS);
    }
    assert!(partly > 0, "no kill hit a running operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_console_was_killed_is_interrupted_and_can_be_started_again() {
    let redis = TestRedis::start().await;
    let pad = format!(r#","pad":"{}""#, "p".repeat(2_000));
    redis.push_raw("queue:mail:failed", (0..30_000).map(|i| dead(&format!("j-{i}"), "mail", "x", &pad))).await;
    let (doomed, other) = (Replica::start(&redis), Replica::start(&redis));
    let retry = async |console: &Replica| -> serde_json::Value {
        let path = format!("{}/api/v1/queues/mail/jobs/retry", console.base_url);
        let body = serde_json::json!({"state": "failed", "all": true});
        let answer = http().build().expect("a client").post(path).json(&body).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let started = retry(&doomed).await;
    let path = format!("/api/v1/operations/{}", started["operation"]["id"].as_str().expect("an id"));
    doomed.kill();
    assert_eq!(other.json(&path).await["status"], "running", "its silence is still short");
    let told = async || other.json(&path).await["status"] == "interrupted";
    eventually("it is interrupted", Duration::from_secs(60), told).await;
    let left: u64 = redis.con.clone().llen("queue:mail:failed").await.expect("LLEN");
    assert!(left > 0, "the kill came too late");
    let again = retry(&other).await;
    let path = format!("/api/v1/operations/{}", again["operation"]["id"].as_str().expect("an id"));
    eventually("the rest is done", Duration::from_secs(60), async || other.json(&path).await["status"] == "done").await;
    assert_eq!(other.json(&path).await["done"], left);
    assert_eq!(redis.con.clone().llen::<_, u64>("queue:mail").await.expect("LLEN"), 30_000);
}
