//! What the console itself writes into the archive: dead letters, completions, runs, log lines. Every batch is one transaction
//! that can be repeated: what stands there already is left alone.

mod columns;

use super::{
    db::{Db, Tx},
    dialect::{Dialect, QUEUE_CHARS},
    error::ArchiveError,
    sql::{Sql, Value, clean, sql},
};
use crate::{
    model::{archive::Status, ids::QueueName, time::Millis},
    server::{digest::sha1_hex, reading::Reading},
};
use columns::{Columns, fitting};
pub use columns::{identity, key, stored_id, stored_queue};
use std::collections::{HashMap, HashSet};

/// Two rows of one job that completed so close together tell of one completion: a retry waits two seconds at least.
pub const SAME_MS: i64 = 1_500;
/// Of a payload in the archive, both ends are looked at: its identity stands in one of them.
const PART: usize = 8 * 1024;
/// Rows of one INSERT.
const ROWS: usize = 200;

/// A dead letter, or a completed job of which the payload was seen.
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

/// Writes those that nobody wrote yet; how many that were.
pub async fn records(db: &Db, batch: &[Record]) -> Result<u64, ArchiveError> {
    let dialect = db.dialect();
    let mut rows: Vec<Columns> = batch.iter().map(|record| Columns::of(record, dialect)).collect();
    let mut met = HashSet::new();
    rows.retain(|row| met.insert((row.status, row.identity.clone())));
    let mut written = 0;
    for part in rows.chunks(ROWS) {
        written += match write(db, part).await {
            // Somebody else wrote one of these at the same moment: now it is seen.
            Err(error) if error.is_double() => write(db, part).await?,
            done => done?,
        };
    }
    Ok(written)
}

async fn write(db: &Db, rows: &[Columns]) -> Result<u64, ArchiveError> {
    let dialect = db.dialect();
    let mut tx = db.begin().await?;
    let known = known(&mut tx, dialect, rows).await?;
    let new: Vec<&Columns> = rows.iter().filter(|row| !known.contains(&(row.status.to_owned(), row.identity.clone()))).collect();
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

/// Which of these stand in the archive already, whoever wrote them: by our own note, and by the rows of their jobs.
async fn known(tx: &mut Tx, dialect: Dialect, rows: &[Columns]) -> Result<HashSet<(String, String)>, ArchiveError> {
    let failures = sql("SELECT identity FROM flux_console_failures WHERE").one_of("identity", rows.iter().map(|r| r.identity.clone()));
    let mut known: HashSet<(String, String)> =
        tx.rows(failures, |row| ("failed".to_owned(), row.text(0).unwrap_or_default())).await?.into_iter().collect();
    let ids: HashSet<String> = rows.iter().map(|r| r.id.clone()).collect();
    let end = dialect.end("payload", PART);
    let text = format!(
        "SELECT job_id, status, substr(payload, 1, {PART}), CASE WHEN length(payload) > {PART} THEN {end} END, {} FROM flux_job_archive WHERE",
        dialect.ms("archived_at")
    );
    let there = tx
        .rows(sql(text).one_of("job_id", ids), |row| {
            let head = row.text(2).unwrap_or_default();
            let reading = Reading::of_parts(&head, row.text(3).as_deref());
            let job = row.text(0).unwrap_or_default();
            let id = reading.id.unwrap_or_else(|| job.clone());
            (job, row.text(1).unwrap_or_default(), identity(&id, reading.created_at, reading.attempts), row.int(4))
        })
        .await?;
    let mut completed: HashMap<String, Vec<i64>> = HashMap::new();
    for (job, status, identity, at) in there {
        if status == "completed" {
            completed.entry(job).or_default().extend(at);
        } else {
            known.insert((status, identity));
        }
    }
    // The library stamps a job anew before it writes that it completed: the same completion is told by its time.
    for row in rows.iter().filter(|r| r.status == "completed") {
        if completed.get(&row.id).is_some_and(|times| times.iter().any(|at| (at - row.at).abs() <= SAME_MS)) {
            known.insert((row.status.to_owned(), row.identity.clone()));
        }
    }
    Ok(known)
}

/// Runs; of one that was written before, what became of it is brought up to date.
pub async fn runs(db: &Db, batch: &[Run]) -> Result<(), ArchiveError> {
    let dialect = db.dialect();
    let text = "INSERT INTO flux_console_attempts (identity, job_id, queue, worker, class, attempt, started_ms, ended_ms, wait_ms, outcome, error)";
    let new = |column: &str| dialect.new(column);
    let update = dialect.or_update(
        "identity",
        &format!(
            "outcome = {}, ended_ms = {}, error = COALESCE({}, flux_console_attempts.error), attempt = COALESCE({}, flux_console_attempts.attempt)",
            new("outcome"),
            new("ended_ms"),
            new("error"),
            new("attempt")
        ),
    );
    for part in batch.chunks(ROWS) {
        let mut tx = db.begin().await?;
        let rows = part.iter().map(|run| {
            vec![
                sha1_hex(format!("{}\n{}\n{}", run.worker, run.job, run.started_at.0)).into(),
                key(&run.job).into(),
                run.queue.as_ref().map(|q| clean(q.as_str())).into(),
                clean(&run.worker).into(),
                run.class.as_deref().map(key).into(),
                run.attempt.map(u64::cast_signed).into(),
                run.started_at.0.into(),
                run.ended_at.0.into(),
                run.wait_ms.into(),
                run.outcome.into(),
                run.error.as_deref().map(|e| fitting(e, 10_000)).into(),
            ]
        });
        tx.run(Sql::insert(text, "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows).then(&update)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Log lines. `again`: some of them may stand there already, written by the console that was the archiver before; those are
/// left out, each as often as it stands there.
pub async fn lines(db: &Db, batch: &[Line], again: bool) -> Result<u64, ArchiveError> {
    let dialect = db.dialect();
    let Some((first, last)) = batch.iter().map(|l| l.at.0).min().zip(batch.iter().map(|l| l.at.0).max()) else { return Ok(0) };
    let mut tx = db.begin().await?;
    let mut there: HashMap<(i64, String, String), u32> = HashMap::new();
    if again {
        // Whole seconds, as MySQL keeps them.
        let text = format!(
            "SELECT {}, a.worker_id, a.message FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at}",
            dialect.ms("a.timestamp"),
            at = dialect.at()
        );
        let asked = sql(text).bind(first - 1_000).bind(last + 1_000);
        for line in
            tx.rows(asked, |r| (r.int(0).unwrap_or(0) / 1_000, r.text(1).unwrap_or_default(), r.text(2).unwrap_or_default())).await?
        {
            *there.entry(line).or_default() += 1;
        }
    }
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(batch.len());
    for line in batch {
        // MySQL's TEXT, and its names of 128 characters.
        let (worker, message) = (fitting(&line.worker, QUEUE_CHARS), fitting(&line.message, 16_000));
        if let Some(n) = there.get_mut(&(line.at.0.div_euclid(1_000), worker.clone(), message.clone())).filter(|n| **n > 0) {
            *n -= 1;
            continue;
        }
        let queue = line.queue.as_deref().map(|q| fitting(q, QUEUE_CHARS));
        rows.push(vec![fitting(&line.level, 20).into(), message.into(), worker.into(), queue.into(), line.at.0.into()]);
    }
    let marks = format!("(?, ?, ?, ?, {})", dialect.at());
    for part in rows.chunks(ROWS) {
        tx.run(Sql::insert("INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp)", &marks, part.iter().cloned()))
            .await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

pub async fn set_mark(tx: &mut Tx, dialect: Dialect, name: &str, value: &str) -> Result<(), ArchiveError> {
    let update = dialect.or_update("name", &format!("value = {}", dialect.new("value")));
    tx.run(sql("INSERT INTO flux_console_marks (name, value) VALUES (?, ?)").bind(name).bind(value).then(&update)).await?;
    Ok(())
}
