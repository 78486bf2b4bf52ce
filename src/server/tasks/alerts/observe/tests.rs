use super::*;
use crate::model::alert::rule::RuleType;

fn rule(kind: RuleType, threshold: f64, queue: Option<&str>) -> Rule {
    Rule { id: "r".into(), name: "R".into(), threshold, queue: queue.map(Into::into), ..kind.first() }
}

fn seen() -> Observed {
    let queue = |waiting, failed| Queue {
        waiting: Some(waiting),
        failed: Some(failed),
        oldest_ms: Some(61_000),
        workers: Some(1),
        late_workers: 0,
    };
    Observed {
        measured: true,
        waiting: Some(150),
        failed: Some(3),
        oldest_ms: Some(61_000),
        oldest_partial: false,
        workers: Some(2),
        late_workers: 0,
        queues: BTreeMap::from([
            ("mail".into(), queue(100, 0)),
            ("mail:news".into(), queue(30, 3)),
            ("orders".into(), Queue { waiting: None, ..queue(0, 0) }),
        ]),
        nodes: Some(vec![Node { name: "api/1".into(), cpu: Some(95.0), ram: None }]),
        failures: BTreeMap::new(),
    }
}

/// Subjects and whether they are too much; `None`: unknown.
fn read(rule: &Rule, known: &[&str]) -> Vec<(String, Option<bool>)> {
    let known: Vec<Option<String>> = known.iter().map(|name| Some((*name).to_owned())).collect();
    let all = readings(rule, &seen(), &known).into_iter();
    all.map(|(subject, reading)| (subject.unwrap_or_else(|| "all".into()), reading.breach())).collect()
}

fn one(name: &str, breach: Option<bool>) -> Vec<(String, Option<bool>)> {
    vec![(name.into(), breach)]
}

#[test]
fn a_rule_is_about_everything_one_queue_or_those_that_match() {
    assert_eq!(read(&rule(RuleType::Backlog, 150.0, None), &[]), one("all", Some(true)));
    assert_eq!(read(&rule(RuleType::Backlog, 151.0, None), &[]), one("all", Some(false)));
    assert_eq!(read(&rule(RuleType::Backlog, 100.0, Some("mail")), &[]), one("mail", Some(true)));
    assert_eq!(read(&rule(RuleType::Backlog, 1.0, Some("gone")), &[]), one("gone", Some(false)), "no key, no job");
    let matching = read(&rule(RuleType::Backlog, 50.0, Some("mail*")), &["mail:old", "orders"]);
    assert_eq!(matching, [one("mail", Some(true)), one("mail:news", Some(false)), one("mail:old", Some(false))].concat());
    assert_eq!(read(&rule(RuleType::Backlog, 1.0, Some("order?")), &[]), one("orders", None), "not counted");
    assert_eq!(read(&rule(RuleType::Failure, 3.0, None), &[]), one("all", Some(true)));
    assert_eq!(read(&rule(RuleType::OldestWaiting, 61.0, Some("mail")), &[]), one("mail", Some(true)));
    assert_eq!(read(&rule(RuleType::OldestWaiting, 62.0, None), &[]), one("all", Some(false)));
}

#[test]
fn an_age_that_was_not_looked_at_lately_is_unknown() {
    let seen = Observed { oldest_partial: true, ..seen() };
    let all = |threshold| readings(&rule(RuleType::OldestWaiting, threshold, None), &seen, &[])[0].1.breach();
    assert_eq!((all(61.0), all(62.0)), (Some(true), None), "old enough is old enough, but there may be an older one");
    let backlog = readings(&rule(RuleType::Backlog, 151.0, None), &seen, &[]);
    assert_eq!(backlog[0].1.breach(), Some(false), "counts are another thing");
}

#[test]
fn workers_are_too_few_below_the_threshold() {
    assert_eq!(read(&rule(RuleType::WorkerLost, 2.0, None), &[]), one("all", Some(false)));
    assert_eq!(read(&rule(RuleType::WorkerLost, 3.0, None), &[]), one("all", Some(true)));
    assert_eq!(read(&rule(RuleType::WorkerLost, 2.0, Some("mail")), &[]), one("mail", Some(true)));
    let unheard = Observed { workers: None, ..seen() };
    assert_eq!(readings(&rule(RuleType::WorkerLost, 3.0, None), &unheard, &[]), [(None, Reading::Unknown)]);
    // Two are there and one is late: whether there are three nobody knows, that there are no four everybody.
    let late = Observed { late_workers: 1, ..seen() };
    for (threshold, breach) in [(2.0, Some(false)), (3.0, None), (4.0, Some(true))] {
        assert_eq!(readings(&rule(RuleType::WorkerLost, threshold, None), &late, &[])[0].1.breach(), breach, "{threshold}");
    }
    assert_eq!(readings(&rule(RuleType::WorkerLost, 1.0, Some("unheard-of")), &late, &[])[0].1.breach(), None);
}

#[test]
fn a_node_that_is_late_is_unknown_and_a_key_that_redis_lost_is_no_end() {
    let now = Millis(1_795_433_095_722);
    let beat =
        NodeBeat { cpu_system: Some(100.0), cpu_process: Some(95.0), memory_total: Some(200), rss: Some(190), ..NodeBeat::default() };
    let node = |freshness, age| crate::model::node::Node {
        service: "api".into(),
        id: "1".into(),
        freshness,
        seen_at: Millis(now.0 - age),
        beat: beat.clone(),
        cpu_history: Vec::new(),
        memory_history: Vec::new(),
        commands: Vec::new(),
    };
    let read = |node| {
        let snapshot = Snapshot { nodes: vec![node], nodes_complete: true, ..Snapshot::empty(now, "queue:", true, None) };
        let seen = Observed { nodes: nodes(&snapshot, now), ..seen() };
        [RuleType::NodeCpu, RuleType::NodeRam].map(|kind| readings(&rule(kind, 90.0, None), &seen, &[Some("api/1".into())])[0].1)
    };
    assert_eq!(read(node(Freshness::Fresh, 3_000)).map(Reading::breach), [Some(true), Some(true)]);
    assert_eq!(read(node(Freshness::Late, 16_000)), [Reading::Unknown, Reading::Unknown]);
    assert_eq!(read(node(Freshness::Gone, 5_000)), [Reading::Unknown, Reading::Unknown], "its key is gone before it could expire");
    assert_eq!(read(node(Freshness::Gone, 45_000)), [Reading::Gone, Reading::Gone]);
}

#[test]
fn a_node_that_is_gone_is_no_longer_too_busy() {
    assert_eq!(read(&rule(RuleType::NodeCpu, 90.0, None), &["api/2"]), [one("api/1", Some(true)), one("api/2", Some(false))].concat());
    assert_eq!(read(&rule(RuleType::NodeRam, 90.0, None), &[]), one("api/1", None));
    let unseen = Observed { nodes: None, ..seen() };
    assert_eq!(readings(&rule(RuleType::NodeCpu, 90.0, None), &unseen, &[Some("api/2".into())]), [], "nobody looked");
}

#[test]
fn without_measurements_nothing_is_read() {
    for kind in RuleType::ALL {
        assert_eq!(readings(&rule(kind, 1.0, None), &Observed::default(), &[None]), [], "{kind:?}");
    }
}
