//! Nobody knows whether a transaction was committed: written again, every line of the log stands there once.

use super::{handover::say, on_each};
use crate::support::{Database, DatabaseKind, Proxy, TestConsole, TestRedis, eventually};
use flux_console::{
    model::time::Millis,
    server::{
        archive::{
            db::Db,
            record::{Line, Lines},
            sql::sql,
        },
        config::Config,
    },
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);

/// All lines, and how many differ.
async fn lines(db: &Db) -> (u64, u64) {
    let asked = sql("SELECT COUNT(*), COUNT(DISTINCT message) FROM flux_system_logs");
    db.one(asked, |row| (row.count(0), row.count(1))).await.expect("an answer").expect("a row")
}

/// Lets a future go on so many times, then drops it, whatever it waits for.
async fn dropped_after<F: Future>(mut times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(None);
        }
        times -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// As when the console stops in between. It is dropped at each place where it waits, also behind a COMMIT that was sent.
async fn lines_that_were_given_up_anywhere_stand_once(kind: DatabaseKind) {
    const BATCHES: u64 = 12;
    let database = Database::new(kind).await;
    // A stretch of network between, or a server on the same machine has answered before anybody waits for it.
    let proxy = if kind == DatabaseKind::Sqlite { None } else { Some(Proxy::start(database.port()).await) };
    let setting = proxy.as_ref().map_or_else(|| database.setting.clone(), |proxy| database.by_way_of(proxy.port));
    let mut db = Db::open(&setting).await.expect("the archive opens");
    let line = |text: String| Line { level: "info".into(), message: text, worker: "w".into(), queue: None, at: Millis(1_795_433_700_000) };
    let mut writer = Lines::default();
    let (mut dropped, mut refused) = (0, 0);
    for n in 0..BATCHES {
        let batch: Vec<Line> = (0..5).map(|i| line(format!("line {n}.{i}"))).collect();
        let (mut times, mut problem) = (1, None);
        // Each try gets a little further than the one before.
        loop {
            let tried = dropped_after(times, writer.write(&db, &batch, n % 2 == 1)).await;
            match tried {
                Some(Ok(_)) => break,
                // A connection may be left with a transaction that nobody ends: as after an outage, there are new ones.
                Some(Err(error)) => {
                    (problem, refused) = (Some(error), refused + 1);
                    closed(&db).await;
                    db = Db::open(&setting).await.expect("the archive opens");
                }
                None => dropped += 1,
            }
            times += 1;
            assert!(times < 1_000, "it never comes through: {problem:?}");
        }
    }
    assert!(dropped > BATCHES, "it was dropped in between, {dropped} times, and {refused} tries ended badly");
    // Connections of its own: of what was dropped, nothing is half read here.
    let reader = Db::open(&database.setting).await.expect("the archive opens");
    assert_eq!(lines(&reader).await, (BATCHES * 5, BATCHES * 5));
    // And what was never in doubt is written, though it reads the same.
    let same = [line("line 0.0".into())];
    for _ in 0..2 {
        assert_eq!(writer.write(&db, &same, false).await.expect("written"), 1);
    }
    assert_eq!(lines(&reader).await, (BATCHES * 5 + 2, BATCHES * 5));
    reader.close().await;
    closed(&db).await;
}

/// One that was dropped while it read an answer may wait for the rest of it for ever: the server ends it with the test.
async fn closed(db: &Db) {
    let _ = tokio::time::timeout(Duration::from_secs(2), db.close()).await;
}

on_each! { lines_that_were_given_up_anywhere_stand_once }

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_commits_and_its_answer_is_lost() {
    an_answer_that_is_lost_doubles_no_line(DatabaseKind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_commits_and_its_answer_is_lost() {
    an_answer_that_is_lost_doubles_no_line(DatabaseKind::Postgres).await;
}

async fn an_answer_that_is_lost_doubles_no_line(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    let proxy = Proxy::start(database.port()).await;
    let archive = database.by_way_of(proxy.port);
    let console = TestConsole::start(Config { url: redis.url.clone(), archive, ..Config::default() }).await;
    console.discovered().await;
    console.listens().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    // Not by the way that breaks.
    let db = Db::open(&database.setting).await.expect("the archive opens");
    say(&redis, 0..100).await;
    eventually("the first lines are written", SOON, async || lines(&db).await.0 >= 100).await;
    for round in 1..=3 {
        // The mark that a batch of lines leaves.
        proxy.lose_answer_to_commit_of("batch:");
        say(&redis, round * 100..(round + 1) * 100).await;
        eventually("an answer is lost", SOON, async || proxy.lost() as u64 == round).await;
        eventually("all lines are there", SOON, async || lines(&db).await.1 == (round + 1) * 100).await;
    }
    // Behind whatever is written again.
    say(&redis, 400..410).await;
    eventually("the last lines are written", SOON, async || lines(&db).await.1 == 410).await;
    assert_eq!(lines(&db).await, (410, 410), "each stands once");
    db.close().await;
    console.stop().await;
}
