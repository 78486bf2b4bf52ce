//! What pages and the snapshot read from the ledger.

use super::{Inner, runs, workers::Entry};
use crate::model::{
    ids::QueueName,
    live::{Gap, Heard, Throughput},
    metrics::{Charts, Window},
    run::Run,
    time::Millis,
    worker::{Worker, WorkerList, WorkerState},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// The window of the rates that tiles and tables show.
pub const RATE_SECONDS: i64 = 60;
/// "Lately" of failures.
pub const LATELY_SECONDS: i64 = 300;

/// What runs, by queue.
#[derive(Default)]
pub struct Active {
    /// `None` while no worker was heard.
    pub total: Option<u64>,
    pub partial: bool,
    pub lost: u64,
    pub queues: BTreeMap<QueueName, Running>,
}

#[derive(Clone, Copy, Default)]
pub struct Running {
    pub runs: u64,
    pub lost: u64,
}

impl Inner {
    pub fn heard(&self, now: Millis) -> Heard {
        let mut heard = self.heard.clone();
        let events: u64 = self.pace.iter().filter(|(at, _)| *at < now.0.div_euclid(1_000)).map(|(_, n)| n).sum();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let per_second = events as f64 / 10.0;
        heard.per_second = per_second;
        heard.silent_workers = self.workers.0.values().filter(|w| w.online() && w.beats && !w.known).count() as u64;
        heard.gap = heard.gap.map(|gap| Gap { to: Millis(gap.to.0.min(now.0)), ..gap });
        heard
    }

    pub fn throughput(&self) -> Throughput {
        let (all, _, heard) = self.meter.lately(RATE_SECONDS);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let rate = |n: u64| (heard > 0.0 && self.anybody()).then(|| super::frame::round(n as f64 / heard));
        Throughput { completed_per_second: rate(all.completed), failed_per_second: rate(all.failed), window_seconds: RATE_SECONDS as u64 }
    }

    /// Some worker reports: silence then means that nothing happened.
    pub fn anybody(&self) -> bool {
        self.heard.listening_since.is_some() && self.somebody_spoke()
    }

    fn somebody_spoke(&self) -> bool {
        self.heard.events > 0 || self.workers.0.values().any(Entry::online)
    }

    /// Figures over time. The meter knows when the channel was heard, not that nobody was there to say anything.
    pub fn charts(&self, queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Charts {
        let mut charts = self.meter.charts(queue, class, window);
        if !self.somebody_spoke() && !self.meter.any() {
            charts.points.iter_mut().for_each(|point| (point.completed, point.failed) = (None, None));
            (charts.summary.completed_per_second, charts.summary.failed_per_second) = (None, None);
        }
        charts
    }

    pub fn active(&self) -> Active {
        let mut active = Active::default();
        let mut unsure = false;
        for run in self.runs.open.values() {
            unsure |= run.unsure;
            if let Some(queue) = run.queue.as_ref().filter(|_| !run.unsure) {
                active.queues.entry(queue.clone()).or_default().runs += 1;
            }
        }
        for lost in self.runs.lost.values().filter(|l| l.put_back_at.is_none()) {
            active.lost += 1;
            if let Some(queue) = &lost.queue {
                active.queues.entry(queue.clone()).or_default().lost += 1;
            }
        }
        let online = || self.workers.0.values().filter(|w| w.online());
        let sure = self.runs.open.values().filter(|run| !run.unsure).count() as u64;
        active.partial = unsure || online().any(|w| !w.known);
        if self.heard.listening_since.is_some() && (sure > 0 || (!active.partial && online().next().is_some())) {
            active.total = Some(sure);
        }
        active
    }

    /// Running jobs of one queue, and whether there may be more: a worker that serves it was not heard, or runs something
    /// that no queue could be told for.
    pub fn active_of(&self, queue: &QueueName, active: &Active, serving: &HashMap<String, Serving>) -> (Option<u64>, bool) {
        let runs = active.queues.get(queue).map_or(0, |r| r.runs);
        let serving = serving.get(queue.as_str());
        let partial = serving.is_some_and(|s| s.unsure);
        let known = self.heard.listening_since.is_some() && (runs > 0 || (serving.is_some() && !partial));
        (known.then_some(runs), partial)
    }

    /// Every queue that an online worker serves.
    pub fn serving(&self) -> HashMap<String, Serving> {
        let mut queues: HashMap<String, Serving> = HashMap::new();
        for worker in self.workers.0.values().filter(|w| w.online()) {
            let vague = worker.runs.iter().any(|n| self.runs.open.get(n).is_some_and(|run| run.queue.is_none() || run.unsure));
            let shared = worker.queues().len() > 1;
            for queue in worker.queues() {
                let serving = queues.entry(queue.clone()).or_default();
                serving.unsure |= vague || !worker.known;
                serving.shared |= shared;
            }
        }
        queues
    }

    /// How many failed attempts were heard, retried ones too, and when the last one was whose queue is known.
    pub fn failures(&self) -> (u64, Option<Millis>) {
        (self.heard.failed, self.reasons.back().map(|(at, _, _)| *at))
    }

    /// Queues in which an attempt failed since then.
    pub fn failing_since(&self, from: Millis) -> BTreeSet<QueueName> {
        self.reasons.iter().rev().take_while(|(at, _, _)| *at >= from).map(|(_, queue, _)| queue.clone()).collect()
    }

    /// What most failures of each queue said in the last minutes.
    pub fn reasons(&self, now: Millis) -> HashMap<QueueName, String> {
        let mut counts: HashMap<&QueueName, BTreeMap<&str, usize>> = HashMap::new();
        for (_, queue, reason) in self.reasons.iter().filter(|(at, _, _)| now.0 - at.0 < LATELY_SECONDS * 1_000) {
            *counts.entry(queue).or_default().entry(reason).or_default() += 1;
        }
        let most = |reasons: BTreeMap<&str, usize>| {
            let all: usize = reasons.values().sum();
            let (reason, n) = reasons.into_iter().max_by_key(|(_, n)| *n)?;
            (n * 2 > all).then(|| reason.to_owned())
        };
        counts.into_iter().filter_map(|(queue, reasons)| Some((queue.clone(), most(reasons)?))).collect()
    }

    pub fn workers(&self, now: Millis, most: usize) -> WorkerList {
        let mut lost: HashMap<&str, Vec<Run>> = HashMap::new();
        for run in self.runs.lost.values() {
            lost.entry(&run.worker).or_default().push(run.show(now));
        }
        let count = |state| self.workers.0.values().filter(|w| w.state() == state).count() as u64;
        let mut order: Vec<(&String, &Entry)> = self.workers.0.iter().filter(|(_, w)| w.beats || w.heard_at.is_some()).collect();
        order.sort_by(|(a_id, a), (b_id, b)| a.state().cmp(&b.state()).then_with(|| a_id.cmp(b_id)));
        let more = order.len().saturating_sub(most) as u64;
        let workers = order.into_iter().take(most).map(|(id, w)| {
            let mut runs: Vec<Run> = w.runs.iter().filter_map(|n| self.runs.open.get(n)).map(|run| run.show()).collect();
            runs.extend(lost.remove(id.as_str()).unwrap_or_default());
            let mut beat = w.beat.clone();
            if beat.queues.is_empty() {
                beat.queues.clone_from(&w.greeted);
            }
            Worker {
                id: id.clone(),
                state: w.state(),
                beat,
                since: w.lost_at.or(w.stopped_at),
                heard_at: w.heard_at,
                runs,
                completed: w.completed,
                failed: w.failed,
            }
        });
        WorkerList {
            workers: workers.collect(),
            online: count(WorkerState::Online),
            lost: count(WorkerState::Lost),
            stopped: count(WorkerState::Stopped),
            more,
        }
    }

    /// Lost ones first, then the longest running.
    pub fn runs(&self, queue: Option<&QueueName>, now: Millis, most: usize) -> Vec<Run> {
        let wanted = |of: &Option<QueueName>| queue.is_none_or(|q| of.as_ref() == Some(q));
        let lost = self.runs.lost.values().filter(|l| wanted(&l.queue)).map(|l| l.show(now));
        let open = self.runs.open.values().filter(|run| wanted(&run.queue)).map(runs::Open::show);
        let mut all: Vec<Run> = lost.chain(open).collect();
        all.sort_by_key(|run| (run.lost_at.is_none(), run.started_at));
        all.truncate(most);
        all
    }

    /// Payloads of what runs; `None`: not seen, or too large to be kept.
    pub fn running_payloads(&self) -> Vec<Option<Arc<[u8]>>> {
        self.runs.open.values().map(|run| run.seen.as_ref().and_then(|s| s.raw.clone())).collect()
    }

    /// Worker and payload of jobs that were lost and not put back.
    pub fn lost_payloads(&self) -> Vec<(String, String)> {
        let open = self.runs.lost.values().filter(|l| l.put_back_at.is_none());
        open.filter_map(|l| Some((l.worker.clone(), l.payload.clone()?))).collect()
    }

    pub fn run(&self, key: &str, now: Millis) -> Option<Run> {
        self.runs.lost.get(key).map(|l| l.show(now))
    }
}

/// What is known of the workers of a queue.
#[derive(Default)]
pub struct Serving {
    /// Something that they run may not be known.
    pub unsure: bool,
    /// Some of them serve other queues as well, so not every run can be attributed.
    pub shared: bool,
}

/// The kind of an error: what stands before the colon when that is one word, else its beginning with figures made equal.
pub fn short(error: &str) -> String {
    if let Some((kind, _)) = error.split_once(':')
        && !kind.is_empty()
        && kind.len() <= 60
        && !kind.contains(char::is_whitespace)
    {
        return kind.into();
    }
    let mut text = String::new();
    for c in error.chars().take(60) {
        let digit = c.is_ascii_digit();
        if !(digit && text.ends_with('#')) {
            text.push(if digit { '#' } else { c });
        }
    }
    if error.chars().count() > 60 {
        text.push('…');
    }
    text
}
