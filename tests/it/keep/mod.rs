//! What the console keeps of itself, on a real SQLite (`databases`, `killed` and `bounded`: on all three): audit lines, settings, the log of the past, and how old rows go.

mod audit;
mod audited;
mod bounded;
mod databases;
mod inbox;
mod killed;
mod logs;
mod retention;

use crate::support::{TestConsole, TestRedis, eventually, now_ms};
use flux_console::{
    model::{archive::ArchiveState, time::Millis},
    server::{
        archive::{
            db::Db,
            dialect::Dialect,
            setting::Setting,
            shelf,
            sql::{Value, sql},
        },
        config::Config,
    },
};
use std::{path::Path, time::Duration};

pub const DAY_MS: i64 = 86_400_000;
pub const SOON: Duration = Duration::from_secs(20);

/// A console whose archive is open.
pub async fn console(redis: &TestRedis, file: &Path) -> TestConsole {
    let config = Config { url: redis.url.clone(), archive: Setting::Sqlite(file.to_owned()), ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.status().state == ArchiveState::Ready).await;
    console
}

/// The archive beside the console.
pub async fn open(file: &Path) -> Db {
    Db::open(&Setting::Sqlite(file.to_owned())).await.expect("the archive opens")
}

pub async fn run(db: &Db, text: &str, values: impl IntoIterator<Item = Value>) -> u64 {
    let mut statement = sql(text);
    statement.values.extend(values);
    db.run(statement).await.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

pub async fn ints(db: &Db, text: &str) -> Vec<i64> {
    db.rows(sql(text), |row| row.int(0).unwrap_or(-1)).await.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// The rows of the index of words, to be counted: in SQLite those of all shelves.
pub async fn searched(db: &Db) -> String {
    if db.dialect() != Dialect::Sqlite {
        return "flux_console_search".into();
    }
    let names = texts(db, "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE \"flux_console_words_%'").await;
    let shelves: Vec<String> = names.iter().map(|name| format!("SELECT rowid AS row_id FROM \"{name}\"")).collect();
    if shelves.is_empty() { "(SELECT 1 WHERE 1 = 0)".into() } else { format!("({})", shelves.join(" UNION ALL ")) }
}

/// Writes words of rows as the indexer does in SQLite: the statement answers numbers and words.
pub async fn write_words(db: &Db, rows: &str) {
    let rows = db.rows(sql(rows), |row| (row.int(0).expect("a number"), row.text(1).expect("words"))).await.expect("rows");
    let mut tx = db.begin().await.expect("begins");
    shelf::write(&mut tx, rows).await.expect("written");
    tx.commit().await.expect("committed");
}

pub async fn texts(db: &Db, text: &str) -> Vec<String> {
    db.rows(sql(text), |row| row.text(0).unwrap_or_default()).await.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// So many days ago, as the library writes it.
pub fn days_ago(days: i64) -> String {
    Millis(now_ms() - days * DAY_MS).iso()
}
