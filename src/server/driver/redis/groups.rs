//! What discovery knows between ticks: queues, groups with pending jobs, heartbeats. Bounded; Redis stays the truth.

use crate::model::{ids::QueueName, time::Millis};
use std::collections::{BTreeMap, BTreeSet};

/// More queues or groups than this are not followed; the console says so.
pub const MAX_QUEUES: usize = 20_000;
pub const MAX_GROUPS: usize = 100_000;
pub const MAX_HEARTBEATS: usize = 2_000;
/// An empty queue stays listed this long after its last key was seen: a drained queue is not an unknown one.
const QUEUE_KEPT_MS: i64 = 15 * 60_000;

/// Jobs pending behind one busy group.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// `None`: not counted yet.
    pub jobs: Option<u64>,
    /// Queue that the first pending job names; `None`: not asked yet.
    pub queue: Option<Option<QueueName>>,
}

#[derive(Clone, Debug)]
pub struct KnownQueue {
    /// When a key of it was last seen (by SCAN, a heartbeat, or as a count above 0).
    pub seen: Millis,
}

#[derive(Default)]
pub struct Known {
    pub queues: BTreeMap<QueueName, KnownQueue>,
    pub groups: BTreeMap<String, Pending>,
    /// Heartbeat key → queues it names; refreshed every tick.
    pub heartbeats: BTreeMap<String, Vec<String>>,
    /// A whole pass has ended, so the heartbeats are all that there are.
    pub scanned: bool,
    /// More was found than is followed.
    pub truncated: bool,
}

impl Known {
    pub fn queue_seen(&mut self, name: QueueName, now: Millis) {
        if self.queues.len() >= MAX_QUEUES && !self.queues.contains_key(&name) {
            self.truncated = true;
            return;
        }
        self.queues.entry(name).or_insert(KnownQueue { seen: now }).seen = now;
    }

    pub fn group_seen(&mut self, group: String) {
        if self.groups.len() < MAX_GROUPS {
            self.groups.entry(group).or_default();
        } else {
            self.truncated = true;
        }
    }

    pub fn heartbeat_seen(&mut self, key: String) {
        if self.heartbeats.len() < MAX_HEARTBEATS {
            self.heartbeats.entry(key).or_default();
        }
    }

    /// Drops queues whose keys are long gone.
    pub fn forget(&mut self, now: Millis) {
        self.queues.retain(|_, q| now.0 - q.seen.0 < QUEUE_KEPT_MS);
    }

    /// Jobs behind groups by the queue that their first job names, and those that name none.
    pub fn grouped(&self) -> (BTreeMap<QueueName, u64>, u64) {
        let (mut by_queue, mut unattributed) = (BTreeMap::new(), 0);
        for pending in self.groups.values() {
            match &pending.queue {
                Some(Some(queue)) => *by_queue.entry(queue.clone()).or_default() += pending.jobs.unwrap_or(0),
                _ => unattributed += pending.jobs.unwrap_or(0),
            }
        }
        (by_queue, unattributed)
    }

    /// How many heartbeats name each queue; `None` while nobody reports.
    pub fn workers(&self) -> Option<BTreeMap<&str, u64>> {
        if self.heartbeats.is_empty() {
            return None;
        }
        let mut counts = BTreeMap::new();
        // A worker that lists a queue twice is one worker.
        for queue in self.heartbeats.values().flat_map(|queues| queues.iter().collect::<BTreeSet<_>>()) {
            *counts.entry(queue.as_str()).or_default() += 1;
        }
        Some(counts)
    }
}
