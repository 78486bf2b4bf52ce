//! Notes of dead letters that nobody could copy.

use super::{
    db::Db,
    error::ArchiveError,
    sql::{Row, clean, sql},
};
use crate::model::{archive::Gap, ids::QueueName, time::Millis};

/// A page shows the newest ones.
const SHOWN: usize = 5;

pub async fn write(db: &Db, gap: &Gap) -> Result<(), ArchiveError> {
    let statement = sql("INSERT INTO flux_console_gaps (queue, from_ms, until_ms, up_to) VALUES (?, ?, ?, ?)")
        .bind(clean(gap.queue.as_str()))
        .bind(gap.from.map(|m| m.0))
        .bind(gap.until.0)
        .bind(gap.up_to.map(u64::cast_signed));
    db.run(statement).await?;
    Ok(())
}

/// The newest gaps of a queue, or of all; newest first.
pub async fn newest(db: &Db, queue: Option<&QueueName>) -> Result<Vec<Gap>, ArchiveError> {
    let mut asked = sql("SELECT queue, from_ms, until_ms, up_to FROM flux_console_gaps");
    if let Some(queue) = queue {
        asked = asked.then(" WHERE queue = ?").bind(clean(queue.as_str()));
    }
    Ok(db.rows(asked.then(&format!(" ORDER BY id DESC LIMIT {SHOWN}")), read).await?.into_iter().flatten().collect())
}

fn read(row: &Row<'_>) -> Option<Gap> {
    Some(Gap {
        queue: QueueName::try_from(row.text(0)?).ok()?,
        from: row.int(1).map(Millis),
        until: Millis(row.int(2)?),
        up_to: row.int(3).and_then(|n| u64::try_from(n).ok()),
    })
}
