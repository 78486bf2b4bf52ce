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
