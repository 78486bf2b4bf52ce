//! What the console itself writes into the archive: dead letters, completions, runs, log lines. Every batch is one transaction
//! that can be repeated: what stands there already is left alone.

mod columns;
mod lines;
mod missed;
mod pushes;
mod runs;

use super::{
    db::{Db, Tx},
    dialect::Dialect,
    error::ArchiveError,
    gaps, index,
    sql::{Sql, Value, sql},
};
use crate::{
    model::{
        archive::{Gap, Status},
        ids::QueueName,
        time::Millis,
    },
    server::reading::Reading,
};
use columns::Columns;
pub use columns::{fitting, identity, key, stored_id, stored_queue};
pub use lines::Lines;
pub use missed::{Missed, missed};
pub use runs::{failed_before, runs};
use std::collections::{HashMap, HashSet};

/// Two rows of one job that completed so close together tell of one completion: a retry waits two seconds at least.
pub const SAME_MS: i64 = 1_500;
/// Of a payload in the archive, both ends are looked at: its identity stands in one of them.
const PART: usize = 8 * 1024;
/// Rows of one INSERT, and about how many bytes, where the server takes as much ([`room`]).
const ROWS: usize = 200;
const BYTES: usize = 4 * 1024 * 1024;
/// Of a statement, what is not its payload.
const MARGIN: usize = 64 * 1024;
/// MySQL's TEXT holds 65,535 bytes: so many characters, whichever they are.
const TEXT_CHARS: usize = 16_000;
/// Rows of one job that are looked at, for each that is written.
const ROWS_OF_A_JOB: usize = 200;

/// A dead letter, a completed job of which the payload was seen, or a push.
#[derive(Clone, Debug)]
pub struct Record {
    pub status: Status,
    /// In whose list it was found, or as attributed.
    pub queue: QueueName,
    /// The job's id as events name it, when the payload does not say one.
    pub id: Option<String>,
    pub payload: Vec<u8>,
    pub at: Millis,
}

/// A run as the event channel told it.
#[derive(Clone, Debug)]
pub struct Run {
    pub job: String,
    pub queue: Option<QueueName>,
    pub worker: String,
    pub class: Option<String>,
    pub attempt: Option<u64>,
    pub started_at: Millis,
    pub ended_at: Millis,
    pub wait_ms: Option<i64>,
    /// See [`crate::model::archive::Attempt::outcome`].
    pub outcome: &'static str,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub level: String,
    pub message: String,
    pub worker: String,
    pub queue: Option<String>,
    pub at: Millis,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that nobody wrote before.
    pub rows: u64,
    /// Of these, jobs whose payload the database takes in no form; each left a gap.
    pub refused: u64,
}

/// Writes those that nobody wrote yet. One that the database refuses as it is holds nobody up: it is written bare, its payload
/// whole beside it.
pub async fn records(db: &Db, batch: &[Record]) -> Result<Written, ArchiveError> {
    if batch.is_empty() {
        return Ok(Written::default());
    }
    let dialect = db.dialect();
    let mut met = HashSet::new();
    let rows: Vec<Columns> = batch
        .iter()
        .map(|record| Columns::of(record, dialect))
        // A schedule pushes and completes the same job again and again: only the time tells these apart.
        .filter(|row| met.insert((row.status, row.identity.clone(), if row.status == "failed" { 0 } else { row.at })))
        .collect();
    let (mut written, room) = (Written::default(), room(db).await?);
    for part in pieces(&rows, room, Columns::bytes, |_, _| true) {
        written.rows += some(db, part, room, &mut written.refused).await?;
    }
    Ok(written)
}

/// About how many bytes one statement may have. MySQL and MariaDB hang up on one that is larger than they take, and say nothing of why:
/// it would be sent again for ever.
async fn room(db: &Db) -> Result<usize, ArchiveError> {
    Ok(db.largest().await?.map_or(BYTES, |most| BYTES.min(most / 2)))
}

/// Pieces of at most [`ROWS`] rows and about `room` bytes, in their order; `together`: the two may be in one.
fn pieces<T>(rows: &[T], room: usize, size: impl Fn(&T) -> usize, together: impl Fn(&T, &T) -> bool) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        if at > from && (at - from >= ROWS || bytes + size(row) > room || !together(&rows[at - 1], row)) {
            pieces.push(&rows[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += size(row);
    }
    if from < rows.len() {
        pieces.push(&rows[from..]);
    }
    pieces
}

/// Writes these, in halves where a value of one of them is refused; how many were new.
async fn some(db: &Db, rows: &[Columns], room: usize, refused: &mut u64) -> Result<u64, ArchiveError> {
    if rows.is_empty() {
        return Ok(0);
    }
    if let [row] = rows
        && row.bytes() > room
        && db.largest().await?.is_some_and(|most| row.bytes() + MARGIN > most)
    {
        return without_payload(db, row, refused).await;
    }
    let done = match write(db, rows).await {
        // Somebody else wrote one of these at the same moment: now it is seen.
        Err(error) if error.is_double() => write(db, rows).await,
        done => done,
    };
    let error = match done {
        Err(error) if error.is_refusal() => error,
        done => return done,
    };
    if let [row] = rows {
        tracing::warn!(queue.name = row.queue, job.id = row.id, problem = error.problem(), "the archive refuses a job as it is");
        return bare(db, row, refused).await;
    }
    let (one, other) = rows.split_at(rows.len() / 2);
    Ok(Box::pin(some(db, one, room, refused)).await? + Box::pin(some(db, other, room, refused)).await?)
}

/// The row with nothing in it that can be refused.
async fn bare(db: &Db, row: &Columns, refused: &mut u64) -> Result<u64, ArchiveError> {
    match write(db, std::slice::from_ref(&row.bare(true))).await {
        Err(error) if error.is_refusal() && !error.is_double() => without_payload(db, row, refused).await,
        done => done,
    }
}

async fn without_payload(db: &Db, row: &Columns, refused: &mut u64) -> Result<u64, ArchiveError> {
    let written = match write(db, std::slice::from_ref(&row.bare(false))).await {
        Err(error) if error.is_refusal() => 0,
        done => done?,
    };
    // Found again, it is known by now.
    if written == 0 {
        return Ok(0);
    }
    tracing::warn!(queue.name = row.queue, job.id = row.id, bytes = row.bytes(), "the archive does not take the payload of a job");
    *refused += 1;
    let until = Millis(row.at);
    if let Ok(queue) = QueueName::try_from(row.queue.as_str()) {
        gaps::write(db, &Gap { queue, from: Some(until), until, up_to: Some(1) }).await?;
    }
    Ok(written)
}

async fn write(db: &Db, rows: &[Columns]) -> Result<u64, ArchiveError> {
    let dialect = db.dialect();
    let mark = index::mark(db).await?;
    let mut tx = db.begin().await?;
    let known = known(&mut tx, dialect, rows, mark).await?;
    let new: Vec<&Columns> = rows.iter().enumerate().filter(|(at, _)| !known.contains(at)).map(|(_, row)| row).collect();
    let into = "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at)";
    let marks = format!("(?, ?, ?, ?, ?, {at}, {at})", at = dialect.at());
    let (plain, cut): (Vec<&Columns>, Vec<&Columns>) = new.iter().partition(|row| row.whole.is_none());
    if !plain.is_empty() {
        tx.run(Sql::insert(into, &marks, plain.iter().map(|row| row.values()))).await?;
    }
    for row in cut {
        let number = tx.insert(Sql::insert(into, &marks, [row.values()])).await?;
        let Some(whole) = &row.whole else { continue };
        let statement = sql("INSERT INTO flux_console_whole (row_id, job_id, queue, payload, error) VALUES (?, ?, ?, ?, ?)")
            .bind(number)
            .bind(whole.id.clone())
            .bind(whole.queue.clone());
        let statement = match &whole.payload {
            Some(bytes) => statement.bind(bytes.clone()),
            None => Sql { text: statement.text.replacen("(?, ?, ?, ?, ?)", "(?, ?, ?, NULL, ?)", 1), values: statement.values },
        };
        tx.run(statement.bind(whole.error.clone())).await?;
    }
    let failures: Vec<Vec<Value>> = new.iter().filter(|r| r.status == "failed").map(|r| vec![r.identity.clone().into()]).collect();
    if !failures.is_empty() {
        tx.run(Sql::insert("INSERT INTO flux_console_failures (identity)", "(?)", failures)).await?;
    }
    tx.commit().await?;
    Ok(new.len() as u64)
}

/// Which of these, by place, stand in the archive already, whoever wrote them: by the notes of failures, and by rows of their
/// jobs. A job that is pushed again and again has rows without end, so only those are read that can tell: failures that were
/// not indexed yet (the index notes whose rows it reads, behind `mark`), and completions and pushes of the same moment.
async fn known(tx: &mut Tx, dialect: Dialect, rows: &[Columns], mark: i64) -> Result<HashSet<usize>, ArchiveError> {
    let of = |status: &'static str| rows.iter().enumerate().filter(move |(_, row)| row.status == status);
    let ids = |status| of(status).map(|(_, row)| row.id.clone()).collect::<HashSet<String>>();
    let mut known: HashSet<usize> = pushes::known(tx, dialect, rows).await?.into_iter().collect();
    if of("failed").next().is_some() {
        let noted =
            sql("SELECT identity FROM flux_console_failures WHERE").one_of("identity", of("failed").map(|(_, r)| r.identity.clone()));
        let mut failures: HashSet<String> = tx.rows(noted, |row| row.text(0).unwrap_or_default()).await?.into_iter().collect();
        let end = dialect.end("payload", PART);
        let text = format!(
            "SELECT job_id, substr(payload, 1, {PART}), CASE WHEN length(payload) > {PART} THEN {end} END FROM flux_job_archive \
             WHERE status = 'failed' AND id > ? AND"
        );
        let ids = ids("failed");
        let most = ids.len() * ROWS_OF_A_JOB;
        let asked = sql(text).bind(mark - index::LOOK_BACK).one_of("job_id", ids).then(&format!(" ORDER BY id DESC LIMIT {most}"));
        let there = tx.rows(asked, |row| {
            let head = row.text(1).unwrap_or_default();
            let reading = Reading::of_parts(&head, row.text(2).as_deref());
            let id = reading.id.or_else(|| row.text(0)).unwrap_or_default();
            identity(&id, reading.created_at, reading.attempts)
        });
        failures.extend(there.await?);
        known.extend(of("failed").filter(|(_, row)| failures.contains(&row.identity)).map(|(at, _)| at));
    }
    let times = of("completed").map(|(_, row)| row.at);
    if let Some((first, last)) = times.clone().min().zip(times.max()) {
        // The library stamps a job anew before it writes that it completed: the same completion is told by its time.
        let text = format!(
            "SELECT job_id, {} FROM flux_job_archive WHERE status = 'completed' AND archived_at >= {at} AND archived_at <= {at} AND",
            dialect.ms("archived_at"),
            at = dialect.at()
        );
        let asked = sql(text).bind(first - SAME_MS).bind(last + SAME_MS).one_of("job_id", ids("completed"));
        let mut there: HashMap<String, Vec<i64>> = HashMap::new();
        for (job, at) in tx.rows(asked, |row| (row.text(0).unwrap_or_default(), row.int(1))).await? {
            there.entry(job).or_default().extend(at);
        }
        let same = |row: &Columns| there.get(&row.id).is_some_and(|times| times.iter().any(|at| (at - row.at).abs() <= SAME_MS));
        known.extend(of("completed").filter(|(_, row)| same(row)).map(|(at, _)| at));
    }
    Ok(known)
}

/// Holds the mark of this name until the transaction ends: who wants it as well waits. SQLite has one writer anyway.
pub async fn lock(tx: &mut Tx, dialect: Dialect, name: &str) -> Result<Option<String>, ArchiveError> {
    let first = format!("{} flux_console_marks (name, value)", dialect.insert());
    tx.run(Sql::insert(&first, "(?, ?)", [vec![name.into(), "0".into()]]).then(dialect.unless_there())).await?;
    let lock = if dialect == Dialect::Sqlite { "" } else { " FOR UPDATE" };
    let mark = tx.rows(sql(format!("SELECT value FROM flux_console_marks WHERE name = ?{lock}")).bind(name), |r| r.text(0)).await?;
    Ok(mark.into_iter().flatten().next())
}

pub async fn set_mark(tx: &mut Tx, dialect: Dialect, name: &str, value: &str) -> Result<(), ArchiveError> {
    let update = dialect.or_update("name", &format!("value = {}", dialect.new("value")));
    tx.run(sql("INSERT INTO flux_console_marks (name, value) VALUES (?, ?)").bind(name).bind(value).then(&update)).await?;
    Ok(())
}
