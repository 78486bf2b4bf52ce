//! An archive of the library is adopted while the library writes: in steps, between which it has its turn, and after a kill the next
//! start does the rest.

use super::open;
use crate::support::{Database, DatabaseKind, eventually, recording::fixtures};
use flux_console::server::{
    actions::now,
    archive::{Archive, setting::Setting, sql::sql},
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
const ROWS: i64 = 50_000;
const INSERT: &str = "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at)";

/// As the library opens it: it waits five seconds for the lock.
async fn library(database: &Database) -> SqlitePool {
    let Setting::Sqlite(file) = &database.setting else { panic!("SQLite") };
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.expect("a connection")
}

/// Its tables, and so many rows.
async fn filled(library: &SqlitePool, rows: i64) {
    let made = std::fs::read_to_string(fixtures().join("sql/sqlite-schema.sql")).expect("a recording");
    // A table of SQLite's own, which it makes itself.
    for statement in made.split(";\n").filter(|s| !s.trim().is_empty() && !s.contains("sqlite_sequence")) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(library).await.expect("made");
    }
    let fill = format!(
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows}) \
         {INSERT} SELECT 'old-' || i, 'mail', 'failed', '{{\"id\":\"old-' || i || '\"}}', '2026-01-02T03:04:05.678Z' FROM c"
    );
    sqlx::query(sqlx::AssertSqlSafe(fill)).execute(library).await.expect("rows");
}

/// The console's own indexes over the library's table.
async fn indexes(pool: &SqlitePool) -> i64 {
    let text = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'flux_console_archive_%'";
    sqlx::query_scalar(text).fetch_one(pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_writes_while_its_archive_is_adopted() {
    let database = Database::new(DatabaseKind::Sqlite).await;
    let (writer, other) = (library(&database).await, library(&database).await);
    filled(&writer, ROWS).await;
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writing = tokio::spawn({
        let (stop, written) = (stop.clone(), written.clone());
        async move {
            let text = format!("{INSERT} VALUES ('new', 'mail', 'failed', '{{}}', '2026-01-02T03:04:05.678Z')");
            while !stop.load(Ordering::Relaxed) {
                sqlx::query(sqlx::AssertSqlSafe(text.as_str())).execute(&writer).await.expect("the library writes");
                written.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let looking = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                seen.insert(indexes(&other).await);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            seen
        }
    });
    eventually("it writes", SOON, async || written.load(Ordering::Relaxed) > 3).await;
    let archive = Archive::new(database.setting.clone(), now());
    // While it is written to, a file may not change to the other kind of log at once.
    eventually("it is adopted", SOON, async || archive.open(now()).await).await;
    let during = written.load(Ordering::Relaxed);
    eventually("it still writes", SOON, async || written.load(Ordering::Relaxed) > during + 3).await;
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("no write failed");
    let seen = looking.await.expect("no look failed");
    assert!(seen.iter().any(|n| (1..4).contains(n)), "an index after the other is there for others to see: {seen:?}");
    let db = archive.db().expect("open");
    let rows = db.one(sql("SELECT COUNT(*) FROM flux_job_archive"), |row| row.count(0)).await.expect("a count");
    assert_eq!(rows, Some(ROWS.cast_unsigned() + written.load(Ordering::Relaxed)));
}

/// What a killed start leaves: some of the indexes, and no note of it.
#[tokio::test]
async fn an_adoption_that_was_killed_goes_on() {
    let database = Database::new(DatabaseKind::Sqlite).await;
    let library = library(&database).await;
    filled(&library, 100).await;
    for columns in
        ["job\" ON \"flux_job_archive\" (\"job_id\", \"queue\", \"id\")", "status\" ON \"flux_job_archive\" (\"status\", \"id\")"]
    {
        let made = format!("CREATE INDEX IF NOT EXISTS \"flux_console_archive_{columns}");
        sqlx::query(sqlx::AssertSqlSafe(made)).execute(&library).await.expect("made");
    }
    assert_eq!(indexes(&library).await, 2);
    let archive = open(&database).await;
    assert_eq!(indexes(&library).await, 4);
    let db = archive.db().expect("open");
    let count =
        async |table: &str| db.one(sql(format!("SELECT COUNT(*) FROM {table}")), |row| row.int(0)).await.expect("a count").flatten();
    assert_eq!(count("flux_job_archive").await, Some(100));
    assert!(count("flux_console_migrations").await >= Some(6));
    // And once more, with nothing to do.
    open(&database).await;
    assert_eq!(indexes(&library).await, 4);
}
