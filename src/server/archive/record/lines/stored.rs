//! A line of the log as the shared table holds it, and what of it does not fit.

use super::{Line, fitting, pieces, stored_queue};
use crate::server::archive::{
    db::Tx,
    dialect::{Dialect, ERROR_BYTES},
    error::ArchiveError,
    sql::{Sql, Value, clean, sql},
};

const LEVEL_CHARS: usize = 20;

pub struct Stored {
    level: String,
    pub message: String,
    pub worker: String,
    queue: Option<String>,
    pub at: i64,
    whole: Option<Whole>,
}

/// What a column cuts.
struct Whole {
    message: Option<String>,
    worker: Option<String>,
    queue: Option<String>,
}

/// With its place in the batch.
pub type Row<'a> = (usize, &'a Stored);

impl Stored {
    /// Of a message as much is kept as one statement has room for. An event of the channel is larger only where that is hardly anything.
    pub fn of(line: &Line, dialect: Dialect, room: usize) -> Self {
        let cut = |text: &str, most: usize| text[..text.floor_char_boundary(most.min(text.len()))].to_owned();
        let said = cut(&clean(&line.message), room);
        let message = cut(&said, if dialect == Dialect::MySql { ERROR_BYTES } else { room });
        let name = |text: &str| {
            let (whole, stored) = (clean(text), stored_queue(dialect, text));
            (Some(whole).filter(|whole| *whole != stored), stored)
        };
        let (whole_worker, worker) = name(&line.worker);
        let (whole_queue, queue) = line.queue.as_deref().map(name).unzip();
        let whole =
            Whole { message: Some(said).filter(|said| said.len() > message.len()), worker: whole_worker, queue: whole_queue.flatten() };
        let fits = whole.message.is_none() && whole.worker.is_none() && whole.queue.is_none();
        Self { level: fitting(&line.level, LEVEL_CHARS), message, worker, queue, at: line.at.0, whole: (!fits).then_some(whole) }
    }

    /// About how many bytes its part of a statement has.
    fn bytes(&self) -> usize {
        self.message.len() + self.worker.len() + self.queue.as_ref().map_or(0, String::len)
    }

    fn values(&self) -> Vec<Value> {
        vec![self.level.clone().into(), self.message.clone().into(), self.worker.clone().into(), self.queue.clone().into(), self.at.into()]
    }
}

/// Writes these in their order, about `room` bytes at once. What does not fit goes alone, for the number under which it stands whole.
pub async fn insert(tx: &mut Tx, dialect: Dialect, rows: &[Row<'_>], room: usize) -> Result<(), ArchiveError> {
    let marks = format!("(?, ?, ?, ?, {})", dialect.at());
    let into = "INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp)";
    // For one whose whole stands beside it the number is asked.
    let together = |before: &Row<'_>, row: &Row<'_>| before.1.whole.is_none() && row.1.whole.is_none();
    for part in pieces(rows, room, |(_, line)| line.bytes(), together) {
        let statement = Sql::insert(into, &marks, part.iter().map(|(_, line)| line.values()));
        let [(_, Stored { whole: Some(whole), .. })] = part else {
            tx.run(statement).await?;
            continue;
        };
        let number = tx.insert(statement).await?;
        let new = |column: &str| format!("{column} = {}", dialect.new(column));
        let update = dialect.or_update("row_id", &["message", "worker", "queue"].map(new).join(", "));
        let beside = sql("INSERT INTO flux_console_whole_lines (row_id, message, worker, queue) VALUES (?, ?, ?, ?)")
            .bind(number)
            .bind(whole.message.clone())
            .bind(whole.worker.clone())
            .bind(whole.queue.clone());
        tx.run(beside.then(&update)).await?;
    }
    Ok(())
}
