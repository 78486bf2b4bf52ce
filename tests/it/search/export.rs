//! A file of everything that is found, however large the jobs are.

use crate::support::{TestConsole, TestRedis, eventually, payload::many};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::{
        actions,
        archive::{
            db::Db,
            index,
            record::{self, Record},
            setting::Setting,
            sql::sql,
        },
        config::Config,
        search::export::Format,
    },
};
use futures::StreamExt;
use std::{pin::pin, time::Duration};

const LARGE: usize = 2 * 1024 * 1024;
const MANY: usize = 12;

fn large(id: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","note":"room","data":"{}","createdAt":1795432801819,"attempts":3{more}}}"#, "y".repeat(LARGE))
}

/// A console beside an archive with large dead letters.
async fn console(redis: &TestRedis) -> (tempfile::TempDir, TestConsole) {
    let dir = tempfile::tempdir().expect("a directory");
    let setting = Setting::Sqlite(dir.path().join("a.sqlite"));
    let db = Db::open(&setting).await.expect("opens");
    let batch: Vec<Record> = (0..MANY)
        .map(|n| Record {
            status: Status::Failed,
            queue: "a".try_into().expect("a name"),
            id: None,
            payload: large(&format!("past-{n}"), r#","error":"no room","failedAt":1795432801819"#).into_bytes(),
            at: Millis(1_795_433_700_000),
        })
        .collect();
    assert_eq!(record::records(&db, &batch).await.expect("written").rows, MANY as u64);
    while index::step(&db).await.expect("indexed") > 0 {}
    db.close().await;
    let console = TestConsole::start(Config { url: redis.url.clone(), archive: setting, ..Config::default() }).await;
    console.discovered().await;
    eventually("the archive is open", Duration::from_secs(20), async || console.state.archive.db().is_ok()).await;
    (dir, console)
}

/// A hundred jobs of a step are not put together before the first of them goes out.
#[tokio::test(flavor = "multi_thread")]
async fn large_jobs_go_out_one_by_one() {
    let redis = TestRedis::start().await;
    // After so many small ones, a script reads all of the large ones at once.
    redis.push_raw("queue:a", many("room", "a", 31)).await;
    redis.push_raw("queue:a", (0..MANY).map(|n| large(&format!("live-{n}"), ""))).await;
    let (_dir, console) = console(&redis).await;
    let mut file = pin!(actions::search::export(&console.state, "room", Format::Ndjson).expect("a file"));
    let (mut lines, mut longest) = (Vec::new(), 0);
    while let Some(piece) = file.next().await {
        let piece = piece.expect("a piece");
        longest = longest.max(piece.len());
        lines.extend(piece.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a whole line")));
    }
    assert!(longest < 2 * LARGE, "{longest} bytes at once");
    let whole =
        |found: &str| lines.iter().filter(|l| l["found"] == found && l["payload"].as_str().is_some_and(|p| p.len() > LARGE)).count();
    assert_eq!((lines.len(), whole("live"), whole("archive")), (31 + 2 * MANY, MANY, MANY));
    console.stop().await;
}

/// What was sent cannot be taken back, but nobody is to believe that it is all.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_in_the_middle_ends_with_an_error() {
    let redis = TestRedis::start().await;
    let (_dir, console) = console(&redis).await;
    let mut file = pin!(actions::search::export(&console.state, "room", Format::Ndjson).expect("a file"));
    let first = file.next().await.expect("a piece").expect("a row");
    assert_eq!(first.lines().count(), 1);
    console.state.archive.db().expect("open").run(sql("DROP TABLE flux_job_archive")).await.expect("dropped");
    assert!(file.next().await.expect("an end").is_err());
    assert!(file.next().await.is_none());
    console.stop().await;
}
