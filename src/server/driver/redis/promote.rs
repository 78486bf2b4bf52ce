//! Steps of bulk promote: each reads a bounded part of a delayed set, edits it in Rust and lets one script move it.

use super::{
    RedisDriver,
    bulk::{CHUNK_BYTES, Step},
    due::{self, Served},
    payload,
    removal::created_after,
    runs::Run,
    verbs,
};
use crate::model::{
    ids::{Priority, QueueName},
    operation::Outcome,
    time::Millis,
};
use crate::server::error::DriverError;
use std::collections::{HashSet, VecDeque};

/// Jobs of one script. Taking a job out of a sorted set costs three times as much as out of a list.
const CHUNK: u64 = 96;
/// The scripts' code for a job that is left to the workers.
pub(super) const DUE: i64 = 2;

/// A bulk promote under way. What it learned is not needed after a crash: jobs are moved, never parked.
pub struct Promotion {
    queue: QueueName,
    /// The sets that are not through, and how many jobs of each it may still look at: never more than were there at the start, nor
    /// more of one set for what came to another.
    sets: VecDeque<(Priority, u64)>,
    /// The latest ones of the first set that stay where they are, before the next ones.
    stay: u64,
    /// Digests of the unreadable ones among them: each is told once.
    unreadable: HashSet<String>,
    /// The first set is looked through a second time.
    again: bool,
    started: Millis,
    run: Run,
    served: Served,
}

impl Promotion {
    /// `sets`: what was there at the start, see [`RedisDriver::delayed_sets`].
    pub fn new(queue: &QueueName, sets: Vec<(Priority, u64)>, started: Millis) -> Self {
        Self {
            queue: queue.clone(),
            sets: sets.into(),
            stay: 0,
            unreadable: HashSet::new(),
            again: false,
            started,
            run: Run::default(),
            served: Served::default(),
        }
    }

    /// The first set is through.
    fn through(&mut self, outcome: Outcome) -> Step {
        self.sets.pop_front();
        self.stay = 0;
        self.unreadable.clear();
        self.again = false;
        Step { outcome, finished: self.sets.is_empty() }
    }
}

impl RedisDriver {
    /// How many jobs each delayed set of a queue holds; a key of another type holds none.
    pub async fn delayed_sets(&self, queue: &QueueName) -> Result<Vec<(Priority, u64)>, DriverError> {
        let mut sets = Vec::new();
        for p in Priority::ALL {
            sets.push((p, self.length(&self.keys.delayed(queue, p), "ZCARD").await?));
        }
        Ok(sets)
    }

    /// Moves the next delayed jobs to their waiting lists, latest first: jobs that fail again meanwhile are due soon, so they
    /// sort behind everything that was there at the start. Jobs created since the start are left.
    pub async fn promote_step(&self, promotion: &mut Promotion, clock: impl Fn() -> Millis + Copy) -> Result<Step, DriverError> {
        let mut outcome = Outcome::default();
        let Some((p, left)) = promotion.sets.front().copied() else { return Ok(Step { outcome, finished: true }) };
        let key = self.keys.delayed(&promotion.queue, p);
        if left == 0 {
            // What holds something else was counted as none: it is told like that of any other verb.
            self.holds(&key, "zset").await?;
            return Ok(promotion.through(outcome));
        }
        let until = self.due_until(&promotion.queue, &mut promotion.served, clock).await?;
        let read = self.read_latest(&key, until, promotion.stay, CHUNK, CHUNK_BYTES, &mut promotion.run).await;
        let (raws, _) = self.naming(&key, "zset", read).await?;
        if raws.is_empty() {
            if promotion.stay > 0 && !promotion.again {
                // Some of those that stay may have left meanwhile, and others have moved to their places: they were stepped over.
                (promotion.stay, promotion.again) = (0, true);
                return Ok(Step { outcome, finished: false });
            }
            // What is left in this set is due: a worker takes it.
            if let Some(until) = until {
                outcome.due = self.due(&key, until).await?.min(left);
            }
            outcome.gone = left - outcome.due;
            return Ok(promotion.through(outcome));
        }
        // Reading took its time.
        let until = self.due_until(&promotion.queue, &mut promotion.served, clock).await?;
        let mut call = self.scripts.promote.prepare_invoke();
        call.key(&key).key(self.keys.waiting(&promotion.queue, p)).arg(due::argument(until));
        let (mut stay, mut unreadable, mut wanted, mut any) = (promotion.stay, Vec::new(), left, false);
        for raw in &raws {
            if wanted == 0 {
                break;
            }
            match payload::promoted(raw) {
                None => {
                    stay += 1;
                    let digest = payload::Element::of(raw).digest();
                    // What is delayed to a later time meanwhile moves it down: it is met again.
                    if !promotion.unreadable.contains(&digest) {
                        unreadable.push(digest);
                        outcome.corrupt += 1;
                        wanted -= 1;
                    }
                }
                // One of those that were not there at the start: it does not use up the number.
                Some(_) if created_after(raw, promotion.started) => stay += 1,
                Some(payload) => {
                    any = true;
                    wanted -= 1;
                    call.arg(raw).arg(payload);
                }
            }
        }
        if any {
            let codes: Vec<i64> = call.invoke_async(&mut self.requests.clone()).await?;
            // What is due by now is counted at the end of its set, with the other due ones.
            codes.into_iter().filter(|code| *code != DUE).for_each(|code| verbs::tally(&mut outcome, code));
        }
        promotion.stay = stay;
        promotion.unreadable.extend(unreadable);
        if let Some((_, left)) = promotion.sets.front_mut() {
            *left -= outcome.done + outcome.gone + outcome.corrupt;
        }
        // The next step looks at what is left.
        Ok(Step { outcome, finished: false })
    }
}
