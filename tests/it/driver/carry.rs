//! Parts of a bulk retry that go over by a transaction: what it moves, and that it moves all of it or nothing.

use super::{here::Between, *};
use crate::support::{
    Payload, now_ms,
    payload::{many, many_dead},
    redis::id_of,
};
use flux_console::model::operation::Outcome;
use flux_console::server::{driver::redis::Sweep, error::DriverError};
use redis::{AsyncCommands, Script};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const FAILED: &str = "queue:mail:failed";
const JOBS: usize = 1_200;

/// A retry of what is in the failed list, as an operation begins it.
pub async fn begun(driver: &RedisDriver) -> Sweep {
    let mail = queue("mail");
    let top = driver.tops(&mail, JobState::Failed).await.expect("a list").pop().flatten();
    let total = driver.count(&mail, JobState::Failed).await.expect("a count");
    Sweep::retry(&mail, total, top, Millis(now_ms()), false)
}

/// All its steps; `between` comes after each.
pub async fn steps(driver: &RedisDriver, sweep: &mut Sweep, between: impl AsyncFn()) -> Result<Outcome, DriverError> {
    let mut outcome = Outcome::default();
    loop {
        let step = driver.retry_step(sweep).await?;
        outcome.add(&step.outcome);
        if step.finished {
            return Ok(outcome);
        }
        between().await;
    }
}

/// A second console takes all that was there, and workers have them fail again at once, between two commands of a step: those are not
/// retried a second time. Few of them fit into a part.
#[tokio::test]
async fn what_failed_again_while_a_step_looked_stays() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let long = "y".repeat(4 * 1024);
    let job = |id: &str, at: i64| Payload::new(id, "mail").created(at).failed(&format!("{id} {long}"));
    let old: Vec<String> = (0..100).map(|n| job(&format!("j-{n}"), now_ms() - 60_000)).collect();
    redis.push_raw(FAILED, &old).await;
    let again: Vec<String> = (0..100).map(|n| job(&format!("j-{n}"), now_ms() + 60_000)).collect();
    let mut others = redis::pipe();
    others.atomic().del(FAILED).ignore().lpush(FAILED, &again).ignore();
    let mut sweep = begun(&between.driver).await;
    for verb in ["LRANGE", "EVALSHA"] {
        between.before(verb, FAILED, 1, others.clone());
        let outcome = steps(&between.driver, &mut sweep, async || ()).await.expect("steps");
        assert_eq!((outcome.done, outcome.gone), (0, 100), "before {verb}");
        assert_eq!((redis.list(FAILED).await.len(), redis.list("queue:mail").await.len()), (100, 0), "before {verb}");
        redis.con.clone().del::<_, ()>(FAILED).await.expect("DEL");
        redis.push_raw(FAILED, &old).await;
        sweep = begun(&driver(&redis)).await;
    }
}

async fn retry(driver: &RedisDriver, between: impl AsyncFn()) -> Result<Outcome, DriverError> {
    steps(driver, &mut begun(driver).await, between).await
}

pub async fn ids_in(redis: &TestRedis, key: &str) -> Vec<String> {
    redis.list(key).await.iter().map(|raw| id_of(raw)).collect()
}

/// Newest first, as they stand in a list.
pub fn newest_first(stem: &str, count: usize) -> Vec<String> {
    (1..=count).rev().map(|i| format!("{stem}-{i}")).collect()
}

/// Everything moved once, in order, in front of the three that waited; nothing is left in hand.
async fn went_over(redis: &TestRedis) {
    assert_eq!(ids_in(redis, "queue:mail").await, [newest_first("j", JOBS), newest_first("before", 3)].concat());
    assert!(redis.texts("queue:mail").await.iter().all(|raw| !raw.contains("failedAt")));
    let keys = redis.keys().await;
    assert!(!keys.iter().any(|key| key == FAILED || key.contains("in-hand")), "{keys:?}");
}

async fn filled() -> TestRedis {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", JOBS)).await;
    redis.push_raw("queue:mail", many("before", "mail", 3)).await;
    redis
}

#[tokio::test]
async fn parts_go_by_transactions_in_order_before_what_waits() {
    let redis = filled().await;
    let outcome = retry(&driver(&redis), async || ()).await.expect("retried");
    assert_eq!((outcome.done, outcome.gone), (JOBS as u64, 0));
    went_over(&redis).await;
    // One waiting list, so one a transaction. The last part is so small that it is not worth a transaction.
    assert_eq!(calls(&redis, "lpushx").await, JOBS as u64 / 256);
}

#[tokio::test]
async fn each_goes_to_the_list_of_its_priority_in_order() {
    let redis = TestRedis::start().await;
    let priorities = ["critical", "high", "", "low", ""];
    let jobs: Vec<String> =
        (0..JOBS).rev().map(|i| Payload::new(&format!("j-{i}"), "mail").priority(priorities[i % 5]).failed("x")).collect();
    redis.push_raw(FAILED, &jobs).await;
    redis.push_raw("queue:mail:high", many("before", "mail", 2)).await;
    assert_eq!(retry(&driver(&redis), async || ()).await.expect("retried").done, JOBS as u64);
    let newest_of = |rests: &[usize]| (0..JOBS).rev().filter(|i| rests.contains(&(i % 5))).map(|i| format!("j-{i}")).collect::<Vec<_>>();
    assert_eq!(ids_in(&redis, "queue:mail:critical").await, newest_of(&[0]));
    assert_eq!(ids_in(&redis, "queue:mail:high").await, [newest_of(&[1]), newest_first("before", 2)].concat());
    assert_eq!(ids_in(&redis, "queue:mail").await, newest_of(&[2, 4]));
    assert_eq!(ids_in(&redis, "queue:mail:low").await, newest_of(&[3]));
    assert!(redis.list(FAILED).await.is_empty());
    assert_eq!(calls(&redis, "lpushx").await, 4 * (JOBS as u64 / 256));
}

#[tokio::test]
async fn a_list_that_changes_under_the_transaction_goes_by_the_script() {
    let redis = filled().await;
    let driver = driver(&redis);
    let mut sweep = begun(&driver).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (mut con, stopped) = (redis.con.clone(), stop.clone());
    let worker = tokio::spawn(async move {
        let mut failed = 0;
        while !stopped.load(Ordering::Relaxed) {
            failed += 1;
            let dead = Payload::new(&format!("since-{failed}"), "mail").created(now_ms()).failed("x");
            con.lpush::<_, _, ()>(FAILED, dead).await.expect("LPUSH");
        }
        failed
    });
    let outcome = steps(&driver, &mut sweep, async || ()).await;
    stop.store(true, Ordering::Relaxed);
    let failed = worker.await.expect("no panic");
    assert_eq!(outcome.expect("retried").done, JOBS as u64);
    assert_eq!(ids_in(&redis, "queue:mail").await, [newest_first("j", JOBS), newest_first("before", 3)].concat());
    assert_eq!(ids_in(&redis, FAILED).await, newest_first("since", failed));
}

#[tokio::test]
async fn who_may_not_watch_or_push_so_retries_by_the_script() {
    for forbidden in ["-watch", "-unwatch", "-multi", "-exec", "-lpushx", "-exists", "-lindex", "-rename", "-lrem"] {
        let redis = filled().await;
        let user = ["SETUSER", "ops", "on", ">pass", "~*", "&*", "+@all", forbidden];
        redis::cmd("ACL").arg(&user).exec_async(&mut redis.con.clone()).await.expect("ACL");
        let url = redis.url.replace("redis://", "redis://ops:pass@");
        let driver = RedisDriver::new(&url, Keys::new("queue:", &[])).expect("a URL of our own");
        assert_eq!(retry(&driver, async || ()).await.expect("retried").done, JOBS as u64, "{forbidden}");
        went_over(&redis).await;
    }
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let redis = filled().await;
    let forget = async || redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut redis.con.clone()).await.expect("SCRIPT FLUSH");
    assert_eq!(retry(&driver(&redis), forget).await.expect("retried").done, JOBS as u64);
    went_over(&redis).await;
}

#[tokio::test]
async fn a_waiting_key_of_another_type_stops_it_and_nothing_is_changed() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", JOBS)).await;
    redis.con.clone().set::<_, _, ()>("queue:mail", "s").await.expect("SET");
    let error = retry(&driver(&redis), async || ()).await.expect_err("refused");
    assert_eq!(error.to_string(), "queue:mail holds a string");
    assert_eq!(ids_in(&redis, FAILED).await, newest_first("j", JOBS));
    assert_eq!(redis.keys().await.into_iter().collect::<BTreeSet<_>>(), ["queue:mail", FAILED].map(String::from).into());
}

/// The failed list is cut by a command that this user may not give: refused before the push, by the transaction and by the script.
#[tokio::test]
async fn who_may_not_cut_the_failed_list_changes_nothing() {
    let redis = filled().await;
    let user = ["SETUSER", "ops", "on", ">pass", "~*", "&*", "+@all", "-ltrim"];
    redis::cmd("ACL").arg(&user).exec_async(&mut redis.con.clone()).await.expect("ACL");
    let before = redis.all_elements().await;
    let driver = RedisDriver::new(&redis.url.replace("redis://", "redis://ops:pass@"), Keys::new("queue:", &[])).expect("a URL of our own");
    assert!(matches!(retry(&driver, async || ()).await, Err(DriverError::Refused(_))));
    assert_eq!(redis.all_elements().await, before);
}

/// The watch is of another server than the reading was, or the transaction is of no effect: what was read is compared all the same.
#[tokio::test]
async fn a_list_that_ends_otherwise_than_was_read_is_left_alone() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", 5)).await;
    redis.push_raw("queue:mail", many("before", "mail", 3)).await;
    let before = redis.all_elements().await;
    let raws = &before[FAILED];
    let script = carry_chunk();
    for (first, last) in [(&raws[3], &raws[3]), (&raws[4], &raws[4]), (&raws[3], &raws[2])] {
        let mut call = script.prepare_invoke();
        call.key(FAILED).key("queue:mail").key("in-hand").arg("lift").arg("mark").arg(2).arg(first).arg(last);
        assert_eq!(call.invoke_async::<i64>(&mut redis.con.clone()).await.expect("an answer"), 0);
        assert_eq!(redis.all_elements().await, before);
    }
}

fn carry_chunk() -> Script {
    let take = include_str!("../../../src/server/driver/redis/lua/take.lua");
    Script::new(&[take, include_str!("../../../src/server/driver/redis/lua/carry_chunk.lua")].concat())
}

/// What cannot be, as both calls are in one transaction with the pushes: it is put back all the same, also what was pushed to one of
/// two lists.
#[tokio::test]
async fn what_was_lifted_and_not_pushed_is_put_back() {
    let script = carry_chunk();
    for (waiting, pushed) in [(0, 0), (3, 0), (0, 1), (3, 1)] {
        let redis = TestRedis::start().await;
        redis.push_raw(FAILED, many_dead("j", "mail", 5)).await;
        redis.push_raw("queue:mail", many("before", "mail", waiting)).await;
        redis.push_raw("queue:mail:high", many("high", "mail", waiting)).await;
        let before = redis.all_elements().await;
        let call = async |step: &str, rest: [&[u8]; 2]| -> i64 {
            let mut call = script.prepare_invoke();
            call.key(FAILED).key("queue:mail").key("hand").key("queue:mail:high").key("high-hand").arg(step).arg("mark").arg(2).arg(&rest);
            call.invoke_async(&mut redis.con.clone()).await.expect("an answer")
        };
        assert_eq!(call("lift", [&before[FAILED][4], &before[FAILED][3]]).await, 1);
        assert_eq!((redis.list("hand").await.len(), redis.list("high-hand").await.len()), (waiting + 1, waiting + 1));
        for _ in 0..pushed {
            redis.con.clone().lpush_exists::<_, _, ()>("hand", "pushed").await.expect("LPUSHX");
        }
        assert_eq!(call("land", [b"1", b"1"]).await, 0);
        assert_eq!(redis.all_elements().await, before, "{waiting} {pushed}");
        assert_eq!(call("land", [b"1", b"1"]).await, 0, "nothing is in hand");
        assert_eq!(redis.all_elements().await, before);
    }
}
