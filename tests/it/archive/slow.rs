//! A database that is slow, held, stopped or full: live pages go on, and what is not written is said.

use super::{
    archiver::{archived, console, each_once, fail, locked},
    banner::{PAGES, saying},
};
use crate::support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually};
use flux_console::{
    model::archive::ArchiveState,
    server::archive::{db::Db, setting::Setting, sql::sql},
};
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// A question to the archive is given up after five seconds: who waited for one took longer than this.
const UNHELD: Duration = Duration::from_millis(4_500);

async fn live(console: &TestConsole) {
    let found = r#""id":"live""#;
    let pages = [
        ("/", ""),
        ("/queues/mail", "live"),
        ("/queues/mail/jobs/live", "live"),
        ("/errors", ""),
        ("/search?q=live", "/queues/mail/jobs/live"),
        ("/api/v1/queues/mail/jobs/live", found),
        ("/api/v1/errors", ""),
        ("/api/v1/search?q=live", found),
    ];
    for (path, shown) in pages {
        let read = async { console.get(path).await.error_for_status().expect("a page").text().await.expect("text") };
        let text = tokio::time::timeout(UNHELD, read).await.unwrap_or_else(|_| panic!("{path} waits for the archive"));
        assert!(text.contains(shown), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_table_holds_up_no_live_page() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Postgres).await);
    redis.push_raw("queue:mail", [Payload::new("live", "mail").waiting()]).await;
    let console = console(&redis, &database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    let Setting::Postgres(url) = &database.setting else { panic!("PostgreSQL") };
    let holder = sqlx::PgPool::connect(url).await.expect("a connection");
    let mut held = holder.begin().await.expect("begins");
    sqlx::query("LOCK TABLE flux_job_archive IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.expect("the lock");
    // It answers all the same, so it is not said to be away.
    let mut busy = Vec::new();
    for _ in 0..8 {
        let (client, url) = (console.client.clone(), format!("{}/api/v1/archive/jobs?queue=mail", console.base_url));
        busy.push(tokio::spawn(async move { client.get(url).send().await }));
    }
    live(&console).await;
    assert_eq!(console.state.archive.status().state, ArchiveState::Ready);
    held.rollback().await.expect("the end");
    holder.close().await;
    for one in busy {
        one.await.expect("no panic").expect("an answer");
    }
    fail(&redis, "mail", 10..20).await;
    each_once(&console.state.archive, "mail", 20).await;
    assert_eq!(console.state.archive.status().state, ArchiveState::Ready);
    console.stop().await;
}

/// What is in Redis is shown at once; of what the archive alone knows the page says that it does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_two_halves_shows_the_one_that_answers() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Postgres).await);
    redis.push_raw("queue:mail:failed", [Payload::new("dead", "mail").failed("no answer")]).await;
    redis.push_raw("queue:mail", [Payload::new("here", "mail").waiting()]).await;
    crate::schedules::register(&redis, "nightly", "0 3 * * *", crate::schedules::at("2099-01-01T03:00:00Z"), &[]).await;
    let console = console(&redis, &database).await;
    assert_eq!(console.post("/api/v1/queues/mail/clear-failed", &Value::Null).await.0, 202);
    eventually("it is in the trash", SOON, async || console.json("/api/v1/trash").await["trash"][0]["jobs"] == 1).await;
    let Setting::Postgres(url) = &database.setting else { panic!("PostgreSQL") };
    let holder = sqlx::PgPool::connect(url).await.expect("a connection");
    let mut held = holder.begin().await.expect("begins");
    let lock = "LOCK TABLE flux_job_archive, flux_console_attempts, flux_console_audit, flux_console_operations IN ACCESS EXCLUSIVE MODE";
    sqlx::query(lock).execute(&mut *held).await.expect("the lock");
    let read = async |path: &str| {
        let read = async { console.get(path).await.error_for_status().expect("a page").text().await.expect("text") };
        tokio::time::timeout(UNHELD, read).await.unwrap_or_else(|_| panic!("{path} waits for the archive"))
    };
    // Who opens a job asks nothing that could be narrowed.
    let job = read("/queues/mail/jobs/here").await;
    assert!(job.contains("what it knows of this job is not told here") && !job.contains("Narrow the question"), "{job}");
    for (path, live) in [("/operations", "1 failed job cleared from"), ("/schedules/nightly", "Every day at 03:00")] {
        let page = read(path).await;
        assert!(page.contains(live) && page.contains("The archive did not answer in time"), "{path}: {page}");
    }
    let json = async |path: &str| serde_json::from_str::<Value>(&read(path).await).expect("JSON");
    let audit = json("/api/v1/audit").await;
    assert!(audit["unavailable"].is_string() && audit["archived"] == false, "{audit}");
    let schedule = json("/api/v1/schedules/nightly").await;
    assert!(schedule["unavailable"].is_string() && schedule["schedule"]["cron"] == "0 3 * * *", "{schedule}");
    assert_eq!(json("/api/v1/operations").await["operations"][0]["queue"], "mail");
    held.rollback().await.expect("the end");
    holder.close().await;
    eventually("both halves are there again", SOON, async || {
        let page = json("/api/v1/audit").await;
        page["archived"] == true && page["lines"][0]["verb"] == "clear-failed"
    })
    .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_holds_up_no_live_page() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", [Payload::new("live", "mail").waiting()]).await;
    let own = crate::support::databases::own_mariadb().await;
    let console = console(&redis, &own.database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    own.signal("STOP");
    live(&console).await;
    eventually("it is found away", SOON, async || console.state.archive.status().state == ArchiveState::Unavailable).await;
    live(&console).await;
    fail(&redis, "mail", 10..200).await;
    own.signal("CONT");
    eventually("it is back", SOON, async || console.state.archive.db().is_ok()).await;
    each_once(&console.state.archive, "mail", 200).await;
    console.stop().await;
}

/// Also the first answer, which finds it out.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_since_when_the_server_is_away() {
    let redis = TestRedis::start().await;
    let own = crate::support::databases::own_mariadb().await;
    let console = console(&redis, &own.database).await;
    let asked = async || {
        let answer = console.get("/api/v1/archive/jobs").await;
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_eq!(asked().await.0, 200);
    own.signal("STOP");
    // It stops when the system comes to it.
    let mut first = (200, String::new());
    eventually("it answers no more", SOON, async || {
        first = asked().await;
        first.0 != 200
    })
    .await;
    for (status, text) in [first, asked().await] {
        assert!(status == 503 && text.contains("has been unavailable since"), "{status} {text}");
    }
    assert_eq!(console.state.archive.status().state, ArchiveState::Unavailable);
    own.signal("CONT");
    eventually("it is back", SOON, async || console.state.archive.db().is_ok()).await;
    assert_eq!(asked().await.0, 200);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_says_so_and_takes_all_when_there_is_place() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    let Db::Sqlite { write, .. } = console.state.archive.db().expect("open") else { panic!("SQLite") };
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&write).await.expect("a number");
    let limit = async |pages: i64| {
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).fetch_one(&write).await.expect("set");
    };
    limit(pages + 5).await;
    fail(&redis, "mail", 0..900).await;
    let mut facts = Value::Null;
    eventually("it is said", SOON, async || {
        facts = console.json("/api/v1/archive").await;
        let said = facts["archiving"]["refusing"]["problem"].as_str().is_some_and(|text| text.contains("full"));
        said && facts["archiving"]["spooled"].as_u64() > Some(0)
    })
    .await;
    let page = console.get("/settings").await.text().await.expect("a page");
    assert!(page.contains("the database takes nothing"), "{page}");
    let tab = console.get("/queues/mail?state=completed").await.text().await.expect("a page");
    assert!(tab.contains("data-refusing") && tab.contains("the archive's database takes nothing"), "{tab}");
    let nothing = "The archive takes nothing since ";
    eventually("every live page says it", SOON, async || saying(&console, nothing).await == PAGES.len()).await;
    let said = console.json("/api/v1/overview").await["archive"].take();
    assert!(said["kind"] == "refusing" && said["problem"].as_str().is_some_and(|text| text.contains("full")), "{said}");
    limit(1 << 30).await;
    each_once(&console.state.archive, "mail", 900).await;
    eventually("it is over", SOON, async || console.json("/api/v1/archive").await["archiving"]["refusing"].is_null()).await;
    eventually("no live page says it", SOON, async || saying(&console, nothing).await == 0).await;
    console.stop().await;
}

/// 64 MB of dead letters wait, no more; what did not fit is counted, is a gap, and is read again while it is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_spool_has_an_end() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    let lock = locked(&database).await;
    let large = |i: u64| Payload::new(&format!("j-{i}"), "mail").own(&format!(r#""data":"{}""#, "y".repeat(1 << 20))).failed("no answer");
    let all: Vec<String> = (0..70).map(large).collect();
    // As they fail: of a long list that is there already only as much is read as there is place for.
    for (n, part) in all.chunks(5).enumerate() {
        redis::cmd("LPUSH").arg("queue:mail:failed").arg(part).exec_async(&mut redis.con.clone()).await.expect("LPUSH");
        eventually("they are read", SOON, async || {
            let done = console.json("/api/v1/archive").await;
            let count = |name: &str| done["archiving"][name].as_u64().unwrap_or(0);
            count("spooled") + count("lost") >= 5 * (n as u64 + 1)
        })
        .await;
    }
    let mut lost = 0;
    eventually("the spool is full", SOON, async || {
        lost = console.json("/api/v1/archive").await["archiving"]["lost"].as_u64().unwrap_or(0);
        lost > 0
    })
    .await;
    assert!(archived(&console.state.archive, "mail").await.is_empty(), "the lock holds");
    lock.release().await;
    each_once(&console.state.archive, "mail", 70).await;
    let db = console.state.archive.db().expect("open");
    let mut gaps = Vec::new();
    eventually("the gap is noted", SOON, async || {
        gaps = db.rows(sql("SELECT queue, up_to FROM flux_console_gaps"), |r| (r.text(0), r.count(1))).await.expect("rows");
        !gaps.is_empty()
    })
    .await;
    assert!(gaps.iter().all(|(queue, _)| queue.as_deref() == Some("mail")), "{gaps:?}");
    let said = console.state.archive.archiving().lost;
    assert_eq!(gaps.iter().map(|(_, n)| n).sum::<u64>(), said, "what is counted is what is noted");
    assert!(said >= lost && lost < 20, "{said}, {lost}");
    let overview = async || console.get("/").await.text().await.expect("a page");
    eventually("the overview says it", SOON, async || overview().await.contains("Missing in the archive since this console was started: "))
        .await;
    assert_eq!(console.json("/api/v1/overview").await["notArchived"]["failed"], said);
    console.stop().await;
}

/// What there is no place for stays in Redis, unread, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_waits_until_there_is_place() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let large = |i: u64| Payload::new(&format!("j-{i}"), "mail").own(&format!(r#""data":"{}""#, "y".repeat(1 << 20))).failed("no answer");
    let all: Vec<String> = (0..70).map(large).collect();
    redis.push_raw("queue:mail:failed", &all).await;
    let console = console(&redis, &database).await;
    let lock = locked(&database).await;
    fail(&redis, "mail", 1_000..1_010).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let done = console.state.archive.archiving();
    assert!(done.lost == 0 && done.spooled < 70, "{done:?}");
    lock.release().await;
    each_once(&console.state.archive, "mail", 80).await;
    let done = console.state.archive.archiving();
    assert_eq!((done.gaps, done.lost), (0, 0), "{done:?}");
    console.stop().await;
}
