//! What the events and heartbeats say, put together: runs, workers, figures over time, the live log. No I/O: the task in
//! `tasks::events` hears the channel, the sampler brings heartbeats and payloads, and pages ask here.
//!
//! Rules (stream-protocol.md, 1, Events): `Processing` opens a run, `Completed` and `Job failed` close it. `Job failed` was
//! a retry when `Job retrying` of the same worker and job follows, and a dead letter when anything else of that worker does.
//! A worker that runs one job at a time closes its run by beginning another one: how that ended is unknown.

mod count;
mod ended;
mod event;
mod follow;
pub mod frame;
mod histogram;
pub mod meter;
mod runs;
mod seen;
pub mod show;
mod tail;
pub mod told;
mod upcoming;
mod workers;

use crate::model::{
    ids::QueueName,
    live::{Gap, Heard},
    log::LogLine,
    run::{Lost, Upcoming},
    time::Millis,
    worker::Beat,
};
use event::Event;
use meter::{Backlog, Meter};
use runs::Runs;
use seen::Seen;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tail::Tail;
use told::Told;
use upcoming::Shelf;
use workers::Workers;

pub struct Ledger(Mutex<Inner>);

pub struct Inner {
    meter: Meter,
    runs: Runs,
    workers: Workers,
    shelf: Shelf,
    tail: Tail,
    heard: Heard,
    /// Messages heard lately, to tell which of the history were missed.
    seen: Seen,
    /// Monitor prefixes on whose channels something was heard.
    channels: BTreeSet<String>,
    /// Events of the last seconds: (epoch second, how many).
    pace: VecDeque<(i64, u64)>,
    reasons: VecDeque<(Millis, QueueName, String)>,
    /// Workers met on a channel whose heartbeat is not looked for yet: (monitor prefix, id).
    met: Vec<(String, String)>,
    /// Lost runs to be noted in Redis, and those that turned out not to be lost.
    found_lost: Vec<Lost>,
    found_alive: Vec<String>,
    /// For the archive.
    pub told: Told,
}

impl Ledger {
    pub fn new(now: Millis) -> Self {
        Self(Mutex::new(Inner {
            meter: Meter::new(now.0),
            runs: Runs::default(),
            workers: Workers::default(),
            shelf: Shelf::default(),
            tail: Tail::default(),
            heard: Heard::default(),
            seen: Seen::default(),
            channels: BTreeSet::new(),
            pace: VecDeque::new(),
            reasons: VecDeque::new(),
            met: Vec::new(),
            found_lost: Vec::new(),
            found_alive: Vec::new(),
            told: Told::default(),
        }))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The channels are heard from now on.
    pub fn listening(&mut self, now: Millis) {
        self.meter.heard(now.0);
        if let Some(gap) = self.heard.gap.as_mut().filter(|gap| gap.to.0 == i64::MAX) {
            gap.to = now;
        }
        self.heard.listening_since = Some(now);
    }

    /// The channels were last heard for sure at `from`. What runs may end unheard.
    pub fn deaf(&mut self, from: Millis) {
        if self.heard.listening_since.take().is_some() {
            self.meter.lost(from.0);
            self.heard.gap = Some(Gap { from, to: Millis(i64::MAX) });
            self.runs.open.values_mut().for_each(|run| run.unsure = true);
            self.workers.0.values_mut().for_each(|w| w.known = false);
        }
    }

    /// What the history list of a channel holds, oldest first. Before the first connection it only tells what runs; after a
    /// gap the messages that were missed are heard now. Answers whether nothing is missing.
    pub fn history(&mut self, monitor: &str, raws: &[Vec<u8>], before: Millis, now: Millis) -> bool {
        if self.seen.is_empty() {
            for event in raws.iter().filter_map(|raw| Event::read(raw).ok()) {
                // What was said since then comes on the channel itself.
                if let Some(at) = event.at.filter(|at| *at < before && now.0 - at.0 < runs::LOST_KEPT_MS) {
                    self.apply(monitor, &event, at, now, false);
                }
            }
            return true;
        }
        let overlaps = raws.iter().any(|raw| self.seen.has(raw));
        for raw in raws.iter().filter(|raw| !self.seen.has(raw)).cloned().collect::<Vec<_>>() {
            self.seen.expect_again(&raw);
            self.hear(monitor, &raw, now);
        }
        // A history that is not full holds everything that was said since Redis began to keep it. An empty one says nothing
        // when the channel was heard before: not every producer keeps a history.
        overlaps || (1..100).contains(&raws.len()) || (raws.is_empty() && !self.channels.contains(monitor))
    }

    /// Nothing of the last gap is missing: what runs is known.
    pub fn recovered(&mut self) {
        self.meter.recovered();
        self.heard.gap = None;
        self.runs.open.values_mut().for_each(|run| run.unsure = false);
        self.workers.0.values_mut().filter(|w| w.heard_at.is_some()).for_each(|w| w.known = true);
    }

    /// One message of a channel.
    pub fn hear(&mut self, monitor: &str, raw: &[u8], now: Millis) {
        if self.seen.came_again(raw) {
            return;
        }
        self.seen.note(raw);
        if !self.channels.contains(monitor) {
            self.channels.insert(monitor.to_owned());
        }
        self.heard.events += 1;
        let second = now.0.div_euclid(1_000);
        match self.pace.back_mut().filter(|(at, _)| *at == second) {
            Some((_, n)) => *n += 1,
            None => self.pace.push_back((second, 1)),
        }
        match Event::read(raw) {
            Ok(event) => {
                let at = event.at.unwrap_or(now);
                let queue = self.apply(monitor, &event, at, now, true);
                self.said(&event, queue.as_ref(), at, now);
                self.tail.push(LogLine {
                    seq: 0,
                    at,
                    level: event.level,
                    message: event::cut(event.message),
                    worker: event.worker,
                    job: event.job,
                    queue,
                    problem: None,
                });
            }
            Err(problem) => {
                self.heard.malformed += 1;
                let message = event::cut(String::from_utf8_lossy(&raw[..raw.len().min(event::SHOWN)]).into_owned());
                let level = crate::model::log::Level::Warning;
                self.tail.push(LogLine { seq: 0, at: now, level, message, worker: None, job: None, queue: None, problem: Some(problem) });
            }
        }
    }

    /// What the sampler saw of heartbeats; `None`: its key is not there.
    pub fn beat(&mut self, id: &str, beat: Option<Beat>, now: Millis) {
        let there = beat.is_some();
        self.workers.beat(id, beat, now);
        // Runs that began before anybody said what the worker serves.
        if let (Some(only), Some(worker)) = (self.only_queue(id), self.workers.0.get(id)) {
            for number in &worker.runs {
                if let Some(run) = self.runs.open.get_mut(number) {
                    run.queue.get_or_insert_with(|| only.clone());
                }
            }
        }
        if there && self.workers.0.get_mut(id).is_some_and(|w| w.lost_at.take().is_some()) {
            self.alive_after_all(id);
        }
    }

    /// Payloads that run next.
    pub fn upcoming(&mut self, jobs: Vec<(String, Upcoming)>) {
        for (id, job) in jobs {
            self.shelf.put(id, job);
        }
    }

    /// Once a second or so: closes what is over, finds who is gone.
    pub fn tick(&mut self, now: Millis, backlog: &dyn Fn() -> Backlog) {
        self.meter.close(now.0, backlog);
        let second = now.0.div_euclid(1_000);
        while self.pace.front().is_some_and(|(at, _)| *at < second - 10) {
            self.pace.pop_front();
        }
        let gone: Vec<String> =
            self.workers.0.iter().filter(|(_, w)| w.lost_at.is_none() && w.gone(now)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            let Some(worker) = self.workers.entry(&id) else { continue };
            worker.lost_at = Some(now);
            for number in std::mem::take(&mut worker.runs) {
                let Some(run) = self.runs.open.remove(&number) else { continue };
                self.over(&run, "lost", now);
                let lost = run.lost(now);
                self.heard.lost += 1;
                self.found_lost.push(lost.clone());
                self.runs.lost.insert(lost.key.clone(), lost);
            }
        }
        self.workers.forget(now);
        self.runs.forget(now);
    }

    /// Workers met since the last call, whose heartbeats are to be looked for.
    pub fn met(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.met)
    }

    /// Lost runs to note in Redis, and keys of those that are not lost after all.
    pub fn to_note(&mut self) -> (Vec<Lost>, Vec<String>) {
        (std::mem::take(&mut self.found_lost), std::mem::take(&mut self.found_alive))
    }

    /// What Redis holds of lost runs: the truth about which were put back.
    pub fn noted(&mut self, all: Vec<Lost>, now: Millis) {
        for lost in all.into_iter().filter(|l| now.0 - l.lost_at.0 < runs::LOST_KEPT_MS) {
            // One that this console saw alive since is about to be taken out there as well.
            let alive = self.workers.0.get(&lost.worker).is_some_and(|w| w.online() && w.heard_at.is_some_and(|at| at > lost.lost_at));
            if !alive {
                let named_again = self.runs.lost.get(&lost.key).is_some_and(|l| l.named_again);
                self.runs.lost.insert(lost.key.clone(), Lost { named_again, ..lost });
            }
        }
    }

    /// Whether a job with this id runs, or ran since it failed then and the archive need not know that yet: in this queue or in one that is
    /// not known.
    pub fn may_have_run(&self, queue: &QueueName, id: &str, failed_at: Millis, now: Millis) -> bool {
        let is = |open: &runs::Open| open.job.as_deref() == Some(id) && open.queue.as_ref().is_none_or(|of| of == queue);
        self.runs.open.values().any(is) || self.runs.ended.may_tell(queue, id, failed_at, now)
    }

    pub fn lost(&self, key: &str) -> Option<&Lost> {
        self.runs.lost.get(key)
    }

    pub fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    pub fn tail(&self) -> &Tail {
        &self.tail
    }
}

#[cfg(test)]
mod tests;
