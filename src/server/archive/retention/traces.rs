//! What is left of rows that are gone: identities of failures, and notes and counts of rows that the library deleted.

use super::{IDENTITY_MS, committed, words::forget_words};
use crate::{
    model::time::Millis,
    server::archive::{counts, db::Db, error::ArchiveError, sql::sql},
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// Marks the identities whose rows somebody else deleted, and takes them out of the counts, a part of the table at a time: goes on
/// behind the identity that it answers, until there is none.
pub async fn mark_orphans(db: &Db, after: &str, now: Millis) -> Result<Option<String>, ArchiveError> {
    const PART: usize = 2_000;
    let text = format!(
        "SELECT f.identity, CASE WHEN f.row_id IS NOT NULL AND a.id IS NULL AND (f.gone_ms IS NULL OR f.signature IS NOT NULL) THEN 1 ELSE 0 END \
         FROM flux_console_failures f LEFT JOIN flux_job_archive a ON a.id = f.row_id WHERE f.identity > ? ORDER BY f.identity LIMIT {PART}"
    );
    let part = db.rows(sql(text).bind(after), |row| (row.text(0).unwrap_or_default(), row.count(1) == 1)).await?;
    let gone: Vec<&String> = part.iter().filter(|(_, gone)| *gone).map(|(identity, _)| identity).collect();
    for some in gone.chunks(200) {
        let mut tx = db.begin().await?;
        counts::take(&mut tx, db.dialect(), "identity", some.iter().map(|i| i.as_str().into()).collect()).await?;
        let statement = sql("UPDATE flux_console_failures SET gone_ms = ? WHERE").bind(now.0);
        tx.run(statement.one_of("identity", some.iter().map(|i| i.as_str()))).await?;
        tx.commit().await?;
    }
    Ok((part.len() == PART).then(|| part.into_iter().next_back().map(|(identity, _)| identity)).flatten())
}

/// Deletes what was read in rows that somebody else deleted, a part of the table at a time: goes on behind the number that it
/// answers, until there is none. How many there were, and how long the lock was held.
pub async fn sweep(db: &Db, table: Side, after: i64) -> Result<(Option<i64>, u64, Duration), ArchiveError> {
    const PART: usize = 1_000;
    let name = table.name();
    let text = format!(
        "SELECT s.row_id, CASE WHEN a.id IS NULL THEN 1 ELSE 0 END FROM {name} s LEFT JOIN flux_job_archive a ON a.id = s.row_id \
         WHERE s.row_id > ? ORDER BY s.row_id LIMIT {PART}"
    );
    let part = db.rows(sql(text).bind(after), |row| (row.int(0).unwrap_or_default(), row.count(1) == 1)).await?;
    let orphans: Vec<i64> = part.iter().filter(|(_, orphan)| *orphan).map(|(row, _)| *row).collect();
    let (mut gone, mut held) = (0, Duration::ZERO);
    for some in orphans.chunks(100) {
        let mut tx = db.begin().await?;
        let since = Instant::now();
        if table == Side::Rows {
            forget_words(&mut tx, db.dialect(), some.iter().copied()).await?;
        }
        gone += tx.run(sql(format!("DELETE FROM {name} WHERE")).one_of("row_id", some.iter().copied())).await?;
        held = held.max(committed(db, tx, since).await?);
    }
    let next = (part.len() == PART).then(|| part.last().map(|(row, _)| *row)).flatten();
    Ok((next, gone, held))
}

/// Tables with a row for a row of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// With what is searched.
    Rows,
    Whole,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Rows => "flux_console_rows",
            Self::Whole => "flux_console_whole",
        }
    }
}

/// Whether any identity has been gone long enough.
pub async fn any_gone(db: &Db, now: Millis) -> Result<bool, ArchiveError> {
    let statement = sql("SELECT 1 FROM flux_console_failures WHERE gone_ms < ? LIMIT 1").bind(now.0 - IDENTITY_MS);
    Ok(db.one(statement, |row| row.int(0)).await?.is_some())
}

/// Forgets some of the identities that have been gone long enough, but for those that `held` (what is in Redis) has: these count
/// as gone since now. How many it looked at, and how many it forgot.
pub async fn forget(db: &Db, held: &HashSet<String>, now: Millis, most: usize) -> Result<(usize, u64, Duration), ArchiveError> {
    let asked = sql("SELECT identity FROM flux_console_failures WHERE gone_ms < ? ORDER BY gone_ms LIMIT ?");
    let found = db.rows(asked.bind(now.0 - IDENTITY_MS).bind(most as u64), |row| row.text(0).unwrap_or_default()).await?;
    let looked = found.len();
    if looked == 0 {
        return Ok((0, 0, Duration::ZERO));
    }
    let (stay, go): (Vec<String>, Vec<String>) = found.into_iter().partition(|identity| held.contains(identity));
    let mut tx = db.begin().await?;
    let since = Instant::now();
    if !stay.is_empty() {
        tx.run(sql("UPDATE flux_console_failures SET gone_ms = ? WHERE").bind(now.0).one_of("identity", stay)).await?;
    }
    let forgotten = tx.run(sql("DELETE FROM flux_console_failures WHERE gone_ms IS NOT NULL AND").one_of("identity", go)).await?;
    Ok((looked, forgotten, committed(db, tx, since).await?))
}
