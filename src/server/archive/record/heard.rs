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
use std::collections::{BTreeSet, HashMap};

/// MySQL's TEXT holds 65,535 bytes: so many characters, whichever they are.
const TEXT_CHARS: usize = 16_000;
/// Name of the mark that is held by who writes lines that may be there.
const LINES: &str = "lines";
/// Seconds that are so close are asked for at once.
const TOGETHER_S: i64 = 5;

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
    if batch.is_empty() {
        return Ok(0);
    }
    let dialect = db.dialect();
    let lines: Vec<(Key, &Line)> = batch.iter().map(|line| (Key::of(line), line)).collect();
    let mut tx = db.begin().await?;
    let mut there = HashMap::new();
    if again {
        // The console before may still be at its last ones: one goes after the other.
        lock(&mut tx, dialect, LINES).await?;
        there = written(&mut tx, dialect, &lines).await?;
    }
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(lines.len());
    for (key, line) in lines {
        if let Some(n) = there.get_mut(&key).filter(|n| **n > 0) {
            *n -= 1;
            continue;
        }
        let queue = line.queue.as_deref().map(|q| fitting(q, QUEUE_CHARS));
        rows.push(vec![fitting(&line.level, 20).into(), key.message.into(), key.worker.into(), queue.into(), line.at.0.into()]);
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

/// What a line is known by, as it stands in the table.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    /// MySQL keeps whole seconds.
    second: i64,
    worker: String,
    message: String,
}

impl Key {
    fn of(line: &Line) -> Self {
        let second = line.at.0.div_euclid(1_000);
        // MySQL's names of 128 characters.
        Self { second, worker: fitting(&line.worker, QUEUE_CHARS), message: fitting(&line.message, TEXT_CHARS) }
    }
}

/// How often each of these lines is there. Others write the same log, and one line that says a wrong year may have any number of
/// them behind it: looked at is what the same workers said about the same seconds, a line at a time, and no more is kept than a
/// number for each line that is asked about.
async fn written(tx: &mut Tx, dialect: Dialect, lines: &[(Key, &Line)]) -> Result<HashMap<Key, u32>, ArchiveError> {
    let mut there: HashMap<Key, u32> = lines.iter().map(|(key, _)| (key.clone(), 0)).collect();
    let workers: BTreeSet<&str> = lines.iter().map(|(key, _)| key.worker.as_str()).collect();
    let text = format!(
        // One character more than a line of ours has: what goes on behind it is another line.
        "SELECT {}, a.worker_id, substr(a.message, 1, {}) FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at} AND",
        dialect.ms("a.timestamp"),
        TEXT_CHARS + 1,
        at = dialect.at()
    );
    for (first, last) in stretches(lines.iter().map(|(key, _)| key.second).collect()) {
        let asked = sql(text.clone()).bind(first * 1_000).bind(last * 1_000 + 999).one_of("a.worker_id", workers.iter().copied());
        let count = |row: &Row<'_>| {
            let second = row.int(0).unwrap_or(0).div_euclid(1_000);
            let key = Key { second, worker: row.text(1).unwrap_or_default(), message: row.text(2).unwrap_or_default() };
            if let Some(n) = there.get_mut(&key) {
                *n += 1;
            }
        };
        tx.rows(asked, count).await?;
    }
    Ok(there)
}

/// These seconds as stretches, each from its first to its last one.
fn stretches(mut seconds: Vec<i64>) -> Vec<(i64, i64)> {
    seconds.sort_unstable();
    let mut all: Vec<(i64, i64)> = Vec::new();
    for second in seconds {
        match all.last_mut() {
            Some(last) if second - last.1 <= TOGETHER_S => last.1 = second,
            _ => all.push((second, second)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::stretches;

    #[test]
    fn time_that_no_line_names_is_left_out() {
        assert!(stretches(Vec::new()).is_empty());
        assert_eq!(stretches(vec![107, 0, 100, 102, 102, 107, -9_000]), [(-9_000, -9_000), (0, 0), (100, 107)]);
    }
}
