//! What the shop has behind it when the demo opens, so that every page has something to show at once.

use super::{
    chance::Chance,
    foreign,
    ledger::Ledger,
    load::{Load, QueueLoad},
    producer::make,
    wire::Wire,
};
use crate::{
    model::{ids::Priority, time::Millis},
    server::{actions::now, schedule::cron::Cron},
};
use chrono_tz::Tz;
use redis::{Pipeline, RedisResult, pipe};

const MINUTE: i64 = 60_000;
/// Commands in one round trip.
const CHUNK: usize = 500;

/// Queue, waiting jobs, age of the oldest in ms.
const WAITING: &[(&str, u32, i64)] = &[
    ("orders", 18_204, 6 * MINUTE),
    ("webhooks:stripe", 1_218, 2 * MINUTE + 40_000),
    ("tenant:1:mail", 1_940, 41 * MINUTE),
    ("images:resize", 212, 72 * MINUTE),
    ("emails", 160, 9_000),
    ("search:index", 40, 6_000),
];

/// Queue, dead letters, age of the oldest in ms.
const DEAD: &[(&str, u32, i64)] = &[
    ("orders", 1_000, 95 * MINUTE),
    ("webhooks:stripe", 310, 170 * MINUTE),
    ("emails", 17, 300 * MINUTE),
    ("payments", 41, 60 * MINUTE),
    ("billing:dunning", 8, 900 * MINUTE),
    ("reports", 2, 600 * MINUTE),
    ("search:index", 3, 30 * MINUTE),
    ("images:resize", 6, 130 * MINUTE),
];

/// Queue, delayed jobs, due at the latest in ms from now.
const DELAYED: &[(&str, u32, i64)] = &[("billing:dunning", 412, 30 * 60 * MINUTE), ("emails", 304, 50 * MINUTE)];

const GROUPED_PAYMENTS: u32 = 120;
const PAUSED: &str = "images:resize";

pub async fn seed(wire: &mut Wire, load: &Load, ledger: &Ledger, chance: &mut Chance) -> RedisResult<()> {
    let at = now();
    let mut batch = Batch { pipe: pipe(), commands: 0 };
    let of = |name: &str| load.queues.iter().find(|q| q.name == name);
    for priority in Priority::ALL {
        batch.add(wire, |p, w| p.set(format!("{}:paused", w.list(PAUSED, priority)), "1").ignore()).await?;
    }
    for (name, count, oldest) in WAITING {
        let Some(queue) = of(name) else { continue };
        for i in 0..*count {
            let job = make(queue, chance, spread(at, -oldest, i, *count));
            let payload = job.pushed(None, spread(at, -oldest, i, *count));
            batch.add(wire, |p, w| p.lpush(w.list(name, job.list()), payload).ignore()).await?;
            ledger.pushed(&job.id);
        }
    }
    for (name, count, oldest) in DEAD {
        let Some(queue) = of(name) else { continue };
        for i in 0..*count {
            let payload = dead(queue, chance, spread(at, -oldest, i, *count));
            batch.add(wire, |p, w| p.lpush(format!("{}:failed", w.list(name, Priority::Base)), payload).ignore()).await?;
        }
    }
    for (name, count, latest) in DELAYED {
        let Some(queue) = of(name) else { continue };
        for i in 0..*count {
            let due = spread(at, *latest, *count - i, *count);
            let mut job = make(queue, chance, at);
            job.delay_seconds = u64::try_from((due.0 - at.0) / 1000).ok();
            let payload = job.pushed(None, at);
            batch.add(wire, |p, w| p.zadd(format!("{}:delayed", w.list(name, job.list())), payload, due.0).ignore()).await?;
            ledger.pushed(&job.id);
        }
    }
    for payload in foreign::dead_letters(at) {
        batch.add(wire, |p, w| p.lpush(w.key("imports:failed"), payload).ignore()).await?;
    }
    for payload in foreign::urgent(at) {
        batch.add(wire, |p, w| p.lpush(w.key("orders:urgent"), payload).ignore()).await?;
    }
    for (id, cron, queue, class, on) in foreign::SCHEDULES {
        // The broken one has been due for a minute.
        let next = Cron::parse(cron).ok().and_then(|cron| cron.next(at, Tz::UTC)).map_or(at.0 - MINUTE, |next| next.0);
        batch
            .add(wire, |p, w| {
                let fields = [
                    ("cron", (*cron).to_owned()),
                    ("id", (*id).to_owned()),
                    ("job", foreign::scheduled_job(id, queue, class, at)),
                    ("enabled", on.to_string()),
                    ("nextRun", next.to_string()),
                    ("queue", (*queue).to_owned()),
                ];
                p.hset_multiple(w.key(&format!("schedule:{id}")), &fields).ignore();
                p.zadd(w.key("schedules"), *id, next).ignore()
            })
            .await?;
    }
    batch.send(wire).await?;
    if let Some(payments) = of("payments") {
        for _ in 0..GROUPED_PAYMENTS {
            let job = make(payments, chance, at);
            let group = format!("customer-{}", chance.between(1, 12));
            wire.push(&job, Some(&group), at).await?;
            ledger.pushed(&job.id);
        }
    }
    Ok(())
}

/// The `i`-th of `count` times between `at + from` and `at`.
fn spread(at: Millis, from: i64, i: u32, count: u32) -> Millis {
    Millis(at.0 + from - from * i64::from(i) / i64::from(count.max(1)))
}

fn dead(queue: &QueueLoad, chance: &mut Chance, at: Millis) -> String {
    let mut job = make(queue, chance, at);
    let attempts = queue.max_attempts.unwrap_or(3);
    job.attempts = Some(attempts);
    job.id_in_properties = true;
    if attempts > 1 {
        // It still carries the delay of its last back-off.
        job.delay_seconds = Some(job.backoff_seconds(attempts));
    }
    if queue.groups > 0 {
        job.group = Some(format!("customer-{}", chance.between(1, queue.groups)));
    }
    let kind = queue.kinds.iter().find(|k| k.class == job.class);
    let error = kind.map_or_else(|| "Error: unknown".to_owned(), |k| (k.error)(chance));
    job.dead(&error, at)
}

struct Batch {
    pipe: Pipeline,
    commands: usize,
}

impl Batch {
    async fn add(&mut self, wire: &mut Wire, command: impl for<'p> FnOnce(&'p mut Pipeline, &Wire) -> &'p mut Pipeline) -> RedisResult<()> {
        command(&mut self.pipe, wire);
        self.commands += 1;
        if self.commands >= CHUNK { self.send(wire).await } else { Ok(()) }
    }

    async fn send(&mut self, wire: &mut Wire) -> RedisResult<()> {
        let pipe = std::mem::take(&mut self.pipe);
        self.commands = 0;
        pipe.query_async(wire.connection()).await
    }
}
