//! What discovery knows between ticks: queues, groups with pending jobs, heartbeats. Bounded; Redis stays the truth.

use super::{sample::List, unlisted::UnlistedKeys};
use crate::model::{
    ids::{Priority, QueueName},
    queue::QUEUES_FOLLOWED,
    time::Millis,
    worker::LateWorkers,
};
use std::collections::{BTreeMap, BTreeSet};

/// More groups than this are not followed; the console says so.
pub const MAX_GROUPS: usize = 100_000;
pub const MAX_HEARTBEATS: usize = 2_000;
/// An empty queue stays listed this long after its last key was seen: a drained queue is not an unknown one.
const QUEUE_KEPT_MS: i64 = 15 * 60_000;

/// A heartbeat that is missing is asked for this long: a job that keeps the processor busy delays it.
const HEARTBEAT_KEPT_MS: i64 = 5 * 60_000;
/// Missing for less, its worker may well be there: three of the library's intervals.
const LATE_MS: i64 = 15_000;

#[derive(Clone, Debug, Default)]
pub struct Heartbeat {
    pub queues: Vec<String>,
    /// `None` while it is there.
    pub missing_since: Option<Millis>,
    /// It was there once.
    pub read: bool,
}

/// Jobs pending behind one busy group.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// `None`: not counted yet, or not to be counted.
    pub jobs: Option<u64>,
    /// The key holds something else than a list.
    pub uncountable: bool,
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
    /// By key; refreshed every tick.
    pub heartbeats: BTreeMap<String, Heartbeat>,
    /// A whole pass has ended, so the heartbeats are all that there are.
    pub scanned: bool,
    pub unlisted: UnlistedKeys,
    /// Pause flags that a scan met and that were not read as text since, and whether they are known to hold something else.
    pub flags: BTreeMap<List, bool>,
    queues_cut: Cut,
    groups_cut: Cut,
}

/// Whether more was found than is followed: in the last whole pass over the keys, or since.
#[derive(Default)]
struct Cut {
    before: bool,
    now: bool,
}

impl Cut {
    fn is(&self) -> bool {
        self.before || self.now
    }

    fn pass_begins(&mut self) {
        *self = Self { before: self.now, now: false };
    }
}

impl Known {
    pub fn queue_seen(&mut self, name: QueueName, now: Millis) {
        if self.queues.len() >= QUEUES_FOLLOWED && !self.queues.contains_key(&name) {
            self.queues_cut.now = true;
            return;
        }
        self.queues.entry(name).or_insert(KnownQueue { seen: now }).seen = now;
    }

    /// Of a queue that is followed.
    pub fn flag_seen(&mut self, flag: List) {
        if self.queues.contains_key(&flag.0) {
            self.flags.entry(flag).or_default();
        }
    }

    /// These flags of the queue were read as text. Returns the others that hold something else.
    pub fn flags_read(&mut self, queue: &QueueName, text: &[Priority]) -> Vec<Priority> {
        if self.flags.is_empty() {
            return Vec::new();
        }
        for p in text {
            self.flags.remove(&(queue.clone(), *p));
        }
        let of = (queue.clone(), Priority::Critical)..=(queue.clone(), Priority::Low);
        self.flags.range(of).filter(|(_, wrong)| **wrong).map(|((_, p), _)| *p).collect()
    }

    pub fn group_seen(&mut self, group: String) {
        if self.groups.len() < MAX_GROUPS || self.groups.contains_key(&group) {
            self.groups.entry(group).or_default();
        } else {
            self.groups_cut.now = true;
        }
    }

    /// There are more queues than are followed.
    pub fn more_queues(&self) -> bool {
        self.queues_cut.is()
    }

    /// There are more groups than are followed.
    pub fn more_groups(&self) -> bool {
        self.groups_cut.is()
    }

    /// The scan over the queue prefix begins anew: what it finds no more is no more there.
    pub fn pass_begins(&mut self) {
        self.queues_cut.pass_begins();
        self.groups_cut.pass_begins();
        self.unlisted.pass_begins();
    }

    pub fn heartbeat_seen(&mut self, key: String, now: Millis) {
        if self.heartbeats.len() < MAX_HEARTBEATS {
            // Until its value is read it is not counted.
            self.heartbeats.entry(key).or_insert(Heartbeat { queues: Vec::new(), missing_since: Some(now), read: false });
        }
    }

    /// What a tick saw of a heartbeat; `None`: its key is not there.
    pub fn heartbeat(&mut self, key: &str, queues: Option<Vec<String>>, now: Millis) {
        match queues {
            Some(queues) => drop(self.heartbeats.insert(key.into(), Heartbeat { queues, missing_since: None, read: true })),
            None => {
                let Some(beat) = self.heartbeats.get_mut(key) else { return };
                let since = *beat.missing_since.get_or_insert(now);
                if now.0 - since.0 > HEARTBEAT_KEPT_MS {
                    self.heartbeats.remove(key);
                }
            }
        }
    }

    /// Heartbeats that are there.
    pub fn alive(&self) -> impl Iterator<Item = &Heartbeat> {
        self.heartbeats.values().filter(|b| b.missing_since.is_none())
    }

    pub fn late(&self, now: Millis) -> LateWorkers {
        let mut late = LateWorkers::default();
        for beat in self.heartbeats.values().filter(|b| b.read && b.missing_since.is_some_and(|since| now.0 - since.0 < LATE_MS)) {
            late.total += 1;
            for queue in beat.queues.iter().collect::<BTreeSet<_>>() {
                *late.by_queue.entry(queue.clone()).or_default() += 1;
            }
        }
        late
    }

    /// Drops queues whose keys are long gone.
    pub fn forget(&mut self, now: Millis) {
        self.queues.retain(|_, q| now.0 - q.seen.0 < QUEUE_KEPT_MS);
        self.flags.retain(|(queue, _), _| self.queues.contains_key(queue));
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

    /// Groups whose first pending job names this queue.
    pub fn groups_of<'a>(&'a self, queue: &'a QueueName) -> impl Iterator<Item = (&'a String, &'a Pending)> {
        self.groups.iter().filter(move |(_, pending)| pending.queue.as_ref().is_some_and(|named| named.as_ref() == Some(queue)))
    }

    /// Groups whose jobs cannot be counted: beside one, what is grouped is a lower bound.
    pub fn uncountable(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter(|(_, pending)| pending.uncountable).map(|(group, _)| group.as_str())
    }

    /// How many heartbeats name each queue; `None` while nobody reports.
    pub fn workers(&self) -> Option<BTreeMap<&str, u64>> {
        self.alive().next()?;
        let mut counts = BTreeMap::new();
        // A worker that lists a queue twice is one worker.
        for queue in self.alive().flat_map(|beat| beat.queues.iter().collect::<BTreeSet<_>>()) {
            *counts.entry(queue.as_str()).or_default() += 1;
        }
        Some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_wrong_until_it_is_read_as_text() {
        let mut known = Known::default();
        let (mail, pay) = (QueueName::try_from("mail").expect("a name"), QueueName::try_from("pay").expect("a name"));
        known.flag_seen((mail.clone(), Priority::Base));
        assert!(known.flags.is_empty(), "of a queue that is not followed");
        known.queue_seen(mail.clone(), Millis(0));
        known.queue_seen(pay.clone(), Millis(0));
        for p in Priority::ALL {
            known.flag_seen((mail.clone(), p));
        }
        assert!(known.flags_read(&mail, &[Priority::High]).is_empty(), "nobody has asked yet");
        known.flags.insert((mail.clone(), Priority::Base), true);
        known.flag_seen((mail.clone(), Priority::Base));
        assert_eq!(known.flags_read(&mail, &[]), [Priority::Base]);
        assert!(known.flags_read(&pay, &[]).is_empty());
        assert!(known.flags_read(&mail, &Priority::ALL).is_empty() && known.flags.is_empty());
        known.flag_seen((mail, Priority::Low));
        known.forget(Millis(1 + QUEUE_KEPT_MS));
        assert!(known.flags.is_empty());
    }

    #[test]
    fn more_queues_than_are_followed_are_told_until_a_pass_finds_no_more() {
        let mut known = Known::default();
        let name = |i: usize| QueueName::try_from(format!("q{i}")).expect("a name");
        let pass = |known: &mut Known, queues: usize, at: Millis| {
            (0..queues).for_each(|i| known.queue_seen(name(i), at));
            known.pass_begins();
        };
        pass(&mut known, QUEUES_FOLLOWED, Millis(0));
        assert!(!known.more_queues());
        known.queue_seen(name(QUEUES_FOLLOWED), Millis(0));
        assert!(known.more_queues(), "at once");
        pass(&mut known, QUEUES_FOLLOWED + 1, Millis(1));
        pass(&mut known, QUEUES_FOLLOWED + 1, Millis(1));
        assert_eq!((known.more_queues(), known.queues.len()), (true, QUEUES_FOLLOWED));
        assert!(!known.more_groups());
        known.forget(Millis(2 + QUEUE_KEPT_MS));
        pass(&mut known, 7, Millis(2 + QUEUE_KEPT_MS));
        assert_eq!((known.more_queues(), known.queues.len()), (false, 7));
    }
}
