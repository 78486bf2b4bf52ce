//! Payloads, byte for byte as the library writes them.

use flux_console::{model::time::Millis, server::demo::job::Job};

/// One job; every field has a default.
#[derive(Clone)]
pub struct Payload(Job, Option<String>, Millis);

impl Payload {
    /// A `SendEmail` of that queue, created at a fixed time.
    pub fn new(id: &str, queue: &str) -> Self {
        let job = Job {
            id: id.into(),
            id_in_properties: true,
            class: "SendEmail".into(),
            queue: Some(queue.into()),
            own: r#""to":"a@x","subject":"s""#.into(),
            ..Job::default()
        };
        Self(job, None, Millis(1_795_432_801_819))
    }

    pub fn class(mut self, class: &str) -> Self {
        self.0.class = class.into();
        self
    }

    /// Raw JSON members of the properties: `"orderId":9007199254740993123,"tags":[]`.
    pub fn own(mut self, members: &str) -> Self {
        self.0.own = members.into();
        self
    }

    pub fn attempts(mut self, done: u32, most: u32) -> Self {
        (self.0.attempts, self.0.max_attempts) = (Some(done), Some(most));
        self
    }

    /// Passed as a push option: top level only.
    pub fn group(mut self, group: &str) -> Self {
        self.1 = Some(group.into());
        self
    }

    /// `high` as text; `5` as number.
    pub fn priority(mut self, priority: &str) -> Self {
        self.0.priority = Some(if priority.parse::<f64>().is_ok() { priority.into() } else { format!("\"{priority}\"") });
        self
    }

    pub fn delay(mut self, seconds: u64) -> Self {
        self.0.delay_seconds = Some(seconds);
        self
    }

    pub fn created(mut self, at: i64) -> Self {
        self.2 = Millis(at);
        self
    }

    /// As it waits (or is delayed, or pends in a group).
    pub fn waiting(&self) -> String {
        self.0.pushed(self.1.as_deref(), self.2)
    }

    /// As it lies in the dead-letter list.
    pub fn failed(&self, error: &str) -> String {
        let mut job = self.0.clone();
        job.group = self.1.clone();
        job.attempts = job.attempts.or(Some(3));
        job.dead(error, self.2)
    }
}

/// A waiting payload with more raw members at the end: `payload("a", "mail", r#","status":"new""#)`.
pub fn payload(id: &str, queue: &str, extra: &str) -> String {
    with(&Payload::new(id, queue).waiting(), extra)
}

/// A dead letter with more raw members at the end.
pub fn dead(id: &str, queue: &str, error: &str, extra: &str) -> String {
    with(&Payload::new(id, queue).failed(error), extra)
}

fn with(payload: &str, extra: &str) -> String {
    format!("{}{extra}}}", payload.strip_suffix('}').expect("an object"))
}

/// `{stem}-1` … `{stem}-{count}`, waiting, in RPUSH order so that number 1 is taken first.
pub fn many(stem: &str, queue: &str, count: usize) -> Vec<String> {
    (1..=count).rev().map(|i| payload(&format!("{stem}-{i}"), queue, "")).collect()
}

/// The same, dead: number `count` is the newest, at the head.
pub fn many_dead(stem: &str, queue: &str, count: usize) -> Vec<String> {
    (1..=count).rev().map(|i| dead(&format!("{stem}-{i}"), queue, "PaymentTimeoutError: gateway did not answer", "")).collect()
}
