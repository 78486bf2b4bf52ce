//! Every live page says what keeps the archive from its work, and no longer when that is over.

use super::archiver::console;
use crate::support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually};
use flux_console::server::{archive::setting::Setting, config::Config};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// Pages that show nothing of the archive.
pub const PAGES: [&str; 6] = ["/", "/queues", "/queues/mail", "/queues/mail?state=delayed", "/queues/mail?state=failed", "/workers"];
const AWAY: &str = "Archive unavailable since ";
const NOT_AFFECTED: &str = " UTC: history and search of the past are missing, live pages are not affected.";

/// How many of the pages say it.
pub async fn saying(console: &TestConsole, words: &str) -> usize {
    let mut said = 0;
    for path in PAGES {
        let page = console.get(path).await.error_for_status().expect("a page").text().await.expect("text");
        said += usize::from(page.contains(words));
    }
    said
}

async fn said_until(console: &TestConsole, back: impl AsyncFnOnce()) {
    eventually("every page says it", SOON, async || saying(console, AWAY).await == PAGES.len()).await;
    assert_eq!(saying(console, NOT_AFFECTED).await, PAGES.len());
    assert_eq!(console.json("/api/v1/overview").await["archive"]["kind"], "unavailable");
    back().await;
    eventually("no page says it", SOON, async || saying(console, AWAY).await == 0).await;
    // What was refused meanwhile is written first.
    eventually("nothing is said", SOON, async || console.json("/api/v1/overview").await["archive"].is_null()).await;
}

async fn with_a_job() -> TestRedis {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", [Payload::new("live", "mail").waiting()]).await;
    redis
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_that_mariadb_is_stopped() {
    let (redis, own) = (with_a_job().await, crate::support::databases::own_mariadb().await);
    let console = console(&redis, &own.database).await;
    eventually("nothing is said", SOON, async || saying(&console, AWAY).await == 0).await;
    own.signal("STOP");
    said_until(&console, async || own.signal("CONT")).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_that_postgres_lets_nobody_in() {
    let (redis, database) = (with_a_job().await, Database::new(DatabaseKind::Postgres).await);
    let console = console(&redis, &database).await;
    let Setting::Postgres(url) = &database.setting else { panic!("PostgreSQL") };
    let (server, name) = url.rsplit_once('/').expect("the database's name");
    let admin = sqlx::PgPool::connect(&format!("{server}/postgres")).await.expect("a connection");
    let run = async |text: String| {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&admin).await.expect("done");
    };
    run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    said_until(&console, async || run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await).await;
    admin.close().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_that_sqlite_has_no_file() {
    let (redis, database) = (with_a_job().await, Database::new(DatabaseKind::Sqlite).await);
    let Setting::Sqlite(path) = &database.setting else { panic!("SQLite") };
    std::fs::create_dir(path).expect("a directory in its place");
    let console = TestConsole::start(Config { url: redis.url.clone(), archive: database.setting.clone(), ..Config::default() }).await;
    console.discovered().await;
    said_until(&console, async || std::fs::remove_dir(path).expect("removed")).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_an_archive_that_is_off() {
    let redis = with_a_job().await;
    let console = redis.console().await;
    // Longer than a start is given before it is said.
    tokio::time::sleep(Duration::from_secs(7)).await;
    for words in ["rchive unavailable", "rchive is being opened", "rchive takes nothing", "Missing in the archive"] {
        assert_eq!(saying(&console, words).await, 0, "{words}");
    }
    console.stop().await;
}
