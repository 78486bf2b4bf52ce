//! Whether a full list of dead letters had lost some before it was read.

use super::{Columns, Record, known, stored_queue};
use crate::{
    model::{ids::QueueName, time::Millis},
    server::archive::{db::Db, error::ArchiveError, index, sql::sql},
};

/// Whether dead letters were dropped before some that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// One of them is in the archive.
    None,
    Maybe {
        /// When the last dead letter of the queue was archived.
        last: Option<Millis>,
    },
}

/// Whether dead letters are missing before these, the oldest ones of a full list.
pub async fn missed(db: &Db, queue: &QueueName, oldest: &[Record]) -> Result<Missed, ArchiveError> {
    let dialect = db.dialect();
    let rows: Vec<Columns> = oldest.iter().map(|record| Columns::of(record, dialect)).collect();
    let mark = index::mark(db).await?;
    let mut tx = db.begin().await?;
    if !known(&mut tx, dialect, &rows, mark).await?.is_empty() {
        return Ok(Missed::None);
    }
    let text = format!("SELECT {} FROM flux_job_archive WHERE status = 'failed'", dialect.ms("archived_at"));
    let last = sql(text).and_is(dialect, "queue", stored_queue(dialect, queue.as_str())).then(" ORDER BY id DESC LIMIT 1");
    let last = tx.rows(last, |row| row.int(0)).await?.into_iter().flatten().next().map(Millis);
    Ok(Missed::Maybe { last })
}
