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
mod tests {
    use super::*;
    use crate::model::node::{CommandKind, NodeQueue};

    const T0: i64 = 1_795_433_095_722;

    fn name() -> (String, String) {
        ("api".into(), "api-1".into())
    }

    fn beat(at: i64, cpu: f64) -> NodeBeat {
        NodeBeat { timestamp: Some(Millis(at)), cpu_system: Some(cpu), ..NodeBeat::default() }
    }

    fn followed(first: NodeBeat, now: i64) -> Inner {
        let mut nodes = Inner::default();
        nodes.met("k", name(), Millis(now));
        assert!(nodes.list(Millis(now)).nodes.is_empty(), "a key that was not read yet is no node");
        nodes.beat("k", Some((name(), first)), Millis(now));
        nodes
    }

    fn state(nodes: &Inner, now: i64) -> Freshness {
        nodes.list(Millis(now)).nodes[0].freshness
    }

    #[test]
    fn fresh_late_gone_and_back() {
        let mut nodes = followed(beat(T0, 1.0), T0 + 4_000);
        assert_eq!(state(&nodes, T0 + 4_000), Freshness::Fresh);
        assert_eq!(state(&nodes, T0 + 14_999), Freshness::Fresh);
        assert_eq!(state(&nodes, T0 + 15_000), Freshness::Late, "counted from the heartbeat, not from when it was met");
        nodes.beat("k", Some((name(), beat(T0, 1.0))), Millis(T0 + 20_000));
        assert_eq!(state(&nodes, T0 + 20_000), Freshness::Late, "the same heartbeat read again is no new one");
        nodes.beat("k", None, Millis(T0 + 31_000));
        assert_eq!(state(&nodes, T0 + 31_000), Freshness::Gone);
        nodes.forget(Millis(T0 + 31_000 + GONE_KEPT_MS - 1));
        assert_eq!(nodes.list(Millis(T0)).nodes.len(), 1);
        nodes.beat("k", Some((name(), beat(T0 + 40_000, 1.0))), Millis(T0 + 40_500));
        assert_eq!(state(&nodes, T0 + 40_500), Freshness::Fresh);
        nodes.beat("k", Some((name(), beat(T0 + 50_000, 1.0))), Millis(T0 + 58_000));
        assert_eq!(nodes.list(Millis(T0 + 58_000)).nodes[0].seen_at, Millis(T0 + 50_000), "looked at rarely: as old as it says");
        nodes.beat("k", Some((name(), beat(T0 + 52_000, 1.0))), Millis(T0 + 66_000));
        assert_eq!(nodes.list(Millis(T0 + 66_000)).nodes[0].seen_at, Millis(T0 + 58_000), "but not older than the last look");
        nodes.beat("k", None, Millis(T0 + 71_000));
        nodes.forget(Millis(T0 + 71_000 + GONE_KEPT_MS));
        assert!(nodes.list(Millis(T0)).nodes.is_empty());
    }

    #[test]
    fn a_heartbeat_left_behind_is_not_fresh() {
        for at in [T0 - 600_000, T0 + 600_000] {
            let mut nodes = followed(beat(at, 1.0), T0);
            assert_eq!(state(&nodes, T0), Freshness::Late, "{at}");
            // A clock that goes wrong, but goes.
            nodes.beat("k", Some((name(), beat(at + 10_000, 1.0))), Millis(T0 + 10_000));
            assert_eq!(state(&nodes, T0 + 10_000), Freshness::Fresh, "{at}");
        }
        let nodes = followed(beat(T0 - 600_000, 1.0), T0);
        assert_eq!(state(&nodes, T0 + GONE_KEPT_MS), Freshness::Gone, "nobody renews it");
    }

    #[test]
    fn the_history_has_gaps_where_nobody_beat() {
        let start = 1_000 * STEP_MS;
        let mut nodes = followed(beat(start, 10.4), start);
        nodes.beat("k", Some((name(), beat(start + 10_000, 20.6))), Millis(start + 10_000));
        nodes.beat("k", Some((name(), beat(start + 90_000, 250.0))), Millis(start + 90_000));
        let line = nodes.list(Millis(start + 90_000)).nodes[0].cpu_history.clone();
        assert_eq!(line.len(), 30);
        assert_eq!(line[26..], [Some(21), None, None, Some(100)], "the newest of a step, and never more than all");
        assert!(line[..26].iter().all(Option::is_none));
        let later = nodes.list(Millis(start + 90_000 + STEP_MS * STEPS)).nodes[0].cpu_history.clone();
        assert!(later.iter().all(Option::is_none));
    }

    #[test]
    fn a_command_is_held_against_the_next_heartbeats() {
        let queue = |failed| NodeQueue { name: "default".into(), failed: Some(failed), ..NodeQueue::default() };
        let with = |at: i64, failed| NodeBeat { queues: vec![queue(failed)], ..beat(at, 1.0) };
        let mut nodes = followed(with(T0, 3), T0);
        let command = Command {
            id: "c".into(),
            kind: CommandKind::LaravelAction,
            queue: "default".into(),
            action: None,
            sent_at: Millis(T0 + 1_000),
            listeners: 1,
            before: Some(queue(3)),
            answered_at: None,
            after: None,
        };
        nodes.sent("k", command);
        // Written before the command, read after it.
        nodes.beat("k", Some((name(), with(T0 + 900, 3))), Millis(T0 + 2_000));
        let shown = |nodes: &Inner| nodes.list(Millis(T0)).nodes[0].commands[0].clone();
        assert_eq!(shown(&nodes).answered_at, None, "that heartbeat is from before");
        nodes.beat("k", Some((name(), with(T0 + 10_000, 2))), Millis(T0 + 10_500));
        nodes.beat("k", Some((name(), with(T0 + 20_000, 0))), Millis(T0 + 20_500));
        assert_eq!((shown(&nodes).answered_at, shown(&nodes).after), (Some(Millis(T0 + 10_500)), Some(queue(0))));
        nodes.beat("k", Some((name(), with(T0 + 300_000, 9))), Millis(T0 + 300_500));
        assert_eq!(shown(&nodes).after, Some(queue(0)), "what comes much later has other causes");
    }

    #[test]
    fn a_thousand_are_followed_and_the_gone_make_room() {
        let mut nodes = Inner::default();
        for i in 0..MOST + 3 {
            nodes.met(&format!("k{i}"), name(), Millis(T0));
        }
        assert_eq!((nodes.keys().len(), nodes.list(Millis(T0)).more), (MOST, 3));
        nodes.beat("k7", None, Millis(T0));
        nodes.met("new", name(), Millis(T0));
        assert!(nodes.keys().contains(&"new".into()) && !nodes.keys().contains(&"k7".into()));
    }
}
