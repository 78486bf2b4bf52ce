//! The nodes that this console follows: newest heartbeat, freshness, a little history, and what was asked of them. No I/O: the
//! sampler brings heartbeats, actions bring commands. All of it is lost with the process and seen again within a heartbeat; the
//! history then begins with a gap.

use crate::model::{
    node::{Command, FRESH_MS, Freshness, Node, NodeBeat, NodeList},
    time::Millis,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// More are not followed; the list says so.
pub const MOST: usize = 1_000;
/// A node that is gone is shown this long: its successor has another id (a process id is part of it).
const GONE_KEPT_MS: i64 = 15 * 60_000;
/// A heartbeat lives this long in Redis, so one met for the first time is at most this old (and the clocks differ a little).
const OLDEST_MS: i64 = 35_000;
const AHEAD_MS: i64 = 5_000;
/// One point of the history, and how many are kept: 15 minutes.
pub const STEP_MS: i64 = 30_000;
const STEPS: i64 = 30;
/// Commands shown of one node, and for how long what its heartbeats show is held against them.
const COMMANDS: usize = 5;
const FOLLOWED_MS: i64 = 120_000;

#[derive(Default)]
pub struct Nodes(Mutex<Inner>);

#[derive(Default)]
pub struct Inner {
    /// By key.
    entries: BTreeMap<String, Entry>,
    /// Met, but there were too many.
    refused: BTreeSet<String>,
    /// A whole pass over the keys has ended.
    pub complete: bool,
}

struct Entry {
    service: String,
    id: String,
    /// `None`: met by its key, not read yet.
    beat: Option<NodeBeat>,
    seen_at: Millis,
    /// When its key was last looked at.
    read_at: Option<Millis>,
    missing_since: Option<Millis>,
    /// Oldest first.
    history: VecDeque<Point>,
    commands: VecDeque<Command>,
}

/// The newest heartbeat of a step, percent.
struct Point {
    step: i64,
    /// Of the whole system.
    cpu: Option<u8>,
    memory: Option<u8>,
    process_cpu: Option<f64>,
    process_memory: Option<f64>,
}

/// What the nodes' processes used in one step of the history.
pub struct Past {
    /// End of the step.
    pub at: Millis,
    /// `{service}/{id}`, CPU, memory; percent.
    pub nodes: Vec<(String, Option<f64>, Option<f64>)>,
}

impl Nodes {
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A key was met. `name`: service and id as far as the key tells.
    pub fn met(&mut self, key: &str, name: (String, String), now: Millis) {
        if self.entries.contains_key(key) {
            return;
        }
        if self.entries.len() >= MOST {
            let gone = self.entries.iter().filter_map(|(k, e)| Some((e.missing_since?, k.clone()))).min();
            let Some((_, oldest)) = gone else {
                if self.refused.len() < MOST {
                    self.refused.insert(key.to_owned());
                }
                return;
            };
            self.entries.remove(&oldest);
        }
        let (service, id) = name;
        let entry = Entry {
            service,
            id,
            beat: None,
            seen_at: now,
            read_at: None,
            missing_since: None,
            history: VecDeque::new(),
            commands: VecDeque::new(),
        };
        self.entries.insert(key.to_owned(), entry);
    }

    /// Keys to ask for.
    pub fn keys(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// What was read of a heartbeat; `None`: its key is not there.
    pub fn beat(&mut self, key: &str, heard: Option<((String, String), NodeBeat)>, now: Millis) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before = entry.read_at.replace(now);
        let Some((name, beat)) = heard else {
            entry.missing_since.get_or_insert(now);
            return;
        };
        let back = entry.missing_since.take().is_some();
        if entry.beat.as_ref() == Some(&beat) && !back {
            return;
        }
        // Written since the last look, however the node's clock goes.
        let before = before.filter(|_| entry.beat.is_some());
        let written = age(&beat, now).map(|age| Millis(now.0 - age).max(before.unwrap_or(Millis(i64::MIN))));
        // One that is met for the first time and cannot be that old (or comes from the future) was perhaps left behind: until it
        // is renewed it counts as late.
        entry.seen_at = written.unwrap_or(if before.is_some() { now } else { Millis(now.0 - FRESH_MS) });
        let not_before = written.or(before).unwrap_or(Millis(i64::MIN));
        (entry.service, entry.id) = name;
        entry.note(&beat, not_before, now);
        entry.beat = Some(beat);
    }

    pub fn sent(&mut self, key: &str, command: Command) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.commands.push_front(command);
            entry.commands.truncate(COMMANDS);
        }
    }

    /// Forgets what is long gone.
    pub fn forget(&mut self, now: Millis) {
        self.entries.retain(|_, e| e.missing_since.is_none_or(|since| now.0 - since.0 < GONE_KEPT_MS));
        // They are met again by the next pass, if there is room by then.
        if self.entries.len() < MOST {
            self.refused.clear();
        }
    }

    /// The steps that are over, oldest first; one in which nobody beat has no nodes.
    pub fn past(&self, now: Millis) -> Vec<Past> {
        let newest = now.0.div_euclid(STEP_MS);
        let step = |step: i64| {
            let of = |e: &Entry| {
                let point = e.history.iter().find(|p| p.step == step)?;
                Some((format!("{}/{}", e.service, e.id), point.process_cpu, point.process_memory))
            };
            Past { at: Millis((step + 1) * STEP_MS), nodes: self.entries.values().filter_map(of).collect() }
        };
        (newest - STEPS + 1..newest).map(step).collect()
    }

    pub fn one(&self, service: &str, id: &str, now: Millis) -> Option<(String, Node)> {
        let found = self.entries.iter().find(|(_, e)| e.service == service && e.id == id)?;
        Some((found.0.clone(), found.1.show(now)?))
    }

    pub fn list(&self, now: Millis) -> NodeList {
        let mut nodes: Vec<Node> = self.entries.values().filter_map(|e| e.show(now)).collect();
        nodes.sort_by(|a, b| {
            let gone = |n: &Node| n.freshness == Freshness::Gone;
            a.service.cmp(&b.service).then_with(|| gone(a).cmp(&gone(b))).then_with(|| a.id.cmp(&b.id))
        });
        NodeList { nodes, complete: self.complete, more: self.refused.len() as u64 }
    }
}

/// By the node's own clock, ms; `None` where that cannot be.
fn age(beat: &NodeBeat, now: Millis) -> Option<i64> {
    let age = now.0 - beat.timestamp?.0;
    (-AHEAD_MS..=OLDEST_MS).contains(&age).then_some(age.max(0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–100")]
fn percent(value: Option<f64>) -> Option<u8> {
    value.map(|p| p.round().clamp(0.0, 100.0) as u8)
}

impl Entry {
    /// `not_before`: the heartbeat was not written before.
    fn note(&mut self, beat: &NodeBeat, not_before: Millis, now: Millis) {
        let step = now.0.div_euclid(STEP_MS);
        let point = Point {
            step,
            cpu: percent(beat.cpu_system),
            memory: percent(beat.ram_percent()),
            process_cpu: beat.cpu_process,
            process_memory: beat.process_ram_percent(),
        };
        match self.history.back_mut().filter(|last| last.step == step) {
            Some(last) => *last = point,
            None => self.history.push_back(point),
        }
        while self.history.front().is_some_and(|first| first.step <= step - STEPS) {
            self.history.pop_front();
        }
        // One that was on its way before the command is no answer to it.
        for command in self.commands.iter_mut().filter(|c| c.sent_at <= not_before && now.0 - c.sent_at.0 < FOLLOWED_MS) {
            command.answered_at.get_or_insert(now);
            command.after = beat.queue(&command.queue).cloned();
        }
    }

    fn show(&self, now: Millis) -> Option<Node> {
        let beat = self.beat.clone()?;
        let newest = now.0.div_euclid(STEP_MS);
        let line = |read: fn(&Point) -> Option<u8>| {
            let at = |step: i64| self.history.iter().find(|p| p.step == step).and_then(read);
            (newest - STEPS + 1..=newest).map(at).collect()
        };
        Some(Node {
            service: self.service.clone(),
            id: self.id.clone(),
            freshness: Freshness::of(now.0 - self.seen_at.0, self.missing_since.is_none()),
            seen_at: self.seen_at,
            beat,
            cpu_history: line(|p| p.cpu),
            memory_history: line(|p| p.memory),
            commands: self.commands.iter().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
