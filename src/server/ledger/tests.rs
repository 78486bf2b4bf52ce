mod heard;
mod lost;

use super::*;
use crate::model::{ids::Priority, run::Upcoming};

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
fn errors_are_told_in_short() {
    assert_eq!(show::short("PaymentTimeout: gateway after 30 s"), "PaymentTimeout");
    assert_eq!(show::short("Card 4711 declined"), "Card # declined");
}
