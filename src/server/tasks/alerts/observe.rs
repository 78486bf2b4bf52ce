//! What the rules look at, in plain figures, and what a rule reads of it.

use super::evaluate::Reading;
use crate::model::{
    alert::rule::{Rule, RuleType, SPIKE_LEAST},
    ids::QueueName,
    live::Link,
    node::{Freshness, NodeBeat},
    queue::QueueSample,
    time::Millis,
};
use crate::server::{ledger::meter::Failures, snapshot::Snapshot, state::AppState};
use std::collections::{BTreeMap, BTreeSet};
use wildmatch::WildMatch;

/// A picture that is older says nothing about now.
const OLD_MS: i64 = 45_000;
/// Workers beat every five seconds: right after Redis came back, heartbeats that it lost are not missed yet.
const BEATS_AGAIN_MS: i64 = 15_000;
/// A node's key lives for 30 s and its agent beats every ten: one whose last heartbeat is younger lost its key with Redis,
/// and may come back.
const NODE_GONE_MS: i64 = 45_000;

/// One moment. `None` is unknown, never 0.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Whether anything was measured.
    pub measured: bool,
    pub waiting: Option<u64>,
    pub failed: Option<u64>,
    pub oldest_ms: Option<i64>,
    /// Some ages were not looked at lately: there may be an older job.
    pub oldest_partial: bool,
    pub workers: Option<u64>,
    /// Heartbeats that are missing, but not for long: perhaps these workers are there.
    pub late_workers: u64,
    pub queues: BTreeMap<String, Queue>,
    /// `None`: nodes were not looked at.
    pub nodes: Option<Vec<Node>>,
    /// Failed attempts by the length of the window, s.
    pub failures: BTreeMap<u64, Failures>,
}

#[derive(Clone, Debug, Default)]
pub struct Queue {
    pub waiting: Option<u64>,
    pub failed: Option<u64>,
    pub oldest_ms: Option<i64>,
    /// Workers that serve it.
    pub workers: Option<u64>,
    /// See [`Observed::late_workers`].
    pub late_workers: u64,
}

#[derive(Clone, Debug)]
pub struct Node {
    /// `{service}/{id}`
    pub name: String,
    /// Of the process, percent; `None` also while its heartbeat is late.
    pub cpu: Option<f64>,
    pub ram: Option<f64>,
}

/// Age of the oldest waiting job; 0 when none waits.
fn age(waiting: Option<u64>, oldest_ms: Option<i64>) -> Option<i64> {
    if waiting == Some(0) { Some(0) } else { oldest_ms }
}

/// What this console sees now. `workers_seen`: some worker reported once; before that, none is no news.
pub fn observed(state: &AppState, rules: &[Rule], workers_seen: bool, now: Millis) -> Observed {
    let snapshot = state.snapshot();
    let fresh = snapshot.sampled_at.is_some_and(|at| now.0 - at.0 < OLD_MS);
    // Before the first pass over the keys has ended, sums are lower bounds and queues are missing.
    if snapshot.connection.status != Link::Connected || !fresh || !snapshot.discovery.complete {
        return Observed::default();
    }
    let settled = now.0 - snapshot.connection.since.0 >= BEATS_AGAIN_MS;
    // None at all is no news before some worker reported once, nor before those that live had the time to beat.
    let workers = snapshot.workers.filter(|n| *n > 0 || (workers_seen && settled));
    let looked_at = |q: &QueueSample| !snapshot.old_ages.contains(&q.name);
    let queues = snapshot.queues.iter().map(|q| {
        // While no worker reports at all, the queue's own count is unknown; once some did, it is none.
        let served = q.workers.or((workers == Some(0)).then_some(0)).filter(|_| workers.is_some());
        let queue = Queue {
            waiting: q.waiting,
            failed: q.failed,
            oldest_ms: age(q.waiting, q.oldest_waiting_ms.filter(|_| looked_at(q))),
            workers: served,
            late_workers: snapshot.late_workers.by_queue.get(q.name.as_str()).copied().unwrap_or(0),
        };
        (q.name.to_string(), queue)
    });
    let totals = &snapshot.totals;
    let mut ledger = state.ledger.lock();
    let listening = ledger.heard(now).listening_since.is_some();
    let windows: BTreeSet<u64> = rules.iter().filter(|r| r.enabled && r.kind == RuleType::FailureSpike).map(|r| r.window_seconds).collect();
    let end = ledger.meter().closed() + 1;
    let failures = windows.into_iter().filter(|_| listening).map(|w| (w, ledger.meter().failures(end, w.cast_signed()))).collect();
    Observed {
        measured: true,
        waiting: totals.waiting,
        failed: totals.failed,
        oldest_ms: age(totals.waiting, snapshot.queues.iter().filter(|q| looked_at(q)).filter_map(|q| q.oldest_waiting_ms).max()),
        oldest_partial: !snapshot.old_ages.is_empty(),
        workers,
        late_workers: snapshot.late_workers.total,
        queues: queues.collect(),
        nodes: nodes(&snapshot, now),
        failures,
    }
}

/// Nodes as the snapshot has them.
fn nodes(snapshot: &Snapshot, now: Millis) -> Option<Vec<Node>> {
    // One that is gone is not busy. One that is late says nothing of now: a busy agent beats late, and whoever began to look a
    // moment ago cannot tell how old a heartbeat of another clock is.
    let there = snapshot.nodes.iter().filter(|n| n.freshness != Freshness::Gone || now.0 - n.seen_at.0 < NODE_GONE_MS);
    let read = there.map(|n| {
        let beat = (n.freshness == Freshness::Fresh).then_some(&n.beat);
        Node {
            name: format!("{}/{}", n.service, n.id),
            cpu: beat.and_then(|b| b.cpu_process),
            ram: beat.and_then(NodeBeat::process_ram_percent),
        }
    });
    snapshot.nodes_complete.then_some(read.collect())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn count(n: Option<u64>) -> Option<f64> {
    n.map(|n| n as f64)
}

#[expect(clippy::cast_precision_loss, reason = "ages are far below 2^53")]
fn seconds(ms: Option<i64>) -> Option<f64> {
    ms.map(|ms| (ms / 1_000) as f64)
}

/// What a rule reads: the subjects that there are, and those in `known` (which have a state) that are gone.
pub fn readings(rule: &Rule, seen: &Observed, known: &[Option<String>]) -> Vec<(Option<String>, Reading)> {
    if !seen.measured || rule.kind == RuleType::RedisDown {
        return Vec::new();
    }
    let over = |value: Option<f64>| match value {
        None => Reading::Unknown,
        Some(value) => Reading::Known { value, usual: None, breach: value >= rule.threshold },
    };
    let queue = |q: &Queue| match rule.kind {
        RuleType::Backlog => over(count(q.waiting)),
        RuleType::Failure => over(count(q.failed)),
        RuleType::OldestWaiting => over(seconds(q.oldest_ms)),
        RuleType::WorkerLost => under(rule, q.workers, q.late_workers),
        RuleType::FailureSpike | RuleType::NodeCpu | RuleType::NodeRam | RuleType::RedisDown => Reading::Unknown,
    };
    match (rule.kind, &rule.queue) {
        (RuleType::FailureSpike, _) => spikes(rule, seen, known),
        (RuleType::NodeCpu | RuleType::NodeRam, _) => of_nodes(rule, seen, known, &over),
        (RuleType::WorkerLost, None) => vec![(None, under(rule, seen.workers, seen.late_workers))],
        (_, None) => {
            let all = Queue { waiting: seen.waiting, failed: seen.failed, oldest_ms: seen.oldest_ms, ..Queue::default() };
            let reading = match queue(&all) {
                Reading::Known { breach: false, .. } if rule.kind == RuleType::OldestWaiting && seen.oldest_partial => Reading::Unknown,
                reading => reading,
            };
            vec![(None, reading)]
        }
        (_, Some(pattern)) if rule.is_pattern() => {
            let wild = WildMatch::new(pattern);
            let there = seen.queues.iter().filter(|(name, _)| wild.matches(name)).map(|(name, q)| (Some(name.clone()), queue(q)));
            let mut all: Vec<_> = there.collect();
            // A queue that is forgotten holds nothing.
            let gone = known.iter().flatten().filter(|name| wild.matches(name) && !seen.queues.contains_key(*name));
            all.extend(gone.map(|name| (Some(name.clone()), Reading::Gone)));
            all
        }
        (_, Some(name)) => {
            // One that has no key holds nothing; who would serve it is asked of the heartbeats all the same.
            let workers = seen.workers.map(|_| 0);
            let none = Queue { waiting: Some(0), failed: Some(0), oldest_ms: Some(0), workers, late_workers: seen.late_workers };
            vec![(Some(name.clone()), queue(seen.queues.get(name).unwrap_or(&none)))]
        }
    }
}

/// `late`: workers of which nobody knows; when they decide, it is unknown.
fn under(rule: &Rule, workers: Option<u64>, late: u64) -> Reading {
    let most = count(workers.map(|n| n + late));
    match count(workers).zip(most) {
        None => Reading::Unknown,
        Some((value, most)) if value < rule.threshold && most >= rule.threshold => Reading::Unknown,
        Some((value, _)) => Reading::Known { value, usual: None, breach: value < rule.threshold },
    }
}

fn of_nodes(
    rule: &Rule,
    seen: &Observed,
    known: &[Option<String>],
    over: &dyn Fn(Option<f64>) -> Reading,
) -> Vec<(Option<String>, Reading)> {
    let Some(nodes) = &seen.nodes else { return Vec::new() };
    let value = |node: &Node| if rule.kind == RuleType::NodeCpu { node.cpu } else { node.ram };
    let mut all: Vec<_> = nodes.iter().map(|node| (Some(node.name.clone()), over(value(node)))).collect();
    let gone = known.iter().flatten().filter(|name| !nodes.iter().any(|node| node.name == **name));
    all.extend(gone.map(|name| (Some(name.clone()), Reading::Gone)));
    all
}

/// Attempts a minute against what is usual; a queue in which little fails is below any threshold.
fn spikes(rule: &Rule, seen: &Observed, known: &[Option<String>]) -> Vec<(Option<String>, Reading)> {
    let Some(failures) = seen.failures.get(&rule.window_seconds) else { return Vec::new() };
    let reading = |queue: Option<&QueueName>| match failures.of(queue) {
        None => Reading::Unknown,
        Some(spike) => {
            // Against nothing at all, one a minute counts as the usual.
            let breach = spike.failed >= SPIKE_LEAST
                && match spike.usual {
                    None => return Reading::Unknown,
                    Some(usual) => spike.per_minute >= rule.threshold * usual.max(LEAST_USUAL),
                };
            Reading::Known { value: spike.per_minute, usual: spike.usual, breach }
        }
    };
    let named = |name: &String| QueueName::try_from(name.as_str()).ok();
    match &rule.queue {
        None => vec![(None, reading(None))],
        Some(pattern) => {
            let wild = WildMatch::new(pattern);
            let is = |name: &str| if rule.is_pattern() { wild.matches(name) } else { name == pattern };
            let mut names: BTreeSet<QueueName> = failures.failing().filter(|q| is(q.as_str())).cloned().collect();
            names.extend(known.iter().flatten().filter(|name| is(name)).filter_map(named));
            names.iter().map(|name| (Some(name.to_string()), reading(Some(name)))).collect()
        }
    }
}

/// A minute: so few are usual that a factor of them says nothing.
const LEAST_USUAL: f64 = 0.2;

#[cfg(test)]
mod tests;
