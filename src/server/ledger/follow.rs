//! One event after the other: runs begin and end, and what became of a failure is told by what follows it.

use super::{
    Inner,
    count::Counted,
    event::{Event, Kind},
    runs::{self, Open},
    show,
    told::{self, Closed, News, Said},
    workers::{self, Undecided},
};
use crate::model::{ids::QueueName, run::Upcoming, time::Millis};

/// Failures of which the reason is remembered.
const REASONS: usize = 5_000;

impl Inner {
    /// Follows one event; answers the queue it belongs to. With `counts` off it only tells what runs.
    pub(super) fn apply(&mut self, monitor: &str, event: &Event, at: Millis, now: Millis, counts: bool) -> Option<QueueName> {
        let Some(id) = &event.worker else { return event.queue.clone() };
        if !self.workers.0.contains_key(id) && self.met.len() < workers::MOST {
            self.met.push((monitor.to_owned(), id.clone()));
        }
        let Some(worker) = self.workers.entry(id) else {
            // More workers than are followed: what they do still counts.
            if counts {
                self.heard.dropped += u64::from(event.kind == Kind::Started);
                if let Some(what) = Counted::of(&event.kind) {
                    self.count(what, None, at, now, event.queue.as_ref(), None);
                }
            }
            return event.queue.clone();
        };
        // What the history tells was said then, not now.
        worker.heard_at = worker.heard_at.max(Some(if counts { now } else { at }));
        worker.known = true;
        let (stopped, lost) = (worker.stopped_at.take().is_some(), worker.lost_at.take().is_some());
        if (stopped || lost) && self.met.len() < workers::MOST {
            // Its heartbeat may have been given up meanwhile.
            self.met.push((monitor.to_owned(), id.clone()));
        }
        if lost {
            self.alive_after_all(id);
        }
        self.decide(id, event, at, now, counts);
        match &event.kind {
            Kind::Started => self.started(event, id, at, now, counts),
            Kind::Completed | Kind::Failed { .. } => self.ended(event, id, at, now, counts),
            Kind::Online(queues) => {
                self.abandon(id, now, counts);
                let worker = self.workers.entry(id)?;
                worker.greeted.clone_from(queues);
                event.queue.clone()
            }
            Kind::Offline => {
                self.abandon(id, now, counts);
                self.workers.entry(id)?.stopped_at = Some(now);
                event.queue.clone()
            }
            Kind::Retrying { .. } | Kind::Other => event.queue.clone().or_else(|| self.only_queue(id)),
        }
    }

    /// What became of the worker's last failed attempts, now that it said something else.
    fn decide(&mut self, id: &str, event: &Event, at: Millis, now: Millis, counts: bool) {
        let Some(worker) = self.workers.entry(id) else { return };
        if worker.undecided.is_empty() {
            return;
        }
        let retried = matches!(event.kind, Kind::Retrying { .. });
        let concurrent = worker.concurrent();
        let (mut decided, mut waiting) = (Vec::new(), Vec::new());
        for failure in std::mem::take(&mut worker.undecided) {
            let same = retried && failure.job == event.job;
            // One that runs several jobs at once may say something about another job in between.
            if same || !concurrent || at.0 - failure.at.0 > 2_000 { decided.push((same, failure)) } else { waiting.push(failure) }
        }
        worker.undecided = waiting;
        if !counts {
            return;
        }
        let attempt = if let Kind::Retrying { attempt } = event.kind { attempt.map(|coming| coming.saturating_sub(1)) } else { None };
        for (same, failure) in decided {
            if let Some(mut closed) = failure.closed {
                closed.outcome = if same { "retried" } else { "dead" };
                closed.attempt = closed.attempt.or(attempt.filter(|_| same));
                self.told.push(now, News::Closed(closed));
            }
            let what = if same { Counted::Retried } else { Counted::Dead };
            self.count(what, None, at, now, failure.queue.as_ref(), failure.class.as_deref());
        }
    }

    fn started(&mut self, event: &Event, id: &str, at: Millis, now: Millis, counts: bool) -> Option<QueueName> {
        if !self.workers.entry(id)?.concurrent() {
            self.abandon(id, now, counts);
        }
        if event.job.is_some() {
            self.runs.lost.values_mut().filter(|l| l.job == event.job).for_each(|l| l.named_again = true);
        }
        let seen = event.job.as_deref().and_then(|job| self.shelf.take(job));
        let queue = event.queue.clone().or_else(|| self.only_queue(id)).or_else(|| seen.as_ref().map(|s| s.queue.clone()));
        let wait_ms = seen.as_ref().and_then(|s| s.ready_at).map(|ready| (at.0 - ready.0).max(0));
        let run =
            Open { worker: id.to_owned(), job: event.job.clone(), queue: queue.clone(), started_at: at, wait_ms, seen, unsure: false };
        if counts {
            self.count(Counted::Started, wait_ms, at, now, queue.as_ref(), run.class());
        }
        let number = self.runs.begin(run);
        self.workers.entry(id)?.runs.insert(number);
        if self.runs.open.len() > runs::MOST
            && let Some((number, dropped)) = self.runs.open.pop_first()
        {
            self.heard.dropped += 1;
            if let Some(worker) = self.workers.entry(&dropped.worker) {
                worker.runs.remove(&number);
            }
        }
        queue
    }

    fn ended(&mut self, event: &Event, id: &str, at: Millis, now: Millis, counts: bool) -> Option<QueueName> {
        let of_job = |n: &&u64| self.runs.open.get(n).is_some_and(|run| run.job == event.job);
        let number = self.workers.0.get(id).and_then(|w| w.runs.iter().find(of_job).copied());
        let run = number.and_then(|n| {
            self.workers.entry(id)?.runs.remove(&n);
            self.runs.open.remove(&n)
        });
        let queue = event.queue.clone().or_else(|| run.as_ref().and_then(|r| r.queue.clone())).or_else(|| self.only_queue(id));
        let class = run.as_ref().and_then(|r| r.class().map(str::to_owned));
        let ran = run.as_ref().map(|r| (at.0 - r.started_at.0).max(0));
        let worker = self.workers.entry(id)?;
        let failed = matches!(event.kind, Kind::Failed { .. });
        if counts {
            if failed { worker.failed += 1 } else { worker.completed += 1 }
        }
        if failed {
            worker.undecided.push(Undecided { job: event.job.clone(), queue: queue.clone(), class: class.clone(), at, closed: None });
        }
        if let Some(job) = event.job.as_deref().filter(|_| self.told.on) {
            // What the history tells was heard then.
            self.runs.ended.note(job, queue.as_ref(), !failed, at, if counts { now } else { at.min(now) });
        }
        if counts {
            self.closed(event, id, run.as_ref(), queue.as_ref(), at, now);
            let what = if failed { Counted::Failed } else { Counted::Completed };
            self.count(what, ran, at, now, queue.as_ref(), class.as_deref());
            if let (Kind::Failed { error }, Some(queue)) = (&event.kind, &queue) {
                if self.reasons.len() == REASONS {
                    self.reasons.pop_front();
                }
                self.reasons.push_back((now, queue.clone(), show::short(error)));
            }
        }
        if failed && let Some(job) = &event.job {
            self.shelf.failed(job, at);
        }
        // A retry comes under the same id, mostly: where it belongs is still known then, its payload and waiting time are not.
        if let (true, Some(job), Some(seen)) = (failed, &event.job, run.and_then(|r| r.seen)) {
            self.shelf.put(job.clone(), Upcoming { raw: None, ready_at: None, attempt: seen.attempt.map(|n| n + 1), ..seen });
        }
        queue
    }

    /// Tells the archive of a run that ended.
    fn closed(&mut self, event: &Event, id: &str, run: Option<&Open>, queue: Option<&QueueName>, at: Millis, now: Millis) {
        let error = if let Kind::Failed { error } = &event.kind { Some(error.clone()) } else { None };
        let Some(job) = event.job.clone().filter(|_| self.told.on) else { return };
        let seen = run.and_then(|r| r.seen.as_ref());
        let serves = if queue.is_none() && error.is_some() { self.workers.entry(id).map(|w| w.queues().to_vec()) } else { None };
        let closed = Box::new(Closed {
            job,
            queue: queue.cloned(),
            serves: serves.unwrap_or_default(),
            worker: id.to_owned(),
            class: run.and_then(|r| r.class().map(str::to_owned)),
            attempt: seen.and_then(|s| s.attempt).map(|n| n.max(1)),
            started_at: run.map_or(at, |r| r.started_at),
            ended_at: at,
            wait_ms: run.and_then(|r| r.wait_ms),
            outcome: if error.is_some() { "failed" } else { "completed" },
            raw: seen.filter(|_| error.is_none() && self.told.payloads).and_then(|s| s.raw.clone()),
            error,
        });
        if closed.error.is_some()
            && let Some(undecided) = self.workers.entry(id).and_then(|w| w.undecided.last_mut())
        {
            undecided.closed = Some(closed.clone());
        }
        self.told.push(now, News::Closed(closed));
    }

    /// Tells the archive of a run that nobody will end.
    pub(super) fn over(&mut self, run: &Open, outcome: &'static str, now: Millis) {
        let Some(job) = run.job.clone().filter(|_| self.told.on) else { return };
        self.runs.ended.note(&job, run.queue.as_ref(), false, now, now);
        let closed = Closed {
            job,
            queue: run.queue.clone(),
            serves: Vec::new(),
            worker: run.worker.clone(),
            class: run.class().map(str::to_owned),
            attempt: run.seen.as_ref().and_then(|s| s.attempt).map(|n| n.max(1)),
            started_at: run.started_at,
            ended_at: now,
            wait_ms: run.wait_ms,
            outcome,
            error: None,
            raw: None,
        };
        self.told.push(now, News::Closed(Box::new(closed)));
    }

    /// Tells the archive what was said, all of it: the flags of the archive are about jobs.
    pub(super) fn said(&mut self, event: &Event, queue: Option<&QueueName>, at: Millis, now: Millis) {
        if !self.told.on {
            return;
        }
        let said = Said {
            level: event.level.as_str(),
            message: event.message.clone(),
            worker: event.worker.clone(),
            queue: queue.cloned(),
            // A clock that is a day off says nothing of when; by it the line would be found nowhere, or never be old enough to go.
            at: if (at.0 - now.0).abs() > told::CLOCKS_APART_MS { now } else { at },
            heard_at: now,
        };
        self.told.push(now, News::Said(Box::new(said)));
    }

    /// The worker's open runs are over without a word.
    fn abandon(&mut self, id: &str, now: Millis, counts: bool) {
        let Some(worker) = self.workers.entry(id) else { return };
        for number in std::mem::take(&mut worker.runs) {
            let Some(run) = self.runs.open.remove(&number).filter(|_| counts) else { continue };
            self.heard.unknown += 1;
            self.over(&run, "unknown", now);
        }
    }

    /// A worker that was taken for lost speaks: its runs go on.
    pub(super) fn alive_after_all(&mut self, id: &str) {
        let keys: Vec<String> =
            self.runs.lost.values().filter(|l| l.worker == id && l.put_back_at.is_none()).map(|l| l.key.clone()).collect();
        for key in keys {
            let Some(lost) = self.runs.lost.remove(&key) else { continue };
            self.heard.lost = self.heard.lost.saturating_sub(1);
            self.found_lost.retain(|l| l.key != key);
            self.found_alive.push(key);
            let seen = lost.list.map(|list| Upcoming {
                queue: lost.queue.clone().unwrap_or_else(|| list.0.clone()),
                list,
                class: lost.class,
                attempt: lost.attempt,
                ready_at: None,
                raw: lost.payload.map(|p| p.into_bytes().into()),
            });
            let run = Open {
                worker: lost.worker,
                job: lost.job,
                queue: lost.queue,
                started_at: lost.started_at,
                wait_ms: lost.wait_ms,
                seen,
                unsure: false,
            };
            let number = self.runs.begin(run);
            if let Some(worker) = self.workers.entry(id) {
                worker.runs.insert(number);
            }
        }
    }

    pub(super) fn only_queue(&self, id: &str) -> Option<QueueName> {
        match self.workers.0.get(id)?.queues() {
            [only] => QueueName::try_from(only.as_str()).ok(),
            _ => None,
        }
    }
}
