//! Which pushes stand in the archive already: after an answer that was lost they are written again.

use super::{Columns, PART, ROWS_OF_A_JOB, identity};
use crate::server::{
    archive::{db::Tx, dialect::Dialect, error::ArchiveError, sql::sql},
    reading::Reading,
};
use std::collections::HashSet;

/// By place. A push is known by the job as it was pushed and the moment: a schedule pushes the same one again and again.
pub(super) async fn known(tx: &mut Tx, dialect: Dialect, rows: &[Columns]) -> Result<Vec<usize>, ArchiveError> {
    let pushes = || rows.iter().enumerate().filter(|(_, row)| row.status == "waiting");
    let times = || pushes().map(|(_, row)| row.at);
    let Some((first, last)) = times().min().zip(times().max()) else { return Ok(Vec::new()) };
    let ids: HashSet<String> = pushes().map(|(_, row)| row.id.clone()).collect();
    let most = ids.len() * ROWS_OF_A_JOB;
    let text = format!(
        "SELECT job_id, {}, substr(payload, 1, {PART}), CASE WHEN length(payload) > {PART} THEN {} END FROM flux_job_archive \
         WHERE status = 'waiting' AND archived_at >= {at} AND archived_at <= {at} AND",
        dialect.ms("archived_at"),
        dialect.end("payload", PART),
        at = dialect.at()
    );
    let asked = sql(text).bind(first).bind(last).one_of("job_id", ids).then(&format!(" ORDER BY id DESC LIMIT {most}"));
    let there = tx.rows(asked, |row| {
        let head = row.text(2).unwrap_or_default();
        let reading = Reading::of_parts(&head, row.text(3).as_deref());
        let id = reading.id.or_else(|| row.text(0)).unwrap_or_default();
        (identity(&id, reading.created_at, reading.attempts), row.int(1))
    });
    let there: HashSet<(String, Option<i64>)> = there.await?.into_iter().collect();
    // MySQL's times are whole seconds: what is pushed twice in one of them, and written in two batches, leaves one row. Nothing else in
    // the row tells the second push from the first one that is written again.
    let stored = |at: i64| if dialect == Dialect::MySql { at - at.rem_euclid(1_000) } else { at };
    let is_there = |row: &Columns| there.contains(&(row.identity.clone(), Some(stored(row.at))));
    Ok(pushes().filter(|(_, row)| is_there(row)).map(|(at, _)| at).collect())
}
