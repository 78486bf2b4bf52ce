use super::{due::promoted, *};
use crate::support::{Payload, payload::payload};
use flux_console::model::operation::Outcome;
use flux_console::server::driver::redis::Promotion;
use redis::AsyncCommands;

const LATER: i64 = NOW.0 + 60_000;
const PAST: i64 = NOW.0 - 1;

#[tokio::test]
async fn moves_to_the_list_of_the_keys_priority_and_cuts_the_delay_only() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = payload("a", "mail", r#","delaySeconds":60,"attempts":2,"priority":"low","tags":[]"#);
    redis.delay_raw("queue:mail:high:delayed", [(raw.clone(), LATER)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "a").await;
    let outcome = driver.promote(&queue("mail"), std::slice::from_ref(&f), true, NOW).await.expect("promote");
    assert_eq!(outcome, Outcome { done: 1, ..Outcome::default() });
    assert_eq!(redis.texts("queue:mail:high").await, [raw.replace(r#","delaySeconds":60"#, "")]);
    assert!(redis.zset("queue:mail:high:delayed").await.is_empty());
    let again = driver.promote(&queue("mail"), &[f], true, NOW).await.expect("second click");
    assert_eq!(again, Outcome { gone: 1, ..Outcome::default() });
    assert_eq!(redis.list("queue:mail:high").await.len(), 1);
}

#[tokio::test]
async fn a_handle_that_is_named_three_times_acts_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", [(payload("a", "mail", ""), LATER), (payload("b", "mail", ""), LATER)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "a").await;
    let outcome = driver.promote(&queue("mail"), &[f.clone(), f.clone(), f], true, NOW).await.expect("promote");
    assert_eq!(outcome, Outcome { done: 1, gone: 2, ..Outcome::default() });
    assert_eq!((redis.list("queue:mail").await.len(), redis.zset("queue:mail:delayed").await.len()), (1, 1));
}

#[tokio::test]
async fn leaves_due_jobs_to_the_workers_unless_there_is_none() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", [(Payload::new("due", "mail").delay(4).waiting(), PAST)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "due").await;
    let served = driver.promote(&queue("mail"), std::slice::from_ref(&f), true, NOW).await.expect("promote");
    assert_eq!(served, Outcome { due: 1, ..Outcome::default() });
    assert_eq!(redis.zset("queue:mail:delayed").await.len(), 1);
    let unserved = driver.promote(&queue("mail"), &[f], false, NOW).await.expect("promote");
    assert_eq!(unserved.done, 1);
    assert_eq!(redis.list("queue:mail").await.len(), 1);
}

#[tokio::test]
async fn a_job_rescheduled_since_is_another_one() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = payload("a", "mail", "");
    redis.delay_raw("queue:mail:delayed", [(raw.clone(), LATER)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "a").await;
    redis.delay_raw("queue:mail:delayed", [(raw, LATER + 5)]).await;
    assert_eq!(driver.promote(&queue("mail"), &[f], true, NOW).await.expect("promote").gone, 1);
    assert!(redis.list("queue:mail").await.is_empty());
}

#[tokio::test]
async fn refuses_before_writing_when_the_waiting_key_is_of_another_type() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", [(payload("a", "mail", ""), LATER)]).await;
    redis.delay_raw("queue:mail", [("x", 1)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "a").await;
    driver.promote(&queue("mail"), &[f], true, NOW).await.expect_err("refused");
    assert_eq!(redis.zset("queue:mail:delayed").await.len(), 1);
}

#[tokio::test]
async fn asks_the_heartbeats_themselves_whether_a_worker_serves_the_queue() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    assert!(!driver.served(&queue("mail")).await.expect("an answer"));
    let mut con = redis.con.clone();
    let _: () = redis::cmd("SET")
        .arg("flux_console:worker:w1")
        .arg(r#"{"id":"w1","queues":["mail:5","other"]}"#)
        .query_async(&mut con)
        .await
        .expect("SET");
    assert!(!driver.served(&queue("mail")).await.expect("an answer"));
    let _: () = redis::cmd("SET").arg("queue:worker:w2").arg(r#"{"id":"w2","queues":["mail"]}"#).query_async(&mut con).await.expect("SET");
    assert!(driver.served(&queue("mail")).await.expect("an answer"));
}

/// What a dialog says is not worth going over the keys.
#[tokio::test]
async fn a_sentence_is_made_of_what_is_known() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let known = async || driver.served_as_known(&queue("mail")).await.expect("an answer");
    let beat = r#"{"id":"w1","queues":["mail"]}"#;
    let _: () = redis.con.clone().set("queue:worker:w1", beat).await.expect("SET");
    assert_eq!(known().await, None, "the first pass has not ended");
    driver.known().scanned = true;
    assert_eq!(known().await, Some(false));
    driver.known().heartbeat_seen("queue:worker:w1".into(), NOW);
    assert_eq!(known().await, Some(true));
    let _: () = redis.con.clone().del("queue:worker:w1").await.expect("DEL");
    assert_eq!(known().await, Some(false));
    (0..2_000).for_each(|n| driver.known().heartbeat_seen(format!("queue:worker:x-{n}"), NOW));
    assert_eq!(known().await, None, "there may be others");
    assert_eq!(calls(&redis, "scan").await, 0);
}

/// A worker that is followed is asked in one question; over the keys it goes only before it says no.
#[tokio::test]
async fn a_worker_that_is_followed_is_asked_in_one_question() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mut foreign = redis::pipe();
    (0..20_000).for_each(|n| {
        foreign.set(format!("session:{n}"), n).ignore();
    });
    let _: () = foreign.query_async(&mut redis.con.clone()).await.expect("SET");
    let served = async || driver.served(&queue("mail")).await.expect("an answer");
    let beat = r#"{"id":"w1","queues":["mail"]}"#;
    let _: () = redis.con.clone().set("queue:worker:w1", beat).await.expect("SET");
    assert!(served().await, "nobody follows it, and it is found");
    // As the sampler finds it, or the event channel tells of it.
    driver.known().heartbeat_seen("queue:worker:w1".into(), NOW);
    let (scans, asked) = (calls(&redis, "scan").await, calls(&redis, "mget").await);
    assert!(scans > 0 && served().await);
    assert_eq!((calls(&redis, "scan").await, calls(&redis, "mget").await), (scans, asked + 1), "one question");
    let _: () = redis.con.clone().del("queue:worker:w1").await.expect("DEL");
    assert!(!served().await, "its heartbeat is over");
    assert!(calls(&redis, "scan").await >= scans + 20, "a no is said after all keys");
    // One of those that are not followed may serve it.
    (0..2_000).for_each(|n| driver.known().heartbeat_seen(format!("queue:worker:x-{n}"), NOW));
    assert!(served().await, "in doubt a due job is left to the workers");
}

#[tokio::test]
async fn large_numbers_and_empty_lists_survive_byte_for_byte() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = r#"{"id":"a","delaySeconds":60,"big":9007199254740993123,"n":1.50,"none":[],"data":"{\"properties\":{\"orderId\":9007199254740993123,\"tags\":[ ]}}"}"#;
    redis.delay_raw("queue:mail:delayed", [(raw, LATER)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "a").await;
    assert_eq!(driver.promote(&queue("mail"), &[f], true, NOW).await.expect("promote").done, 1);
    assert_eq!(redis.texts("queue:mail").await, [raw.replace(r#""delaySeconds":60,"#, "")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_takes_at_the_same_time_runs_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", (0..200).map(|i| (payload(&format!("j-{i:03}"), "mail", ""), LATER + i))).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Delayed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let mut con = redis.con.clone();
    let worker = tokio::spawn(async move {
        let mut popped = Vec::new();
        for _ in 0..80 {
            let first: Vec<(Vec<u8>, f64)> = con.zpopmin("queue:mail:delayed", 1).await.expect("ZPOPMIN");
            popped.extend(first.into_iter().map(|(raw, _)| crate::support::redis::id_of(&raw)));
            tokio::task::yield_now().await;
        }
        popped
    });
    let outcome = driver.promote(&queue("mail"), &all, true, NOW).await.expect("promote");
    let popped = worker.await.expect("no panic");
    assert_eq!((outcome.done + outcome.gone, outcome.gone as usize), (200, popped.len()));
    let mut seen = redis.all_ids().await;
    popped.into_iter().for_each(|id| *seen.entry(id).or_default() += 1);
    assert_eq!(seen.len(), 200);
    assert!(seen.values().all(|n| *n == 1), "{seen:?}");
}

/// Delayed jobs of a queue behind some that cannot be read, and the operation on all of them.
async fn behind_unreadable(redis: &TestRedis, driver: &RedisDriver, unreadable: i64) -> Promotion {
    redis.delay_raw("queue:mail:delayed", (0..150).map(|i| (payload(&format!("j-{i:03}"), "mail", ""), LATER + i))).await;
    redis.delay_raw("queue:mail:delayed", (0..unreadable).map(|i| (format!("{{broken-{i}"), LATER + 1_000))).await;
    let mail = queue("mail");
    Promotion::new(&mail, driver.delayed_sets(&mail).await.expect("counts"), NOW)
}

/// A worker's job that failed is delayed to a later time than all others: what cannot be read is met again, and is told once.
#[tokio::test]
async fn what_is_delayed_meanwhile_takes_the_place_of_none() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mut promotion = behind_unreadable(&redis, &driver, 1).await;
    let delay = async || redis.delay_raw("queue:mail:delayed", [(payload("again", "mail", ""), LATER + 2_000)]).await;
    let outcome = promoted(&driver, &mut promotion, || NOW, delay).await;
    assert_eq!(outcome, Outcome { done: 150, corrupt: 1, ..Outcome::default() });
    let stayed: Vec<_> = redis.zset("queue:mail:delayed").await.into_iter().map(|(raw, _)| raw).collect();
    assert_eq!(stayed, [b"{broken-0".to_vec(), payload("again", "mail", "").into_bytes()]);
}

/// What cannot be read is deleted meanwhile, and others move to its places: they are not stepped over.
#[tokio::test]
async fn what_leaves_meanwhile_hides_none() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mut promotion = behind_unreadable(&redis, &driver, 50).await;
    let delete = async || {
        let all: Vec<String> = (0..40).map(|i| format!("{{broken-{i}")).collect();
        let _: u64 = redis.con.clone().zrem("queue:mail:delayed", all).await.expect("ZREM");
    };
    let outcome = promoted(&driver, &mut promotion, || NOW, delete).await;
    assert_eq!(outcome, Outcome { done: 150, corrupt: 50, ..Outcome::default() });
    assert_eq!((redis.list("queue:mail").await.len(), redis.zset("queue:mail:delayed").await.len()), (150, 10));
}
