//! Runs that ended a moment ago: until the archive has its row, nobody else knows of one.

use crate::model::{ids::QueueName, time::Millis};
use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
};

/// By then the archive has it, also where the console that was to write it was killed, or the database is slow.
const KEPT_MS: i64 = 5 * 60_000;
/// No more are remembered: 3 MB.
const MOST: usize = 50_000;
/// Where the database keeps up, a run is in the archive within a second. What has no place is older than this, or it is not known what ran.
const WRITTEN_MS: i64 = 5_000;
/// The event of a failure and its dead letter may be so far apart, as in the archive's timelines.
const APART_MS: i64 = 15_000;

/// Names are kept as hashes: two that have the same are taken for one, which hides a failure for minutes and does no harm.
struct End {
    job: u64,
    queue: Option<u64>,
    at: Millis,
    heard_at: Millis,
    completed: bool,
}

impl End {
    /// Whether it is another run than the one that failed then.
    fn is_after(&self, failed_at: Millis) -> bool {
        // The clock of a worker may be behind.
        let completed_at = self.at.max(self.heard_at);
        self.at.0 > failed_at.0 + APART_MS || (self.completed && completed_at > failed_at)
    }
}

#[derive(Default)]
pub struct Ended {
    /// In the order in which they were heard.
    list: VecDeque<End>,
    hasher: RandomState,
    /// When the newest of those was heard that had no place.
    dropped: Option<Millis>,
}

impl Ended {
    /// `at`: by the worker's clock.
    pub fn note(&mut self, job: &str, queue: Option<&QueueName>, completed: bool, at: Millis, heard_at: Millis) {
        if self.list.len() >= MOST {
            self.dropped = self.list.pop_front().map(|oldest| oldest.heard_at);
        }
        let (job, queue) = (self.hasher.hash_one(job), queue.map(|queue| self.hasher.hash_one(queue.as_str())));
        self.list.push_back(End { job, queue, at, heard_at, completed });
    }

    /// Whether a run of this job, in this queue or in one that is not known, ended since it failed; also where that cannot be told.
    pub fn may_tell(&self, queue: &QueueName, id: &str, failed_at: Millis, now: Millis) -> bool {
        let (job, queue) = (self.hasher.hash_one(id), self.hasher.hash_one(queue.as_str()));
        let is = |end: &End| end.job == job && end.queue.is_none_or(|of| of == queue) && end.is_after(failed_at);
        self.dropped.is_some_and(|at| now.0 - at.0 < WRITTEN_MS) || self.list.iter().any(is)
    }

    pub fn forget(&mut self, now: Millis) {
        while self.list.front().is_some_and(|end| now.0 - end.heard_at.0 > KEPT_MS) {
            self.list.pop_front();
        }
        // What a busy hour took is given back.
        if self.list.len() < self.list.capacity() / 4 {
            self.list.shrink_to(self.list.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: i64 = 1_800_000_000_000;

    fn at(ms: i64) -> Millis {
        Millis(T0 + ms)
    }

    fn name(text: &str) -> QueueName {
        QueueName::try_from(text).unwrap()
    }

    #[test]
    fn another_run_than_the_one_that_failed_is_told() {
        let mut ended = Ended::default();
        let mail = name("mail");
        let tells = |ended: &Ended, id: &str, queue: &QueueName| ended.may_tell(queue, id, at(0), at(60_000));
        ended.note("failed", Some(&mail), false, at(20), at(30));
        ended.note("anew", Some(&mail), false, at(20_000), at(20_010));
        ended.note("completed", Some(&mail), true, at(5), at(10));
        ended.note("before", Some(&mail), true, at(-50_000), at(-50_000));
        ended.note("behind", Some(&mail), true, at(-50_000), at(10));
        ended.note("somewhere", None, true, at(5), at(10));
        assert!(!tells(&ended, "failed", &mail) && !tells(&ended, "before", &mail) && !tells(&ended, "other", &mail));
        assert!(["anew", "completed", "behind", "somewhere"].iter().all(|id| tells(&ended, id, &mail)));
        assert!(!tells(&ended, "completed", &name("orders")) && tells(&ended, "somewhere", &name("orders")));
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let mut ended = Ended::default();
        let mail = name("mail");
        for n in 0..=MOST {
            ended.note(&n.to_string(), Some(&mail), true, at(1), at(1));
        }
        assert_eq!(ended.list.len(), MOST);
        assert!(ended.may_tell(&mail, "other", at(0), at(WRITTEN_MS)), "it may have been the one that has no place");
        assert!(!ended.may_tell(&mail, "other", at(0), at(WRITTEN_MS + 1)), "that one is in the archive");
        assert!(ended.may_tell(&mail, "7", at(0), at(WRITTEN_MS + 1)));
        ended.forget(at(KEPT_MS + 2));
        assert!(ended.list.capacity() < 16 && !ended.may_tell(&mail, "7", at(0), at(KEPT_MS + 2)));
    }
}
