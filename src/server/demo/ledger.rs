//! What the simulated application did, counted by itself: what a console that only watches Redis is compared with.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Each is counted after Redis has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that producers pushed, seeded ones included.
    pub pushed: u64,
    /// Elements that workers took.
    pub popped: u64,
    /// Of these: a delayed head that another worker took at the same moment, so it runs twice.
    pub doubled: u64,
    /// Of these: elements that could not be read, lost without an event.
    pub unreadable: u64,
    /// `Processing` events: attempts started.
    pub started: u64,
    pub completed: u64,
    /// Attempts that failed; every one was retried or dead-lettered.
    pub failed: u64,
    pub retried: u64,
    pub dead: u64,
    /// Workers killed during a run; each took its job with it.
    pub killed: u64,
    /// Workers that gave a run up because Redis did not answer.
    pub broken: u64,
}

/// What happened to the job with an id; the same id may appear several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Pushed,
    Doubled,
    Completed,
    Dead,
    Killed,
}

#[derive(Default)]
pub struct Ledger {
    pushed: AtomicU64,
    popped: AtomicU64,
    doubled: AtomicU64,
    unreadable: AtomicU64,
    started: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
    killed: AtomicU64,
    broken: AtomicU64,
    /// Worker → the job that it runs.
    open: Mutex<BTreeMap<String, String>>,
    /// Ids and run times grow for ever, so only tests keep them.
    kept: Option<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    fates: Vec<(Fate, String)>,
    run_times: Vec<Duration>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

impl Ledger {
    pub fn new(keep_ids: bool) -> Self {
        Self { kept: keep_ids.then(Mutex::default), ..Self::default() }
    }

    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Counts {
            pushed: get(&self.pushed),
            popped: get(&self.popped),
            doubled: get(&self.doubled),
            unreadable: get(&self.unreadable),
            started: get(&self.started),
            completed: get(&self.completed),
            failed: get(&self.failed),
            retried: get(&self.retried),
            dead: get(&self.dead),
            killed: get(&self.killed),
            broken: get(&self.broken),
        }
    }

    /// Runs that are open now: worker → job id.
    pub fn open(&self) -> BTreeMap<String, String> {
        lock(&self.open).clone()
    }

    /// Ids with that fate, in order of time; empty unless ids are kept.
    pub fn ids(&self, of: Fate) -> Vec<String> {
        self.kept
            .as_ref()
            .map_or_else(Vec::new, |kept| lock(kept).fates.iter().filter(|(fate, _)| *fate == of).map(|(_, id)| id.clone()).collect())
    }

    /// Run times of closed runs, as the events state them; empty unless ids are kept.
    pub fn run_times(&self) -> Vec<Duration> {
        self.kept.as_ref().map_or_else(Vec::new, |kept| lock(kept).run_times.clone())
    }

    fn keep(&self, fate: Fate, id: &str) {
        if let Some(kept) = &self.kept {
            lock(kept).fates.push((fate, id.to_owned()));
        }
    }

    fn close(&self, worker: &str, ran: Option<Duration>) {
        lock(&self.open).remove(worker);
        if let (Some(kept), Some(ran)) = (&self.kept, ran) {
            lock(kept).run_times.push(ran);
        }
    }

    pub(super) fn pushed(&self, id: &str) {
        add(&self.pushed);
        self.keep(Fate::Pushed, id);
    }

    pub(super) fn popped(&self) {
        add(&self.popped);
    }

    pub(super) fn doubled(&self, id: &str) {
        add(&self.doubled);
        self.keep(Fate::Doubled, id);
    }

    pub(super) fn unreadable(&self) {
        add(&self.unreadable);
    }

    pub(super) fn started(&self, worker: &str, id: &str) {
        add(&self.started);
        lock(&self.open).insert(worker.to_owned(), id.to_owned());
    }

    pub(super) fn completed(&self, worker: &str, id: &str, ran: Duration) {
        self.close(worker, Some(ran));
        add(&self.completed);
        self.keep(Fate::Completed, id);
    }

    pub(super) fn failed(&self, worker: &str, ran: Duration) {
        self.close(worker, Some(ran));
        add(&self.failed);
    }

    pub(super) fn retried(&self) {
        add(&self.retried);
    }

    pub(super) fn dead(&self, id: &str) {
        add(&self.dead);
        self.keep(Fate::Dead, id);
    }

    pub(super) fn killed(&self, worker: &str, id: &str) {
        self.close(worker, None);
        add(&self.killed);
        self.keep(Fate::Killed, id);
    }

    pub(super) fn broken(&self, worker: &str) {
        self.close(worker, None);
        add(&self.broken);
    }
}
