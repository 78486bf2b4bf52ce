//! What was heard, what was not, and how much of it is kept.

use super::*;
use crate::model::metrics::{Charts, Window};

#[test]
fn a_gap_makes_runs_unsure_and_the_history_fills_it() {
    let mut s = Scene::new();
    s.beat("w", &["mail"]);
    s.start("w", "a");
    s.done("w", "a");
    s.start("w", "b");
    s.ledger.deaf(Millis(s.now));
    assert_eq!((s.ledger.active().total, s.ledger.active().partial), (None, true));
    let missed = |message: &str, ms: i64| {
        serde_json::json!({ "message": message, "workerId": "w", "jobId": "b", "timestamp": Millis(T0 + ms).iso() })
            .to_string()
            .into_bytes()
    };
    let old: Vec<Vec<u8>> = (0..100).map(|i| missed("Completed job: b", i)).collect();
    assert!(!s.ledger.history("m:", &old, Millis(s.now), Millis(s.now + 100)), "nothing of it was heard before");

    let mut s = Scene::new();
    s.start("w", "b");
    let heard = serde_json::json!({ "level": "info", "message": "Processing job: c", "workerId": "w", "jobId": "c", "timestamp": Millis(T0 + 50).iso() });
    let heard = heard.to_string().into_bytes();
    s.ledger.hear("m:", &heard, Millis(T0 + 50));
    s.ledger.deaf(Millis(s.now));
    s.ledger.listening(Millis(s.now + 100));
    let done = serde_json::json!({ "message": "Completed job: c", "workerId": "w", "jobId": "c", "timestamp": Millis(T0 + 90).iso() })
        .to_string()
        .into_bytes();
    let mut history = vec![heard; 1];
    history.push(done.clone());
    assert!(s.ledger.history("m:", &history, Millis(s.now), Millis(s.now + 100)));
    s.ledger.recovered();
    // The channel brings it once more.
    s.ledger.hear("m:", &done, Millis(s.now + 101));
    let h = s.heard();
    assert_eq!((h.started, h.completed, h.events, h.gap), (2, 1, 3, None));
}

#[test]
fn silence_says_nothing_before_anybody_was_there() {
    let mut s = Scene::new();
    s.now += 30_000;
    s.tick();
    let minute = |s: &Scene| s.ledger.charts(None, None, Window::Minute);
    let charts = minute(&s);
    let rates = |charts: &Charts| (charts.summary.completed_per_second, charts.summary.failed_per_second);
    assert!(charts.points[59].covered > 0.0, "the channel was heard");
    assert!(charts.points.iter().all(|p| (p.completed, p.failed) == (None, None)), "{:?}", charts.points);
    assert_eq!(rates(&charts), (None, None));
    assert_eq!((s.ledger.throughput().completed_per_second, s.ledger.throughput().failed_per_second), rates(&charts), "as the tile says");
    // Somebody is there, and ends nothing.
    s.beat("w", &["mail"]);
    let charts = minute(&s);
    assert_eq!((charts.points[59].completed, charts.points[59].failed, charts.points[0].completed), (Some(0), Some(0), None));
    assert_eq!(rates(&charts), (Some(0.0), Some(0.0)));
}

#[test]
fn what_is_no_event_is_counted_and_shown() {
    let mut s = Scene::new();
    for raw in ["{", "[]", "\u{fffd}"] {
        s.ledger.hear("m:", raw.as_bytes(), Millis(s.now));
    }
    s.say("w", None, "Rate limit reached");
    let h = s.heard();
    assert_eq!((h.events, h.malformed), (4, 3));
    let tail = s.ledger.tail().since(0, &crate::model::log::LogQuery::default(), 2);
    assert_eq!((tail.matched, tail.lines.len()), (4, 2));
    assert!(tail.lines[0].problem.is_some() && tail.lines[1].problem.is_none());
}

#[test]
fn memory_is_bounded_and_nothing_is_miscounted() {
    let mut s = Scene::new();
    let most = u64::try_from(runs::MOST).unwrap();
    // One that runs very many at once.
    let beat = Beat { queues: vec!["mail".into()], concurrency: Some(1_000_000), ..Beat::default() };
    s.ledger.beat("c", Some(beat), Millis(s.now));
    let event = |what: &str, worker: &str, job: u64| format!(r#"{{"message":"{what} job: {job}","workerId":"{worker}","jobId":"{job}"}}"#);
    for job in 0..most + 500 {
        s.ledger.hear("m:", event("Processing", "c", job).as_bytes(), Millis(s.now));
    }
    assert_eq!((s.ledger.active().total, s.heard().dropped, s.heard().started), (Some(most), 500, most + 500));
    // The oldest were dropped: their ends still count.
    s.ledger.hear("m:", event("Completed", "c", 3).as_bytes(), Millis(s.now));
    assert_eq!((s.heard().completed, s.ledger.active().total), (1, Some(most)));
    for worker in 0..workers::MOST as u64 + 10 {
        s.ledger.hear("m:", event("Processing", &format!("w{worker}"), worker).as_bytes(), Millis(s.now));
    }
    let h = s.heard();
    assert_eq!((h.started, s.ledger.active().total), (most + 500 + most + 10, Some(most)));
}

#[test]
fn a_run_is_remembered_for_minutes_after_its_end() {
    let mut s = Scene::new();
    s.ledger.told.on = true;
    let failed_at = Millis(s.now);
    let ran = |s: &Scene, id: &str| s.ledger.may_have_run(&name("mail"), id, failed_at, Millis(s.now));
    s.beat("w", &["mail"]);
    s.start("w", "a");
    assert!(ran(&s, "a"), "it runs");
    s.done("w", "a");
    assert!(ran(&s, "a") && !ran(&s, "b"), "the archive need not have it yet");
    s.now += 5 * 60_000 + 1_000;
    s.tick();
    assert!(!ran(&s, "a"), "by now it has");
    s.start("w", "b");
    s.start("w", "c");
    assert!(ran(&s, "b"), "how it ended is not known");
}
