//! `--archive-enqueued`: what a console pushes leaves a row `waiting`.

use super::Archive;
use crate::{
    keep::{ints, texts},
    schedules::{PUSHED, register},
    support::{Payload, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        archive::{ArchiveState, Status},
        ids::{Fingerprint, QueueName},
        past::PushAsk,
        time::Millis,
    },
    server::{
        actions,
        archive::{
            db::Db,
            record::{self, Record},
            setting::{Persist, Setting},
            timeline,
        },
        config::Config,
    },
};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const AT: i64 = 1_795_432_801_819;
const WAITING: &str = "SELECT payload FROM flux_job_archive WHERE status = 'waiting' ORDER BY payload";

fn config(redis: &TestRedis, archive: &Archive, enqueued: bool, scheduler: bool) -> Config {
    Config {
        url: redis.url.clone(),
        archive: Setting::Sqlite(archive.path()),
        persist: Persist { enqueued, ..Persist::default() },
        scheduler,
        ..Config::default()
    }
}

async fn ready(console: &TestConsole) {
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.status().state == ArchiveState::Ready).await;
}

/// A failed job that left Redis, as the archive has it; the number of its row.
async fn dead(db: &Db) -> i64 {
    let raw = Payload::new("a", "mail").attempts(2, 2).own(r#""n":9007199254740993123,"tags":[]"#).failed("boom");
    let queue = QueueName::try_from("mail").expect("a name");
    record::records(db, &[Record { status: Status::Failed, queue, id: None, payload: raw.into(), at: Millis(AT) }]).await.expect("written");
    ints(db, "SELECT id FROM flux_job_archive").await[0]
}

/// A schedule that is run now, an archived job that is retried, copies of it and of one in Redis, each click twice; what was pushed.
async fn pushed(redis: &TestRedis, console: &TestConsole, row: i64) -> Vec<String> {
    let far = Millis(now_ms() + 86_400_000);
    register(redis, "nightly", "0 3 * * *", far, &[]).await;
    for _ in 0..2 {
        let ran = console.post("/api/v1/schedules/nightly/run", &json!({"request": "r1"})).await;
        assert_eq!(ran, (200, json!({"pushed": true})));
        for (verb, request) in [("retry", "r2"), ("duplicate", "r3")] {
            let (status, answer) = console.post(&format!("/api/v1/archive/jobs/{row}/{verb}"), &json!({"request": request})).await;
            assert_eq!(status, 200, "{answer}");
        }
    }
    let page = console.json("/api/v1/queues/reports/jobs?state=waiting").await;
    let job = Fingerprint::try_from(page["jobs"][0]["fingerprint"].as_str().expect("text").to_owned()).expect("a handle");
    let reports = QueueName::try_from("reports").expect("a name");
    for _ in 0..2 {
        let ask = PushAsk { copy: true, base: false, request: "r4".into(), seen_at: None };
        actions::past::duplicate(&console.state, &reports, &job, &ask).await.expect("a copy");
    }
    let mut all = redis.texts("queue:mail").await;
    all.extend(redis.texts("queue:reports").await);
    assert_eq!(all.len(), 4, "{all:?}");
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn by_itself_a_console_keeps_no_pushes() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let db = archive.db().await;
    let row = dead(&db).await;
    let console = TestConsole::start(config(&redis, &archive, false, false)).await;
    ready(&console).await;
    pushed(&redis, &console, row).await;
    // Time enough for what is written in the background, and for what is written at the end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    console.stop().await;
    assert!(texts(&db, WAITING).await.is_empty());
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_push_leaves_one_row_with_what_was_pushed() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let db = archive.db().await;
    let row = dead(&db).await;
    let console = TestConsole::start(config(&redis, &archive, true, false)).await;
    ready(&console).await;
    let from = now_ms();
    let pushed = pushed(&redis, &console, row).await;
    eventually("they are written", SOON, async || texts(&db, WAITING).await.len() >= pushed.len()).await;
    assert_eq!(texts(&db, WAITING).await, pushed, "byte for byte, each once");

    // As the library writes them: the id, the queue and the stamp of the job, and now.
    let columns = "SELECT job_id || ' ' || queue || ' ' || created_at FROM flux_job_archive WHERE status = 'waiting' AND job_id = 'a'";
    assert_eq!(texts(&db, columns).await, [format!("a mail {}", Millis(AT).iso())]);
    let at =
        ints(&db, "SELECT CAST(ROUND(unixepoch(archived_at, 'subsec') * 1000) AS INTEGER) FROM flux_job_archive WHERE status = 'waiting'")
            .await;
    assert!(at.iter().all(|at| (from..=now_ms()).contains(at)), "{at:?}");
    assert_eq!(texts(&db, "SELECT DISTINCT queue FROM flux_job_archive WHERE job_id = 'nightly'").await, ["reports"]);

    // The job keeps its stamp; the timeline has the moment of the push.
    let entries = timeline::past(&db, &QueueName::try_from("mail").expect("a name"), "a", true).await.expect("a past").entries;
    let again = entries.iter().find(|entry| entry.title == "Enqueued again").unwrap_or_else(|| panic!("{entries:?}"));
    assert!(again.at.is_some_and(|at| at.0 >= from), "{again:?}");
    console.stop().await;
    assert_eq!(texts(&db, WAITING).await.len(), pushed.len(), "none is written again at the end");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_fires_leaves_a_row() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let console = TestConsole::start(config(&redis, &archive, true, true)).await;
    ready(&console).await;
    register(&redis, "soon", "0 0 1 1 *", Millis(now_ms() + 1_000), &[]).await;
    eventually("it is fired", SOON, async || !redis.list("queue:reports").await.is_empty()).await;
    let db = archive.db().await;
    eventually("it is written", SOON, async || !texts(&db, WAITING).await.is_empty()).await;
    assert_eq!((texts(&db, WAITING).await, redis.texts("queue:reports").await), (vec![PUSHED.to_owned()], vec![PUSHED.to_owned()]));
    db.close().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_succeeds_without_the_archive_and_its_row_comes_later() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    // A directory stands where the file should be.
    std::fs::create_dir(archive.path()).expect("a directory");
    let console = TestConsole::start(config(&redis, &archive, true, false)).await;
    console.discovered().await;
    eventually("the archive is refused", SOON, async || console.state.archive.status().problem.is_some()).await;
    register(&redis, "nightly", "0 3 * * *", Millis(now_ms() + 86_400_000), &[]).await;
    let ran = console.post("/api/v1/schedules/nightly/run", &json!({"request": "r1"})).await;
    assert_eq!(ran, (200, json!({"pushed": true})));
    let pushed = redis.texts("queue:reports").await;
    assert_eq!(pushed.len(), 1);
    std::fs::remove_dir(archive.path()).expect("removed");
    eventually("the archive is open", SOON, async || console.state.archive.status().state == ArchiveState::Ready).await;
    let db = console.state.archive.db().expect("open");
    eventually("it is written", SOON, async || !texts(&db, WAITING).await.is_empty()).await;
    assert_eq!(texts(&db, WAITING).await, pushed);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_and_a_copy_are_told_at_the_moment_of_their_push() {
    let archive = Archive::new();
    let db = archive.db().await;
    let queue = QueueName::try_from("mail").expect("a name");
    let record = |status, payload: String, ms: i64| Record {
        status,
        queue: queue.clone(),
        id: None,
        payload: payload.into_bytes(),
        at: Millis(AT + ms),
    };
    let job = |id: &str| Payload::new(id, "mail").created(AT).attempts(1, 1);
    let pushed = |id: &str| Payload::new(id, "mail").created(AT).attempts(0, 1).waiting();
    // Both keep the stamp of the job; the row of the copy is written after what came of it.
    let completed = Payload::new("copy", "mail").created(AT + 9_050).attempts(1, 1).waiting();
    let rows = [
        record(Status::Failed, job("a").failed("boom"), 1),
        record(Status::Waiting, pushed("a"), 8_000),
        record(Status::Completed, completed, 9_050),
        record(Status::Waiting, pushed("copy"), 9_000),
    ];
    assert_eq!(record::records(&db, &rows).await.expect("written").rows, 4);
    let mut told = Vec::new();
    for id in ["a", "copy"] {
        let entries = timeline::past(&db, &queue, id, true).await.expect("a past").entries;
        told.push(entries.into_iter().map(|entry| (entry.title, entry.at.map(|at| at.0 - AT))).collect::<Vec<_>>());
    }
    let of = |title: &str, ms: i64| (title.to_owned(), Some(ms));
    assert_eq!(told[0].last(), Some(&of("Enqueued again", 8_000)), "{told:?}");
    assert_eq!(told[1], [of("Enqueued", 9_000), of("Attempt 1 completed", 9_050)]);
    db.close().await;
}
