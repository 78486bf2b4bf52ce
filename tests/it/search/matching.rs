//! What the table shows = what the count says = what the operation does.

use super::{count, queue, table};
use crate::support::{Payload, TestConsole, TestRedis, eventually, redis::id_of};
use flux_console::model::{
    error::ApiError,
    job::JobState,
    operation::{Operation, OperationStatus, Verb},
};
use flux_console::server::actions::{self, matching::Ask};
use redis::AsyncCommands;
use std::{collections::BTreeSet, time::Duration};

async fn act(console: &TestConsole, name: &str, verb: Verb, from: JobState, text: &str) -> (u64, Operation) {
    let counted = count(console, name, from, text).await;
    let ask = Ask { verb, from, text, start: &counted.start, total: counted.count, base: false };
    let operation = actions::matching::act(&console.state, &queue(name), ask).await.expect("an operation");
    (counted.count, ended(console, &operation.id).await)
}

async fn ended(console: &TestConsole, id: &str) -> Operation {
    let get = async || actions::operation(&console.state, id).await.expect("the operation");
    eventually("the operation ends", Duration::from_secs(30), async || get().await.status != OperationStatus::Running).await;
    get().await
}

fn texts() -> Vec<(&'static str, &'static str)> {
    vec![
        ("card", "card declined: 100% sure"),
        ("wild", "a_b* % _ matched"),
        ("quote", "he said \"no\" and 'yes'"),
        ("other", "gateway did not answer"),
    ]
}

#[tokio::test]
async fn retry_of_all_matching_is_what_was_shown_and_counted() {
    let redis = TestRedis::start().await;
    let mut dead = Vec::new();
    for i in 0..400 {
        let (stem, error) = texts()[i % 4];
        dead.push(Payload::new(&format!("{stem}-{i}"), "orders").failed(error));
    }
    dead.push("{broken gateway did not".into());
    dead.push(format!(r#"{{"id":"huge","data":"{}","error":"gateway did not answer, huge"}}"#, "y".repeat(10_000_000)));
    redis.push_raw("queue:orders:failed", dead).await;
    let console = redis.console().await;
    for (text, n) in
        [("\"100%\"", 100), ("a_b*", 100), ("_", 100), ("\"said \\\"no\"", 100), ("error:\"gateway did not\"", 101), ("id:huge", 1)]
    {
        assert_eq!(table(&console, "orders", JobState::Failed, text).await.len(), n, "{text}");
        assert_eq!(count(&console, "orders", JobState::Failed, text).await.count, n as u64, "{text}");
    }
    // Broken JSON matches by its text, but cannot be retried: it stays, and is told.
    let shown = table(&console, "orders", JobState::Failed, "\"gateway did not\"").await;
    assert_eq!(shown.len(), 102);

    // Failures go on while it runs: new ones with the same error, at the head.
    let pushing = tokio::spawn({
        let mut con = redis.con.clone();
        async move {
            for i in 0..600 {
                let raw = Payload::new(&format!("new-{i}"), "orders").failed("gateway did not answer");
                let _: () = con.lpush("queue:orders:failed", raw).await.expect("LPUSH");
            }
        }
    });
    let (counted, operation) = act(&console, "orders", Verb::Retry, JobState::Failed, "\"gateway did not\"").await;
    pushing.await.expect("pushed");
    let o = &operation.outcome;
    assert_eq!(
        (operation.status, operation.total, operation.filter.as_deref()),
        (OperationStatus::Done, counted, Some("\"gateway did not\""))
    );
    assert_eq!((o.done + o.corrupt, o.corrupt, o.gone), (counted, 1, 0));
    let waiting: BTreeSet<String> = redis.list("queue:orders").await.iter().map(|raw| id_of(raw)).collect();
    assert_eq!(waiting.len() as u64, o.done);
    assert!(shown.iter().filter(|id| *id != "?").all(|id| waiting.contains(id)), "what was shown was retried");
    let left: Vec<String> = redis.list("queue:orders:failed").await.iter().map(|raw| id_of(raw)).collect();
    assert_eq!(left.len() as u64, 402 + 600 - o.done);
    assert!(left.iter().all(|id| !waiting.contains(id)), "each job is in one place");
    console.stop().await;
}

#[tokio::test]
async fn deletion_of_all_matching_can_be_restored_and_groups_go_on() {
    let redis = TestRedis::start().await;
    let job = |i: usize| Payload::new(&format!("J-{i}"), "mail").class(if i.is_multiple_of(3) { "SendInvoice" } else { "SendEmail" });
    redis.push_raw("queue:mail", (0..300).map(|i| job(i).waiting())).await;
    redis.push_raw("queue:mail:high", (300..330).map(|i| job(i).waiting())).await;
    redis.push_raw("queue:mail:low", [job(333).group("g").waiting()]).await;
    redis.push_raw("queue:pending:g", [Payload::new("behind", "mail").class("SendInvoice").group("g").waiting()]).await;
    let _: () = redis.con.clone().sadd("queue:active", "g").await.expect("SADD");
    let before = redis.all_ids().await;
    let console = redis.console().await;
    let shown = table(&console, "mail", JobState::Waiting, "class:invoice").await;
    let (counted, operation) = act(&console, "mail", Verb::Discard, JobState::Waiting, "class:invoice").await;
    assert_eq!((shown.len() as u64, counted, operation.outcome.done), (111, 111, 111));
    // The job behind the group was let go and is left: it was not there when they were counted.
    let left = redis.list("queue:mail").await;
    assert_eq!((left.len(), id_of(&left[0])), (201, "behind".to_owned()));
    assert_eq!(redis.all_ids().await, before, "in the trash, none lost");
    let restored = actions::restore(&console.state, operation.outcome.trash.as_deref().expect("an entry")).await.expect("a restore");
    assert_eq!(ended(&console, &restored.id).await.outcome.done, 111);
    assert_eq!(redis.all_ids().await, before);
    console.stop().await;
}

#[tokio::test]
async fn run_now_of_all_matching_leaves_what_came_since() {
    let redis = TestRedis::start().await;
    let later = 9_000_000_000_000_i64;
    redis
        .delay_raw(
            "queue:mail:delayed",
            (0..600)
                .map(|i| (Payload::new(&format!("{}-{i}", if i % 2 == 0 { "even" } else { "odd" }), "mail").waiting(), later + i / 300)),
        )
        .await;
    redis.delay_raw("queue:mail:high:delayed", [(Payload::new("even-high", "mail").waiting(), later)]).await;
    let console = redis.console().await;
    let counted = count(&console, "mail", JobState::Delayed, "even").await;
    let since = crate::support::now_ms() + 3_600_000;
    redis
        .delay_raw(
            "queue:mail:delayed",
            (0..50).map(|i| (Payload::new(&format!("even-new{i}"), "mail").created(since).waiting(), later - 1)),
        )
        .await;
    let ask = Ask { verb: Verb::Promote, from: JobState::Delayed, text: "even", start: &counted.start, total: counted.count, base: false };
    let operation = actions::matching::act(&console.state, &queue("mail"), ask).await.expect("an operation");
    let operation = ended(&console, &operation.id).await;
    assert_eq!((counted.count, operation.outcome.done), (301, 301));
    assert_eq!(redis.list("queue:mail").await.len(), 300);
    assert_eq!(redis.list("queue:mail:high").await.len(), 1);
    assert_eq!(redis.zset("queue:mail:delayed").await.len(), 350);
    console.stop().await;
}

/// Workers pop, producers push between the count and the action.
#[tokio::test]
async fn only_what_was_there_at_the_count_is_touched() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:q", (0..200).rev().map(|i| Payload::new(&format!("old-{i}"), "q").waiting())).await;
    let console = redis.console().await;
    let counted = count(&console, "q", JobState::Waiting, "class:email").await;
    let mut con = redis.con.clone();
    for i in 0..150 {
        let _: Option<Vec<u8>> = con.rpop("queue:q", None).await.expect("RPOP");
        let _: () = con.lpush("queue:q", Payload::new(&format!("new-{i}"), "q").waiting()).await.expect("LPUSH");
    }
    let ask =
        Ask { verb: Verb::Discard, from: JobState::Waiting, text: "class:email", start: &counted.start, total: counted.count, base: false };
    let operation = actions::matching::act(&console.state, &queue("q"), ask).await.expect("an operation");
    let o = ended(&console, &operation.id).await.outcome;
    assert_eq!((counted.count, o.done, o.gone), (200, 50, 150));
    assert!(redis.list("queue:q").await.iter().all(|raw| id_of(raw).starts_with("new-")));
    assert_eq!(redis.list("queue:q").await.len(), 150);
    console.stop().await;
}

/// The list moves while it is gone through: workers take at one end, producers push at the other, and all of it matches.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_it_works_is_never_met() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:q", (0..4_000).rev().map(|i| Payload::new(&format!("old-{i}"), "q").waiting())).await;
    let console = redis.console().await;
    let counted = count(&console, "q", JobState::Waiting, "class:email").await;
    let ask =
        Ask { verb: Verb::Discard, from: JobState::Waiting, text: "class:email", start: &counted.start, total: counted.count, base: false };
    let operation = actions::matching::act(&console.state, &queue("q"), ask).await.expect("an operation");
    let (mut con, mut popped) = (redis.con.clone(), Vec::new());
    for i in 0..300 {
        let _: () = con.lpush("queue:q", Payload::new(&format!("new-{i}"), "q").waiting()).await.expect("LPUSH");
        let taken: Option<String> = con.rpop("queue:q", None).await.expect("RPOP");
        popped.extend(taken.map(|raw| id_of(raw.as_bytes())));
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let o = ended(&console, &operation.id).await.outcome;
    let there = redis.list("queue:q").await.into_iter().map(|raw| id_of(&raw));
    let mut new: Vec<String> = there.chain(popped.iter().cloned()).filter(|id| id.starts_with("new-")).collect();
    new.sort();
    new.dedup();
    assert_eq!(new.len(), 300, "taken: {o:?}");
    let old = popped.iter().filter(|id| id.starts_with("old-")).count() as u64;
    assert_eq!((counted.count, o.done + old), (4_000, 4_000), "{o:?}");
    console.stop().await;
}

/// A click on one of several equal jobs, sent again, takes none of the others; "all matching" means all that are left.
#[tokio::test]
async fn of_equal_jobs_each_is_meant_also_where_one_was_clicked_a_moment_ago() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let orders = queue("orders");
    for (verb, id) in [(Verb::Retry, "twin-1"), (Verb::Discard, "twin-2")] {
        let twin = Payload::new(id, "orders").failed("boom");
        redis.push_raw("queue:orders:failed", [&twin, &twin, &twin]).await;
        let shown = actions::matching::page(&console.state, &orders, JobState::Failed, "boom", None, 20).await.expect("a page").jobs;
        // The next to leave: then another one stands in its place.
        let next = [shown.into_iter().map(|job| job.fingerprint).min_by_key(|f| f.hint).expect("three")];
        for expected in [(1, 0), (0, 1)] {
            let outcome = if verb == Verb::Retry {
                actions::retry(&console.state, &orders, JobState::Failed, &next, false).await
            } else {
                actions::discard(&console.state, &orders, JobState::Failed, &next, true).await
            };
            let outcome = outcome.expect("an outcome");
            assert_eq!((outcome.done, outcome.gone), expected, "{verb:?}");
        }
        let (counted, operation) = act(&console, "orders", verb, JobState::Failed, "boom").await;
        assert_eq!((counted, operation.outcome.done, operation.outcome.gone), (2, 2, 0), "{verb:?}");
        assert!(redis.list("queue:orders:failed").await.is_empty(), "{verb:?}");
    }
    console.stop().await;
}

#[tokio::test]
async fn what_is_not_understood_widens_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:q:failed", [Payload::new("a", "q").failed("x")]).await;
    let console = redis.console().await;
    for text in ["", "x since:yesterday", "state:", "x \"open"] {
        let refused = actions::matching::count(&console.state, &queue("q"), JobState::Failed, text, None).await;
        assert!(matches!(refused, Err(ApiError::Invalid { .. })), "{text}: {refused:?}");
    }
    let counted = count(&console, "q", JobState::Failed, "x").await;
    assert_eq!((counted.count, counted.bytes), (1, redis.list("queue:q:failed").await[0].len() as u64));
    for (verb, from) in [(Verb::Purge, JobState::Failed), (Verb::Retry, JobState::Waiting), (Verb::Discard, JobState::Completed)] {
        let ask = Ask { verb, from, text: "x", start: &counted.start, total: 1, base: false };
        assert!(actions::matching::act(&console.state, &queue("q"), ask).await.is_err());
    }
    let elsewhere = count(&console, "q", JobState::Failed, "x queue:other").await;
    assert_eq!(elsewhere.count, 0);
    assert_eq!(redis.list("queue:q:failed").await.len(), 1);
    console.stop().await;
}
