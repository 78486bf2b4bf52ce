//! What the rules look at, in plain figures, and what a rule reads of it.

use super::evaluate::Reading;
use crate::model::{
    alert::rule::{Rule, RuleType, SPIKE_LEAST},
    ids::QueueName,
    live::Link,
    node::Freshness,
    time::Millis,
};
use crate::server::{ledger::meter::Failures, snapshot::Snapshot, state::AppState};
use std::collections::{BTreeMap, BTreeSet};
use wildmatch::WildMatch;

/// A picture that is older says nothing about now.
const OLD_MS: i64 = 45_000;

/// One moment. `None` is unknown, never 0.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Whether anything was measured.
    pub measured: bool,
    pub waiting: Option<u64>,
    pub failed: Option<u64>,
    pub oldest_ms: Option<i64>,
    pub workers: Option<u64>,
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
}

#[derive(Clone, Debug)]
pub struct Node {
    /// `{service}/{id}`
    pub name: String,
    /// Percent.
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
    let workers = snapshot.workers.filter(|n| *n > 0 || workers_seen);
    let queues = snapshot.queues.iter().map(|q| {
        // While no worker reports at all, the queue's own count is unknown; once some did, it is none.
        let served = q.workers.or((workers == Some(0)).then_some(0)).filter(|_| workers.is_some());
        let queue = Queue { waiting: q.waiting, failed: q.failed, oldest_ms: age(q.waiting, q.oldest_waiting_ms), workers: served };
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
        oldest_ms: age(totals.waiting, totals.oldest_waiting_ms),
        workers,
        queues: queues.collect(),
        nodes: nodes(&snapshot),
        failures,
    }
}

/// Nodes as the snapshot has them.
fn nodes(snapshot: &Snapshot) -> Option<Vec<Node>> {
    // One that is late says nothing of now, and one that is gone is not busy.
    let fresh = snapshot.nodes.iter().filter(|n| n.freshness == Freshness::Fresh);
    let read = fresh.map(|n| Node { name: format!("{}/{}", n.service, n.id), cpu: n.cpu_percent(), ram: n.ram_percent() }).collect();
    snapshot.nodes_complete.then_some(read)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count(n: Option<u64>) -> Option<f64> {
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
        RuleType::WorkerLost => under(rule, q.workers),
        RuleType::FailureSpike | RuleType::NodeCpu | RuleType::NodeRam | RuleType::RedisDown => Reading::Unknown,
    };
    match (rule.kind, &rule.queue) {
        (RuleType::FailureSpike, _) => spikes(rule, seen, known),
        (RuleType::NodeCpu | RuleType::NodeRam, _) => of_nodes(rule, seen, known, &over),
        (RuleType::WorkerLost, None) => vec![(None, under(rule, seen.workers))],
        (_, None) => {
            let all = Queue { waiting: seen.waiting, failed: seen.failed, oldest_ms: seen.oldest_ms, workers: None };
            vec![(None, queue(&all))]
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
            let none = Queue { waiting: Some(0), failed: Some(0), oldest_ms: Some(0), workers: seen.workers.map(|_| 0) };
            vec![(Some(name.clone()), queue(seen.queues.get(name).unwrap_or(&none)))]
        }
    }
}

fn under(rule: &Rule, workers: Option<u64>) -> Reading {
    match count(workers) {
        None => Reading::Unknown,
        Some(value) => Reading::Known { value, usual: None, breach: value < rule.threshold },
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
