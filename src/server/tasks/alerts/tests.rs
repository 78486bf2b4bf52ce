use super::*;
use crate::server::tasks::alerts::observe::Queue;

fn backlog(threshold: f64, queue: Option<&str>) -> Rule {
    Rule {
        id: "r".into(),
        name: "R".into(),
        threshold,
        queue: queue.map(Into::into),
        hold_seconds: 0,
        cooldown_minutes: 1.0,
        ..RuleType::Backlog.first()
    }
}

fn seen(waiting: u64) -> Observed {
    let queue = |name: &str, n| (name.to_owned(), Queue { waiting: Some(n), ..Queue::default() });
    let queues = BTreeMap::from([queue("mail", waiting), queue("news", 0)]);
    Observed { measured: true, waiting: Some(waiting), queues, ..Observed::default() }
}

/// Carries changes out as the script does.
fn carry_out(states: &mut Vec<(String, String)>, changes: Vec<Change>) -> Vec<(Kind, String)> {
    let mut said = Vec::new();
    for change in changes {
        let before = states.iter().position(|(field, _)| *field == change.field);
        assert_eq!(before.map_or("", |at| states[at].1.as_str()), change.before, "it goes on from what is stored");
        before.map(|at| states.remove(at));
        states.extend(change.after.map(|after| (change.field, serde_json::to_string(&after).expect("JSON"))));
        said.extend(change.message.map(|m| (m.kind, m.text)));
    }
    said
}

#[test]
fn a_rule_that_is_turned_off_deleted_or_changed_closes_what_it_fires() {
    let at = |s: i64| Millis(s * 1_000);
    for rules in
        [vec![], vec![Rule { enabled: false, ..backlog(10.0, Some("mail")) }], vec![backlog(10.0, Some("news"))], vec![backlog(10.0, None)]]
    {
        let mut states = Vec::new();
        let all = changes(&[backlog(10.0, Some("mail"))], &seen(20), &states, at(0), false);
        let fired = carry_out(&mut states, all);
        assert_eq!(fired, [(Kind::Fired, "20 waiting jobs in mail when it fired (limit 10).".to_owned())]);
        let all = changes(&rules, &seen(20), &states, at(30), false);
        let closed: Vec<_> = carry_out(&mut states, all).into_iter().filter(|(kind, _)| *kind == Kind::Resolved).collect();
        assert_eq!(closed, [(Kind::Resolved, "Closed after 30 s: the rule was changed, turned off or deleted.".to_owned())]);
        let again = changes(&rules, &seen(0), &states, at(31), false);
        assert!(carry_out(&mut states, again).iter().all(|(_, text)| !text.starts_with("Closed")), "once");
    }
}

#[test]
fn a_pattern_is_many_alerts_but_not_thousands() {
    let queues = (0..500).map(|i| (format!("q{i:03}"), Queue { waiting: Some(99), ..Queue::default() })).collect();
    let seen = Observed { measured: true, queues, ..Observed::default() };
    let mut states = Vec::new();
    for tick in 0..3 {
        let all = changes(&[backlog(10.0, Some("*"))], &seen, &states, Millis(tick * 2_000), false);
        let said = carry_out(&mut states, all).len();
        assert_eq!(said, if tick == 0 { AT_ONCE } else { 0 });
    }
}

#[test]
fn a_rule_with_very_many_changes_is_in_no_other_ones_way() {
    // Hundreds of queues come and go in turn, so that the first rule always has something to write.
    let seen = |high: bool| {
        let one =
            |i: usize| (format!("q{i:03}"), Queue { waiting: Some(if i.is_multiple_of(2) == high { 99 } else { 0 }), ..Queue::default() });
        Observed { measured: true, waiting: Some(99), queues: (0..900).map(one).collect(), ..Observed::default() }
    };
    let flapping = Rule { hold_seconds: 60, ..backlog(10.0, Some("*")) };
    let rules = [flapping, Rule { id: "last".into(), ..backlog(10.0, None) }];
    let mut states = Vec::new();
    let all = changes(&rules, &seen(true), &states, Millis(0), false);
    assert_eq!(all.len(), CHANGES);
    assert_eq!(carry_out(&mut states, all), [(Kind::Fired, "99 waiting jobs in all queues when it fired (limit 10).".to_owned())]);
}

#[test]
fn a_time_to_hold_is_measured_for_whoever_comes_next() {
    let rules = [Rule { hold_seconds: 60, ..backlog(10.0, None) }];
    let mut states = Vec::new();
    let all = changes(&rules, &seen(0), &states, Millis(0), false);
    assert!(!holds(&states, &all), "nothing waits");
    let all = changes(&rules, &seen(20), &states, Millis(2_000), false);
    assert!(holds(&states, &all), "it begins");
    assert_eq!(carry_out(&mut states, all), []);
    let all = changes(&rules, &seen(20), &states, Millis(4_000), false);
    assert!(all.is_empty() && holds(&states, &all), "it goes on");
}

#[test]
fn states_that_cannot_be_read_are_thrown_away_and_nothing_is_said() {
    let mut states = vec![("oops".to_owned(), "{}".to_owned()), (field("r", None), "[".to_owned())];
    let all = changes(&[backlog(10.0, None)], &seen(0), &states, Millis(0), false);
    assert_eq!(carry_out(&mut states, all), []);
    assert_eq!(states, []);
}

#[test]
fn another_threshold_is_no_reason_to_say_it_again() {
    let mut states = Vec::new();
    let all = changes(&[backlog(10.0, None)], &seen(20), &states, Millis(0), false);
    assert_eq!(carry_out(&mut states, all).len(), 1);
    let all = changes(&[backlog(15.0, None)], &seen(20), &states, Millis(90_000), false);
    assert_eq!(carry_out(&mut states, all), []);
    let all = changes(&[backlog(25.0, None)], &seen(20), &states, Millis(92_000), false);
    assert_eq!(carry_out(&mut states, all).len(), 1, "resolved");
}
