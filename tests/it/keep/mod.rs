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
            setting::Setting,
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

pub async fn texts(db: &Db, text: &str) -> Vec<String> {
    db.rows(sql(text), |row| row.text(0).unwrap_or_default()).await.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// So many days ago, as the library writes it.
pub fn days_ago(days: i64) -> String {
    Millis(now_ms() - days * DAY_MS).iso()
}
