//! Payloads that run next, seen in the lists before a worker takes them: they tell the queue, class and waiting time of a run
//! whose events carry only an id, and are what a lost job can be put back from. Bounded.

use crate::model::run::Upcoming;
use std::collections::HashMap;

/// Each of the two halves holds at most so many, and so many bytes.
const HALF: usize = 20_000;
const HALF_BYTES: usize = 32 * 1024 * 1024;

/// Two halves: when the young one is full it becomes the old one, and what was there is forgotten.
#[derive(Default)]
pub struct Shelf {
    young: HashMap<String, Upcoming>,
    old: HashMap<String, Upcoming>,
    bytes: usize,
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
        self.young.remove(id).or(old)
    }
}
