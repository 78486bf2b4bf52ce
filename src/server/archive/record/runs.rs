//! Runs, as the event channel told them.

use super::{ROWS, Run, TEXT_CHARS, fitting, key};
use crate::server::{
    archive::{db::Db, error::ArchiveError, sql::Sql},
    digest::sha1_hex,
};

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
