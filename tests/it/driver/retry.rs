use super::*;
use crate::support::{
    Payload,
    payload::{dead, many_dead},
};
use flux_console::model::operation::Outcome;
use redis::AsyncCommands;

fn did(done: u64, gone: u64, corrupt: u64) -> Outcome {
    Outcome { done, gone, corrupt, ..Outcome::default() }
}

#[tokio::test]
async fn moves_one_job_and_changes_nothing_else() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let raw = r#"{"id":"a","type":"class","className":"Charge","data":"{\"class\":\"Charge\",\"properties\":{\"tags\":[],\"orderId\":9007199254740993123}}","createdAt":1795432813702,"delaySeconds":4,"tags":[ ],"big":9007199254740993,"n":1.50,"attempts":3,"error":"Card \"declined\"","failedAt":1795432813702,"status":"x"}"#;
    redis.push_raw("queue:mail:failed", [raw.to_owned(), dead("b", "mail", "boom", "")]).await;
    let f = handle(&driver, "mail", JobState::Failed, "a").await;
    assert_eq!(driver.retry(&queue("mail"), &[f], false).await.expect("retry"), did(1, 0, 0));
    let expected = r#"{"id":"a","type":"class","className":"Charge","data":"{\"class\":\"Charge\",\"properties\":{\"tags\":[],\"orderId\":9007199254740993123}}","createdAt":1795432813702,"tags":[ ],"big":9007199254740993,"n":1.50,"attempts":0,"status":"x"}"#;
    assert_eq!(redis.texts("queue:mail").await, [expected]);
    assert_eq!(redis.texts("queue:mail:failed").await, [dead("b", "mail", "boom", "")]);
}

#[tokio::test]
async fn a_second_click_and_a_stale_page_act_on_nothing() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 3)).await;
    let f = handle(&driver, "mail", JobState::Failed, "j-2").await;
    assert_eq!(driver.retry(&queue("mail"), std::slice::from_ref(&f), false).await.expect("first"), did(1, 0, 0));
    assert_eq!(driver.retry(&queue("mail"), std::slice::from_ref(&f), false).await.expect("second"), did(0, 1, 0));
    // It fails again: another payload, so the old page does not name it.
    redis.push_raw("queue:mail:failed", [dead("j-2", "mail", "again", "")]).await;
    assert_eq!(driver.retry(&queue("mail"), &[f], false).await.expect("stale"), did(0, 1, 0));
    assert_eq!(redis.list("queue:mail").await.len(), 1);
    assert_eq!(redis.list("queue:mail:failed").await.len(), 3);
}

#[tokio::test]
async fn of_two_identical_payloads_exactly_one_is_taken() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let twin = dead("twin", "mail", "boom", "");
    redis.push_raw("queue:mail:failed", [&twin, &twin]).await;
    let f = handle(&driver, "mail", JobState::Failed, "twin").await;
    assert_eq!(driver.retry(&queue("mail"), &[f], false).await.expect("retry"), did(1, 0, 0));
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (1, 1));
}

#[tokio::test]
async fn a_handle_that_is_named_three_times_acts_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let twin = dead("twin", "mail", "boom", "");
    redis.push_raw("queue:mail:failed", [&twin, &twin, &twin]).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Failed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let thrice = vec![all[0].clone(); 3];
    assert_eq!(driver.retry(&queue("mail"), &thrice, false).await.expect("retry"), did(1, 2, 0));
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (1, 2));
    // Seen at two places, they are two jobs.
    assert_eq!(driver.retry(&queue("mail"), &all[1..], false).await.expect("retry"), did(2, 0, 0));
}

#[tokio::test]
async fn finds_a_job_that_has_moved_since() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 150)).await;
    let f = handle(&driver, "mail", JobState::Failed, "j-140").await;
    // Forty newer failures at the head, and the cap dropped a hundred at the tail.
    redis.con.clone().ltrim::<_, ()>("queue:mail:failed", 0, 49).await.expect("LTRIM");
    redis.con.clone().lpush::<_, _, ()>("queue:mail:failed", many_dead("new", "mail", 40)).await.expect("LPUSH");
    assert_eq!(driver.retry(&queue("mail"), &[f], false).await.expect("retry"), did(1, 0, 0));
    assert!(redis.texts("queue:mail").await[0].contains("\"j-140\""));
}

#[tokio::test]
async fn goes_where_priority_and_group_say() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let failed = |id: &str| Payload::new(id, "pay");
    redis
        .push_raw(
            "queue:pay:failed",
            [
                failed("high").priority("high").failed("x"),
                failed("free").group("g1").failed("x"),
                failed("busy").group("g2").failed("x"),
                failed("both").group("g3").priority("low").failed("x"),
                failed("odd").priority("urgent").failed("x"),
                failed("five").priority("5").failed("x"),
            ],
        )
        .await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g2").await.expect("SADD");
    let all: Vec<_> = page(&driver, "pay", JobState::Failed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let outcome = driver.retry(&queue("pay"), &all, false).await.expect("retry");
    assert_eq!(outcome, Outcome { done: 4, unread_priority: 2, ..Outcome::default() });
    let first = async |key: &str| crate::support::redis::id_of(&redis.list(key).await[0]);
    assert_eq!(first("queue:pay:high").await, "high");
    assert_eq!(first("queue:pay").await, "free");
    assert_eq!(first("queue:pay:low").await, "both");
    assert_eq!(first("queue:pending:g2").await, "busy");
    let mut active: Vec<String> = redis.con.clone().smembers("queue:active").await.expect("SMEMBERS");
    active.sort();
    assert_eq!(active, ["g1", "g2", "g3"]);
    // Priorities that no worker reads stay until they are sent to the base list.
    assert_eq!(redis.list("queue:pay:failed").await.len(), 2);
    assert_eq!(driver.retry(&queue("pay"), &all, true).await.expect("retry").done, 2);
    assert_eq!(redis.list("queue:pay").await.len(), 3);
}

#[tokio::test]
async fn refuses_before_writing_when_a_key_is_of_another_type() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", [dead("a", "mail", "x", "")]).await;
    redis.con.clone().set::<_, _, ()>("queue:mail", "not a list").await.expect("SET");
    let f = handle(&driver, "mail", JobState::Failed, "a").await;
    let error = driver.retry(&queue("mail"), &[f], false).await.expect_err("refused");
    assert!(error.to_string().contains("queue:mail holds a string"), "{error}");
    assert_eq!(redis.list("queue:mail:failed").await.len(), 1);
}

#[tokio::test]
async fn leaves_what_it_cannot_read() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", [&b"{broken"[..], b"[1,2]", b"{\"id\":\"\xff\"}"]).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Failed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    assert_eq!(driver.retry(&queue("mail"), &all, false).await.expect("retry"), did(0, 0, 3));
    assert_eq!(redis.list("queue:mail:failed").await.len(), 3);
}

#[tokio::test]
async fn ten_megabytes_and_deep_nesting_survive_byte_for_byte() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let big = dead("big", "mail", "x", &format!(r#","blob":"{}""#, "y".repeat(10_000_000)));
    let deep = dead("deep", "mail", "x", &format!(r#","deep":{}{}"#, "[".repeat(50_000), "]".repeat(50_000)));
    redis.push_raw("queue:mail:failed", [big.clone(), deep.clone()]).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Failed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    assert_eq!(driver.retry(&queue("mail"), &all, false).await.expect("retry").done, 2);
    for raw in redis.texts("queue:mail").await {
        let before = if raw.contains("\"big\"") { &big } else { &deep };
        assert_eq!(
            raw,
            flux_console::model::json::edit(before, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).expect("an object")
        );
    }
}

#[tokio::test]
async fn an_edited_payload_takes_the_place_of_exactly_the_job_it_names() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let twin = dead("twin", "mail", "boom", "");
    redis.push_raw("queue:mail:failed", [&twin, &twin, &"{broken".to_owned()]).await;
    let f = handle(&driver, "mail", JobState::Failed, "twin").await;
    let edited =
        r#"{ "id":"twin","data":"{\"n\":9007199254740993123}","attempts":3, "error":"old","failedAt":1,"delaySeconds":4,"tags":[ ]}"#;
    assert_eq!(driver.retry_edited(&queue("mail"), &f, edited, false).await.expect("retry"), did(1, 0, 0));
    let pushed = r#"{ "id":"twin","data":"{\"n\":9007199254740993123}","attempts":0,"tags":[ ]}"#;
    assert_eq!(redis.texts("queue:mail").await, [pushed]);
    assert_eq!(redis.texts("queue:mail:failed").await, [twin.clone(), "{broken".into()]);

    // What could not be read is mended by hand.
    let broken = page(&driver, "mail", JobState::Failed).await.jobs.pop().expect("the broken one").fingerprint;
    assert_eq!(driver.retry_edited(&queue("mail"), &broken, r#"{"id":"mended"}"#, false).await.expect("retry"), did(1, 0, 0));
    assert_eq!(redis.texts("queue:mail").await[0], r#"{"id":"mended","attempts":0}"#);
    assert_eq!(redis.texts("queue:mail:failed").await, [twin]);

    // A second click, and a page from before the job failed again.
    assert_eq!(driver.retry_edited(&queue("mail"), &broken, r#"{"id":"mended"}"#, false).await.expect("again"), did(0, 1, 0));
    redis.con.clone().del::<_, ()>("queue:mail:failed").await.expect("DEL");
    redis.push_raw("queue:mail:failed", [dead("twin", "mail", "other", "")]).await;
    assert_eq!(driver.retry_edited(&queue("mail"), &f, edited, false).await.expect("stale"), did(0, 1, 0));
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (2, 1));
}

#[tokio::test]
async fn an_edited_payload_goes_where_its_own_priority_and_group_say() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:pay:failed", many_dead("j", "pay", 4)).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "busy").await.expect("SADD");
    let mut went = Vec::new();
    for (id, edited) in [
        ("j-1", r#"{"id":"j-1","priority":"high"}"#),
        ("j-2", r#"{"id":"j-2","groupId":"busy"}"#),
        ("j-3", r#"{"id":"j-3","groupId":"free","priority":"low"}"#),
        ("j-4", r#"{"id":"j-4","priority":"urgent"}"#),
    ] {
        let f = handle(&driver, "pay", JobState::Failed, id).await;
        let outcome = driver.retry_edited(&queue("pay"), &f, edited, false).await.expect("retry");
        went.push((outcome.done, outcome.unread_priority));
        if id == "j-4" {
            assert_eq!(driver.retry_edited(&queue("pay"), &f, edited, true).await.expect("base").done, 1);
        }
    }
    assert_eq!(went, [(1, 0), (1, 0), (1, 0), (0, 1)]);
    let first = async |key: &str| crate::support::redis::id_of(&redis.list(key).await[0]);
    assert_eq!(first("queue:pay:high").await, "j-1");
    assert_eq!(first("queue:pending:busy").await, "j-2");
    assert_eq!(first("queue:pay:low").await, "j-3");
    assert_eq!(first("queue:pay").await, "j-4");
}

#[tokio::test]
async fn exactly_as_the_library_retries() {
    // What the library's own retry made of the same dead letter (recordings driver-api-failed → driver-api-retried), up to
    // its fresh createdAt and the order of className, which the operator's edit leaves alone.
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let dead = r#"{"id":"job-0","type":"class","className":"SendEmail","data":"{\"class\":\"SendEmail\",\"properties\":{\"id\":\"job-0\",\"queueName\":\"mail\",\"attempts\":0,\"maxAttempts\":3,\"to\":\"a0@x\",\"subject\":\"s\"}}","createdAt":1795433098523,"attempts":0,"maxAttempts":3,"error":"SMTP 550 mailbox unavailable","failedAt":1795433098524}"#;
    redis.push_raw("queue:mail:failed", [dead]).await;
    let f = handle(&driver, "mail", JobState::Failed, "job-0").await;
    driver.retry(&queue("mail"), &[f], false).await.expect("retry");
    let library = r#"{"id":"job-0","type":"class","data":"{\"class\":\"SendEmail\",\"properties\":{\"id\":\"job-0\",\"queueName\":\"mail\",\"attempts\":0,\"maxAttempts\":3,\"to\":\"a0@x\",\"subject\":\"s\"}}","className":"SendEmail","createdAt":1795433098523,"attempts":0,"maxAttempts":3}"#;
    let ours: serde_json::Value = serde_json::from_str(&redis.texts("queue:mail").await[0]).expect("JSON");
    assert_eq!(ours, serde_json::from_str::<serde_json::Value>(library).expect("JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_library_retries_at_the_same_time_is_retried_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 200)).await;
    let all: Vec<_> = page(&driver, "mail", JobState::Failed).await.jobs.into_iter().map(|j| j.fingerprint).collect();
    let mut con = redis.con.clone();
    // The library takes dead letters from the tail, while new ones come at the head.
    let library = tokio::spawn(async move {
        let mut taken = Vec::new();
        for i in 0..120 {
            if let Some(raw) = con.rpop::<_, Option<Vec<u8>>>("queue:mail:failed", None).await.expect("RPOP") {
                taken.push(crate::support::redis::id_of(&raw));
            }
            if i % 4 == 0 {
                con.lpush::<_, _, ()>("queue:mail:failed", dead(&format!("new-{i}"), "mail", "x", "")).await.expect("LPUSH");
            }
            tokio::task::yield_now().await;
        }
        taken
    });
    let outcome = driver.retry(&queue("mail"), &all, false).await.expect("retry");
    let taken = library.await.expect("no panic");
    let old: Vec<_> = taken.iter().filter(|id| id.starts_with("j-")).collect();
    assert_eq!((outcome.done + outcome.gone, outcome.gone as usize), (200, old.len()));
    let mut seen = redis.all_ids().await;
    taken.iter().for_each(|id| *seen.entry(id.clone()).or_default() += 1);
    assert_eq!(seen.len(), 230);
    assert!(seen.values().all(|n| *n == 1), "{seen:?}");
}
