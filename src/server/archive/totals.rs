//! How many rows a filter has. Counting goes over all of them in an index, which of a million takes tens of milliseconds: what was
//! counted is kept for a while, and what was written since is added.

use super::{
    db::Db,
    error::ArchiveError,
    jobs::{by_ids, wanted},
    place::Places,
    sql::Sql,
};
use crate::model::{
    archive::{Status, Verdict},
    ids::QueueName,
    query::{ArchiveQuery, PER_PAGE_DEFAULT},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Counting may take this share of the time: what took 50 ms is kept for ten seconds. (Retention may delete meanwhile.)
const SHARE: u32 = 200;
/// What is counted faster than this is counted every time.
const QUICK: Duration = Duration::from_millis(3);
/// More filters than are looked at; then all are counted anew.
const KEPT: usize = 1_000;

/// Rows that say `completed` are judged for a count when there are no more of them.
pub const JUDGED: u64 = 1_000;
/// They are judged like a page, so many at once: with each come rows of the same jobs.
const JUDGED_AT_ONCE: usize = 200;

pub(super) type Filter = (Option<QueueName>, Option<Status>);

#[derive(Default)]
pub struct Totals {
    counted: Mutex<HashMap<Filter, Counted>>,
    pub(super) places: Places,
}

#[derive(Clone, Copy)]
struct Counted {
    rows: u64,
    /// The highest number in the archive then.
    newest: i64,
    until: Instant,
}

impl Totals {
    pub async fn of(&self, db: &Db, query: &ArchiveQuery) -> Result<u64, ArchiveError> {
        let filter = (query.queue.clone(), query.status);
        let known = self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(&filter).copied();
        if let Some(known) = known.filter(|known| known.until > Instant::now()) {
            let wanted = wanted(db.dialect(), query).then(" AND a.id > ?").bind(known.newest);
            let text = format!("SELECT COUNT(*) FROM flux_job_archive a WHERE {}", wanted.text);
            let since = db.one(Sql { text, values: wanted.values }, |row| row.count(0)).await?;
            return Ok(known.rows + since.unwrap_or(0));
        }
        let began = Instant::now();
        let wanted = wanted(db.dialect(), query);
        // In one statement, so that both are of the same moment.
        let text = format!("SELECT COUNT(*), (SELECT MAX(id) FROM flux_job_archive) FROM flux_job_archive a WHERE {}", wanted.text);
        let counted = db.one(Sql { text, values: wanted.values }, |row| (row.count(0), row.int(1).unwrap_or(0))).await?;
        let (rows, newest) = counted.unwrap_or_default();
        if began.elapsed() > QUICK {
            let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(filter, Counted { rows, newest, until: Instant::now() + began.elapsed() * SHARE });
        }
        Ok(rows)
    }
}

/// How many jobs of a queue completed: rows that say so and are judged to be so. `None`: there are more than [`JUDGED`], or one
/// that the others do not decide.
pub async fn completions(db: &Db, queue: QueueName) -> Result<Option<u64>, ArchiveError> {
    let query = ArchiveQuery { queue: Some(queue), status: Some(Status::Completed), page: 1, per_page: PER_PAGE_DEFAULT };
    let wanted = wanted(db.dialect(), &query);
    let text = format!("SELECT a.id FROM flux_job_archive a WHERE {} ORDER BY a.id DESC LIMIT {}", wanted.text, JUDGED + 1);
    let ids: Vec<i64> = db.rows(Sql { text, values: wanted.values }, |row| row.int(0)).await?.into_iter().flatten().collect();
    if ids.len() as u64 > JUDGED {
        return Ok(None);
    }
    let mut completed = 0;
    for part in ids.chunks(JUDGED_AT_ONCE) {
        for row in by_ids(db, part.to_vec()).await? {
            match row.verdict {
                Verdict::Sure => completed += 1,
                Verdict::FailedAttempt | Verdict::Again => {}
                Verdict::Unknown => return Ok(None),
            }
        }
    }
    Ok(Some(completed))
}
