//! Steps of bulk promote: each reads a bounded part of a delayed set, edits it in Rust and lets one script move it.

use super::{
    RedisDriver,
    bulk::{CHUNK_BYTES, Step},
    due::{self, Served},
    payload,
    runs::Run,
    verbs,
};
use crate::model::{
    ids::{Priority, QueueName},
    operation::Outcome,
    time::Millis,
};
use crate::server::error::DriverError;

/// Jobs of one script. Taking a job out of a sorted set costs three times as much as out of a list.
const CHUNK: u64 = 96;

/// A bulk promote under way. What it learned is not needed after a crash: jobs are moved, never parked.
pub struct Promotion {
    queue: QueueName,
    /// Jobs it may still look at: it never touches more than were there at the start.
    left: u64,
    /// The latest ones that stay where they are, before the next ones.
    stay: u64,
    started: Millis,
    run: Run,
    served: Served,
    sets: Vec<Priority>,
}

impl Promotion {
    pub fn new(queue: &QueueName, total: u64, started: Millis) -> Self {
        Self {
            queue: queue.clone(),
            left: total,
            stay: 0,
            started,
            run: Run::default(),
            served: Served::default(),
            sets: Priority::ALL.to_vec(),
        }
    }
}

impl RedisDriver {
    /// Moves the next delayed jobs to their waiting lists, latest first: jobs that fail again meanwhile are due soon, so they
    /// sort behind everything that was there at the start. Jobs created since the start are left.
    pub async fn promote_step(&self, promotion: &mut Promotion, clock: impl Fn() -> Millis + Copy) -> Result<Step, DriverError> {
        let Some(p) = promotion.sets.first().copied() else {
            return Ok(Step { outcome: Outcome { gone: promotion.left, ..Outcome::default() }, finished: true });
        };
        if promotion.left == 0 {
            // What holds something else was counted as none: it is told like that of any other verb.
            for p in &promotion.sets {
                self.holds(&self.keys.delayed(&promotion.queue, *p), "zset").await?;
            }
            return Ok(Step { outcome: Outcome::default(), finished: true });
        }
        let key = self.keys.delayed(&promotion.queue, p);
        let until = self.due_until(&promotion.queue, &mut promotion.served, clock).await?;
        let read = self.read_latest(&key, until, promotion.stay, CHUNK.min(promotion.left), CHUNK_BYTES, &mut promotion.run).await;
        let raws = self.naming(&key, "zset", read).await?;
        let mut outcome = Outcome::default();
        if raws.is_empty() {
            // What is left in this set is due: a worker takes it.
            if let Some(until) = until {
                let due: u64 = redis::cmd("ZCOUNT").arg(&key).arg("-inf").arg(until).query_async(&mut self.requests.clone()).await?;
                outcome.due = due.min(promotion.left);
                promotion.left -= outcome.due;
            }
            promotion.sets.remove(0);
            promotion.stay = 0;
            let finished = promotion.sets.is_empty();
            outcome.gone = if finished { promotion.left } else { 0 };
            return Ok(Step { outcome, finished });
        }
        // Reading took its time.
        let until = self.due_until(&promotion.queue, &mut promotion.served, clock).await?;
        let mut call = self.scripts.promote.prepare_invoke();
        call.key(&key).key(self.keys.waiting(&promotion.queue, p)).arg(due::argument(until));
        let mut any = false;
        for raw in &raws {
            let created = payload::read(&payload::Element::of(raw)).created_at;
            match payload::promoted(raw) {
                None => {
                    promotion.stay += 1;
                    outcome.corrupt += 1;
                }
                Some(_) if created.is_some_and(|at| at > promotion.started) => {
                    promotion.stay += 1;
                    // One of those that were not there at the start: it does not use up the number.
                    promotion.left += 1;
                }
                Some(payload) => {
                    any = true;
                    call.arg(raw).arg(payload);
                }
            }
        }
        if any {
            let codes: Vec<i64> = call.invoke_async(&mut self.requests.clone()).await?;
            codes.into_iter().for_each(|code| verbs::tally(&mut outcome, code));
        }
        promotion.left -= (raws.len() as u64).min(promotion.left);
        // The next step looks at what is left.
        Ok(Step { outcome, finished: false })
    }
}
