//! Open runs, lost ones, and those that ended a moment ago.

use super::ended::Ended;
use crate::model::{
    ids::QueueName,
    run::{Lost, PutBack, Run, RunState, Upcoming},
    time::Millis,
};
use std::collections::BTreeMap;

/// More open runs than these are not followed: the oldest is dropped and counted.
pub const MOST: usize = 100_000;
/// Lost runs are shown this long.
pub const LOST_KEPT_MS: i64 = 3_600_000;

#[derive(Clone, Debug)]
pub struct Open {
    pub worker: String,
    pub job: Option<String>,
    pub queue: Option<QueueName>,
    pub started_at: Millis,
    pub wait_ms: Option<i64>,
    /// What was seen of it in its list.
    pub seen: Option<Upcoming>,
    pub unsure: bool,
}

impl Open {
    pub fn class(&self) -> Option<&str> {
        self.seen.as_ref().and_then(|s| s.class.as_deref())
    }

    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.started_at.0, self.worker, self.job.as_deref().unwrap_or_default())
    }

    pub fn show(&self) -> Run {
        Run {
            key: self.key(),
            worker: self.worker.clone(),
            job: self.job.clone(),
            queue: self.queue.clone(),
            class_name: self.class().map(Into::into),
            attempt: self.seen.as_ref().and_then(|s| s.attempt),
            started_at: self.started_at,
            wait_ms: self.wait_ms,
            state: if self.unsure { RunState::Unsure } else { RunState::Running },
            lost_at: None,
            put_back: PutBack { possible: false, reason: "The worker still runs it.".into(), done_at: None },
        }
    }

    pub fn lost(self, now: Millis) -> Lost {
        let (class, attempt) = (self.class().map(Into::into), self.seen.as_ref().and_then(|s| s.attempt));
        let raw = self.seen.as_ref().and_then(|s| s.raw.clone()).and_then(|raw| String::from_utf8(raw.to_vec()).ok());
        Lost {
            key: self.key(),
            worker: self.worker,
            job: self.job,
            queue: self.queue,
            class,
            attempt,
            started_at: self.started_at,
            wait_ms: self.wait_ms,
            lost_at: now,
            list: self.seen.map(|s| s.list),
            payload: raw,
            put_back_at: None,
            named_again: false,
        }
    }
}

#[derive(Default)]
pub struct Runs {
    /// By number, so that the oldest comes first.
    pub open: BTreeMap<u64, Open>,
    pub lost: BTreeMap<String, Lost>,
    pub ended: Ended,
    next: u64,
}

impl Runs {
    pub fn begin(&mut self, run: Open) -> u64 {
        self.next += 1;
        self.open.insert(self.next, run);
        self.next
    }

    pub fn forget(&mut self, now: Millis) {
        self.lost.retain(|_, l| now.0 - l.lost_at.0 < LOST_KEPT_MS);
        self.ended.forget(now);
    }
}
