//! Writes down what this console puts into a queue anew, where `--archive-enqueued` asks for it: one row `waiting` a push, as the library
//! writes it of its own pushes. No push waits for that, and none fails by it.

use crate::{
    model::{
        archive::Status,
        ids::{Priority, QueueName},
        time::Millis,
    },
    server::{
        actions::now,
        archive::{
            error::ArchiveError,
            record::{self, Record},
        },
        driver::redis::keys::{Key, Keys},
        state::AppState,
    },
};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Pushes that wait for being written, whichever comes first; more are lost, and counted.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// What the archive did not take for so long is lost.
const KEPT_MS: i64 = 3_600_000;
/// Pushes of one transaction: until it is written, there are copies of them.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// While the archive does not take what there is.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// After the console was told to stop, pushes of its last requests still come.
const LINGER: Duration = Duration::from_millis(150);
/// When the console stops, what waits is written if the archive is that quick.
const LAST_WRITE: Duration = Duration::from_secs(1);

pub struct Enqueued {
    on: bool,
    waiting: Mutex<Waiting>,
    lost: AtomicU64,
    /// Rung when a push came to wait.
    noted: Notify,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<Record>,
    bytes: usize,
}

impl Waiting {
    fn drop_first(&mut self) {
        if let Some(record) = self.records.pop_front() {
            self.bytes -= record.payload.len();
        }
    }
}

impl Enqueued {
    pub fn new(on: bool) -> Self {
        Self { on, waiting: Mutex::default(), lost: AtomicU64::new(0), noted: Notify::new() }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Takes a push on its way to the archive, at once. `list` is what it was pushed to: a queue, or one of its priorities; `at` is a
    /// moment before a worker could take it.
    pub fn note(&self, keys: &Keys, list: &QueueName, payload: Vec<u8>, at: Millis) {
        if !self.on {
            return;
        }
        let queue = if let Key::Of(queue) = keys.classify(&keys.waiting(list, Priority::Base)) { queue } else { list.clone() };
        if self.take(Record { status: Status::Waiting, queue, id: None, payload, at }) {
            self.noted.notify_one();
        } else {
            self.lose(1);
        }
    }

    /// Whether there was place for it. One that is larger than all the place is taken when it is alone.
    fn take(&self, record: Record) -> bool {
        let waiting = &mut *self.lock();
        let bytes = record.payload.len();
        if waiting.records.len() >= MOST || waiting.bytes + bytes > MOST_BYTES.max(bytes) {
            return false;
        }
        waiting.bytes += bytes;
        waiting.records.push_back(record);
        true
    }

    /// The oldest ones.
    fn batch(&self) -> Vec<Record> {
        let waiting = self.lock();
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += record.payload.len();
            bytes <= BATCH_BYTES.max(record.payload.len())
        };
        waiting.records.iter().take(BATCH).take_while(fits).cloned().collect()
    }

    fn written(&self, pushes: usize) {
        let mut waiting = self.lock();
        for _ in 0..pushes {
            waiting.drop_first();
        }
    }

    /// Gives up what waited too long.
    fn forget(&self, now: Millis) {
        let mut old = 0;
        {
            let mut waiting = self.lock();
            while waiting.records.front().is_some_and(|record| now.0 - record.at.0 > KEPT_MS) {
                waiting.drop_first();
                old += 1;
            }
        }
        if old > 0 {
            self.lose(old);
        }
    }

    fn lose(&self, pushes: u64) {
        let all = self.lost.fetch_add(pushes, Ordering::Relaxed) + pushes;
        tracing::warn!(pushes, all, "the archive is away or too slow: jobs that were pushed are not written down there");
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    if !state.enqueued.is_on() {
        return Ok(());
    }
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = keep_writing(&state) => {}
    }
    sleep(LINGER).await;
    let _ = timeout(LAST_WRITE, write(&state)).await;
    let left = state.enqueued.lock().records.len() as u64;
    if left > 0 {
        state.enqueued.lose(left);
    }
    Ok(())
}

/// Until it is dropped. Dropped inside of a transaction, that one never was, or is known when it is written again.
async fn keep_writing(state: &AppState) {
    loop {
        match write(state).await {
            Ok(()) => state.enqueued.noted.notified().await,
            Err(error) => {
                tracing::debug!(problem = error.problem(), "jobs that were pushed are not written down yet");
                sleep(TRY_AGAIN).await;
            }
        }
        state.enqueued.forget(now());
    }
}

async fn write(state: &AppState) -> Result<(), ArchiveError> {
    loop {
        let batch = state.enqueued.batch();
        if batch.is_empty() {
            return Ok(());
        }
        let db = state.archive.db()?;
        state.archive.noted(record::records(&db, &batch).await)?;
        state.enqueued.written(batch.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A push a millisecond.
    fn noted(on: bool, pushes: i64, payload: &[u8]) -> Enqueued {
        let (enqueued, keys) = (Enqueued::new(on), Keys::new("queue:", &[]));
        let list = QueueName::try_from("mail:high").expect("a name");
        for n in 0..pushes {
            enqueued.note(&keys, &list, payload.to_vec(), Millis(n));
        }
        enqueued
    }

    #[test]
    fn memory_has_an_end_and_what_does_not_fit_is_counted() {
        let many = noted(true, 10_003, b"{}");
        assert_eq!((many.lock().records.len(), many.lost.load(Ordering::Relaxed)), (MOST, 3));
        assert!(many.batch().len() == BATCH && many.batch().iter().all(|record| record.queue.as_str() == "mail"));
        many.written(BATCH);
        assert_eq!(many.batch()[0].at, Millis(200));
        assert_eq!(many.lock().records.len(), MOST - BATCH);
        // The newest was pushed in millisecond 9,999.
        many.forget(Millis(KEPT_MS + 9_999));
        assert_eq!((many.lock().records.len(), many.lost.load(Ordering::Relaxed)), (1, 9_802));
        assert_eq!(many.lock().bytes, 2);
        let large = noted(true, 3, &vec![b'x'; MOST_BYTES / 2 + 1]);
        assert_eq!((large.batch().len(), large.lock().records.len(), large.lost.load(Ordering::Relaxed)), (1, 1, 2));
        assert!(noted(false, 3, b"{}").batch().is_empty());
    }
}
