use super::*;
use crate::model::{
    ids::Priority,
    metrics::{Charts, Window},
    run::{Lost, RunState, Upcoming},
};

const T0: i64 = 1_800_000_000_000;

struct Scene {
    ledger: Inner,
    now: i64,
}

impl Scene {
    fn new() -> Self {
        let mut ledger = Ledger::new(Millis(T0)).0.into_inner().unwrap();
        ledger.listening(Millis(T0));
        Self { ledger, now: T0 }
    }

    fn say(&mut self, worker: &str, job: Option<&str>, message: &str) {
        self.now += 10;
        let mut event = serde_json::json!({ "level": "info", "message": message, "workerId": worker, "timestamp": Millis(self.now).iso() });
        if let Some(job) = job {
            event["jobId"] = job.into();
        }
        self.ledger.hear("m:", event.to_string().as_bytes(), Millis(self.now));
    }

    fn start(&mut self, worker: &str, job: &str) {
        self.say(worker, Some(job), &format!("Processing job: {job}"));
    }

    fn done(&mut self, worker: &str, job: &str) {
        self.say(worker, Some(job), &format!("Completed job: {job}"));
    }

    fn fail(&mut self, worker: &str, job: &str) {
        self.say(worker, Some(job), &format!("Job failed: {job} - TimeoutError: after 3 s"));
    }

    fn beat(&mut self, worker: &str, queues: &[&str]) {
        let beat = Beat { queues: queues.iter().map(|q| (*q).into()).collect(), ..Beat::default() };
        self.ledger.beat(worker, Some(beat), Millis(self.now));
    }

    fn gone(&mut self, worker: &str, ms: i64) {
        self.ledger.beat(worker, None, Millis(self.now));
        self.now += ms;
        self.tick();
    }

    fn tick(&mut self) {
        self.ledger.tick(Millis(self.now), &Backlog::default);
    }

    fn heard(&self) -> Heard {
        self.ledger.heard(Millis(self.now))
    }
}

fn name(text: &str) -> QueueName {
    QueueName::try_from(text).unwrap()
}

#[test]
fn a_failure_is_a_retry_or_a_dead_letter() {
    let mut s = Scene::new();
    s.start("w", "a");
    s.fail("w", "a");
    assert_eq!((s.heard().failed, s.heard().retried, s.heard().dead), (1, 0, 0), "not known yet");
    s.say("w", Some("a"), "Job retrying in 2s (Attempt 2/3)");
    s.start("w", "b");
    s.fail("w", "b");
    s.start("other", "x");
    assert_eq!(s.heard().dead, 0, "another worker says nothing about it");
    s.start("w", "c");
    s.done("w", "c");
    let h = s.heard();
    assert_eq!((h.started, h.completed, h.failed, h.retried, h.dead, h.unknown), (4, 1, 2, 1, 1, 0));
}

#[test]
fn a_new_run_ends_the_one_before() {
    let mut s = Scene::new();
    s.beat("w", &["mail"]);
    s.start("w", "a");
    s.start("w", "b");
    assert_eq!((s.heard().unknown, s.ledger.active().total), (1, Some(1)));
    s.say("w", None, "Consumer stopped");
    assert_eq!((s.heard().unknown, s.ledger.active().total), (2, None), "nobody is left to ask");
    // One that runs several at once goes on with both.
    let beat = Beat { queues: vec!["mail".into()], concurrency: Some(4), ..Beat::default() };
    s.ledger.beat("c", Some(beat), Millis(s.now));
    s.start("c", "1");
    s.start("c", "2");
    assert_eq!(s.ledger.active().total, Some(2));
    s.done("c", "1");
    assert_eq!((s.ledger.active().total, s.heard().completed), (Some(1), 1));
}

#[test]
fn jobs_without_an_id_are_runs_too() {
    let mut s = Scene::new();
    s.say("w", None, "Processing job: undefined");
    s.say("w", None, "Job failed: undefined - job.handle is not a function");
    s.say("w", None, "Processing job: undefined");
    let h = s.heard();
    assert_eq!((h.started, h.failed, h.dead, h.unattributed), (2, 1, 1, 2));
    assert_eq!(s.ledger.active().total, Some(1));
}

#[test]
fn the_queue_is_told_by_worker_or_payload() {
    let mut s = Scene::new();
    s.beat("one", &["mail"]);
    s.beat("two", &["mail", "orders"]);
    s.start("one", "a");
    s.start("two", "b");
    let seen = Upcoming {
        queue: name("orders"),
        list: (name("orders"), Priority::High),
        class: Some("Ship".into()),
        attempt: Some(1),
        ready_at: Some(Millis(s.now - 500)),
        raw: None,
    };
    s.ledger.upcoming(vec![("c".into(), seen.clone())]);
    s.start("two", "c");
    assert_eq!(s.heard().unattributed, 1);
    let runs = s.ledger.runs(None, Millis(s.now), 10);
    let of = |job: &str| runs.iter().find(|r| r.job.as_deref() == Some(job)).map(|r| (r.queue.clone(), r.class_name.clone(), r.wait_ms));
    assert_eq!(of("a"), Some((Some(name("mail")), None, None)));
    assert_eq!(of("c"), Some((Some(name("orders")), Some("Ship".into()), Some(510))));
    let (active, serving) = (s.ledger.active(), s.ledger.serving());
    assert_eq!(s.ledger.active_of(&name("mail"), &active, &serving), (Some(1), false));
    assert_eq!(s.ledger.active_of(&name("elsewhere"), &active, &serving), (None, false), "no worker, so unknown");
    assert!(serving["mail"].shared && serving["orders"].shared, "one of their workers serves both");
    s.beat("three", &["own"]);
    assert!(!s.ledger.serving()["own"].shared);
    // A retry of the same job is still attributed.
    s.fail("two", "c");
    s.say("two", Some("c"), "Job retrying in 2s (Attempt 2/3)");
    s.start("two", "c");
    assert_eq!(s.ledger.runs(Some(&name("orders")), Millis(s.now), 10)[0].attempt, Some(2));
    // Retried by an operator it has not waited since it was created; pushed anew it has.
    let waited = |s: &Scene| s.ledger.runs(Some(&name("orders")), Millis(s.now), 10)[0].wait_ms;
    s.fail("two", "c");
    s.ledger.upcoming(vec![("c".into(), seen.clone())]);
    s.start("two", "c");
    assert_eq!(waited(&s), None);
    s.done("two", "c");
    s.ledger.upcoming(vec![("c".into(), Upcoming { ready_at: Some(Millis(s.now)), ..seen })]);
    s.start("two", "c");
    assert_eq!(waited(&s), Some(10));
}

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
fn errors_are_told_in_short() {
    assert_eq!(show::short("PaymentTimeout: gateway after 30 s"), "PaymentTimeout");
    assert_eq!(show::short("Card 4711 declined"), "Card # declined");
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
