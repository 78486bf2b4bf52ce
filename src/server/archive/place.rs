//! Where a page of the archive begins that is far from the newest row: stepping over all that are newer takes time. Of all rows, when
//! no number is missing, it is known; else, in SQLite, rows are counted in blocks of numbers, and only those of one block are stepped
//! over. What was counted is kept for a while, and the block that it leads to is counted again.

use super::{
    db::Db,
    dialect::Dialect,
    error::ArchiveError,
    jobs::{ends, wanted},
    sql::{Sql, sql},
    totals::Filter,
};
use crate::model::query::ArchiveQuery;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// From here on a place is looked for.
const FAR: u64 = 10_000;
/// A block is 8,192 numbers.
const BITS: u32 = 13;
/// Counting all blocks of a million rows takes tens of milliseconds.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// More blocks than are looked at, of all filters together; then all are counted anew.
const KEPT: usize = 100_000;
/// A library writes three states; of more than these, rows are stepped over.
const STATES: usize = 16;

#[derive(Default)]
pub struct Places(Mutex<HashMap<Filter, Kept>>);

#[derive(Clone)]
struct Kept {
    counted: Arc<Counted>,
    until: Instant,
}

/// Rows of a filter at some moment.
struct Counted {
    /// The highest number in the archive then.
    newest: i64,
    /// The newest row in each block that has any, and how many it has, from the newest block on.
    blocks: Vec<(i64, u64)>,
}

impl Counted {
    /// The block in which a page behind so many rows begins, and behind how many of its rows.
    fn block(&self, mut skip: u64) -> Option<(i64, u64, u64)> {
        self.blocks.iter().find_map(|(last, rows)| {
            let here = (skip < *rows).then_some((*last, *rows, skip));
            skip = skip.saturating_sub(*rows);
            here
        })
    }
}

/// Where a page begins: at this number or, if there is none, at the newest row, and so many rows further on.
pub type Place = (Option<i64>, u64);
/// Behind the last row.
const BEHIND: Place = (Some(i64::MIN), 0);

impl Places {
    /// Of a page behind `skip` rows, of `total` of the filter.
    pub async fn of(&self, db: &Db, query: &ArchiveQuery, total: u64, skip: u64) -> Result<Place, ArchiveError> {
        let all = query.queue.is_none() && query.status.is_none();
        if skip < FAR {
            return Ok((None, skip));
        }
        if skip >= total {
            return Ok(BEHIND);
        }
        if all && let Some((_, last)) = ends(db).await?.filter(|(first, last)| (last - first + 1).cast_unsigned() == total) {
            return Ok((Some(last.saturating_sub_unsigned(skip)), 0));
        }
        let Some(index) = Index::of(db, query, all).await? else { return Ok((None, skip)) };
        let filter = (query.queue.clone(), query.status);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&filter).cloned();
        if let Some(Kept { counted, .. }) = known.filter(|known| known.until > Instant::now()) {
            let since = db.one(index.count("a.id > ?").bind(counted.newest), |row| row.count(0)).await?.unwrap_or(0);
            if skip < since {
                return Ok((None, skip));
            }
            if let Some((last, rows, left)) = counted.block(skip - since)
                && db.one(index.count("a.id >= ? AND a.id <= ?").bind(first_of(last)).bind(last), |row| row.count(0)).await? == Some(rows)
            {
                return Ok((Some(last), left));
            }
        }
        let counted = Arc::new(index.blocks(db).await?);
        let place = counted.block(skip).map_or((None, skip), |(last, _, left)| (Some(last), left));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(|kept| kept.counted.blocks.len()).sum::<usize>() >= KEPT {
            kept.clear();
        }
        kept.insert(filter, Kept { counted, until: Instant::now() + KEPT_FOR });
        Ok(place)
    }
}

/// The lowest number of the block that holds this one.
fn first_of(number: i64) -> i64 {
    number >> BITS << BITS
}

/// By what rows of a filter are counted: the index alone, and not the rows, which hold the payloads.
struct Index {
    wanted: Sql,
    table: &'static str,
    counted: Sql,
}

impl Index {
    async fn of(db: &Db, query: &ArchiveQuery, all: bool) -> Result<Option<Self>, ArchiveError> {
        if db.dialect() != Dialect::Sqlite {
            return Ok(None);
        }
        let wanted = wanted(Dialect::Sqlite, query);
        if !all {
            return Ok(Some(Self { counted: wanted.clone(), wanted, table: "flux_job_archive a" }));
        }
        // No index has all rows by their numbers alone; one has them by state and number.
        let next = "SELECT (SELECT MIN(status) FROM flux_job_archive WHERE status > state.s) FROM state WHERE s IS NOT NULL";
        let asked = format!(
            "WITH RECURSIVE state (s) AS (SELECT MIN(status) FROM flux_job_archive UNION ALL {next} LIMIT {}) \
             SELECT s FROM state WHERE s IS NOT NULL",
            STATES + 2
        );
        let states: Vec<String> = db.rows(sql(asked), |row| row.text(0)).await?.into_iter().flatten().collect();
        if states.is_empty() || states.len() > STATES {
            return Ok(None);
        }
        let counted = sql("").one_of("a.status", states.iter().map(String::as_str));
        let table = "flux_job_archive a INDEXED BY flux_console_archive_status";
        Ok(Some(Self { wanted, table, counted }))
    }

    fn count(&self, range: &str) -> Sql {
        let Self { table, counted, .. } = self;
        Sql { text: format!("SELECT COUNT(*) FROM {table} WHERE {} AND {range}", counted.text), values: counted.values.clone() }
    }

    /// All blocks in one statement, so that they are of the same moment. From one to the next is a step in an index, however many
    /// numbers are missing between them.
    async fn blocks(&self, db: &Db) -> Result<Counted, ArchiveError> {
        let newest = |before: &str| format!("(SELECT MAX(a.id) FROM flux_job_archive a WHERE {}{before})", self.wanted.text);
        let first = format!("((last >> {BITS}) << {BITS})");
        let count = self.count(&format!("a.id >= {first} AND a.id <= last"));
        let text = format!(
            "WITH RECURSIVE block (last) AS (SELECT {} UNION ALL SELECT {} FROM block WHERE last IS NOT NULL) \
             SELECT last, ({}), (SELECT MAX(id) FROM flux_job_archive) FROM block WHERE last IS NOT NULL",
            newest(""),
            newest(&format!(" AND a.id < {first}")),
            count.text,
        );
        let filter = || self.wanted.values.iter().cloned();
        let values = filter().chain(filter()).chain(count.values).collect();
        let blocks = db.rows(Sql { text, values }, |row| (row.int(0).unwrap_or_default(), row.count(1), row.int(2))).await?;
        let newest = blocks.first().and_then(|(.., newest)| *newest).unwrap_or(0);
        let mut blocks: Vec<(i64, u64)> = blocks.into_iter().map(|(last, rows, _)| (last, rows)).collect();
        blocks.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Counted { newest, blocks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_in_the_block_that_holds_it() {
        let counted = Counted { newest: 20_000, blocks: vec![(19_990, 3_000), (16_383, 8_000), (77, 10)] };
        assert_eq!(counted.block(0), Some((19_990, 3_000, 0)));
        assert_eq!(counted.block(2_999), Some((19_990, 3_000, 2_999)));
        assert_eq!(counted.block(3_000), Some((16_383, 8_000, 0)));
        assert_eq!(counted.block(11_009), Some((77, 10, 9)));
        assert_eq!(counted.block(11_010), None);
        assert_eq!([first_of(20_000), first_of(8_191), first_of(8_192)], [16_384, 0, 8_192]);
    }
}
