//! Runs and log lines, as the event channel told them.

use super::{Line, ROWS, Run, fitting, key, lock};
use crate::server::{
    archive::{
        db::{Db, Tx},
        dialect::{Dialect, QUEUE_CHARS},
        error::ArchiveError,
        sql::{Row, Sql, Value, sql},
    },
    digest::sha1_hex,
};
use std::collections::HashMap;

/// MySQL's TEXT holds 65,535 bytes: so many characters, whichever they are.
const TEXT_CHARS: usize = 16_000;
/// Name of the mark that is held by who writes lines that may be there.
const LINES: &str = "lines";

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
                run.queue.as_ref().map(|q| fitting(q.as_str(), TEXT_CHARS)).into(),
                fitting(&run.worker, TEXT_CHARS).into(),
                run.class.as_deref().map(key).into(),
                run.attempt.map(u64::cast_signed).into(),
                run.started_at.0.into(),
                run.ended_at.0.into(),
                run.wait_ms.into(),
                run.outcome.into(),
                run.error.as_deref().map(|e| fitting(e, TEXT_CHARS)).into(),
            ]
        });
        tx.run(Sql::insert(text, "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows).then(&update)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Log lines. `again`: some of them may stand there already, written by the console that was the archiver before; those are
/// left out, each as often as it stands there. How many were written.
pub async fn lines(db: &Db, batch: &[Line], again: bool) -> Result<u64, ArchiveError> {
    let Some((first, last)) = batch.iter().map(|l| l.at.0).min().zip(batch.iter().map(|l| l.at.0).max()) else { return Ok(0) };
    let dialect = db.dialect();
    let mut tx = db.begin().await?;
    let mut there = HashMap::new();
    if again {
        // The console before may still be at its last ones: one goes after the other.
        lock(&mut tx, dialect, LINES).await?;
        there = written(&mut tx, dialect, first, last).await?;
    }
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(batch.len());
    for line in batch {
        // MySQL's names of 128 characters.
        let (worker, message) = (fitting(&line.worker, QUEUE_CHARS), fitting(&line.message, TEXT_CHARS));
        if let Some(n) = there.get_mut(&(line.at.0.div_euclid(1_000), worker.clone(), message.clone())).filter(|n| **n > 0) {
            *n -= 1;
            continue;
        }
        let queue = line.queue.as_deref().map(|q| fitting(q, QUEUE_CHARS));
        rows.push(vec![fitting(&line.level, 20).into(), message.into(), worker.into(), queue.into(), line.at.0.into()]);
    }
    let marks = format!("(?, ?, ?, ?, {})", dialect.at());
    let into = |rows: &[Vec<Value>]| {
        Sql::insert("INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp)", &marks, rows.iter().cloned())
    };
    let mut all = Ok(());
    for part in rows.chunks(ROWS) {
        all = tx.run(into(part)).await.map(|_| ());
        if all.is_err() {
            break;
        }
    }
    match all {
        Ok(()) => tx.commit().await.map(|()| rows.len() as u64),
        // One of them is refused: the others need not wait for it.
        Err(error) if error.is_refusal() => {
            drop(tx);
            let mut written = 0;
            for row in &rows {
                match db.run(into(std::slice::from_ref(row))).await {
                    Err(error) if error.is_refusal() => tracing::warn!(problem = error.problem(), "the archive refuses a log line"),
                    done => written += done?,
                }
            }
            Ok(written)
        }
        Err(error) => Err(error),
    }
}

/// Lines of these seconds, as MySQL keeps them whole: (second, worker, message), and how often each is there.
async fn written(tx: &mut Tx, dialect: Dialect, first: i64, last: i64) -> Result<HashMap<(i64, String, String), u32>, ArchiveError> {
    let text = format!(
        "SELECT {}, a.worker_id, a.message FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at}",
        dialect.ms("a.timestamp"),
        at = dialect.at()
    );
    let asked = sql(text).bind(first - 1_000).bind(last + 1_000);
    let mut there = HashMap::new();
    let read = |r: &Row<'_>| (r.int(0).unwrap_or(0).div_euclid(1_000), r.text(1).unwrap_or_default(), r.text(2).unwrap_or_default());
    for line in tx.rows(asked, read).await? {
        *there.entry(line).or_default() += 1;
    }
    Ok(there)
}
