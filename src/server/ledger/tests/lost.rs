//! Jobs whose worker vanished.

use super::*;
use crate::model::{
    metrics::Window,
    run::{Lost, RunState},
};

#[test]
fn a_worker_without_heartbeat_has_lost_its_job() {
    let mut s = Scene::new();
    s.beat("w", &["mail"]);
    s.start("w", "a");
    s.gone("w", 3_000);
    assert_eq!(s.heard().lost, 0, "Redis may have been restarted");
    s.gone("w", 4_000);
    assert_eq!((s.heard().lost, s.ledger.active().total), (1, None));
    let run = s.ledger.runs(Some(&name("mail")), Millis(s.now), 10).remove(0);
    assert_eq!((run.state, run.put_back.possible), (RunState::Lost, false));
    assert_eq!(s.ledger.to_note().0.len(), 1);
    // It was only busy.
    s.done("w", "a");
    let h = s.heard();
    assert_eq!((h.lost, h.completed, h.unknown), (0, 1, 0));
    assert_eq!(s.ledger.to_note().1, [run.key]);
    let charts = s.ledger.meter().charts(None, None, Window::Minute);
    assert_eq!(charts.points.len(), 60);
    // A goodbye is no loss.
    s.say("w", None, "Consumer stopped");
    s.gone("w", 60_000);
    assert_eq!(s.heard().lost, 0);
    // One that never had a heartbeat.
    s.start("young", "b");
    s.gone("young", 30_000);
    assert_eq!(s.heard().lost, 1);
}

#[test]
fn a_lost_job_can_be_put_back_when_all_is_known() {
    let mut s = Scene::new();
    s.beat("w", &["mail"]);
    let seen = Upcoming {
        queue: name("mail"),
        list: (name("mail"), Priority::Base),
        class: None,
        attempt: None,
        ready_at: None,
        raw: Some(br#"{"id":"a"}"#.as_slice().into()),
    };
    s.ledger.upcoming(vec![("a".into(), seen)]);
    s.start("w", "a");
    s.gone("w", 7_000);
    let key = s.ledger.runs(None, Millis(s.now), 1)[0].key.clone();
    assert!(!s.ledger.run(&key, Millis(s.now)).unwrap().put_back.possible, "too early");
    s.now += 31_000;
    assert!(s.ledger.run(&key, Millis(s.now)).unwrap().put_back.possible);
    let lost = s.ledger.lost(&key).unwrap().clone();
    let text = serde_json::to_string(&lost).unwrap();
    assert_eq!(serde_json::from_str::<Lost>(&text).unwrap(), lost);
}
