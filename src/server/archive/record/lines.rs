//! Log lines, as the event channel told them, each once.
//!
//! No column of the shared table tells one line from another. So each batch of lines has a number, and the transaction that writes
//! it notes that number as the writer's mark: when the answer to a COMMIT is lost, the mark says whether it happened.

mod stored;
mod written;

use super::{Line, TEXT_CHARS, fitting, lock, pieces, room, set_mark, stored_queue};
use crate::server::archive::{db::Db, error::ArchiveError, sql::sql};
use std::collections::{BTreeSet, HashMap};
use stored::{Row, Stored, insert};
use written::{Key, written};

/// Name of the mark that is held by who writes lines that may be there.
const LINES: &str = "lines";
/// A writer whose mark is older has no batch in doubt any more.
const MARKS_KEPT_MS: u64 = 30 * 86_400_000;

/// Writes log lines, batch after batch.
pub struct Lines {
    /// Name of this writer's mark.
    mark: String,
    /// Number of a batch of which it is not known whether it is written.
    doubt: Option<String>,
    /// Marks of writers that are gone were taken out.
    swept: bool,
    /// Lines of the batch at hand that the database refuses, by place: tried again, they are refused again.
    refused: BTreeSet<usize>,
    /// How many it refused of all before.
    refused_before: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            mark: format!("batch:{}", uuid::Uuid::new_v4().simple()),
            doubt: None,
            swept: false,
            refused: BTreeSet::new(),
            refused_before: 0,
        }
    }
}

/// How far a batch is: lines that were gone through, and how many of them were written.
#[derive(Clone, Copy, Default)]
struct Through {
    lines: usize,
    written: u64,
}

impl Through {
    /// `{number} {lines} {written}`
    fn mark(self, number: &str) -> String {
        format!("{number} {} {}", self.lines, self.written)
    }

    /// `None`: the mark is that of another batch.
    fn read(mark: &str, number: &str) -> Option<Self> {
        let mut figures = mark.strip_prefix(number)?.split_whitespace();
        Some(Self { lines: figures.next()?.parse().ok()?, written: figures.next()?.parse().ok()? })
    }
}

impl Lines {
    /// Writes these; how many of them were new. After an error, or when it was dropped in between, it wants the same lines again.
    ///
    /// `again`: some of them may stand there already, written by the console that was the archiver before; those are left out,
    /// each as often as it stands there.
    pub async fn write(&mut self, db: &Db, batch: &[Line], again: bool) -> Result<u64, ArchiveError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let (number, through) = match &self.doubt {
            Some(number) => (number.clone(), self.through(db, number).await?),
            None => (uuid::Uuid::now_v7().simple().to_string(), Through::default()),
        };
        self.doubt = Some(number.clone());
        if !self.swept {
            sweep(db, &number).await?;
            self.swept = true;
        }
        let written = if through.lines < batch.len() { self.rest(db, batch, again, &number, through).await? } else { through.written };
        self.doubt = None;
        self.refused_before += std::mem::take(&mut self.refused).len() as u64;
        Ok(written)
    }

    /// Lines that could not be written, whatever was tried.
    pub fn refused(&self) -> u64 {
        self.refused_before + self.refused.len() as u64
    }

    /// How far the mark says that this batch is. A transaction that is still about to commit it holds the mark, so its end is waited for.
    async fn through(&self, db: &Db, number: &str) -> Result<Through, ArchiveError> {
        let mut tx = db.begin().await?;
        let mark = lock(&mut tx, db.dialect(), &self.mark).await?;
        // The transaction is dropped: where there was no mark there is none again.
        Ok(mark.and_then(|mark| Through::read(&mark, number)).unwrap_or_default())
    }

    async fn rest(&mut self, db: &Db, batch: &[Line], again: bool, number: &str, through: Through) -> Result<u64, ArchiveError> {
        let (dialect, room) = (db.dialect(), room(db).await?);
        let lines: Vec<Stored> = batch.iter().map(|line| Stored::of(line, dialect, room)).collect();
        let keys: Vec<Key> = lines.iter().map(Key::of).collect();
        let mut tx = db.begin().await?;
        let mut there = HashMap::new();
        if again {
            // The console before may still be at its last ones: one goes after the other.
            lock(&mut tx, dialect, LINES).await?;
            there = written(&mut tx, dialect, &keys).await?;
        }
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(lines.len());
        for (at, (key, line)) in keys.iter().zip(&lines).enumerate() {
            if let Some(n) = there.get_mut(key).filter(|n| **n > 0) {
                *n -= 1;
                continue;
            }
            if at >= through.lines {
                rows.push((at, line));
            }
        }
        match insert(&mut tx, dialect, &rows, room).await {
            Ok(()) => {
                let through = Through { lines: batch.len(), written: through.written + rows.len() as u64 };
                // The mark last: nobody waits for it longer than for the COMMIT.
                set_mark(&mut tx, dialect, &self.mark, &through.mark(number)).await?;
                tx.commit().await?;
                Ok(through.written)
            }
            Err(error) if error.is_refusal() => {
                drop(tx);
                self.one_by_one(db, &rows, room, number, through).await
            }
            Err(error) => Err(error),
        }
    }

    /// One of them is refused: the others need not wait for it.
    async fn one_by_one(
        &mut self,
        db: &Db,
        rows: &[Row<'_>],
        room: usize,
        number: &str,
        mut through: Through,
    ) -> Result<u64, ArchiveError> {
        let dialect = db.dialect();
        for row in rows {
            let mut tx = db.begin().await?;
            match insert(&mut tx, dialect, std::slice::from_ref(row), room).await {
                Ok(()) => {
                    let next = Through { lines: row.0 + 1, written: through.written + 1 };
                    set_mark(&mut tx, dialect, &self.mark, &next.mark(number)).await?;
                    tx.commit().await?;
                    through = next;
                }
                Err(error) if error.is_refusal() => {
                    tracing::warn!(problem = error.problem(), "the archive refuses a log line");
                    self.refused.insert(row.0);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(through.written)
    }
}

/// Takes out the marks of writers that have written nothing for long. Every mark begins with the number of a batch, and that
/// with its time in hexadecimal digits.
async fn sweep(db: &Db, number: &str) -> Result<(), ArchiveError> {
    let now = number.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    let before = format!("{:012x}", now.saturating_sub(MARKS_KEPT_MS));
    db.run(sql("DELETE FROM flux_console_marks WHERE name LIKE 'batch:%' AND value < ?").bind(before)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Through;

    #[test]
    fn a_mark_tells_of_its_own_batch_alone() {
        let mark = Through { lines: 7, written: 5 }.mark("0198");
        let read = |number| Through::read(&mark, number).map(|through| (through.lines, through.written));
        assert_eq!((read("0198"), read("0199")), (Some((7, 5)), None));
        assert!(Through::read("0", "0198").is_none(), "a mark that was only locked");
    }
}
