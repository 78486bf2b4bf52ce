use super::*;
use crate::support::{
    Payload,
    payload::{dead, many, many_dead, payload},
};
use flux_console::server::driver::redis::trash::Stays;
use redis::AsyncCommands;

pub async fn restore(driver: &RedisDriver, name: &str, id: &str) {
    let mut stays = Stays::default();
    while driver.restore_step(&queue(name), id, &mut stays).await.expect("a step").is_some() {}
}

/// The keys that are there, but for notes of clicks: Redis forgets those by itself.
async fn kept(redis: &TestRedis) -> Vec<String> {
    redis.keys().await.into_iter().filter(|key| !key.contains(":acted:")).collect()
}

#[tokio::test]
async fn every_state_goes_into_the_trash_and_comes_back_byte_for_byte() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:a:b:high", [payload("w1", "a:b", ""), payload("w2", "a:b", "")]).await;
    redis.push_raw("queue:a:b:failed", [dead("f1", "a:b", "x", ""), "{broken".into(), dead("f2", "a:b", "x", "")]).await;
    redis.delay_raw("queue:a:b:low:delayed", [(payload("d1", "a:b", ""), NOW.0 + 5_000), (payload("d2", "a:b", ""), NOW.0 + 9_000)]).await;
    let before = redis.all_elements().await;
    for state in [JobState::Waiting, JobState::Failed, JobState::Delayed] {
        let all: Vec<_> = page(&driver, "a:b", state).await.jobs.into_iter().map(|j| j.fingerprint).collect();
        let n = all.len() as u64;
        let outcome = driver.discard(&queue("a:b"), &all, true, NOW).await.expect("discard");
        assert_eq!((outcome.done, outcome.gone), (n, 0));
        assert_eq!(page(&driver, "a:b", state).await.total, Some(0));
        let id = outcome.trash.expect("it can be restored");
        let entry = driver.trash_entry(&id, NOW).await.expect("an answer").expect("an entry");
        assert_eq!((entry.jobs, entry.expires_at), (n, Millis(NOW.0 + 3_600_000)));
        assert_eq!(driver.trash(NOW).await.expect("a list").len(), 1);
        let second = driver.discard(&queue("a:b"), &all, true, NOW).await.expect("second click");
        assert_eq!((second.done, second.gone, second.trash), (0, n, None));
        restore(&driver, "a:b", &id).await;
        assert_eq!(driver.trash(NOW).await.expect("a list"), []);
    }
    assert_eq!(redis.all_elements().await, before);
    assert_eq!(redis.zset("queue:a:b:low:delayed").await[1].1, (NOW.0 + 9_000) as f64);
}

#[tokio::test]
async fn a_handle_that_is_named_three_times_acts_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let twin = payload("twin", "mail", "");
    redis.push_raw("queue:mail", [&twin, &twin, &twin]).await;
    let f = handle(&driver, "mail", JobState::Waiting, "twin").await;
    let outcome = driver.discard(&queue("mail"), &[f.clone(), f.clone(), f], false, NOW).await.expect("discard");
    assert_eq!((outcome.done, outcome.gone, redis.list("queue:mail").await.len()), (1, 2, 2));
    let entry = driver.trash_entry(&outcome.trash.expect("it can be restored"), NOW).await.expect("an answer").expect("an entry");
    assert_eq!(entry.jobs, 1);
}

#[tokio::test]
async fn discarding_a_grouped_job_lets_its_group_go_on() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pay:high", [Payload::new("first", "pay").group("g").waiting()]).await;
    redis.push_raw("queue:pending:g", [Payload::new("second", "pay").group("g").waiting()]).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
    let f = handle(&driver, "pay", JobState::Waiting, "first").await;
    assert_eq!(driver.discard(&queue("pay"), &[f], false, NOW).await.expect("discard").done, 1);
    assert_eq!(crate::support::redis::id_of(&redis.list("queue:pay").await[0]), "second");
    assert!(redis.con.clone().sismember::<_, _, bool>("queue:active", "g").await.expect("SISMEMBER"));
    // The last one of the group frees it.
    let f = handle(&driver, "pay", JobState::Waiting, "second").await;
    let outcome = driver.discard(&queue("pay"), &[f], false, NOW).await.expect("discard");
    assert!(!redis.con.clone().exists::<_, bool>("queue:active").await.expect("EXISTS"));
    // Restored, it goes through the group again: it is free, so it waits and holds it.
    restore(&driver, "pay", &outcome.trash.expect("an id")).await;
    assert!(redis.con.clone().sismember::<_, _, bool>("queue:active", "g").await.expect("SISMEMBER"));
    assert_eq!(redis.list("queue:pay").await.len(), 1);
}

#[tokio::test]
async fn a_failed_or_pending_job_does_not_hold_its_group() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pay:failed", [Payload::new("dead", "pay").group("g").failed("x")]).await;
    redis.push_raw("queue:pending:g", ["p1", "p2", "p3"].map(|id| Payload::new(id, "pay").group("g").waiting())).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
    let f = handle(&driver, "pay", JobState::Failed, "dead").await;
    driver.discard(&queue("pay"), &[f], false, NOW).await.expect("discard");
    let pending =
        driver.grouped_jobs(&query("pay", JobState::Grouped, 1, 50, Order::Oldest), &["g".into()], false, NOW).await.expect("a page");
    assert_eq!(ids(&pending), ["p1", "p2", "p3"]);
    let middle = pending.jobs[1].fingerprint.clone();
    assert_eq!(driver.discard(&queue("pay"), &[middle], false, NOW).await.expect("discard").done, 1);
    let left: Vec<_> = redis.list("queue:pending:g").await.iter().map(|raw| crate::support::redis::id_of(raw)).collect();
    assert_eq!(left, ["p1", "p3"]);
    assert!(redis.con.clone().sismember::<_, _, bool>("queue:active", "g").await.expect("SISMEMBER"));
}

#[tokio::test]
async fn due_delayed_jobs_stay_while_a_worker_serves_the_queue() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.delay_raw("queue:mail:delayed", [(payload("due", "mail", ""), NOW.0 - 1)]).await;
    let f = handle(&driver, "mail", JobState::Delayed, "due").await;
    assert_eq!(driver.discard(&queue("mail"), std::slice::from_ref(&f), true, NOW).await.expect("discard").due, 1);
    assert_eq!(driver.discard(&queue("mail"), &[f], false, NOW).await.expect("discard").done, 1);
}

#[tokio::test]
async fn a_worker_pops_at_the_same_time() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("j", "mail", 200)).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Waiting).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let mut con = redis.con.clone();
    let worker = tokio::spawn(async move {
        let mut popped = Vec::new();
        for _ in 0..120 {
            if let Some(raw) = con.rpop::<_, Option<Vec<u8>>>("queue:mail", None).await.expect("RPOP") {
                popped.push(crate::support::redis::id_of(&raw));
            }
            tokio::task::yield_now().await;
        }
        popped
    });
    let outcome = driver.discard(&queue("mail"), &all, false, NOW).await.expect("discard");
    let popped = worker.await.expect("no panic");
    assert_eq!(outcome.done + outcome.gone, 200);
    assert_eq!(outcome.gone as usize, popped.len(), "what the worker did not take is in the trash");
    let mut seen = redis.all_ids().await;
    popped.into_iter().for_each(|id| *seen.entry(id).or_default() += 1);
    assert_eq!(seen.len(), 200);
    assert!(seen.values().all(|n| *n == 1), "{seen:?}");
}

#[tokio::test]
async fn expired_trash_is_emptied_and_not_before() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", [dead("a", "mail", "x", "")]).await;
    let f = handle(&driver, "mail", JobState::Failed, "a").await;
    let id = driver.discard(&queue("mail"), &[f], false, NOW).await.expect("discard").trash.expect("an id");
    assert_eq!(driver.empty_trash(Millis(NOW.0 + 3_599_000)).await.expect("a step"), 0);
    assert!(driver.trash_entry(&id, Millis(NOW.0 + 3_600_000)).await.expect("an answer").is_none());
    assert_eq!(driver.empty_trash(Millis(NOW.0 + 3_600_000)).await.expect("a step"), 1);
    assert_eq!(kept(&redis).await, [""; 0]);
}

#[tokio::test]
async fn the_group_called_0_is_a_group() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pay", [Payload::new("first", "pay").group("0").waiting()]).await;
    redis.push_raw("queue:pending:0", [Payload::new("second", "pay").group("0").waiting()]).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "0").await.expect("SADD");
    let f = handle(&driver, "pay", JobState::Waiting, "first").await;
    driver.discard(&queue("pay"), &[f], false, NOW).await.expect("discard");
    assert_eq!(crate::support::redis::id_of(&redis.list("queue:pay").await[0]), "second");
}

#[tokio::test]
async fn restored_jobs_of_a_group_keep_their_order() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pending:g", ["a", "b", "c", "d"].map(|id| Payload::new(id, "pay").group("g").waiting())).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
    let all = driver.grouped_jobs(&query("pay", JobState::Grouped, 1, 50, Order::Oldest), &["g".into()], false, NOW).await.expect("a page");
    let chosen = [all.jobs[2].fingerprint.clone(), all.jobs[3].fingerprint.clone()];
    let outcome = driver.discard(&queue("pay"), &chosen, false, NOW).await.expect("discard");
    restore(&driver, "pay", &outcome.trash.expect("an id")).await;
    let order: Vec<_> = redis.list("queue:pending:g").await.iter().map(|raw| crate::support::redis::id_of(raw)).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_refusal_in_the_middle_keeps_what_went_restorable() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pay", [Payload::new("b", "pay").group("g").waiting(), payload("a", "pay", "")]).await;
    redis.con.clone().set::<_, _, ()>("queue:pending:g", "not a list").await.expect("SET");
    let all: Vec<_> = page(&driver, "pay", JobState::Waiting).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let error = driver.discard(&queue("pay"), &all, false, NOW).await.expect_err("refused");
    assert!(error.to_string().starts_with("after 1 of 2"), "{error}");
    let trash = driver.trash(NOW).await.expect("a list");
    assert_eq!((trash.len(), trash[0].jobs), (1, 1));
    restore(&driver, "pay", &trash[0].id).await;
    assert_eq!(redis.list("queue:pay").await.len(), 2);
}

#[tokio::test]
async fn repeating_the_renaming_step_overwrites_nothing() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", crate::support::payload::many_dead("old", "mail", 5)).await;
    let id = driver.open_trash(&queue("mail"), flux_console::model::operation::Verb::ClearFailed, NOW).await.expect("an entry");
    let mut outcome = flux_console::model::operation::Outcome::default();
    let top = driver.tops(&queue("mail"), JobState::Failed).await.expect("a list").pop().flatten();
    driver.trash_failed(&queue("mail"), top.as_ref(), &id, &mut outcome).await.expect("a step");
    // The answer was lost, a job failed meanwhile, and the step is repeated.
    redis.push_raw("queue:mail:failed", [dead("new", "mail", "x", "")]).await;
    driver.trash_failed(&queue("mail"), top.as_ref(), &id, &mut outcome).await.expect("the same step");
    assert_eq!((driver.close_trash(&id).await.expect("a count"), redis.list("queue:mail:failed").await.len()), (5, 1));
}

#[tokio::test]
async fn a_job_that_changed_since_is_another_one() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", [payload("w", "mail", "")]).await;
    redis.push_raw("queue:mail:failed", [dead("f", "mail", "first", "")]).await;
    let waiting = handle(&driver, "mail", JobState::Waiting, "w").await;
    let failed = handle(&driver, "mail", JobState::Failed, "f").await;
    redis.con.clone().lset::<_, _, ()>("queue:mail", 0, payload("w", "mail", r#","attempts":2"#)).await.expect("LSET");
    redis.con.clone().lset::<_, _, ()>("queue:mail:failed", 0, dead("f", "mail", "second", "")).await.expect("LSET");
    let before = redis.all_elements().await;
    for f in [waiting, failed] {
        let outcome = driver.discard(&queue("mail"), &[f], false, NOW).await.expect("discard");
        assert_eq!((outcome.done, outcome.gone, outcome.trash), (0, 1, None));
    }
    assert_eq!(redis.all_elements().await, before);
}

#[tokio::test]
async fn a_job_far_from_where_it_was_seen_is_found() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("j", "mail", 3_000)).await;
    let seen = driver.jobs(&query("mail", JobState::Waiting, 50, 50, Order::Oldest), NOW).await.expect("a page");
    let f = seen.jobs.iter().find(|j| j.id.as_deref() == Some("j-2500")).expect("on this page").fingerprint.clone();
    // Workers took fifteen hundred; then thousands were put back where they run next.
    redis.con.clone().ltrim::<_, ()>("queue:mail", 0, -1_501).await.expect("LTRIM");
    let found = driver.locate(&queue("mail"), &f).await.expect("an answer").expect("found");
    assert_eq!(found.fingerprint.hint, 999);
    redis.push_raw("queue:mail", many("back", "mail", 5_000)).await;
    let outcome = driver.discard(&queue("mail"), std::slice::from_ref(&f), false, NOW).await.expect("discard");
    assert_eq!((outcome.done, outcome.gone), (1, 0));
    let again = driver.discard(&queue("mail"), &[f], false, NOW).await.expect("a second click");
    assert_eq!((again.done, again.gone), (0, 1));
    assert_eq!(redis.list("queue:mail").await.len(), 6_499);
}

#[tokio::test]
async fn what_is_looked_for_far_away_is_bounded_for_all_jobs_together() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail", many("j", "mail", 30_000)).await;
    let f = handle(&driver, "mail", JobState::Waiting, "j-1").await;
    // A hundred handles of jobs that are gone.
    let stale: Vec<Fingerprint> = (0..100).map(|i| Fingerprint { hash: format!("{i:040x}"), hint: 25_000, ..f.clone() }).collect();
    let calls = async || {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
        let line = info.lines().find_map(|l| l.strip_prefix("cmdstat_evalsha:calls=")).expect("EVALSHA was called").to_owned();
        line.split(',').next().and_then(|n| n.parse::<u64>().ok()).expect("a number")
    };
    let before = calls().await;
    assert_eq!(driver.discard(&queue("mail"), &stale, false, NOW).await.expect("discard").gone, 100);
    // About 11 around each hint, and 20,000 elements beyond in steps of 250, once.
    let spent = calls().await - before;
    assert!(spent < 100 * 14 + 200, "{spent} scripts");
}

#[tokio::test]
async fn a_group_goes_on_in_the_queue_that_the_payload_names() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let nameless = r#"{"id":"nameless","groupId":"g","data":"{\"properties\":{}}"}"#;
    redis.push_raw("queue:orders", [nameless.to_owned(), Payload::new("elsewhere", "billing").group("h").waiting()]).await;
    redis.push_raw("queue:pending:g", [Payload::new("next-g", "orders").group("g").waiting()]).await;
    redis.push_raw("queue:pending:h", [Payload::new("next-h", "orders").group("h").waiting()]).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", &["g", "h"]).await.expect("SADD");
    let all: Vec<_> = page(&driver, "orders", JobState::Waiting).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    assert_eq!(driver.discard(&queue("orders"), &all, false, NOW).await.expect("discard").done, 2);
    let only = async |key: &str| redis.list(key).await.iter().map(|raw| crate::support::redis::id_of(raw)).collect::<Vec<_>>();
    // As the library completes a job, wherever it was popped.
    assert_eq!(only("queue:default").await, ["next-g"]);
    assert_eq!(only("queue:billing").await, ["next-h"]);
    assert!(redis.list("queue:orders").await.is_empty());
}

#[tokio::test]
async fn restoring_never_makes_one_of_two_equal_delayed_jobs() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let at = |i: i64| NOW.0 + 10_000 + i;
    let jobs = || (0..4).map(|i| (payload(&format!("d-{i}"), "mail", ""), at(i)));
    redis.delay_raw("queue:mail:delayed", jobs()).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Delayed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let id = driver.discard(&queue("mail"), &all, true, NOW).await.expect("discard").trash.expect("an id");
    // The application delays two of them again, byte for byte, to another time.
    for i in [1, 3] {
        redis.delay_raw("queue:mail:delayed", [(payload(&format!("d-{i}"), "mail", ""), at(100 + i))]).await;
    }
    let before = redis.all_ids().await;
    restore(&driver, "mail", &id).await;
    assert_eq!(redis.all_ids().await, before, "nothing is lost");
    let scores: Vec<i64> = redis.zset("queue:mail:delayed").await.iter().map(|(_, score)| *score as i64).collect();
    assert_eq!(scores, [at(0), at(2), at(101), at(103)], "the ones that came since keep their times");
    assert_eq!(driver.trash_entry(&id, NOW).await.expect("an answer").expect("it stays").jobs, 2);
    // Once they have run, the others can be put back.
    redis.con.clone().del::<_, ()>("queue:mail:delayed").await.expect("DEL");
    restore(&driver, "mail", &id).await;
    let scores: Vec<i64> = redis.zset("queue:mail:delayed").await.iter().map(|(_, score)| *score as i64).collect();
    assert_eq!(scores, [at(1), at(3)]);
    assert_eq!(driver.trash(NOW).await.expect("a list"), []);
}

#[tokio::test]
async fn all_expired_trash_is_emptied_at_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 65)).await;
    for job in page(&driver, "mail", JobState::Failed).await.jobs {
        assert_eq!(driver.discard(&queue("mail"), &[job.fingerprint], false, NOW).await.expect("discard").done, 1);
    }
    assert_eq!(driver.empty_trash(Millis(NOW.0 + 3_600_000)).await.expect("emptied"), 65);
    assert_eq!(kept(&redis).await, [""; 0]);
}
