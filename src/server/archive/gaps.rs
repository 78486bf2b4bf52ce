//! Notes of dead letters that nobody could copy.

use super::{
    db::Db,
    error::ArchiveError,
    sql::{Row, clean, sql},
};
use crate::model::{archive::Gap, ids::QueueName, time::Millis};

/// A page shows the newest ones.
const SHOWN: u64 = 5;

pub async fn write(db: &Db, gap: &Gap) -> Result<(), ArchiveError> {
    let statement = sql("INSERT INTO flux_console_gaps (queue, from_ms, until_ms, up_to) VALUES (?, ?, ?, ?)")
        .bind(clean(gap.queue.as_str()))
        .bind(gap.from.map(|m| m.0))
        .bind(gap.until.0)
        .bind(gap.up_to.map(u64::cast_signed));
    db.run(statement).await?;
    Ok(())
}

/// The newest gaps of a queue, or of all, newest first; and how many more there are.
pub async fn newest(db: &Db, queue: Option<&QueueName>) -> Result<(Vec<Gap>, u64), ArchiveError> {
    let of = |columns: &str| {
        let asked = sql(format!("SELECT {columns} FROM flux_console_gaps"));
        match queue {
            Some(queue) => asked.then(" WHERE queue = ?").bind(clean(queue.as_str())),
            None => asked,
        }
    };
    let newest = of("queue, from_ms, until_ms, up_to").then(&format!(" ORDER BY id DESC LIMIT {SHOWN}"));
    let (gaps, all) = tokio::try_join!(db.rows(newest, read), db.one(of("COUNT(*)"), |row| row.count(0)))?;
    Ok((gaps.into_iter().flatten().collect(), all.unwrap_or(0).saturating_sub(SHOWN)))
}

fn read(row: &Row<'_>) -> Option<Gap> {
    Some(Gap {
        queue: QueueName::try_from(row.text(0)?).ok()?,
        from: row.int(1).map(Millis),
        until: Millis(row.int(2)?),
        up_to: row.int(3).and_then(|n| u64::try_from(n).ok()),
    })
}
