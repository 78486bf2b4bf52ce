use super::*;
use crate::model::ids::QueueName;

const END: i64 = 1_795_500_000;

fn rule(kind: RuleType, threshold: f64, queue: Option<&str>) -> Rule {
    Rule { name: "R".into(), threshold, queue: queue.map(Into::into), hold_seconds: 0, cooldown_minutes: 0.0, ..kind.first() }
}

/// A day in frames of ten minutes, as a console loads them: `what` changes the frame of a minute of the day.
fn day(what: impl Fn(i64, &mut Frame)) -> Meter {
    let mut meter = Meter::new(END * 1_000);
    for ten in (0..144).rev() {
        let at = END.div_euclid(600) * 600 - 600 - ten * 600;
        let mut frame = Frame { heard: 600_000, ..Frame::new(at) };
        frame.all.waiting = Some(0);
        what((143 - ten) * 10, &mut frame);
        meter.adopt(3, frame);
    }
    meter
}

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("valid")
}

#[test]
fn a_backlog_would_have_fired_when_it_was_there() {
    let meter = day(|minute, frame| {
        let waiting = if (120..180).contains(&minute) || minute == 600 { 50 } else { 1 };
        frame.all.waiting = Some(waiting);
        frame.queues.entry(queue("mail")).or_default().waiting = Some(waiting);
    });
    let all = over(&rule(RuleType::Backlog, 50.0, None), backlog(&meter, &rule(RuleType::Backlog, 50.0, None)), None);
    assert_eq!((all.times, all.firings.len()), (2, 2), "{all:?}");
    let first = &all.firings[1];
    assert_eq!(first.until.map(|until| (until.0 - first.at.0) / 60_000), Some(60));
    assert!(all.from.is_some() && all.unknown_seconds == 0, "{all:?}");
    for (pattern, times) in [("mail", 2), ("m*", 2), ("orders", 0), ("o*", 0)] {
        let one = rule(RuleType::Backlog, 50.0, Some(pattern));
        assert_eq!(over(&one, backlog(&meter, &one), None).times, times, "{pattern}");
    }
    let patient = Rule { hold_seconds: 1_800, ..rule(RuleType::Backlog, 50.0, None) };
    assert_eq!(over(&patient, backlog(&meter, &patient), None).times, 1, "ten minutes are not long enough");
    let lazy = Rule { cooldown_minutes: 1_000.0, ..rule(RuleType::Backlog, 50.0, None) };
    assert_eq!(over(&lazy, backlog(&meter, &lazy), None).times, 1, "the second is within the cool-down");
}

#[test]
fn a_spike_is_one_against_its_own_past_and_not_a_level() {
    // 100 failures in ten minutes are usual here; 400 are not.
    let busy = day(|minute, frame| frame.all.failed = if minute == 700 { 400 } else { 100 });
    let r = rule(RuleType::FailureSpike, 3.0, None);
    let preview = over(&r, spikes(&busy, &r), None);
    assert_eq!((preview.times, preview.firings[0].until.is_some()), (1, true), "{preview:?}");
    assert!(preview.firings[0].text.contains("40 failed attempts a minute"), "{preview:?}");
    // The level alone says nothing.
    let level = day(|_, frame| frame.all.failed = 400);
    assert_eq!(over(&r, spikes(&level, &r), None).times, 0);
    // Where nothing fails, a handful is a spike, and two are not.
    let quiet = day(|minute, frame| {
        frame.all.failed = if minute == 700 {
            9
        } else if minute == 900 {
            2
        } else {
            0
        }
    });
    assert_eq!(over(&r, spikes(&quiet, &r), None).times, 1);
    // One after the other: the first does not become the usual.
    let twice = day(|minute, frame| frame.all.failed = if [700, 760].contains(&minute) { 400 } else { 10 });
    assert_eq!(over(&r, spikes(&twice, &r), None).times, 2);
    let one = rule(RuleType::FailureSpike, 3.0, Some("ma*"));
    let of_queue = day(|minute, frame| frame.queues.entry(queue("mail")).or_default().failed = if minute == 700 { 40 } else { 1 });
    assert_eq!(over(&one, spikes(&of_queue, &one), None).firings[0].subject.as_deref(), Some("mail"));
}

#[test]
fn what_was_not_recorded_is_unknown() {
    let r = rule(RuleType::Backlog, 1.0, None);
    assert_eq!(over(&r, backlog(&Meter::new(END * 1_000), &r), None).from, None);
    let gap = day(|minute, frame| frame.all.waiting = (!(100..200).contains(&minute)).then_some(5));
    let preview = over(&r, backlog(&gap, &r), None);
    assert_eq!((preview.times, preview.unknown_seconds), (1, 6_000), "it goes on behind the gap");
}

#[test]
fn a_node_would_have_fired_while_its_process_was_busy() {
    use crate::model::node::NodeBeat;
    let mut followed = nodes::Inner::default();
    let start = END * 1_000;
    followed.met("k", ("api".into(), "1".into()), Millis(start));
    // Its host is always at 100 %, its process for two minutes of ten.
    for beat in 0..60 {
        let at = Millis(start + beat * 10_000);
        let cpu = if (12..24).contains(&beat) { 95.0 } else { 5.0 };
        let says = NodeBeat { timestamp: Some(at), cpu_system: Some(100.0), cpu_process: Some(cpu), ..NodeBeat::default() };
        followed.beat("k", Some((("api".into(), "1".into()), says)), at);
    }
    let now = Millis(start + 600_000);
    let cpu = rule(RuleType::NodeCpu, 90.0, None);
    let all = over(&cpu, nodes(&followed, now), None);
    assert_eq!((all.times, all.firings.len()), (1, 1), "{all:?}");
    let fired = &all.firings[0];
    assert_eq!((fired.subject.as_deref(), fired.until.map(|until| (until.0 - fired.at.0) / 1_000)), (Some("api/1"), Some(120)));
    assert_eq!(all.unknown_seconds, 0, "before its first heartbeat nothing was recorded at all: {all:?}");
    let ram = rule(RuleType::NodeRam, 20.0, None);
    assert_eq!(over(&ram, nodes(&followed, now), None).times, 0, "it does not say what it holds");
}
