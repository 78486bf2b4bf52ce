use super::*;
use crate::model::alert::rule::RuleType;

fn rule(kind: RuleType, threshold: f64, queue: Option<&str>) -> Rule {
    Rule { id: "r".into(), name: "R".into(), threshold, queue: queue.map(Into::into), ..kind.first() }
}

fn seen() -> Observed {
    let queue = |waiting, failed| Queue { waiting: Some(waiting), failed: Some(failed), oldest_ms: Some(61_000), workers: Some(1) };
    Observed {
        measured: true,
        waiting: Some(150),
        failed: Some(3),
        oldest_ms: Some(61_000),
        workers: Some(2),
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
fn workers_are_too_few_below_the_threshold() {
    assert_eq!(read(&rule(RuleType::WorkerLost, 2.0, None), &[]), one("all", Some(false)));
    assert_eq!(read(&rule(RuleType::WorkerLost, 3.0, None), &[]), one("all", Some(true)));
    assert_eq!(read(&rule(RuleType::WorkerLost, 2.0, Some("mail")), &[]), one("mail", Some(true)));
    let unheard = Observed { workers: None, ..seen() };
    assert_eq!(readings(&rule(RuleType::WorkerLost, 3.0, None), &unheard, &[]), [(None, Reading::Unknown)]);
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
