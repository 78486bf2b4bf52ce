//! What is left of rows that are gone: identities of failures, and notes and counts of rows that the library deleted.

use super::{IDENTITY_MS, committed, forget_words};
use crate::{
    model::time::Millis,
    server::archive::{counts, db::Db, error::ArchiveError, sql::sql},
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// One transaction on a part of a table, or none where there was nothing to do.
pub struct Step<P> {
    /// Behind what the next one begins; `None`: this was the last.
    pub next: Option<P>,
    /// Rows that were dealt with.
    pub done: usize,
    /// How long the lock was held.
    pub held: Option<Duration>,
}

/// The first `most` of those that the part of a table (`full`: more may follow) says yes of, and where the next part begins.
fn some<P: Clone>(part: Vec<(P, bool)>, full: bool, most: usize) -> (Vec<P>, Option<P>) {
    let end = part.last().map(|(place, _)| place.clone()).filter(|_| full);
    let some: Vec<P> = part.into_iter().filter(|(_, yes)| *yes).map(|(place, _)| place).take(most).collect();
    // What is behind the last of them is looked at again.
    let next = if some.len() == most { some.last().cloned() } else { end };
    (some, next)
}

/// Marks at most so many identities whose rows somebody else deleted, and takes them out of the counts, a part of the table at a time:
/// goes on behind the identity that it answers.
pub async fn mark_orphans(db: &Db, after: &str, now: Millis, most: usize) -> Result<Step<String>, ArchiveError> {
    const PART: usize = 2_000;
    let text = format!(
        "SELECT f.identity, CASE WHEN f.row_id IS NOT NULL AND a.id IS NULL AND (f.gone_ms IS NULL OR f.signature IS NOT NULL) THEN 1 ELSE 0 END \
         FROM flux_console_failures f LEFT JOIN flux_job_archive a ON a.id = f.row_id WHERE f.identity > ? ORDER BY f.identity LIMIT {PART}"
    );
    let part = db.rows(sql(text).bind(after), |row| (row.text(0).unwrap_or_default(), row.count(1) == 1)).await?;
    let full = part.len() == PART;
    let (gone, next) = some(part, full, most);
    if gone.is_empty() {
        return Ok(Step { next, done: 0, held: None });
    }
    let mut tx = db.begin().await?;
    let since = Instant::now();
    counts::take(&mut tx, db.dialect(), "identity", gone.iter().map(|i| i.as_str().into()).collect()).await?;
    let statement = sql("UPDATE flux_console_failures SET gone_ms = ? WHERE").bind(now.0);
    tx.run(statement.one_of("identity", gone.iter().map(String::as_str))).await?;
    Ok(Step { next, done: gone.len(), held: Some(committed(db, tx, since).await?) })
}

/// Deletes what was read in at most so many rows that somebody else deleted, a part of the table at a time: goes on behind the number
/// that it answers.
pub async fn sweep(db: &Db, table: Side, after: i64, most: usize) -> Result<Step<i64>, ArchiveError> {
    const PART: usize = 1_000;
    let name = table.name();
    let text = format!(
        "SELECT s.row_id, CASE WHEN a.id IS NULL THEN 1 ELSE 0 END FROM {name} s LEFT JOIN {} a ON a.id = s.row_id \
         WHERE s.row_id > ? ORDER BY s.row_id LIMIT {PART}",
        table.of()
    );
    let part = db.rows(sql(text).bind(after), |row| (row.int(0).unwrap_or_default(), row.count(1) == 1)).await?;
    let full = part.len() == PART;
    let (orphans, next) = some(part, full, most);
    if orphans.is_empty() {
        return Ok(Step { next, done: 0, held: None });
    }
    let mut tx = db.begin().await?;
    let since = Instant::now();
    let gone = tx.run(sql(format!("DELETE FROM {name} WHERE")).one_of("row_id", orphans.iter().copied())).await?;
    if table == Side::Rows {
        forget_words(&mut tx, db.dialect(), orphans).await?;
    }
    Ok(Step { next, done: usize::try_from(gone).unwrap_or(usize::MAX), held: Some(committed(db, tx, since).await?) })
}

/// Tables with rows for rows of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// With what is searched.
    Rows,
    Whole,
    /// Of the log.
    Lines,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Rows => "flux_console_rows",
            Self::Whole => "flux_console_whole",
            Self::Lines => "flux_console_whole_lines",
        }
    }

    /// The table whose rows they belong to.
    fn of(self) -> &'static str {
        match self {
            Self::Rows | Self::Whole => "flux_job_archive",
            Self::Lines => "flux_system_logs",
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

#[cfg(test)]
mod tests {
    use super::some;

    #[test]
    fn a_step_takes_no_more_than_it_may_and_the_next_one_begins_behind() {
        let part = || vec![(1, true), (2, false), (3, true), (4, true), (5, false)];
        assert_eq!(some(part(), true, 2), (vec![1, 3], Some(3)), "the rest of the part is read again");
        assert_eq!(some(part(), true, 9), (vec![1, 3, 4], Some(5)));
        assert_eq!(some(part(), false, 9), (vec![1, 3, 4], None));
        assert_eq!(some(part(), false, 3), (vec![1, 3, 4], Some(4)));
        assert_eq!(some(Vec::<(i64, bool)>::new(), false, 3), (Vec::new(), None));
    }
}
