//! Bulk verbs beside others on the same lists: the library cuts a failed list at 1,000 with every failure, workers pop, producers
//! push, a second console does the same. Every job stays in one place, once, but for what the library dropped; what came after the
//! click is untouched.

use super::bulk::ended;
use super::*;
use crate::{
    search::count,
    support::{
        Payload, TestConsole, now_ms,
        payload::{dead, many, many_dead},
        redis::id_of,
    },
};
use flux_console::model::operation::{Operation, OperationStatus, Verb};
use flux_console::server::actions::{self, matching::Ask};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// The library's.
const CAP: isize = 1_000;
/// Failures that come at once.
const BURST: usize = 4;
const FAILED: &str = "queue:mail:failed";
const WAITING: &str = "queue:mail";

/// How often was clicked, and whether it is over. Whoever comes carries the number of the last click in its id.
#[derive(Clone, Default)]
struct Clicks(Arc<(AtomicU64, AtomicBool)>);

impl Clicks {
    fn clicked(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }

    /// What ids begin with of those that come after the last click.
    fn since(&self) -> String {
        format!("after-{}/", self.0.0.load(Ordering::SeqCst))
    }

    fn end(&self) {
        self.0.1.store(true, Ordering::SeqCst);
    }

    fn over(&self) -> bool {
        self.0.1.load(Ordering::SeqCst)
    }

    /// Twice as long as the work took: where one is slow, so are the others. Whether to go on then.
    async fn go_on(&self, began: Instant) -> bool {
        tokio::time::sleep((began.elapsed() * 2).max(Duration::from_millis(1))).await;
        !self.over()
    }
}

/// Jobs fail for good, as the library writes it down; the ids of these, and of those that this dropped.
async fn fail(mut con: MultiplexedConnection, clicks: Clicks) -> (Vec<String>, Vec<String>) {
    let (mut failed, mut dropped) = (Vec::new(), Vec::new());
    loop {
        let (began, since) = (Instant::now(), clicks.since());
        let ids: Vec<String> = (0..BURST).map(|i| format!("{since}{}", failed.len() + i)).collect();
        let letters: Vec<String> = ids.iter().map(|id| dead(id, "mail", "gateway did not answer", "")).collect();
        let mut pipe = redis::pipe();
        pipe.atomic().lrange(FAILED, CAP - BURST as isize, -1).lpush(FAILED, letters).ignore().ltrim(FAILED, 0, CAP - 1).ignore();
        let (over,): (Vec<Vec<u8>>,) = pipe.query_async(&mut con).await.expect("MULTI");
        failed.extend(ids);
        dropped.extend(over.iter().map(|raw| id_of(raw)));
        if !clicks.go_on(began).await {
            return (failed, dropped);
        }
    }
}

/// Takes jobs as a worker does; their ids.
async fn pop(mut con: MultiplexedConnection, clicks: Clicks) -> Vec<String> {
    let mut taken = Vec::new();
    loop {
        let began = Instant::now();
        let raw: Option<Vec<u8>> = con.rpop(WAITING, None).await.expect("RPOP");
        taken.extend(raw.map(|raw| id_of(&raw)));
        if !clicks.go_on(began).await {
            return taken;
        }
    }
}

/// Pushes jobs as a producer does; their ids.
async fn push(mut con: MultiplexedConnection, clicks: Clicks) -> Vec<String> {
    let mut pushed = Vec::new();
    loop {
        let began = Instant::now();
        let id = format!("{}{}", clicks.since(), pushed.len());
        // Of the millisecond of the click itself nobody can tell what came after it.
        let job = Payload::new(&id, "mail").created(now_ms() + 1).waiting();
        let _: () = con.lpush(WAITING, job).await.expect("LPUSH");
        pushed.push(id);
        if !clicks.go_on(began).await {
            return pushed;
        }
    }
}

/// Each of these is in one place, once; what others have taken is in theirs.
async fn each_once(redis: &TestRedis, ids: impl IntoIterator<Item = String>, taken: impl IntoIterator<Item = String>) {
    let mut found = redis.all_ids().await;
    for id in taken {
        *found.entry(id).or_default() += 1;
    }
    let expected: BTreeMap<String, usize> = ids.into_iter().map(|id| (id, 1)).collect();
    let wrong = |a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>| {
        a.iter().filter(|(id, n)| b.get(*id) != Some(*n)).take(5).map(|(id, n)| format!("{id} × {n}")).collect::<Vec<_>>()
    };
    assert!(found == expected, "found {:?}, expected {:?}", wrong(&found, &expected), wrong(&expected, &found));
}

async fn ids_in(redis: &TestRedis, key: &str) -> Vec<String> {
    redis.list(key).await.iter().map(|raw| id_of(raw)).collect()
}

async fn ids_in_trash(redis: &TestRedis) -> Vec<String> {
    let all = redis.all_elements().await;
    all.into_iter().filter(|(key, _)| key.contains(":trash:")).flat_map(|(_, jobs)| jobs).map(|raw| id_of(&raw)).collect()
}

/// The library at work on a failed list that is full at every click: each failure then takes away what an operation is about to read.
struct Library {
    redis: TestRedis,
    console: TestConsole,
    clicks: Clicks,
    /// The ids that failed, and those that were dropped.
    fails: JoinHandle<(Vec<String>, Vec<String>)>,
    /// Of the dead letters that were there before.
    ids: Vec<String>,
    rounds: usize,
    /// Jobs that operations say they have acted on.
    acted: u64,
}

impl Library {
    async fn start() -> Self {
        let redis = TestRedis::start().await;
        let (console, clicks) = (redis.console().await, Clicks::default());
        let fails = tokio::spawn(fail(redis.con.clone(), clicks.clone()));
        Self { redis, console, clicks, fails, ids: Vec::new(), rounds: 0, acted: 0 }
    }

    /// Fills the list and clicks; the operation, when it is done.
    async fn click(&mut self, click: impl AsyncFnOnce(&TestConsole) -> Operation) -> Operation {
        let letters = many_dead(&format!("fill-{}", self.rounds), "mail", 1_000);
        self.rounds += 1;
        self.ids.extend(letters.iter().map(|raw| id_of(raw.as_bytes())));
        self.redis.put_before(FAILED, letters).await;
        let started = click(&self.console).await;
        self.clicks.clicked();
        let operation = ended(&self.console, started).await;
        assert_eq!(operation.status, OperationStatus::Done, "{operation:?}");
        operation
    }

    /// Here lies what was acted on: as much as was counted, and nothing of it failed after the click.
    fn acted_on(&mut self, ids: &[String], operation: &Operation) {
        assert!(!ids.iter().any(|id| id.starts_with(&self.clicks.since())), "what failed after the click was acted on: {operation:?}");
        assert_eq!(ids.len() as u64, self.acted + operation.outcome.done, "what was counted is what was done");
        self.acted += operation.outcome.done;
    }

    /// Everything is in one place, once; how many were acted on, and how many the library dropped.
    async fn end(mut self) -> (u64, usize) {
        self.clicks.end();
        let (failed, dropped) = self.fails.await.expect("no panic");
        self.ids.extend(failed);
        let count = dropped.len();
        each_once(&self.redis, self.ids, dropped).await;
        self.console.stop().await;
        (self.acted, count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_of_all_while_the_library_cuts_the_list() {
    let mut library = Library::start().await;
    for _ in 0..6 {
        let click = async |console: &TestConsole| actions::retry_all(&console.state, &queue("mail"), false).await.expect("started");
        let operation = library.click(click).await;
        let o = &operation.outcome;
        assert_eq!(o.done + o.gone, operation.total, "{operation:?}");
        let waiting = ids_in(&library.redis, WAITING).await;
        library.acted_on(&waiting, &operation);
    }
    let (retried, dropped) = library.end().await;
    assert!(retried > 0 && dropped > 0, "{retried} were retried, {dropped} dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_of_all_failed_while_the_library_cuts_the_list() {
    let mut library = Library::start().await;
    for _ in 0..6 {
        let operation = library
            .click(async |console: &TestConsole| {
                actions::discard_all(&console.state, &queue("mail"), JobState::Failed, true).await.expect("started")
            })
            .await;
        let trash = ids_in_trash(&library.redis).await;
        library.acted_on(&trash, &operation);
    }
    let (deleted, _) = library.end().await;
    assert!(deleted > 0, "nothing was deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_of_all_that_wait_while_workers_take_them() {
    all_that_wait_are_deleted_beside_workers(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_of_all_that_wait_one_by_one_while_workers_take_them() {
    all_that_wait_are_deleted_beside_workers(true).await;
}

/// An active group keeps the list from going as a whole.
async fn all_that_wait_are_deleted_beside_workers(one_by_one: bool) {
    let redis = TestRedis::start().await;
    let (console, clicks) = (redis.console().await, Clicks::default());
    if one_by_one {
        redis.con.clone().sadd::<_, _, ()>("queue:active", "elsewhere").await.expect("SADD");
    }
    let old = many("old", "mail", 3_000);
    let mut ids: Vec<String> = old.iter().map(|raw| id_of(raw.as_bytes())).collect();
    redis.push_raw(WAITING, old).await;
    let workers: Vec<_> = (0..2).map(|_| tokio::spawn(pop(redis.con.clone(), clicks.clone()))).collect();
    let producer = tokio::spawn(push(redis.con.clone(), clicks.clone()));
    let started = actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started");
    clicks.clicked();
    let operation = ended(&console, started).await;
    clicks.end();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.expect("no panic"));
    }
    ids.extend(producer.await.expect("no panic"));
    assert_eq!(operation.status, OperationStatus::Done, "{operation:?}");
    let trash = ids_in_trash(&redis).await;
    assert!(!trash.iter().any(|id| id.starts_with(&clicks.since())), "what came after the click was deleted: {operation:?}");
    assert!(!trash.is_empty() && trash.len() as u64 == operation.outcome.done, "{} of {operation:?}", trash.len());
    assert!(!ids_in(&redis, WAITING).await.iter().any(|id| id.starts_with("old-")), "{operation:?}");
    each_once(&redis, ids, taken).await;
    console.stop().await;
}

/// A worker that fails everything again makes each job a new dead letter: neither console may take it for one of those it was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn two_consoles_retry_the_same_list_once() {
    let redis = TestRedis::start().await;
    let (one, other) = (redis.console().await, redis.console().await);
    redis.push_raw(FAILED, many_dead("j", "mail", 4_000)).await;
    let mail = queue("mail");
    let both = tokio::join!(actions::retry_all(&one.state, &mail, false), actions::retry_all(&other.state, &mail, false));
    // Of the millisecond of the click itself nobody can tell what came after it.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let over = Clicks::default();
    let worker = tokio::spawn({
        let (mut con, over) = (redis.con.clone(), over.clone());
        async move {
            let mut runs = BTreeMap::<String, u32>::new();
            loop {
                let (began, over_before) = (Instant::now(), over.over());
                let Some(raw) = con.rpop::<_, Option<Vec<u8>>>(WAITING, None).await.expect("RPOP") else {
                    if over_before {
                        return runs;
                    }
                    over.go_on(began).await;
                    continue;
                };
                let id = id_of(&raw);
                let again = Payload::new(&id, "mail").created(now_ms()).failed("again");
                *runs.entry(id).or_default() += 1;
                con.lpush::<_, _, ()>(FAILED, again).await.expect("LPUSH");
            }
        }
    });
    let (one_did, other_did) = tokio::join!(ended(&one, both.0.expect("started")), ended(&other, both.1.expect("started")));
    over.end();
    let runs = worker.await.expect("no panic");
    for operation in [&one_did, &other_did] {
        let o = &operation.outcome;
        assert_eq!((operation.status, o.done + o.gone), (OperationStatus::Done, operation.total), "{operation:?}");
    }
    assert_eq!(one_did.outcome.done + other_did.outcome.done, 4_000, "{one_did:?} {other_did:?}");
    assert!(runs.len() == 4_000 && runs.values().all(|n| *n == 1), "some job ran twice");
    each_once(&redis, (1..=4_000).map(|i| format!("j-{i}")), []).await;
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_of_all_matching_while_the_library_cuts_the_list() {
    let mut library = Library::start().await;
    for _ in 0..4 {
        let operation = library
            .click(async |console: &TestConsole| {
                let counted = count(console, "mail", JobState::Failed, "gateway").await;
                let (start, total) = (counted.start.as_str(), counted.count);
                let ask = Ask { verb: Verb::Retry, from: JobState::Failed, text: "gateway", start, total, base: false };
                actions::matching::act(&console.state, &queue("mail"), ask).await.expect("started")
            })
            .await;
        let waiting = ids_in(&library.redis, WAITING).await;
        library.acted_on(&waiting, &operation);
    }
    let (retried, dropped) = library.end().await;
    assert!(retried > 0 && dropped > 0, "{retried} were retried, {dropped} dropped");
}
