//! What the failed lists of Redis hold, by kind of error: read in bounded pieces, and kept for a few seconds for all browsers.

use super::{
    digest::sha1_hex,
    driver::redis::{RedisDriver, search::Mark},
    error::DriverError,
};
use crate::model::{
    errors::{ErrorKind, ErrorsQuery, HOUR_MS, HOURS},
    ids::{QueueName, Source},
    job::JobSummary,
    search::Coverage,
    signature::signature,
    time::Millis,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// One reading looks at this much, whichever comes first.
const ELEMENTS: u64 = 50_000;
const BYTES: u64 = 32 * 1024 * 1024;
const TIME: Duration = Duration::from_millis(600);
const PIECE: u64 = 500;
/// A reading is shown to whoever asks within this time, unless this console changed something.
const KEPT_MS: i64 = 5_000;

/// Failed jobs of one kind.
#[derive(Clone, Debug)]
pub struct Kind {
    pub text: String,
    pub queues: BTreeMap<QueueName, u64>,
    pub first: Option<Millis>,
    pub last: Option<Millis>,
    /// Failures by hour.
    hours: BTreeMap<i64, u64>,
    /// The newest one.
    pub sample: JobSummary,
    pub error: Option<String>,
}

impl Kind {
    pub fn count(&self) -> u64 {
        self.queues.values().sum()
    }

    /// As the inbox shows a kind of which only Redis tells.
    pub fn show(&self, hash: &str, now: Millis) -> ErrorKind {
        let hour = now.0.div_euclid(HOUR_MS);
        let hours = (0..HOURS as i64).map(|i| self.hours.get(&(hour - (HOURS as i64 - 1) + i)).copied().unwrap_or(0)).collect();
        ErrorKind {
            signature: hash.into(),
            text: self.text.clone(),
            class_name: self.sample.class_name.clone(),
            count: self.count(),
            first_at: self.first,
            first_about: false,
            last_at: self.last,
            queues: ErrorKind::by_count(self.queues.clone()),
            hours,
            sample: Some(self.sample.href()),
            failed: self.count(),
        }
    }

    pub fn asked(&self, query: &ErrorsQuery) -> bool {
        query.queue.as_ref().is_none_or(|q| self.queues.contains_key(q)) && self.text.to_lowercase().contains(&query.q.to_lowercase())
    }
}

/// By the hash of their signatures.
pub struct Seen {
    pub kinds: BTreeMap<String, Kind>,
    pub coverage: Coverage,
    at: Millis,
    changes: u64,
}

#[derive(Default)]
pub struct Inbox(tokio::sync::Mutex<Option<Arc<Seen>>>);

impl Inbox {
    /// `queues`: those with failed jobs, and how many. `changes` grows when this console acts.
    pub async fn seen(
        &self,
        driver: &RedisDriver,
        queues: &[(QueueName, u64)],
        changes: u64,
        now: Millis,
    ) -> Result<Arc<Seen>, DriverError> {
        // Who comes meanwhile waits and takes the same answer.
        let mut kept = self.0.lock().await;
        if let Some(seen) = kept.as_ref().filter(|s| s.changes == changes && (0..KEPT_MS).contains(&(now.0 - s.at.0))) {
            return Ok(seen.clone());
        }
        let seen = Arc::new(Seen { changes, ..read(driver, queues, now).await? });
        *kept = Some(seen.clone());
        Ok(seen)
    }
}

async fn read(driver: &RedisDriver, queues: &[(QueueName, u64)], now: Millis) -> Result<Seen, DriverError> {
    let began = Instant::now();
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let (mut scanned, mut bytes, mut of) = (0, 0, 0);
    for (queue, failed) in queues {
        let mut mark: Option<Mark> = None;
        let mut left = *failed;
        while scanned < ELEMENTS && bytes < BYTES && began.elapsed() < TIME {
            let piece = driver.piece(queue, &Source::Failed, mark.as_ref(), PIECE).await?;
            let Some(last) = piece.rows.last() else {
                left = 0;
                break;
            };
            for row in &piece.rows {
                bytes += row.bytes();
                let (job, error) = row.failed(queue);
                note(&mut kinds, queue, job, error);
            }
            scanned += piece.rows.len() as u64;
            left = last.position();
            mark = piece.mark(piece.rows.len(), mark.as_ref());
            if left == 0 {
                break;
            }
        }
        of += left;
    }
    Ok(Seen { kinds, coverage: Coverage { scanned, of: Some(scanned + of), partly: 0 }, at: now, changes: 0 })
}

fn note(kinds: &mut BTreeMap<String, Kind>, queue: &QueueName, job: JobSummary, error: Option<String>) {
    let text = signature(error.as_deref().unwrap_or_default());
    let at = job.failed_at;
    let kind = kinds.entry(sha1_hex(&text)).or_insert_with(|| Kind {
        text,
        queues: BTreeMap::new(),
        first: at,
        last: at,
        hours: BTreeMap::new(),
        sample: job.clone(),
        error: error.clone(),
    });
    *kind.queues.entry(queue.clone()).or_default() += 1;
    kind.first = [kind.first, at].into_iter().flatten().min();
    if at > kind.last {
        (kind.last, kind.sample, kind.error) = (at, job, error);
    }
    if let Some(at) = at {
        *kind.hours.entry(at.0.div_euclid(HOUR_MS)).or_default() += 1;
    }
}
