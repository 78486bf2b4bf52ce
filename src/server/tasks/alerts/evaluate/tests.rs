use super::*;
use crate::model::alert::rule::RuleType;

fn rule(hold_seconds: u64, cooldown_minutes: f64) -> Rule {
    Rule { id: "r".into(), name: "R".into(), threshold: 10.0, hold_seconds, cooldown_minutes, ..RuleType::Backlog.first() }
}

fn known(value: f64) -> Reading {
    Reading::Known { value, usual: None, breach: value >= 10.0 }
}

/// What is said over time: seconds and `fired` or `resolved`. A value below 0 is unknown.
fn said(rule: &Rule, values: &[(i64, f64)]) -> Vec<(i64, &'static str)> {
    let (mut state, mut said) = (None, Vec::new());
    for (at, value) in values {
        let reading = if *value < 0.0 { Reading::Unknown } else { known(*value) };
        match step(rule, state.as_ref(), reading, Millis(at * 1_000), false) {
            Step::Stay => {}
            Step::Change(next) => state = next,
            Step::Fire(next) => {
                said.push((*at, "fired"));
                state = Some(next);
            }
            Step::Resolve(next) => {
                said.push((*at, "resolved"));
                state = next;
            }
        }
    }
    said
}

#[test]
fn it_fires_once_and_is_resolved_once() {
    let r = rule(0, 0.0);
    assert_eq!(said(&r, &[(0, 9.0), (1, 10.0), (2, 99.0), (3, 11.0), (4, 9.0), (5, 0.0)]), [(1, "fired"), (4, "resolved")]);
    assert_eq!(said(&r, &[(0, 20.0), (1, 0.0), (2, 20.0)]), [(0, "fired"), (1, "resolved"), (2, "fired")]);
}

#[test]
fn it_must_last_and_be_over_for_as_long_as_the_rule_says() {
    let r = rule(10, 0.0);
    assert_eq!(said(&r, &[(0, 20.0), (9, 20.0), (10, 20.0), (11, 0.0), (20, 0.0), (21, 0.0)]), [(10, "fired"), (21, "resolved")]);
    // A dip begins anew.
    assert_eq!(said(&r, &[(0, 20.0), (5, 0.0), (6, 20.0), (15, 20.0), (16, 20.0)]), [(16, "fired")]);
}

#[test]
fn flapping_within_the_hold_says_nothing() {
    let r = rule(10, 0.0);
    let flapping: Vec<(i64, f64)> = (0..200).map(|i| (i, if i % 4 < 2 { 20.0 } else { 0.0 })).collect();
    assert_eq!(said(&r, &flapping), []);
    let mut firing = vec![(0, 20.0), (10, 20.0)];
    firing.extend((11..200).map(|i| (i, if i % 4 < 2 { 20.0 } else { 0.0 })));
    assert_eq!(said(&r, &firing), [(10, "fired")], "nor is it resolved");
}

#[test]
fn within_the_cool_down_it_stays_silent_and_fires_after_it() {
    let r = rule(0, 1.0);
    let values = [(0, 20.0), (5, 0.0), (10, 20.0), (20, 0.0), (30, 20.0), (59, 20.0), (60, 20.0), (61, 0.0)];
    assert_eq!(said(&r, &values), [(0, "fired"), (5, "resolved"), (60, "fired"), (61, "resolved")]);
    // One that goes on is not said again.
    let long: Vec<(i64, f64)> = (0..400).map(|i| (i, 20.0)).collect();
    assert_eq!(said(&r, &long), [(0, "fired")]);
    // The hold counts within the cool-down as well.
    let r = rule(10, 1.0);
    let values = [(0, 20.0), (10, 20.0), (11, 0.0), (21, 0.0), (65, 20.0), (70, 20.0), (75, 20.0)];
    assert_eq!(said(&r, &values), [(10, "fired"), (21, "resolved"), (75, "fired")]);
}

#[test]
fn what_is_unknown_neither_fires_nor_resolves() {
    let r = rule(0, 0.0);
    assert_eq!(
        said(&r, &[(0, -1.0), (1, 20.0), (2, -1.0), (900, -1.0), (901, 20.0), (902, -1.0), (903, 0.0)]),
        [(1, "fired"), (903, "resolved")]
    );
}

#[test]
fn a_time_without_measurements_counts_for_nothing() {
    let r = rule(10, 0.0);
    let waits = State { pending: Some(Millis(0)), ..State::default() };
    let at = Millis(600_000);
    assert!(matches!(step(&r, Some(&waits), known(20.0), at, false), Step::Fire(_)), "it was measured all the time");
    let Step::Change(Some(anew)) = step(&r, Some(&waits), known(20.0), at, true) else { panic!("it waits anew") };
    assert_eq!(anew.pending, Some(at));
    let clears = State { firing: Some(Millis(0)), clear: Some(Millis(1_000)), fired: Some(Millis(0)), ..State::default() };
    let Step::Change(Some(anew)) = step(&r, Some(&clears), known(0.0), at, true) else { panic!("it clears anew") };
    assert_eq!((anew.clear, anew.firing), (Some(at), Some(Millis(0))));
}

#[test]
fn what_is_at_rest_is_kept_nowhere() {
    let r = rule(0, 1.0);
    assert_eq!(step(&r, None, known(0.0), Millis(0), false), Step::Stay);
    let cools = State { fired: Some(Millis(0)), ..State::default() };
    assert_eq!(step(&r, Some(&cools), known(0.0), Millis(59_000), false), Step::Stay);
    assert_eq!(step(&r, Some(&cools), known(0.0), Millis(60_000), false), Step::Change(None));
    assert_eq!(
        step(&r, Some(&State { firing: Some(Millis(0)), ..State::default() }), Reading::Gone, Millis(60_000), false),
        Step::Resolve(None)
    );
    let json = serde_json::to_string(&cools).expect("JSON");
    assert_eq!(serde_json::from_str::<State>(&json).expect("reads"), cools);
}
