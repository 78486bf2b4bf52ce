//! One console archives; what it cannot write is shown by all of them.

use super::{
    archiver::{console, each_once, fail},
    handover::say,
};
use crate::support::{Database, DatabaseKind, TestConsole, TestRedis, eventually, now_ms};
use flux_console::{
    model::{
        archive::{Archiver, Archiving},
        time::Millis,
    },
    server::archive::{db::Db, sql::sql},
};
use redis::AsyncCommands;
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// Two consoles, the one that archives first.
async fn two(redis: &TestRedis, database: &Database) -> (TestConsole, TestConsole) {
    let (one, other) = (console(redis, database).await, console(redis, database).await);
    for console in [&one, &other] {
        console.listens().await;
    }
    let leads = |console: &TestConsole| console.state.archive.archiving().leading;
    eventually("one of them archives", SOON, async || leads(&one) || leads(&other)).await;
    if leads(&one) { (one, other) } else { (other, one) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_console_cannot_write_is_shown() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let (leader, other) = two(&redis, &database).await;
    fail(&redis, "mail", 0..10).await;
    each_once(&leader.state.archive, "mail", 10).await;
    let mut facts = Value::Null;
    eventually("the other one knows what is written", SOON, async || {
        facts = other.json("/api/v1/archive").await;
        facts["archiving"]["dead"] == 10
    })
    .await;
    assert!(facts["archiver"] == "other" && facts["archivingAt"].is_string() && facts["left"].is_null(), "{facts}");
    let own = leader.json("/api/v1/archive").await;
    assert!(own["archiver"] == "this" && own["archivingAt"].is_null() && own["archiving"]["dead"] == 10, "{own}");
    let page = other.get("/settings").await.text().await.expect("a page");
    assert!(page.contains("by another console; since it was started 10 jobs"), "{page}");

    // The leader's database is full, and the other console's page says so.
    let Db::Sqlite { write, .. } = leader.state.archive.db().expect("open") else { panic!("SQLite") };
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&write).await.expect("a number");
    let limit = async |pages: i64| {
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).fetch_one(&write).await.expect("set");
    };
    limit(pages + 5).await;
    fail(&redis, "mail", 10..900).await;
    eventually("it is said", SOON, async || {
        let archiving = other.json("/api/v1/archive").await["archiving"].take();
        archiving["refusing"]["problem"].as_str().is_some_and(|text| text.contains("full")) && archiving["spooled"].as_u64() > Some(0)
    })
    .await;
    let page = other.get("/settings").await.text().await.expect("a page");
    assert!(page.contains("the database takes nothing") && page.contains("wait to be written"), "{page}");
    let tab = other.get("/queues/mail?state=completed").await.text().await.expect("a page");
    assert!(tab.contains("data-refusing"), "{tab}");
    limit(1 << 30).await;
    each_once(&leader.state.archive, "mail", 900).await;
    eventually("it is over", SOON, async || {
        let archiving = other.json("/api/v1/archive").await["archiving"].take();
        archiving["refusing"].is_null() && archiving["dead"] == 900
    })
    .await;

    // A line that is refused alone.
    let db = leader.state.archive.db().expect("open");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON flux_system_logs WHEN NEW.message = 'Rate limit 7' \
                  BEGIN SELECT RAISE(ABORT, 'refused'); END";
    db.run(sql(refuse)).await.expect("a trigger");
    say(&redis, 0..20).await;
    let written = async || {
        let lines = sql("SELECT COUNT(*) FROM flux_system_logs WHERE message LIKE 'Rate limit %'");
        db.one(lines, |row| row.count(0)).await.expect("a count")
    };
    eventually("the others are written", SOON, async || written().await == Some(19)).await;
    eventually("it is counted", SOON, async || other.json("/api/v1/archive").await["archiving"]["linesRefused"] == 1).await;
    let page = other.get("/settings").await.text().await.expect("a page");
    assert!(page.contains("1 log line lost: the database refuses them"), "{page}");

    // Who archives next speaks for itself.
    leader.stop().await;
    eventually("the other one archives", SOON, async || other.json("/api/v1/archive").await["archiver"] == "this").await;
    assert_eq!(other.json("/api/v1/archive").await["archiving"]["dead"], 0, "its own figures");
    other.stop().await;
}

#[tokio::test]
async fn only_who_holds_the_lease_is_believed() {
    let redis = TestRedis::start().await;
    let driver = crate::driver::driver(&redis);
    let (at, said) = (Millis(now_ms()), Archiving { leading: true, lost: 7, ..Archiving::default() });
    driver.report_archiving("gone", at, &said).await.expect("said");
    let report = driver.archiver().await.expect("an answer");
    assert_eq!((report.who, report.archiving), (Archiver::Nobody, None), "no console archives");
    let _: () = redis.con.clone().set(driver.keys().lease("archiver"), "next").await.expect("SET");
    let report = driver.archiver().await.expect("an answer");
    assert_eq!((report.who, report.at, report.archiving), (Archiver::Other, None, None), "it has not said anything yet");
    driver.report_archiving("next", at, &said).await.expect("said");
    let report = driver.archiver().await.expect("an answer");
    assert_eq!((report.who, report.at, report.archiving), (Archiver::Other, Some(at), Some(said)));
    let key = redis.keys().await.into_iter().find(|key| key.ends_with("archiver:report")).expect("the report");
    let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut redis.con.clone()).await.expect("PTTL");
    assert!((1..=30_000).contains(&left), "it ends by itself: {left}");
}
