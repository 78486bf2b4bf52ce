use super::*;
use crate::support::{
    Payload, now_ms,
    payload::{dead, payload},
    redis::id_of,
};
use flux_console::{
    model::{past::Pushed, time::Millis},
    server::driver::redis::{Once, Push},
};
use redis::AsyncCommands;

fn again<'a>(raw: &'a str, request: &'a str) -> Push<'a> {
    Push { raw: raw.as_bytes(), once: Once::Click { request, failure: None }, id: None, base: false }
}

#[tokio::test]
async fn pushes_as_the_library_retries_and_keeps_every_other_byte() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = dead("a", "mail", "boom", r#","delaySeconds":4,"tags":[ ],"big":9007199254740993"#);
    assert_eq!(driver.push(&queue("mail"), &again(&raw, "r1")).await.expect("push").0, Pushed::Done);
    let expected = flux_console::model::json::edit(&raw, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).expect("JSON");
    assert_eq!(redis.texts("queue:mail").await, [expected]);
    let ttl: i64 = redis.con.clone().ttl(driver.keys().request("r1")).await.expect("TTL");
    assert!((1..=60).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn the_same_click_pushes_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = payload("a", "mail", "");
    assert_eq!(driver.push(&queue("mail"), &again(&raw, "r1")).await.expect("first").0, Pushed::Done);
    assert_eq!(driver.push(&queue("mail"), &again(&raw, "r1")).await.expect("second").0, Pushed::Before);
    assert_eq!(redis.list("queue:mail").await.len(), 1);
    assert_eq!(driver.push(&queue("mail"), &again(&raw, "r2")).await.expect("another click").0, Pushed::Done);
    assert_eq!(redis.list("queue:mail").await.len(), 2);
}

/// What is pushed by itself asks for the failure, a click names itself and leaves a note of the failure. What was pushed after the page of
/// a click was made is not pushed again by it.
#[tokio::test]
async fn a_failure_is_pushed_once_unless_somebody_clicks_who_knows() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = dead("a", "mail", "boom", "");
    let push = async |once: Once<'_>| {
        let push = Push { raw: raw.as_bytes(), once, id: None, base: false };
        driver.push(&queue("mail"), &push).await.expect("push").0
    };
    let one = |name: &'static str| Once::Failure { name, operation: "op", job: "a" };
    let click =
        |request: &'static str, failure: &'static str, seen: i64| Once::Click { request, failure: Some((failure, Some(Millis(seen)))) };
    let (before, after) = (now_ms() - 1_000, now_ms() + 60_000);
    assert_eq!(push(one("archived-1")).await, Pushed::Done);
    assert_eq!(push(one("archived-1")).await, Pushed::Before);
    let ttl: i64 = redis.con.clone().ttl(driver.keys().request("archived-1")).await.expect("TTL");
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
    assert_eq!(driver.pushed("op").await.expect("ids"), ["a"]);
    assert_eq!(push(click("r1", "archived-1", before)).await, Pushed::Since, "the page did not know");
    let untold = Once::Click { request: "r1", failure: Some(("archived-1", None)) };
    assert_eq!(push(untold).await, Pushed::Since, "it was pushed some seconds ago");
    assert_eq!(push(click("r1", "archived-1", after)).await, Pushed::Done, "a click is meant, also after one that was stale");
    assert_eq!(push(click("r1", "archived-1", before)).await, Pushed::Before, "the same click is told as that");
    assert_eq!(push(click("r2", "archived-2", before)).await, Pushed::Done);
    assert_eq!(push(click("r3", "archived-2", before)).await, Pushed::Since, "of another page");
    let (pushed_at, time) = driver.pushed_at("archived-2").await.expect("an answer");
    assert!(pushed_at.is_some_and(|at| at <= time && time.0 - at.0 < 60_000 && at.0 >= before), "{pushed_at:?} {time:?}");
    assert_eq!(driver.pushed_at("archived-3").await.expect("an answer").0, None);
    assert_eq!(push(one("archived-2")).await, Pushed::Before, "a click pushed it");
    assert_eq!(redis.list("queue:mail").await.len(), 3);
    let names = ["archived-1", "archived-2", "archived-3"].map(str::to_owned);
    assert_eq!(driver.were_pushed(&names).await.expect("an answer"), [true, true, false]);
    let ttls: (i64, i64, i64) = redis::pipe()
        .ttl(driver.keys().request("r2"))
        .ttl(driver.keys().request("archived-2"))
        .ttl(driver.keys().pushed("op"))
        .query_async(&mut redis.con.clone())
        .await
        .expect("TTL");
    assert!((1..=60).contains(&ttls.0) && ttls.1 > 86_000 && ttls.2 > 86_000, "{ttls:?}");
    driver.named("op", &["a".to_owned()]).await.expect("named");
    assert!(driver.pushed("op").await.expect("ids").is_empty());
}

/// A row of the library may have an empty id.
#[tokio::test]
async fn an_empty_id_is_among_those_that_an_operation_pushed() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = dead("", "mail", "boom", "");
    for (name, job) in [("archived-1", ""), ("archived-2", "a"), ("archived-3", "")] {
        let push = Push { raw: raw.as_bytes(), once: Once::Failure { name, operation: "op", job }, id: None, base: false };
        assert_eq!(driver.push(&queue("mail"), &push).await.expect("push").0, Pushed::Done, "{name}");
    }
    assert_eq!(driver.pushed("op").await.expect("ids"), ["", "a"]);
    let untold = Once::Click { request: "r1", failure: Some(("archived-1", None)) };
    let push = Push { raw: raw.as_bytes(), once: untold, id: None, base: false };
    assert_eq!(driver.push(&queue("mail"), &push).await.expect("push").0, Pushed::Since);
}

#[tokio::test]
async fn asks_the_group_first() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.con.clone().sadd::<_, _, ()>("queue:active", "busy").await.expect("SADD");
    let busy = Payload::new("waits", "pay").group("busy").failed("x");
    let free = Payload::new("runs", "pay").group("free").priority("high").failed("x");
    assert_eq!(driver.push(&queue("pay"), &again(&busy, "r1")).await.expect("busy").0, Pushed::Done);
    assert_eq!(driver.push(&queue("pay"), &again(&free, "r2")).await.expect("free").0, Pushed::Done);
    assert_eq!(id_of(&redis.list("queue:pending:busy").await[0]), "waits");
    assert_eq!(id_of(&redis.list("queue:pay:high").await[0]), "runs");
    let mut active: Vec<String> = redis.con.clone().smembers("queue:active").await.expect("SMEMBERS");
    active.sort();
    assert_eq!(active, ["busy", "free"]);
}

#[tokio::test]
async fn a_priority_that_nobody_reads_is_refused_unless_it_goes_to_the_base_list() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = Payload::new("odd", "pay").priority("urgent").failed("x");
    assert_eq!(driver.push(&queue("pay"), &again(&raw, "r1")).await.expect("refused").0, Pushed::UnreadPriority);
    assert!(redis.keys().await.is_empty(), "the click was not remembered either");
    let base = Push { base: true, ..again(&raw, "r1") };
    assert_eq!(driver.push(&queue("pay"), &base).await.expect("base").0, Pushed::Done);
    assert_eq!(id_of(&redis.list("queue:pay").await[0]), "odd");
}

#[tokio::test]
async fn a_copy_has_an_id_of_its_own_and_what_is_no_job_is_not_pushed() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = payload("a", "mail", "");
    let copy = Push { id: Some("b"), ..again(&raw, "r1") };
    assert_eq!(driver.push(&queue("mail"), &copy).await.expect("copy").0, Pushed::Done);
    let pushed = &redis.texts("queue:mail").await[0];
    assert_eq!(id_of(pushed.as_bytes()), "b");
    assert!(pushed.contains(r#"\"id\":\"b\""#) && !pushed.contains(r#"\"id\":\"a\""#), "{pushed}");
    assert_eq!(driver.push(&queue("mail"), &again("[1]", "r2")).await.expect("no job").0, Pushed::Unreadable);
    assert_eq!(redis.list("queue:mail").await.len(), 1);
}

#[tokio::test]
async fn refuses_before_writing_when_a_key_is_of_another_type() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.con.clone().set::<_, _, ()>("queue:mail", "not a list").await.expect("SET");
    let error = driver.push(&queue("mail"), &again(&payload("a", "mail", ""), "r1")).await.expect_err("refused");
    assert!(error.to_string().contains("queue:mail holds a string"), "{error}");
    assert_eq!(redis.keys().await, ["queue:mail"]);
}
