//! What lies in Redis: jobs as the library writes them, and the keys of others.

use anyhow::Result;
use flux_console::{
    model::{ids::Priority, time::Millis},
    server::{actions, demo::job::Job},
};
use redis::Connection;

/// Elements per command and commands per round trip while filling.
const BATCH: usize = 500;

#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    pub queues: usize,
    /// Waiting jobs of each queue; a tenth has high priority.
    pub jobs: usize,
    /// Failed jobs of each queue; as many again are delayed, but at most 100.
    pub failed: usize,
    /// Keys of somebody else.
    pub foreign: usize,
}

pub const S: Size = Size { name: "S", queues: 15, jobs: 30, failed: 2, foreign: 0 };
pub const M: Size = Size { name: "M", queues: 100, jobs: 1_000, failed: 2, foreign: 0 };
pub const L: Size = Size { name: "L", queues: 1_000, jobs: 100, failed: 2, foreign: 500_000 };
pub const XL: Size = Size { name: "XL", queues: 1, jobs: 1_000_000, failed: 1_000, foreign: 0 };

impl Size {
    /// `1,000 × 100 + 500,000 foreign keys`
    pub fn words(&self) -> String {
        let count = |n: usize| super::table::count(n as u64);
        let foreign = if self.foreign > 0 { format!(" + {} foreign keys", count(self.foreign)) } else { String::new() };
        let failed = if self.failed >= 1_000 { format!(" + {} failed", count(self.failed)) } else { String::new() };
        format!("{} × {}{failed}{foreign}", count(self.queues), count(self.jobs))
    }

    pub fn fill(&self, con: &mut Connection) -> Result<()> {
        for n in 0..self.queues {
            let queue = queue(n);
            let high = self.jobs / 10;
            push(con, &queue, waiting(&queue, Priority::Base, self.jobs - high))?;
            push(con, &format!("{queue}:high"), waiting(&queue, Priority::High, high))?;
            push(con, &format!("{queue}:failed"), failed(&queue, self.failed))?;
            delay(con, &queue, self.failed.min(100))?;
        }
        let beat = |n: usize| {
            format!(
                r#"{{"id":"w-{n}","status":"online","hostname":"app-{n}","pid":{n},"uptime":1,"last_ping":"2026-01-02T03:04:05.678Z","queues":["{}"],"metrics":{{"cpu":0.1,"cores":2,"ram":{{"rss":90,"heapUsed":40,"total":8000}}}}}}"#,
                queue(n)
            )
        };
        let beats: Vec<_> = (0..self.queues.min(4)).map(|n| (format!("flux_console:worker:w-{n}"), beat(n))).collect();
        redis::cmd("MSET").arg(&beats).exec(con)?;
        for from in (0..self.foreign).step_by(BATCH) {
            let keys: Vec<_> = (from..self.foreign.min(from + BATCH)).map(|i| (format!("session:{i}"), "someone else's")).collect();
            redis::cmd("MSET").arg(&keys).exec(con)?;
        }
        Ok(())
    }
}

pub fn queue(n: usize) -> String {
    format!("orders-{n:04}")
}

/// `count` jobs of that priority, oldest first.
pub fn waiting(queue: &str, priority: Priority, count: usize) -> impl Iterator<Item = String> {
    let now = actions::now().0;
    jobs(queue, priority, count).map(move |(i, job)| job.pushed(None, Millis(now - 600_000 + i as i64)))
}

/// `count` dead letters, oldest first; a tenth had high priority.
pub fn failed(queue: &str, count: usize) -> impl Iterator<Item = String> {
    let now = actions::now().0;
    jobs(queue, Priority::Base, count).map(move |(i, mut job)| {
        job.priority = (i % 10 == 0).then(|| r#""high""#.into());
        job.attempts = Some(3);
        job.dead(&format!("PaymentTimeoutError: gateway did not answer for order {i}"), Millis(now - 600_000 + i as i64))
    })
}

fn jobs(queue: &str, priority: Priority, count: usize) -> impl Iterator<Item = (usize, Job)> {
    let blank = Job { class: "ChargeCard".into(), queue: Some(queue.into()), max_attempts: Some(3), ..Job::default() };
    (0..count).map(move |i| {
        let own =
            format!(r#""orderId":{i},"amount":4990,"currency":"EUR","customer":"c-{}","meta":{{"source":"web","tags":[]}}"#, i % 9_973);
        (i, Job { id: format!("{}-{i:012}", priority.as_str()), own, ..blank.clone() })
    })
}

/// LPUSHed as the library does: the first one is taken first.
pub fn push(con: &mut Connection, key: &str, payloads: impl Iterator<Item = String>) -> Result<()> {
    let mut payloads = payloads.peekable();
    while payloads.peek().is_some() {
        let batch: Vec<String> = payloads.by_ref().take(BATCH).collect();
        redis::cmd("LPUSH").arg(format!("queue:{key}")).arg(batch).exec(con)?;
    }
    Ok(())
}

fn delay(con: &mut Connection, queue: &str, count: usize) -> Result<()> {
    let due = actions::now().0 + 3_600_000;
    let mut pipe = redis::pipe();
    for (i, job) in jobs(queue, Priority::Base, count) {
        let raw = Job { delay_seconds: Some(3_600), id: format!("delayed-{i}"), ..job }.pushed(None, Millis(due - 3_600_000));
        pipe.zadd(format!("queue:{queue}:delayed"), raw, due + i as i64).ignore();
    }
    Ok(pipe.exec(con)?)
}
