//! Three consoles on one Redis, the writing one killed: every second is written once, and nothing that was heard is lost.

use crate::support::{Replica, TestRedis};
use flux_console::server::actions::now;
use redis::AsyncCommands;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Key of the lease, and the process that holds it.
async fn holder(redis: &TestRedis) -> Option<u32> {
    let keys = redis.keys().await;
    let lease = keys.iter().find(|k| k.ends_with(":metrics:lease"))?;
    let token: Option<String> = redis.con.clone().get(lease).await.expect("GET");
    token?.split(':').next()?.parse().ok()
}

/// Completed jobs in all frames of a step, and how many frames there are.
async fn written(redis: &TestRedis, step: u64) -> (u64, usize) {
    let (mut sum, mut frames) = (0, 0);
    for key in redis.keys().await.iter().filter(|k| k.starts_with("flux_console:metrics:") && k.contains(&format!(":{step}:"))) {
        let text: String = redis.con.clone().get(key).await.expect("GET");
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        sum += frame["a"]["c"].as_u64().unwrap_or(0);
        frames += 1;
    }
    (sum, frames)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_loses_and_doubles_nothing() {
    let redis = TestRedis::start().await;
    let mut replicas = vec![Replica::start(&redis), Replica::start(&redis), Replica::start(&redis)];
    for replica in &replicas {
        replica.listens().await;
    }
    // Later than the second in which they began to listen: all of them hear all of it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (began, mut jobs) = (Instant::now(), 0_u64);
    // The second writer is there within 10 s of the first one's end.
    let mut kills = vec![Duration::from_millis(15_600), Duration::from_millis(5_400)];
    while began.elapsed() < Duration::from_secs(24) {
        let id = format!("j-{jobs}");
        redis.say("w", Some(&id), &format!("Processing job: {id}")).await;
        redis.say("w", Some(&id), &format!("Completed job: {id}")).await;
        jobs += 1;
        tokio::time::sleep(Duration::from_millis(8)).await;
        if kills.last().is_some_and(|at| began.elapsed() > *at) {
            kills.pop();
            let writer = holder(&redis).await.expect("somebody writes");
            let at = replicas.iter().position(|r| r.process_id() == writer).expect("one of ours writes");
            replicas.swap_remove(at).kill();
        }
    }
    assert!(kills.is_empty() && replicas.len() == 1 && jobs > 500, "{jobs}");
    redis.say("w", None, "Consumer stopped").await;

    // Until the last 10 s frame is over and written.
    let last = now().0 / 10_000 * 10 + 10;
    let left = || u64::try_from(last * 1_000 + 6_000 - now().0).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(left())).await;
    let survivor = &replicas[0];
    let quarter = survivor.json("/api/v1/metrics?window=15m").await["summary"].take();
    assert_eq!((quarter["started"].as_u64(), quarter["completed"].as_u64()), (Some(jobs), Some(jobs)));
    assert_eq!(written(&redis, 1).await.0, jobs, "seconds");
    assert_eq!(written(&redis, 10).await.0, jobs, "ten seconds");

    // The original console's counters mean what they meant.
    let mut events = 0;
    for key in redis.keys().await.iter().filter(|k| k.starts_with("flux_console:throughput:")) {
        events += redis.con.clone().get::<_, u64>(key).await.expect("GET");
        let ttl: i64 = redis.con.clone().ttl(key).await.expect("TTL");
        assert!((3_000..=3_600).contains(&ttl), "{ttl}");
    }
    assert_eq!(events, jobs);

    // A console that starts now shows the same past.
    let late = Replica::start(&redis);
    late.listens().await;
    let loaded = async || late.json("/api/v1/metrics?window=15m").await["summary"]["completed"].as_u64() == Some(jobs);
    crate::support::eventually("the figures are loaded", Duration::from_secs(10), loaded).await;
    let same = late.json("/api/v1/metrics?window=15m").await["summary"].take();
    assert_eq!((same["run"].clone(), same["started"].clone()), (quarter["run"].clone(), quarter["started"].clone()));
}
