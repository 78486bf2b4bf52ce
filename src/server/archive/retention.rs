//! What is too old goes, in batches that hold the lock for a moment only.
//!
//! The ids of a batch are read first, without a lock; then one transaction deletes these rows and everything that was read
//! in them. So a kill leaves whole rows or none, and whoever comes next finds the rest. Newest rows go first: of a job's
//! rows the false `completed` ones (see `verdict`) never stand without the failure that unmasks them.
//!
//! What is kept longer than its row is the identity of a failure: while the dead letter is still in Redis, forgetting it would
//! have it copied again. A deleted row leaves its identity marked `gone_ms`; [`forget`] takes identities that have been gone for
//! [`IDENTITY_MS`] and are in no failed list any more. That time covers the trash, from which a dead letter can come back.

mod traces;

use super::{
    counts,
    db::{Db, Tx},
    dialect::Dialect,
    error::ArchiveError,
    record::identity,
    shelf,
    sql::{Row, Sql, Value, alike, sql},
};
pub use traces::{Side, Step, any_gone, forget, mark_orphans, sweep};

use crate::{
    model::{settings::Retention, time::Millis},
    server::{digest::sha1_hex, reading::Reading},
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Audit lines and past operations.
const AUDIT_MS: i64 = 365 * DAY_MS;
/// See above. Far longer than the trash keeps a dead letter.
pub const IDENTITY_MS: i64 = 7 * DAY_MS;
/// Payloads of one batch: deleting them touches every one of their pages.
pub const BYTES: u64 = 8 * 1024 * 1024;
const READ: usize = 8_192;
/// A count of what would go may take so long; then a lower bound has to do.
const COUNT_WITHIN: Duration = Duration::from_millis(2_000);
const AT_LEAST: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    Jobs,
    Attempts,
    Lines,
    Gaps,
    Audit,
    Operations,
}

/// A table from which old rows go.
pub struct Table {
    pub old: Old,
    /// What its rows are, for people.
    pub what: &'static str,
    pub name: &'static str,
    /// The column that says when; `a` is the table.
    pub time: &'static str,
    /// Whether that is a time column of the library's, and not epoch milliseconds.
    dated: bool,
}

/// In the order of a run.
pub const OLD: [Table; 6] = [
    Table { old: Old::Jobs, what: "job rows", name: "flux_job_archive", time: "a.archived_at", dated: true },
    Table { old: Old::Attempts, what: "runs of jobs", name: "flux_console_attempts", time: "a.ended_ms", dated: false },
    Table { old: Old::Lines, what: "log lines", name: "flux_system_logs", time: "a.timestamp", dated: true },
    Table { old: Old::Gaps, what: "notes of gaps", name: "flux_console_gaps", time: "a.until_ms", dated: false },
    Table { old: Old::Audit, what: "audit lines", name: "flux_console_audit", time: "a.at_ms", dated: false },
    Table { old: Old::Operations, what: "past operations", name: "flux_console_operations", time: "a.started_ms", dated: false },
];

/// The end of what is kept.
pub fn before(old: Old, keep: &Retention, now: Millis) -> Millis {
    let days = |n: u32| i64::from(n) * DAY_MS;
    Millis(
        now.0
            - match old {
                Old::Jobs | Old::Attempts | Old::Gaps => days(keep.retention_days),
                Old::Lines => days(keep.logs_retention_days),
                Old::Audit | Old::Operations => AUDIT_MS,
            },
    )
}

/// Holds for a row that goes. A row without a time, or with one that cannot be read, never does.
fn expired(dialect: Dialect, table: &Table, before: Millis) -> Sql {
    if !table.dated {
        return sql(format!("{} < ?", table.time)).bind(before.0);
    }
    let mut condition = sql(dialect.before(table.time));
    for _ in 0..dialect.before_marks() {
        condition = condition.bind(before.0);
    }
    if table.old != Old::Jobs {
        return condition;
    }
    // Rows of one failure may stand on both sides of the border: the older ones then go a day later, with the others.
    let (mine, theirs) = (dialect.ms("a.archived_at"), dialect.ms("y.archived_at"));
    let text = format!(
        " AND NOT ({mine} >= ? AND EXISTS (SELECT 1 FROM flux_job_archive y WHERE y.job_id = a.job_id AND y.queue = a.queue \
         AND y.id > a.id AND {theirs} >= ? AND {theirs} < ?))"
    );
    condition.then(&text).bind(before.0 - HOUR_MS).bind(before.0).bind(before.0 + HOUR_MS)
}

/// How many rows of a table would go; the flag says that there are more.
pub async fn count(db: &Db, table: &Table, before: Millis) -> Result<(u64, bool), ArchiveError> {
    let wanted = || expired(db.dialect(), table, before);
    let whole = wanted();
    let exact = Sql { text: format!("SELECT COUNT(*) FROM {} a WHERE {}", table.name, whole.text), values: whole.values };
    if let Ok(counted) = tokio::time::timeout(COUNT_WITHIN, db.one(exact, |row| row.count(0))).await {
        match counted {
            Ok(rows) => return Ok((rows.unwrap_or(0), false)),
            Err(ArchiveError::Slow) => {}
            Err(error) => return Err(error),
        }
    }
    let some = wanted();
    let text = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} a WHERE {} LIMIT {AT_LEAST}) part", table.name, some.text);
    match tokio::time::timeout(COUNT_WITHIN, db.one(Sql { text, values: some.values }, |row| row.count(0))).await {
        Ok(Ok(rows)) => Ok((rows.unwrap_or(0), true)),
        Ok(Err(ArchiveError::Slow)) | Err(_) => Ok((0, true)),
        Ok(Err(error)) => Err(error),
    }
}

/// Rows that go together.
#[derive(Default)]
pub struct Batch {
    ids: Vec<Value>,
    /// Of failures, or of audit lines.
    identities: HashSet<String>,
    /// Where the next batch is looked for, see [`Dialect::place`].
    pub place: Option<String>,
    /// Nothing may be left behind this batch.
    pub last: bool,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }
}

struct Found {
    id: Value,
    bytes: u64,
    place: Option<String>,
    identity: Option<String>,
}

/// What asks for the next rows to go.
fn selection(dialect: Dialect, table: &Table, before: Millis, place: Option<&str>, most: usize) -> Sql {
    let mut wanted = expired(dialect, table, before);
    if let Some(place) = place {
        wanted = wanted.then(&format!(" AND {} <= ?", table.time)).bind(place);
    }
    let (columns, from) = match table.old {
        Old::Jobs => {
            let end = dialect.end("a.payload", READ);
            let columns = format!(
                "octet_length(a.payload), a.status, a.job_id, CASE WHEN a.status = 'failed' THEN substr(a.payload, 1, {READ}) END, \
                 CASE WHEN a.status = 'failed' AND length(a.payload) > {READ} THEN {end} END, w.job_id, w.payload"
            );
            (columns, "flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id".to_owned())
        }
        Old::Audit => ("0, a.identity".to_owned(), format!("{} a", table.name)),
        Old::Attempts | Old::Lines | Old::Gaps | Old::Operations => ("0".to_owned(), format!("{} a", table.name)),
    };
    let text = format!(
        "SELECT a.id, {}, {columns} FROM {from} WHERE {} ORDER BY {} DESC LIMIT ?",
        dialect.place(table.time),
        wanted.text,
        table.time
    );
    Sql { text, values: wanted.values }.bind(most as u64)
}

/// The next rows to go, at most `most` and, unless it is one, not more than [`BYTES`] of payloads; reads only.
pub async fn next(db: &Db, table: &Table, before: Millis, place: Option<&str>, most: usize) -> Result<Batch, ArchiveError> {
    let asked = selection(db.dialect(), table, before, place, most);
    let found = db.rows(asked, |row| read(table.old, row)).await?;
    let mut batch = Batch { last: found.len() < most, ..Batch::default() };
    let mut bytes = 0;
    for row in found {
        bytes += row.bytes;
        if bytes > BYTES && !batch.is_empty() {
            batch.last = false;
            break;
        }
        batch.ids.push(row.id);
        batch.identities.extend(row.identity);
        batch.place = row.place;
    }
    Ok(batch)
}

fn read(old: Old, row: &Row<'_>) -> Found {
    let id = if old == Old::Operations { row.text(0).into() } else { row.int(0).into() };
    let identity = match old {
        Old::Jobs => (row.text(3).as_deref() == Some("failed")).then(|| identity_of(row)),
        Old::Audit => row.text(3),
        Old::Attempts | Old::Lines | Old::Gaps | Old::Operations => None,
    };
    Found { id, bytes: row.count(2), place: row.text(1), identity }
}

/// As `record` makes it when it copies the dead letter.
fn identity_of(row: &Row<'_>) -> String {
    let whole = row.bytes(8);
    let reading = match &whole {
        Some(bytes) => std::str::from_utf8(bytes).map(Reading::of).unwrap_or_default(),
        None => {
            let head = row.text(5).unwrap_or_default();
            Reading::of_parts(&head, row.text(6).as_deref())
        }
    };
    let id = reading.id.or_else(|| row.text(7)).or_else(|| row.text(4)).unwrap_or_default();
    identity(&id, reading.created_at, reading.attempts)
}

/// The identity of a dead letter as it lies in Redis.
pub fn identity_of_raw(raw: &[u8]) -> String {
    let reading = std::str::from_utf8(raw).map(Reading::of).unwrap_or_default();
    let id = reading.id.unwrap_or_else(|| sha1_hex(String::from_utf8_lossy(raw).as_bytes()));
    identity(&id, reading.created_at, reading.attempts)
}

/// Deletes a batch with everything that was read in its rows. How many rows were still there, and how long the lock was held.
pub async fn delete(db: &Db, table: &Table, batch: &Batch, now: Millis) -> Result<(u64, Duration), ArchiveError> {
    let dialect = db.dialect();
    let mut tx = db.begin().await?;
    // From here on others wait.
    let since = Instant::now();
    let ids = || batch.ids.iter().cloned();
    if table.old == Old::Jobs {
        if !batch.identities.is_empty() {
            let identities: Vec<&String> = batch.identities.iter().collect();
            let update = dialect.or_update("identity", &format!("gone_ms = {}", dialect.new("gone_ms")));
            for some in alike(&identities) {
                let rows = some.iter().map(|identity| vec![identity.as_str().into(), now.0.into()]);
                tx.run(Sql::insert("INSERT INTO flux_console_failures (identity, gone_ms)", "(?, ?)", rows).then(&update)).await?;
            }
        }
        tx.run(sql("DELETE FROM flux_console_rows WHERE").one_of("row_id", ids())).await?;
        forget_words(&mut tx, dialect, batch.ids.iter().filter_map(|id| if let Value::Int(row) = id { *row } else { None })).await?;
        tx.run(sql("DELETE FROM flux_console_whole WHERE").one_of("row_id", ids())).await?;
        counts::take(&mut tx, dialect, "row_id", batch.ids.clone()).await?;
    }
    if table.old == Old::Lines {
        tx.run(sql("DELETE FROM flux_console_whole_lines WHERE").one_of("row_id", ids())).await?;
    }
    if table.old == Old::Audit {
        tx.run(sql("DELETE FROM flux_console_audit_jobs WHERE").one_of("identity", batch.identities.iter().cloned())).await?;
    }
    let deleted = tx.run(sql(format!("DELETE FROM {} WHERE", table.name)).one_of("id", ids())).await?;
    Ok((deleted, committed(db, tx, since).await?))
}

/// Deletes the words of rows that `flux_console_rows` has no more.
async fn forget_words(tx: &mut Tx, dialect: Dialect, rows: impl IntoIterator<Item = i64>) -> Result<(), ArchiveError> {
    if dialect == Dialect::Sqlite {
        return shelf::forget(tx, rows).await;
    }
    tx.run(sql("DELETE FROM flux_console_search WHERE").one_of("row_id", rows)).await?;
    Ok(())
}

/// Ends a transaction; how long it held the lock since then.
async fn committed(db: &Db, mut tx: Tx, since: Instant) -> Result<Duration, ArchiveError> {
    if db.dialect() != Dialect::Sqlite {
        tx.commit().await?;
        return Ok(since.elapsed());
    }
    // SQLite copies its log into the file at the end of a commit, when others do not wait any more: that is no part of the lock.
    tx.run(sql("PRAGMA wal_autocheckpoint = 0")).await?;
    let committed = tx.commit().await;
    let held = since.elapsed();
    // Also when it failed, or the connection would never do it by itself again.
    let copied = db.checkpoint().await;
    committed?;
    copied?;
    Ok(held)
}
