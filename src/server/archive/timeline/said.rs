//! Lines of the log that name a job. The shared table has no column for the job, so lines are looked for around the moments at
//! which something is known to have happened to it.

use super::All;
use crate::{
    model::time::Millis,
    server::archive::{
        db::Db,
        dialect::containing,
        error::ArchiveError,
        sql::{clean, sql},
    },
};

/// Around a row: its run began before it, the worker says the rest just after.
const BEFORE_MS: i64 = 60_000;
const AFTER_MS: i64 = 3_000;
/// Stretches of time that are looked at, the newest, and lines of each.
const STRETCHES: usize = 8;
const LINES: usize = 50;
/// A shorter id stands in words and numbers that have nothing to do with it.
const SHORT: usize = 3;

pub struct Said {
    pub at: Millis,
    pub worker: String,
    pub message: String,
}

pub async fn of_job(db: &Db, id: &str, all: &All) -> Result<Vec<Said>, ArchiveError> {
    let mut said = Vec::new();
    if id.len() < SHORT {
        return Ok(said);
    }
    let dialect = db.dialect();
    let text = format!(
        "SELECT {}, a.worker_id, a.message FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at} AND {} \
         ORDER BY a.id LIMIT {LINES}",
        dialect.ms("a.timestamp"),
        dialect.like("a.message"),
        at = dialect.at()
    );
    for (from, until) in stretches(all) {
        let asked = sql(text.clone()).bind(from).bind(until).bind(containing(&clean(id)));
        let lines = db.rows(asked, |row| Said {
            at: Millis(row.int(0).unwrap_or_default()),
            worker: row.text(1).unwrap_or_default(),
            message: row.text(2).unwrap_or_default(),
        });
        said.extend(lines.await?.into_iter().filter(|line| names(&line.message, id) && !told(line, all)));
    }
    Ok(said)
}

/// Oldest first, none twice.
fn stretches(all: &All) -> Vec<(i64, i64)> {
    let of_runs = all.runs.iter().map(|r| (r.attempt.started_at.0 - AFTER_MS, r.attempt.ended_at.0 + AFTER_MS));
    let of_rows = all.rows.iter().filter_map(|r| r.archived_at).map(|at| (at.0 - BEFORE_MS, at.0 + AFTER_MS));
    let mut all: Vec<(i64, i64)> = of_runs.chain(of_rows).collect();
    all.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, until) in all {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged.split_off(merged.len().saturating_sub(STRETCHES))
}

/// Whether a text names the job, and not one whose id only begins or ends like it.
fn names(message: &str, id: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    message.match_indices(id).any(|(at, _)| !part(message[..at].chars().next_back()) && !part(message[at + id.len()..].chars().next()))
}

/// What a run says already: that it began, completed or failed; or a row, how it ended.
fn told(line: &Said, all: &All) -> bool {
    let ended = ["Completed job: ", "Job failed: "].iter().any(|begin| line.message.starts_with(begin));
    let of_run = ended || line.message.starts_with("Processing job: ");
    if ended && all.rows.iter().filter_map(|r| r.archived_at).any(|at| (at.0 - line.at.0).abs() <= AFTER_MS) {
        return true;
    }
    let near = |from: Millis, until: Millis| (from.0 - AFTER_MS..=until.0 + AFTER_MS).contains(&line.at.0);
    of_run && all.runs.iter().any(|r| r.attempt.worker == line.worker && near(r.attempt.started_at, r.attempt.ended_at))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_id_is_a_whole_word() {
        assert!(names("Processing job: ok-1", "ok-1") && names("Job failed: ok-1 - no", "ok-1") && names("(ok-1)", "ok-1"));
        assert!(!names("Processing job: ok-10", "ok-1") && !names("Completed job: book-1", "ok-1") && !names("ok", "ok-1"));
    }
}
