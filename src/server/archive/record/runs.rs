//! Runs, as the event channel told them.

use super::{ROWS, Run, TEXT_CHARS, fitting, key, stored_id};
use crate::server::{
    archive::{
        db::Db,
        error::ArchiveError,
        sql::{Row, Sql, alike, sql},
    },
    digest::sha1_hex,
};
use std::collections::HashSet;

/// Jobs of one question.
const ASKED: usize = 32;
/// What is known of one job. A schedule pushes the same one again and again: its newest rows tell, and in the order of an index no more
/// than those are read.
const RUN: &str = "SELECT job_id FROM (SELECT job_id, outcome FROM flux_console_attempts WHERE job_id = ? ORDER BY id DESC LIMIT 20) r \
                   WHERE outcome <> 'completed'";
const ROW: &str = "SELECT job_id FROM (SELECT job_id, status FROM flux_job_archive WHERE job_id = ? ORDER BY queue DESC, id DESC LIMIT 20) r \
                   WHERE status = 'failed'";

/// What a run is known by.
fn identity(run: &Run) -> String {
    sha1_hex(format!("{}\n{}\n{}", run.worker, run.job, run.started_at.0))
}

/// Runs; of one that was written before, what became of it is brought up to date. How many of them were new.
pub async fn runs(db: &Db, batch: &[Run]) -> Result<u64, ArchiveError> {
    if batch.is_empty() {
        return Ok(0);
    }
    let dialect = db.dialect();
    let text = "INSERT INTO flux_console_attempts (identity, job_id, queue, worker, class, attempt, started_ms, ended_ms, wait_ms, outcome, error)";
    let told = |column: &str| dialect.new(column);
    let update = dialect.or_update(
        "identity",
        &format!(
            "outcome = {}, ended_ms = {}, error = COALESCE({}, flux_console_attempts.error), attempt = COALESCE({}, flux_console_attempts.attempt)",
            told("outcome"),
            told("ended_ms"),
            told("error"),
            told("attempt")
        ),
    );
    // One transaction: what is written of a part alone would be counted by nobody.
    let (mut tx, mut new) = (db.begin().await?, 0);
    for part in batch.chunks(ROWS) {
        let there = sql("SELECT COUNT(*) FROM flux_console_attempts WHERE").one_of("identity", part.iter().map(identity));
        let there: u64 = tx.rows(there, |row| row.count(0)).await?.into_iter().sum();
        new += (part.len() as u64).saturating_sub(there);
        let rows = part.iter().map(|run| {
            vec![
                identity(run).into(),
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
    }
    tx.commit().await?;
    Ok(new)
}

/// Which of these jobs did not always succeed, as far as their runs and rows tell.
pub async fn failed_before(db: &Db, jobs: &[&str]) -> Result<HashSet<String>, ArchiveError> {
    let dialect = db.dialect();
    let mut failed = HashSet::new();
    for part in jobs.chunks(ASKED).flat_map(alike) {
        let (keys, ids): (Vec<String>, Vec<String>) = part.iter().map(|job| (key(job), stored_id(dialect, job))).unzip();
        let (runs, rows) = tokio::try_join!(db.rows(each(RUN, &keys), job_id), db.rows(each(ROW, &ids), job_id))?;
        let named = part.iter().zip(keys.iter().zip(&ids));
        failed.extend(named.filter(|(_, (key, id))| runs.contains(key) || rows.contains(id)).map(|(job, _)| (*job).to_owned()));
    }
    Ok(failed)
}

/// One question about each of these.
fn each(one: &str, names: &[String]) -> Sql {
    names.iter().fold(sql(vec![one; names.len()].join(" UNION ALL ")), |asked, name| asked.bind(name.clone()))
}

fn job_id(row: &Row<'_>) -> String {
    row.text(0).unwrap_or_default()
}
