//! Is anybody looking? The sampler ticks every second while somebody is, and rarely otherwise.

use crate::model::{ids::QueueName, time::Millis};
use std::collections::HashMap;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// A page that was asked for counts as looked at this long (a page without JavaScript has no stream).
const REQUEST_COUNTS_MS: i64 = 30_000;

#[derive(Default)]
pub struct Watching {
    streams: AtomicUsize,
    last_request: AtomicI64,
    queues: Mutex<HashMap<QueueName, usize>>,
    /// Queues that an action just changed, or that somebody asked for and no scan found yet: sampled on the next tick.
    touched: Mutex<Vec<QueueName>>,
    /// Counts what this console did: a page read before is not the newest any more.
    changes: AtomicU64,
    wake: Notify,
}

/// An open stream; dropping it ends the watch.
pub struct Watch {
    of: Arc<Watching>,
    queue: Option<QueueName>,
}

impl Watching {
    /// A page or list was requested.
    pub fn request(&self, now: Millis) {
        if !self.anybody(now) {
            self.wake.notify_one();
        }
        self.last_request.store(now.0, Ordering::Relaxed);
    }

    /// A stream opens; `queue` is sampled on every tick while it stays open.
    pub fn stream(self: &Arc<Self>, queue: Option<QueueName>) -> Watch {
        if self.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            self.wake.notify_one();
        }
        if let Some(name) = &queue {
            *self.lock().entry(name.clone()).or_default() += 1;
        }
        Watch { of: self.clone(), queue }
    }

    pub fn anybody(&self, now: Millis) -> bool {
        self.streams.load(Ordering::Relaxed) > 0 || now.0 - self.last_request.load(Ordering::Relaxed) < REQUEST_COUNTS_MS
    }

    /// Queues that an open page shows.
    pub fn queues(&self) -> Vec<QueueName> {
        self.lock().keys().cloned().collect()
    }

    /// Tick now: an action changed the counts of this queue.
    pub fn nudge_queue(&self, queue: &QueueName) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.look_at(queue);
    }

    /// Tick now, and count this queue.
    pub fn look_at(&self, queue: &QueueName) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).push(queue.clone());
        self.wake.notify_one();
    }

    /// How often an action of this console changed something.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Queues to look at, since the last call.
    pub fn take_touched(&self) -> Vec<QueueName> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Resolves when the next tick should not wait.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<QueueName, usize>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.of.streams.fetch_sub(1, Ordering::Relaxed);
        if let Some(name) = &self.queue {
            let mut queues = self.of.lock();
            if let Some(n) = queues.get_mut(name) {
                *n -= 1;
                if *n == 0 {
                    queues.remove(name);
                }
            }
        }
    }
}
