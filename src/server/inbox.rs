//! What the failed lists of Redis hold, by kind of error: read in bounded pieces, and kept for all browsers until something is known to have
//! changed, a few seconds at most.

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
/// A reading is shown to whoever asks within this time, unless something changed since.
const KEPT_MS: i64 = 5_000;
/// A dead letter is pushed after its event, and into a full list without a change of its length: a reading so shortly after a failure
/// that was heard is kept no longer than this.
const LETTER_MS: i64 = 1_000;
/// Jobs may fail without an end: a reading is kept so many times as long as it took, whatever fails. A long one does not follow the other.
const TIMES: i64 = 3;

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

/// What is known when somebody asks. A reading that was made with the same is as good as a new one.
#[derive(PartialEq, Eq)]
pub struct Since {
    /// Grows when this console acts.
    pub changes: u64,
    /// Failures that were heard.
    pub failures: u64,
    pub last_failure: Option<Millis>,
    /// Queues with failed jobs, and how many.
    pub queues: BTreeMap<QueueName, u64>,
}

/// By the hash of their signatures.
pub struct Seen {
    pub kinds: BTreeMap<String, Kind>,
    pub coverage: Coverage,
    /// When the reading began.
    pub at: Millis,
    took_ms: i64,
    since: Since,
}

impl Seen {
    fn holds(&self, since: &Since, now: Millis) -> bool {
        if self.since.changes < since.changes {
            return false;
        }
        let letters = since.last_failure.is_some_and(|last| self.at.0 - last.0 < LETTER_MS);
        let kept = match (self.since == *since, letters) {
            (true, true) => LETTER_MS,
            (true, false) => KEPT_MS,
            (false, _) => (self.took_ms * TIMES).min(KEPT_MS),
        };
        // Who waited for a reading asked before it began.
        (-KEPT_MS..kept).contains(&(now.0 - self.at.0))
    }
}

#[derive(Default)]
pub struct Inbox(tokio::sync::Mutex<Option<Arc<Seen>>>);

impl Inbox {
    /// About 230 scripts of a millisecond at most, and one more a queue; none while the last reading holds.
    pub async fn seen(&self, driver: &RedisDriver, since: Since, now: Millis) -> Result<Arc<Seen>, DriverError> {
        // Who comes meanwhile waits and takes the same answer.
        let mut kept = self.0.lock().await;
        if let Some(seen) = kept.as_ref().filter(|seen| seen.holds(&since, now)) {
            return Ok(seen.clone());
        }
        let began = Instant::now();
        let (kinds, coverage) = read(driver, &since.queues).await?;
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(KEPT_MS);
        let seen = Arc::new(Seen { kinds, coverage, at: now, took_ms, since });
        *kept = Some(seen.clone());
        Ok(seen)
    }
}

async fn read(driver: &RedisDriver, queues: &BTreeMap<QueueName, u64>) -> Result<(BTreeMap<String, Kind>, Coverage), DriverError> {
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
    Ok((kinds, Coverage { scanned, of: Some(scanned + of), partly: 0 }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn since(changes: u64, failures: u64, failed: u64) -> Since {
        let queue = QueueName::try_from("mail").expect("a name");
        Since { changes, failures, last_failure: None, queues: BTreeMap::from([(queue, failed)]) }
    }

    fn seen(took_ms: i64, since: Since) -> Seen {
        Seen { kinds: BTreeMap::new(), coverage: Coverage::default(), at: Millis(100_000), took_ms, since }
    }

    #[test]
    fn a_reading_holds_until_something_changes() {
        let seen = seen(10, since(1, 1, 1));
        let at = |ms: i64| Millis(100_000 + ms);
        assert!(seen.holds(&since(1, 1, 1), at(0)) && seen.holds(&since(1, 1, 1), at(4_999)) && seen.holds(&since(1, 1, 1), at(-20)));
        assert!(!seen.holds(&since(1, 1, 1), at(5_000)) && !seen.holds(&since(1, 1, 1), at(-60_000)), "the clock may be set back");
        assert!(!seen.holds(&since(1, 2, 1), at(500)), "a failure was heard");
        assert!(!seen.holds(&since(1, 1, 2), at(500)), "a list is longer");
        assert!(!seen.holds(&since(2, 1, 1), at(1)), "somebody acted");
    }

    #[test]
    fn a_long_reading_does_not_follow_the_other_while_jobs_fail() {
        let seen = seen(600, since(1, 1, 1));
        assert!(seen.holds(&since(1, 9, 9), Millis(101_799)) && !seen.holds(&since(1, 9, 9), Millis(101_800)));
        assert!(!seen.holds(&since(2, 9, 9), Millis(100_700)), "who acted sees what became of it");
    }

    #[test]
    fn a_reading_right_after_a_failure_is_soon_over() {
        let failed_at = |ms: i64| Since { last_failure: Some(Millis(100_000 - ms)), ..since(1, 1, 1_000) };
        assert!(
            seen(10, failed_at(5)).holds(&failed_at(5), Millis(100_999)) && !seen(10, failed_at(5)).holds(&failed_at(5), Millis(101_000))
        );
        assert!(seen(10, failed_at(1_000)).holds(&failed_at(1_000), Millis(104_999)));
    }
}
