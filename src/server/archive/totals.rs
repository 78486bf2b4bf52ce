//! How many rows a filter has. Counting goes over all of them in an index, which of a million takes tens of milliseconds: what was
//! counted is kept for a while, and what was written since is added. How many jobs completed is known when the rows were judged, which
//! takes longer: that is kept as well, for some seconds.

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
    hash::Hash,
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

/// A list of completed jobs waits no longer for how many there are.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);
/// What was judged is kept no longer: rows that come meanwhile may say something else of those that were there.
const JUDGED_FOR: Duration = Duration::from_secs(5);

pub(super) type Filter = (Option<QueueName>, Option<Status>);

#[derive(Default)]
pub struct Totals {
    counted: Mutex<HashMap<Filter, Counted>>,
    judged: Mutex<HashMap<QueueName, Judged>>,
    pub(super) places: Places,
}

#[derive(Clone, Copy)]
struct Counted {
    rows: u64,
    /// The highest number in the archive then.
    newest: i64,
    until: Instant,
}

#[derive(Clone, Copy)]
struct Judged {
    completed: Option<u64>,
    until: Instant,
}

fn known<K: Eq + Hash, V: Copy>(kept: &Mutex<HashMap<K, V>>, key: &K) -> Option<V> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
}

fn keep<K: Eq + Hash, V>(kept: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, value);
}

impl Totals {
    pub async fn of(&self, db: &Db, query: &ArchiveQuery) -> Result<u64, ArchiveError> {
        let filter = (query.queue.clone(), query.status);
        if let Some(known) = known(&self.counted, &filter).filter(|known| known.until > Instant::now()) {
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
            keep(&self.counted, filter, Counted { rows, newest, until: Instant::now() + began.elapsed() * SHARE });
        }
        Ok(rows)
    }

    /// How many jobs of a queue completed: rows that say so and are judged to be so, as it was at most five seconds ago. `None`: there
    /// are more than [`JUDGED`], one that the others do not decide, or it could not be told soon.
    pub async fn completions(&self, db: &Db, queue: QueueName) -> Result<Option<u64>, ArchiveError> {
        if let Some(known) = known(&self.judged, &queue).filter(|known| known.until > Instant::now()) {
            return Ok(known.completed);
        }
        let began = Instant::now();
        let completed = match tokio::time::timeout(JUDGED_WITHIN, judged(db, queue.clone())).await {
            Ok(judged) => judged?,
            Err(_) => None,
        };
        if began.elapsed() > QUICK {
            // From the beginning on: so old is what was read first.
            keep(&self.judged, queue, Judged { completed, until: began + (began.elapsed() * SHARE).min(JUDGED_FOR) });
        }
        Ok(completed)
    }
}

/// `None`: there are more than [`JUDGED`], or one that the others do not decide.
async fn judged(db: &Db, queue: QueueName) -> Result<Option<u64>, ArchiveError> {
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
