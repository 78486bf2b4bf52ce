//! Payloads that run next, seen in the lists before a worker takes them: they tell the queue, class and waiting time of a run
//! whose events carry only an id, and are what a lost job can be put back from. Bounded.

use crate::model::{run::Upcoming, time::Millis};
use std::collections::HashMap;

/// Each of the two halves holds at most so many, and so many bytes.
const HALF: usize = 20_000;
const HALF_BYTES: usize = 32 * 1024 * 1024;

/// Failures of jobs with longer ids are not remembered: a client may publish any.
const LONGEST_ID: usize = 1_024;

/// Two halves: when the young one is full it becomes the old one, and what was there is forgotten.
#[derive(Default)]
pub struct Shelf {
    young: HashMap<String, Upcoming>,
    old: HashMap<String, Upcoming>,
    bytes: usize,
    /// When runs of jobs failed, in two halves as well.
    failed: HashMap<String, Millis>,
    failed_before: HashMap<String, Millis>,
}

impl Shelf {
    pub fn put(&mut self, id: String, job: Upcoming) {
        self.bytes += id.len() + 200 + job.raw.as_ref().map_or(0, |r| r.len());
        self.young.insert(id, job);
        if self.young.len() >= HALF || self.bytes >= HALF_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }

    pub fn take(&mut self, id: &str) -> Option<Upcoming> {
        let old = self.old.remove(id);
        let mut job = self.young.remove(id).or(old)?;
        // An operator's retry keeps the time of creation, and between the two it lay dead. When it was pushed again it does not say.
        let failed = self.failed.get(id).or_else(|| self.failed_before.get(id));
        if let (Some(ready), Some(failed)) = (job.ready_at, failed)
            && ready < *failed
        {
            job.ready_at = None;
        }
        Some(job)
    }

    pub fn failed(&mut self, id: &str, at: Millis) {
        if id.len() > LONGEST_ID {
            return;
        }
        self.failed.insert(id.to_owned(), at);
        if self.failed.len() >= HALF {
            self.failed_before = std::mem::take(&mut self.failed);
        }
    }
}
