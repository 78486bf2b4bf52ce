//! A bulk retry whose list others change at either end: each job that was there is retried once, and nothing else is.

use super::{
    carry::{begun, ids_in, newest_first, steps},
    here::Between,
    *,
};
use crate::support::{Payload, now_ms, payload::many_dead};
use flux_console::model::operation::Outcome;
use flux_console::server::error::DriverError;
use redis::{AsyncCommands, Cmd};
use std::cell::Cell;

const FAILED: &str = "queue:mail:failed";
const WAITING: &str = "queue:mail";

/// A retry of all, and what others do once, after the step of this number.
async fn retry_beside(redis: &TestRedis, after: u32, others: &Cmd) -> Result<Outcome, DriverError> {
    let driver = driver(redis);
    let mut sweep = begun(&driver).await;
    let step = Cell::new(0);
    let between = async || {
        step.set(step.get() + 1);
        if step.get() == after {
            others.exec_async(&mut redis.con.clone()).await.expect("done");
        }
    };
    steps(&driver, &mut sweep, between).await
}

/// What stays is stepped over. Some of it is taken away, so that jobs not looked at yet come to its place.
#[tokio::test]
async fn no_job_is_passed_over_when_what_stayed_is_taken_away() {
    for (last, stay) in [(-51, 250), (-201, 100), (-301, 0)] {
        let redis = TestRedis::start().await;
        redis.push_raw(FAILED, many_dead("j", "mail", 700)).await;
        redis.push_raw(FAILED, (0..300).map(|n| format!("{{broken-{n}"))).await;
        let outcome = retry_beside(&redis, 2, redis::cmd("LTRIM").arg(FAILED).arg(0).arg(last)).await.expect("retried");
        assert_eq!((outcome.done, outcome.gone, outcome.corrupt), (700, 0, 300), "to {last}");
        assert_eq!(ids_in(&redis, WAITING).await, newest_first("j", 700), "to {last}");
        assert_eq!(redis.list(FAILED).await.len(), stay, "to {last}");
    }
}

/// The last one that stayed is deleted by itself: the next job comes to its place.
#[tokio::test]
async fn no_job_is_passed_over_when_the_last_that_stayed_is_deleted() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", 700)).await;
    redis.push_raw(FAILED, (0..300).map(|n| format!("{{broken-{n}"))).await;
    let outcome = retry_beside(&redis, 2, redis::cmd("LREM").arg(FAILED).arg(1).arg("{broken-0")).await.expect("retried");
    assert_eq!((outcome.done, outcome.gone, outcome.corrupt), (700, 0, 300));
    assert_eq!(ids_in(&redis, WAITING).await, newest_first("j", 700));
}

/// A list that was cleared is restored meanwhile, behind what is being retried: nobody asked for those.
#[tokio::test]
async fn what_is_put_back_at_the_tail_stays() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", 600)).await;
    let cleared = many_dead("cleared", "mail", 500);
    let outcome = retry_beside(&redis, 1, redis::cmd("RPUSH").arg(FAILED).arg(&cleared)).await.expect("retried");
    assert_eq!((outcome.done, outcome.gone), (600, 0));
    assert_eq!(ids_in(&redis, WAITING).await, newest_first("j", 600));
    assert_eq!(ids_in(&redis, FAILED).await, newest_first("cleared", 500));
}

/// An element equal to the newest one stands near the tail, and the list has moved when the newest is looked for.
#[tokio::test]
async fn a_twin_of_the_newest_is_not_taken_for_it() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, ["{twin"]).await;
    redis.push_raw(FAILED, many_dead("j", "mail", 40)).await;
    redis.push_raw(FAILED, ["{twin", "{other"]).await;
    let driver = driver(&redis);
    let mut sweep = begun(&driver).await;
    let _: Vec<u8> = redis.con.clone().rpop(FAILED, None).await.expect("RPOP");
    let outcome = steps(&driver, &mut sweep, async || ()).await.expect("retried");
    assert_eq!((outcome.done, outcome.corrupt, outcome.gone), (40, 2, 1));
}

/// A second console takes all, workers have them fail again, and their clock is late, or they note no time. Nothing tells these from
/// what was there, so they are left, and it is said.
#[tokio::test]
async fn what_failed_again_by_a_late_clock_or_none_is_not_retried_twice() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let job = |n: i32, error: &str| Payload::new(&format!("j-{n}"), "mail").created(now_ms() - 60_000).failed(error);
    let old: Vec<String> = (0..100).map(|n| job(n, "first")).collect();
    let late: Vec<String> = (0..100).map(|n| job(n, "again")).collect();
    let timeless: Vec<String> = late.iter().map(|raw| raw.replace("failedAt", "somewhen")).collect();
    for (again, verb) in [(&late, "LRANGE"), (&late, "EVALSHA"), (&timeless, "LRANGE"), (&timeless, "EVALSHA")] {
        redis.con.clone().del::<_, ()>(FAILED).await.expect("DEL");
        redis.push_raw(FAILED, &old).await;
        let mut sweep = begun(&driver(&redis)).await;
        let mut others = redis::pipe();
        others.atomic().del(FAILED).ignore().lpush(FAILED, again).ignore();
        between.before(verb, FAILED, 1, others);
        let error = steps(&between.driver, &mut sweep, async || ()).await.expect_err("nothing tells");
        assert!(matches!(error, DriverError::Unsteady(_)), "{error}");
        assert_eq!((redis.list(FAILED).await.len(), redis.list(WAITING).await.len()), (100, 0), "before {verb}: {}", again[0]);
    }
}

/// Somebody retries a few of the newest ones by hand: those behind them tell where the list is.
#[tokio::test]
async fn the_newest_may_be_taken_one_by_one() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", 600)).await;
    let outcome = retry_beside(&redis, 1, redis::cmd("LPOP").arg(FAILED).arg(3)).await.expect("retried");
    assert_eq!((outcome.done, outcome.gone), (597, 3));
    assert_eq!(ids_in(&redis, WAITING).await, newest_first("j", 597));
}

/// When many of them are taken at once, what is known to be old is retried; the rest is neither retried nor said to be gone.
#[tokio::test]
async fn what_may_have_failed_since_is_left_and_not_gone() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, many_dead("j", "mail", 600)).await;
    let error = retry_beside(&redis, 1, redis::cmd("LPOP").arg(FAILED).arg(20)).await.expect_err("nothing tells");
    assert!(matches!(error, DriverError::Unsteady(_)), "{error}");
    assert_eq!(ids_in(&redis, WAITING).await, newest_first("j", 570));
    assert_eq!(ids_in(&redis, FAILED).await, newest_first("j", 580)[..10]);
    let rest = retry_beside(&redis, 0, &redis::cmd("PING")).await.expect("retried");
    assert_eq!((rest.done, rest.gone), (10, 0));
}
