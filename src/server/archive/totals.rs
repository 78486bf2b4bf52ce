//! How many rows a filter has, and where a page far from the newest begins. Counting goes over all of them in an index, which of a
//! million takes tens of milliseconds: what was counted is kept for a while, and what was written since is added. It is counted in
//! blocks of numbers, so that a page steps over the rows of one block and not over all that are newer.

use super::{db::Db, dialect::Dialect, error::ArchiveError, jobs::wanted, sql::Sql};
use crate::model::{archive::Status, ids::QueueName, query::ArchiveQuery};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A block is 8,192 numbers.
const BITS: u32 = 13;
/// Counting may take this share of the time: what took 50 ms is kept for ten seconds. (Retention may delete meanwhile.)
const SHARE: u32 = 200;
/// What is counted faster than this is counted every time.
const QUICK: Duration = Duration::from_millis(3);
/// More blocks than are looked at, of all filters together; then all are counted anew.
const KEPT: usize = 100_000;

type Filter = (Option<QueueName>, Option<Status>);

#[derive(Default)]
pub struct Totals(Mutex<HashMap<Filter, Kept>>);

#[derive(Clone)]
struct Kept {
    counted: Arc<Counted>,
    until: Instant,
}

/// Rows of a filter at some moment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    /// The highest number in the archive then.
    newest: i64,
    /// How many rows there are in each block that has any, the newest first.
    blocks: Vec<(i64, u64)>,
}

impl Counted {
    fn rows(&self) -> u64 {
        self.blocks.iter().map(|(_, rows)| rows).sum()
    }
}

/// Rows of a filter now.
pub struct Total {
    pub rows: u64,
    counted: Arc<Counted>,
    /// Of the rows, those that were written since the others were counted.
    since: u64,
}

impl Total {
    /// Behind so many rows a page begins at this number or, when it has none, at the newest one, and so many rows further on.
    pub fn place(&self, skip: u64) -> (Option<i64>, u64) {
        let Some(mut left) = skip.checked_sub(self.since) else { return (None, skip) };
        for (block, rows) in &self.counted.blocks {
            if left < *rows {
                return (Some(self.counted.newest.min(((block + 1) << BITS) - 1)), left);
            }
            left -= rows;
        }
        // Behind the last row.
        (Some(i64::MIN), 0)
    }
}

impl Totals {
    pub async fn of(&self, db: &Db, query: &ArchiveQuery) -> Result<Total, ArchiveError> {
        let filter = (query.queue.clone(), query.status);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&filter).cloned();
        if let Some(Kept { counted, .. }) = known.filter(|known| known.until > Instant::now()) {
            let newer = wanted(db.dialect(), query).then(" AND a.id > ?").bind(counted.newest);
            let text = format!("SELECT COUNT(*) FROM flux_job_archive a WHERE {}", newer.text);
            let since = db.one(Sql { text, values: newer.values }, |row| row.count(0)).await?.unwrap_or(0);
            return Ok(Total { rows: counted.rows() + since, counted, since });
        }
        let began = Instant::now();
        let counted = Arc::new(count(db, query).await?);
        if began.elapsed() > QUICK {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.values().map(|kept| kept.counted.blocks.len()).sum::<usize>() >= KEPT {
                kept.clear();
            }
            kept.insert(filter, Kept { counted: counted.clone(), until: Instant::now() + began.elapsed() * SHARE });
        }
        Ok(Total { rows: counted.rows(), counted, since: 0 })
    }
}

async fn count(db: &Db, query: &ArchiveQuery) -> Result<Counted, ArchiveError> {
    if db.dialect() == Dialect::MySql {
        return count_at_once(db, query).await;
    }
    let blocks = db.rows(blocks(&wanted(db.dialect(), query)), |row| (row.int(0).unwrap_or_default(), row.count(1), row.int(2))).await?;
    let newest = blocks.first().and_then(|(.., newest)| *newest).unwrap_or(0);
    Ok(Counted { newest, blocks: blocks.into_iter().map(|(last, rows, _)| (last >> BITS, rows)).collect() })
}

/// Asks for the newest row of each block that has any, how many it has, and for the newest row of all: in one statement, so that all are
/// of the same moment. From one block to the next is a step in an index, however many numbers are missing between them.
fn blocks(wanted: &Sql) -> Sql {
    let newest = |before: &str| format!("(SELECT MAX(a.id) FROM flux_job_archive a WHERE {}{before})", wanted.text);
    let first = format!("((last >> {BITS}) << {BITS})");
    let text = format!(
        "WITH RECURSIVE block (last) AS (SELECT {} UNION ALL SELECT {} FROM block WHERE last IS NOT NULL) \
         SELECT last, (SELECT COUNT(*) FROM flux_job_archive a WHERE {} AND a.id >= {first} AND a.id <= last), \
         (SELECT MAX(id) FROM flux_job_archive) FROM block WHERE last IS NOT NULL ORDER BY last DESC",
        newest(""),
        newest(&format!(" AND a.id < {first}")),
        wanted.text,
    );
    let filter = || wanted.values.iter().cloned();
    Sql { text, values: filter().chain(filter()).chain(filter()).collect() }
}

/// MariaDB looks up none of the blocks by the index. There, only of all rows, and when no number is missing, it is known what each has;
/// else all are taken for one block.
async fn count_at_once(db: &Db, query: &ArchiveQuery) -> Result<Counted, ArchiveError> {
    let wanted = wanted(db.dialect(), query);
    let ends = "(SELECT MIN(id) FROM flux_job_archive), (SELECT MAX(id) FROM flux_job_archive)";
    let text = format!("SELECT COUNT(*), {ends} FROM flux_job_archive a WHERE {}", wanted.text);
    let asked = Sql { text, values: wanted.values };
    let counted = db.one(asked, |row| (row.count(0), row.int(1).unwrap_or(0), row.int(2).unwrap_or(0))).await?;
    let (rows, first, newest) = counted.unwrap_or_default();
    let whole = query.queue.is_none() && query.status.is_none() && (newest - first + 1).cast_unsigned() == rows;
    let blocks = if whole { without_gaps(first, newest) } else { vec![(newest >> BITS, rows)] };
    Ok(Counted { newest, blocks })
}

/// The blocks of these rows, of which no number is missing.
fn without_gaps(first: i64, newest: i64) -> Vec<(i64, u64)> {
    let rows = |block: i64| newest.min(((block + 1) << BITS) - 1) - first.max(block << BITS) + 1;
    (first >> BITS..=newest >> BITS).rev().map(|block| (block, rows(block).cast_unsigned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_in_the_block_that_holds_it() {
        let counted = Arc::new(Counted { newest: 20_000, blocks: vec![(2, 3_000), (1, 8_000), (0, 10)] });
        let total = Total { rows: 11_015, counted, since: 5 };
        assert_eq!(total.place(0), (None, 0));
        assert_eq!(total.place(4), (None, 4), "among those written since");
        assert_eq!(total.place(5), (Some(20_000), 0));
        assert_eq!(total.place(3_004), (Some(20_000), 2_999));
        assert_eq!(total.place(3_005), (Some(16_383), 0));
        assert_eq!(total.place(11_014), (Some(8_191), 9));
        assert_eq!(total.place(11_015), (Some(i64::MIN), 0), "nothing is behind the last row");
    }
    #[test]
    fn where_no_number_is_missing_each_block_is_full() {
        assert_eq!(without_gaps(5, 20_000), [(2, 3_617), (1, 8_192), (0, 8_187)]);
        assert_eq!(without_gaps(8_192, 8_192), [(1, 1)]);
    }
}
