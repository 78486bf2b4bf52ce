use super::*;

fn text(text: &str) -> Raw {
    Raw::Text(text.into())
}

#[test]
fn the_originals_rules_are_read() {
    let rules = read(&text(
        r#"[{"id":"a","name":"Backlog","type":"backlog","threshold":1000,"cooldownMinutes":60},
            {"id":"b","name":"Orders","type":"failure","threshold":"5","queue":"orders","cooldownMinutes":0.5},
            {"id":"c","name":"CPU","type":"node_cpu","threshold":90,"cooldownMinutes":10},
            {"id":"d","type":"worker_lost","threshold":2}]"#,
    ));
    let read: Vec<_> = rules.rules.iter().map(|r| (r.id.as_str(), r.kind, r.threshold, r.queue.as_deref(), r.hold_seconds)).collect();
    assert_eq!(
        read,
        [
            ("a", RuleType::Backlog, 1_000.0, None, 0),
            ("b", RuleType::Failure, 5.0, Some("orders"), 0),
            ("c", RuleType::NodeCpu, 90.0, None, 0),
            ("d", RuleType::WorkerLost, 2.0, None, 0)
        ]
    );
    assert!(rules.rules.iter().all(|r| r.enabled) && rules.stored && rules.problem.is_none());
    assert_eq!((rules.rules[1].cooldown_ms(), rules.rules[3].name.as_str()), (30_000, "d"));
}

#[test]
fn without_rules_the_originals_apply_and_what_cannot_be_read_is_said() {
    let none = read(&Raw::Absent);
    assert_eq!((none.rules.len(), none.stored, none.problem), (3, false, None));
    for bad in ["", "{}", "null", "[{", "\u{0}", "\"x\""] {
        let rules = read(&text(bad));
        assert!(rules.problem.is_some() && rules.rules.len() == 3 && unreadable(&text(bad)), "{bad:?}");
    }
    let odd = Raw::Odd { kind: "list".into(), bytes: Vec::new(), what: "is a list".into() };
    assert!(read(&odd).problem.is_some_and(|p| p.contains("is a list")));
    assert_eq!((read(&text("[]")).rules.len(), read(&text("[]")).stored), (0, true), "no rule is a choice");
}

#[test]
fn rules_of_others_are_reported_and_survive() {
    let stored = text(
        r#"[7, {"id":"x","name":"Moon","type":"moon_phase","threshold":1,"big":9007199254740993},{ "id" : "a","name":"A","type":"backlog","threshold":10,"cooldownMinutes":1,"theirs":[ ],"n":9007199254740993 },{"id":"a","type":"backlog","threshold":1},{"id":"n","type":"backlog","threshold":"many"}]"#,
    );
    let rules = read(&stored);
    assert_eq!(rules.rules.len(), 1);
    let names: Vec<&str> = rules.foreign.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["Rule 1", "Moon", "a", "n"]);

    let rule = Rule { threshold: 20.0, hold_seconds: 30, enabled: false, ..rules.rules[0].clone() };
    let put = changed(&stored, &Change::Put(&rule)).expect("a text");
    assert_eq!(
        put,
        r#"[7,{"id":"x","name":"Moon","type":"moon_phase","threshold":1,"big":9007199254740993},{ "id" : "a","name":"A","type":"backlog","threshold":20,"cooldownMinutes":1,"theirs":[ ],"n":9007199254740993,"holdSeconds":30,"enabled":false },{"id":"a","type":"backlog","threshold":1},{"id":"n","type":"backlog","threshold":"many"}]"#
    );
    assert_eq!(read(&text(&put)).rules, [rule]);
    let gone = changed(&stored, &Change::Delete("x")).expect("a text");
    assert!(!gone.contains("moon") && gone.starts_with("[7,{ \"id\""), "{gone}");
    assert_eq!(changed(&stored, &Change::Delete("nobody")), None);
}

#[test]
fn the_first_change_stores_the_rules_to_begin_with() {
    let rule = Rule { id: "new".into(), name: " Old jobs ".into(), queue: Some("mail-*".into()), ..RuleType::OldestWaiting.first() };
    let put = changed(&Raw::Absent, &Change::Put(&rule)).expect("a text");
    let rules = read(&text(&put)).rules;
    assert_eq!(rules.len(), 4);
    assert_eq!((rules[3].name.as_str(), rules[3].queue.as_deref(), rules[3].hold_seconds), ("Old jobs", Some("mail-*"), 60));
    assert_eq!(
        put.split("},{").next(),
        Some(r#"[{"id":"global_failure_spike","name":"High Failure Rate","type":"failure","threshold":50,"cooldownMinutes":30"#),
        "as the original writes it"
    );
    let back = changed(&text(&put), &Change::Put(&Rule { queue: None, ..rules[3].clone() })).expect("a text");
    assert!(!back.contains("mail-"), "{back}");
}
