//! "All matching" beside others who take the very jobs that told where it goes on.

use super::{count, queue};
use crate::{
    driver::here::Between,
    support::{Payload, TestConsole, TestRedis, eventually, now_ms, redis::id_of},
};
use flux_console::model::{
    job::JobState,
    operation::{Operation, OperationStatus, Verb},
    search::CountStep,
};
use flux_console::server::{
    actions::{self, matching::Ask},
    config::Config,
};
use redis::AsyncCommands;
use serde_json::Value;
use std::time::Duration;

const FAILED: &str = "queue:mail:failed";
const WAITING: &str = "queue:mail";

/// Number 0 is the newest.
fn failed(n: usize, error: &str) -> String {
    let ago = 60_000 + i64::try_from(n).expect("a small number");
    Payload::new(&format!("{error}-{n}"), "mail").created(now_ms() - ago).failed(error)
}

/// Every other one is mine.
fn mixed(jobs: usize) -> Vec<String> {
    (0..jobs).map(|n| failed(n, if n % 2 == 0 { "mine" } else { "other" })).collect()
}

async fn act(console: &TestConsole, verb: Verb, from: JobState, text: &str, (start, total): (&str, u64)) -> Operation {
    let ask = Ask { verb, from, text, start, total, base: false };
    let id = actions::matching::act(&console.state, &queue("mail"), ask).await.expect("an operation").id;
    let get = async || actions::operation(&console.state, &id).await.expect("the operation");
    eventually("the operation ends", Duration::from_secs(60), async || get().await.status.is_over()).await;
    get().await
}

async fn retry_mine(console: &TestConsole, counted: &CountStep) -> (u64, u64) {
    let ended = act(console, Verb::Retry, JobState::Failed, "mine", (&counted.start, counted.count)).await;
    assert_eq!(ended.status, OperationStatus::Done, "{ended:?}");
    assert!(ended.message.is_none(), "{ended:?}");
    (ended.outcome.done, ended.outcome.gone)
}

async fn pop_newest(redis: &TestRedis, key: &str, jobs: usize) {
    redis::cmd("LPOP").arg(key).arg(jobs).query_async::<()>(&mut redis.con.clone()).await.expect("LPOP");
}

/// While the dialog is open somebody retries the newest jobs.
#[tokio::test]
async fn the_newest_jobs_leave_between_the_count_and_the_action() {
    let redis = TestRedis::start().await;
    redis.push_raw(FAILED, mixed(800)).await;
    let console = redis.console().await;
    let counted = count(&console, "mail", JobState::Failed, "mine").await;
    pop_newest(&redis, FAILED, 3).await;
    assert_eq!((counted.count, retry_mine(&console, &counted).await), (400, (398, 2)));
    assert_eq!(redis.list(FAILED).await.len(), 399);
    console.stop().await;
}

/// One kind of errors is retried, and leaves, while the next one waits for its turn; a job fails meanwhile, by a clock that is behind.
#[tokio::test]
async fn all_newest_jobs_are_of_another_kind_and_leave() {
    let redis = TestRedis::start().await;
    let burst = (0..300).map(|n| failed(n, "other"));
    redis.push_raw(FAILED, burst.chain((300..400).map(|n| failed(n, "mine")))).await;
    let console = redis.console().await;
    let counted = count(&console, "mail", JobState::Failed, "mine").await;
    pop_newest(&redis, FAILED, 300).await;
    let since = Payload::new("since", "mail").created(now_ms() - 3_600_000).failed("mine, again");
    let _: () = redis.con.clone().lpush(FAILED, &since).await.expect("LPUSH");
    assert_eq!((counted.count, retry_mine(&console, &counted).await), (100, (100, 0)));
    assert_eq!(redis.texts(FAILED).await, [since]);
    console.stop().await;
}

/// A page of what matches is retried by hand; what a page of an older version sends tells less.
#[tokio::test]
async fn the_newest_that_match_leave() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    for (taken, old_page) in [(50, false), (5, true)] {
        let _: () = redis.con.clone().del(&[FAILED, WAITING]).await.expect("DEL");
        redis.push_raw(FAILED, (0..400).map(|n| failed(n, "mine"))).await;
        let mut counted = count(&console, "mail", JobState::Failed, "mine").await;
        if old_page {
            let mut start: Value = serde_json::from_str(&counted.start).expect("JSON");
            let top = start["tops"][0].as_object_mut().expect("a list");
            top.remove("matched").expect("some that match");
            top["anchors"].as_array_mut().expect("digests").truncate(3);
            counted.start = start.to_string();
        }
        pop_newest(&redis, FAILED, taken).await;
        let since = Payload::new("since", "mail").created(now_ms() + 60_000).failed("mine, again");
        let _: () = redis.con.clone().lpush(FAILED, &since).await.expect("LPUSH");
        let gone = taken as u64;
        assert_eq!((counted.count, retry_mine(&console, &counted).await), (400, (400 - gone, gone)), "old page: {old_page}");
        assert_eq!(redis.texts(FAILED).await, [since], "old page: {old_page}");
    }
    console.stop().await;
}

/// In a waiting list no time tells what came since: what stands above a job that was counted is left, and that is said.
#[tokio::test]
async fn of_a_lost_place_in_a_waiting_list_is_told() {
    let redis = TestRedis::start().await;
    redis.push_raw(WAITING, (0..300).map(|n| Payload::new(&format!("old-{n}"), "mail").waiting())).await;
    let console = redis.console().await;
    let counted = count(&console, "mail", JobState::Waiting, "class:email").await;
    pop_newest(&redis, WAITING, 40).await;
    // As a retry brings it: it looks old.
    let _: () = redis.con.clone().lpush(WAITING, Payload::new("since", "mail").waiting()).await.expect("LPUSH");
    let ended = act(&console, Verb::Discard, JobState::Waiting, "class:email", (&counted.start, counted.count)).await;
    let left: Vec<String> = redis.list(WAITING).await.iter().map(|raw| id_of(raw)).collect();
    assert_eq!(left.first().map(String::as_str), Some("since"));
    assert_eq!((counted.count, ended.outcome.done), (300, 261 - left.len() as u64), "{ended:?}");
    assert!(left.len() < 40 && left[1..].iter().all(|id| id.starts_with("old-4")), "{left:?}");
    assert!(ended.message.as_deref().is_some_and(|m| m.contains("its place there was lost")), "{ended:?}");
    console.stop().await;
}

/// Another operation is faster, and takes what comes behind the piece that this one is at.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_behind_a_piece_leaves_while_it_is_worked_at() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let jobs = mixed(600);
    redis.push_raw(FAILED, &jobs).await;
    let console = TestConsole::start(Config { url: between.url.clone(), ..Config::default() }).await;
    console.discovered().await;
    let counted = count(&console, "mail", JobState::Failed, "mine").await;
    // A piece is 256 jobs, of which 128 are looked for and moved: the twentieth look is one of those.
    let mut others = redis::pipe();
    others.atomic();
    for job in &jobs[256..296] {
        others.lrem(FAILED, 1, job).ignore();
    }
    between.before("EVALSHA", FAILED, 20, others);
    assert_eq!((counted.count, retry_mine(&console, &counted).await), (300, (280, 20)));
    let left: Vec<String> = redis.list(FAILED).await.iter().map(|raw| id_of(raw)).collect();
    assert!(left.len() == 280 && left.iter().all(|id| id.starts_with("other")), "{left:?}");
    console.stop().await;
}

/// Jobs that cannot be run now, more than a piece of them due at one moment, are counted once each.
#[tokio::test]
async fn what_cannot_be_run_now_is_stepped_over() {
    let redis = TestRedis::start().await;
    let later = 9_000_000_000_000_i64;
    // Among those of one moment these are the later ones.
    redis.delay_raw("queue:mail:delayed", (0..300).map(|n| (format!("{{broken, needle {n:03}"), later))).await;
    redis.delay_raw("queue:mail:delayed", (0..10).map(|n| (Payload::new(&format!("needle-{n}"), "mail").waiting(), later))).await;
    let console = redis.console().await;
    let counted = count(&console, "mail", JobState::Delayed, "needle").await;
    let ended = act(&console, Verb::Promote, JobState::Delayed, "needle", (&counted.start, counted.count)).await;
    assert_eq!((counted.count, ended.outcome.done, ended.outcome.corrupt, ended.outcome.gone), (310, 10, 300, 0));
    assert_eq!(redis.list(WAITING).await.len(), 10);
    console.stop().await;
}
