//! How big the archive is. Every question has a short limit: what cannot be counted in time is estimated, and says so.

use super::{
    Archive,
    db::Db,
    error::ArchiveError,
    gaps,
    retention::{OLD, Old},
    sql::{Sql, sql},
};
use crate::model::{
    settings::{ArchiveFacts, TableSize},
    time::Millis,
};
use futures::future::join_all;
use std::time::Duration;

/// A table is counted for so long; then the database's own estimate has to do.
const COUNT_WITHIN: Duration = Duration::from_millis(700);
/// The rest of the size does not wait longer for the index of words.
const WORDS_WITHIN: Duration = Duration::from_millis(500);
const TABLES: [&str; 4] = ["flux_job_archive", "flux_system_logs", "flux_console_attempts", "flux_console_audit"];

pub async fn facts(archive: &Archive) -> ArchiveFacts {
    let mut facts = ArchiveFacts { status: archive.status(), ..ArchiveFacts::default() };
    let Ok(db) = archive.db() else { return facts };
    let tables = tables(&db);
    let others = async {
        tokio::join!(
            db.one(sql(db.dialect().version()), |row| row.text(0)),
            on_disk(&db),
            oldest(&db, Old::Jobs),
            oldest(&db, Old::Lines),
            gaps::newest(&db, None),
        )
    };
    let (tables, others) = tokio::join!(tables, tokio::time::timeout(COUNT_WITHIN * 2, others));
    facts.tables = tables;
    let Ok((version, size, jobs, lines, gaps)) = others else { return facts };
    facts.version = archive.noted(version).ok().flatten().flatten();
    (facts.bytes, facts.free_bytes, facts.without_words) = (size.bytes, size.free, size.without_words);
    (facts.gaps, facts.more_gaps) = gaps.unwrap_or_default();
    (facts.oldest_job, facts.oldest_line) = (jobs.ok().flatten(), lines.ok().flatten());
    facts
}

/// What it takes on its disk, if that is there in time: a figure that the database keeps, nothing is counted.
pub async fn bytes(archive: &Archive) -> Option<u64> {
    let db = archive.db().ok()?;
    tokio::time::timeout(COUNT_WITHIN, on_disk(&db)).await.ok()?.bytes
}

struct OnDisk {
    bytes: Option<u64>,
    /// Of these.
    free: Option<u64>,
    /// The index of words comes on top of that.
    without_words: bool,
}

async fn on_disk(db: &Db) -> OnDisk {
    let asked = db.one(sql(db.dialect().size()), |row| (row.int(0), row.int(1)));
    let (size, words) = tokio::join!(asked, tokio::time::timeout(WORDS_WITHIN, words(db)));
    let (bytes, free) = size.ok().flatten().unwrap_or_default();
    let (whole, words) = (bytes.and_then(|n| u64::try_from(n).ok()), words.ok().flatten());
    OnDisk { bytes: whole.map(|n| n + words.unwrap_or(0)), free: free.and_then(|n| u64::try_from(n).ok()), without_words: words.is_none() }
}

/// What the index of words takes beside [`OnDisk::bytes`]; `None`: the database does not tell this user. It is asked in vain each
/// time then, and no one is troubled with that.
async fn words(db: &Db) -> Option<u64> {
    let ways = db.dialect().words_sizes();
    if ways.is_empty() {
        return Some(0);
    }
    for way in ways {
        if let Some(bytes) = quick(db, sql(way)).await {
            return Some(bytes);
        }
    }
    None
}

async fn tables(db: &Db) -> Vec<TableSize> {
    join_all(TABLES.map(|table| async move {
        let exact = quick(db, sql(format!("SELECT COUNT(*) FROM {table}"))).await;
        let rows = match exact {
            Some(rows) => Some(rows),
            None => quick(db, sql(db.dialect().estimate(table))).await,
        };
        TableSize { table: table.into(), rows, estimated: exact.is_none() }
    }))
    .await
}

/// A number, if it is there in time.
async fn quick(db: &Db, question: Sql) -> Option<u64> {
    tokio::time::timeout(COUNT_WITHIN, db.one(question, |row| row.int(0))).await.ok()?.ok().flatten().flatten()?.try_into().ok()
}

/// The time of the oldest row whose time can be read.
async fn oldest(db: &Db, old: Old) -> Result<Option<Millis>, ArchiveError> {
    let Some(table) = OLD.iter().find(|table| table.old == old) else { return Ok(None) };
    // In the order of the index: the first one that is readable is found at once.
    let readable = db.dialect().before(table.time);
    let mut question = sql(format!("SELECT {} FROM {} a WHERE {readable}", db.dialect().ms(table.time), table.name));
    for _ in 0..db.dialect().before_marks() {
        // As far as every database counts.
        question = question.bind(2_147_483_647_000_i64);
    }
    let question = question.then(&format!(" ORDER BY {} LIMIT 1", table.time));
    Ok(db.one(question, |row| row.int(0)).await?.flatten().map(Millis))
}
