//! Who works, by heartbeats and events.

use crate::model::{
    time::Millis,
    worker::{Beat, WorkerState},
};
use std::collections::{BTreeMap, BTreeSet};

/// A heartbeat must be missing this long before the worker counts as lost: Redis may have been restarted, and a worker beats every 5 s.
const GRACE_MS: i64 = 6_000;
/// Without any heartbeat so long after its last event, a worker is lost as well: the first one comes after 5 s.
const NEVER_BEAT_MS: i64 = 20_000;
/// Lost and stopped ones are shown this long.
const LOST_KEPT_MS: i64 = 3_600_000;
const STOPPED_KEPT_MS: i64 = 10 * 60_000;
/// Other worker ids than these are not followed.
pub const MOST: usize = 100_000;

/// A failed attempt of which it is not known yet whether it is retried.
#[derive(Clone, Debug)]
pub struct Undecided {
    pub job: Option<String>,
    pub queue: Option<crate::model::ids::QueueName>,
    pub class: Option<String>,
    pub at: Millis,
    /// As it was told to the archive.
    pub closed: Option<Box<super::told::Closed>>,
}

#[derive(Default)]
pub struct Entry {
    pub beat: Beat,
    /// A heartbeat was seen at least once.
    pub beats: bool,
    pub beat_missing_since: Option<Millis>,
    pub heard_at: Option<Millis>,
    /// Heard since the last gap, so what it runs is known.
    pub known: bool,
    /// Queues of its greeting.
    pub greeted: Vec<String>,
    pub stopped_at: Option<Millis>,
    pub lost_at: Option<Millis>,
    /// Numbers of its open runs.
    pub runs: BTreeSet<u64>,
    pub undecided: Vec<Undecided>,
    pub completed: u64,
    pub failed: u64,
}

impl Entry {
    pub fn queues(&self) -> &[String] {
        if self.beat.queues.is_empty() { &self.greeted } else { &self.beat.queues }
    }

    /// Runs several jobs at once: then a new one says nothing about the others.
    pub fn concurrent(&self) -> bool {
        self.beat.concurrency.is_some_and(|n| n > 1)
    }

    pub fn state(&self) -> WorkerState {
        match (self.lost_at, self.stopped_at) {
            (Some(_), _) => WorkerState::Lost,
            (None, Some(_)) => WorkerState::Stopped,
            (None, None) => WorkerState::Online,
        }
    }

    pub fn online(&self) -> bool {
        self.state() == WorkerState::Online
    }

    /// Whether it has gone without a goodbye.
    pub fn gone(&self, now: Millis) -> bool {
        if self.stopped_at.is_some() {
            return false;
        }
        let silent = self.heard_at.is_none_or(|at| now.0 - at.0 > GRACE_MS);
        match (self.beats, self.beat_missing_since) {
            (true, Some(since)) => silent && now.0 - since.0 > GRACE_MS,
            (true, None) => false,
            (false, Some(_)) => self.heard_at.is_some_and(|at| now.0 - at.0 > NEVER_BEAT_MS),
            // Its heartbeat is not looked for: there are too many.
            (false, None) => false,
        }
    }
}

#[derive(Default)]
pub struct Workers(pub BTreeMap<String, Entry>);

impl Workers {
    pub fn entry(&mut self, id: &str) -> Option<&mut Entry> {
        if !self.0.contains_key(id) {
            if self.0.len() >= MOST {
                return None;
            }
            self.0.insert(id.to_owned(), Entry::default());
        }
        self.0.get_mut(id)
    }

    pub fn beat(&mut self, id: &str, beat: Option<Beat>, now: Millis) {
        match beat {
            Some(beat) => {
                let Some(entry) = self.entry(id) else { return };
                // The key of a worker that said goodbye lives on for 10 s; one that beats on came back.
                let came_back = entry.stopped_at.is_some_and(|at| now.0 - at.0 > 15_000);
                if came_back {
                    entry.stopped_at = None;
                }
                entry.beat = beat;
                entry.beats = true;
                entry.beat_missing_since = None;
            }
            None => {
                if let Some(entry) = self.0.get_mut(id) {
                    entry.beat_missing_since.get_or_insert(now);
                }
            }
        }
    }

    /// Forgets those that are long gone and hold nothing.
    pub fn forget(&mut self, now: Millis) {
        self.0.retain(|_, w| {
            let old = |at: Option<Millis>, kept: i64| at.is_some_and(|at| now.0 - at.0 > kept);
            !w.runs.is_empty() || !(old(w.lost_at, LOST_KEPT_MS) || old(w.stopped_at, STOPPED_KEPT_MS))
        });
    }
}
