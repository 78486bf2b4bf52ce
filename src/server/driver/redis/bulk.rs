//! Steps of bulk retry: each reads a bounded part, edits it in Rust and lets one script move it, or nothing.

mod old;

use super::{
    RedisDriver,
    carry::{self, Carrier, Part},
    payload,
    payload::Target,
    reply,
    runs::{self, Run},
    search::Top,
};
use crate::model::{
    ids::{Priority, QueueName},
    job::JobState,
    operation::Outcome,
    time::Millis,
};
use crate::server::error::DriverError;
use old::{LOST, Old};
use redis::Value;

/// Jobs and bytes that one moving script handles, whichever comes first: about 1 ms of Redis.
pub(super) const CHUNK: u64 = 256;
pub(super) const CHUNK_BYTES: usize = 128 * 1024;
/// Jobs that stay in the middle of a list are stepped over one by one: smaller chunks keep those scripts short.
const SPARSE_CHUNK: u64 = 100;
/// When the list's tail keeps changing under the operation, it gives up after this many readings in a row.
const MAX_REREADS: u32 = 50;
const UNSTEADY: &str = "The list changes faster than it can be read. What was done stays done, nothing of the last part was moved; start it again for the rest.";

/// A bulk retry under way. What it learned is not needed after a crash: jobs are moved, never parked.
pub struct Sweep {
    queue: QueueName,
    /// Jobs it may still look at: it never touches more than were there at the start.
    left: u64,
    /// Elements that stay where they are, before the next ones.
    stay: u64,
    started: Millis,
    /// What tells the dead letters that were there at the start; what failed since stands above them.
    old: Old,
    rereads: u32,
    run: Run,
    carrier: Carrier,
    base: bool,
}

/// What a step did, and whether it was the last.
pub struct Step {
    pub outcome: Outcome,
    pub finished: bool,
}

impl Sweep {
    pub fn retry(queue: &QueueName, total: u64, top: Option<Top>, started: Millis, base: bool) -> Self {
        Self {
            queue: queue.clone(),
            left: total,
            stay: 0,
            started,
            old: Old::new(top),
            rereads: 0,
            run: Run::default(),
            carrier: Carrier::default(),
            base,
        }
    }
}

impl RedisDriver {
    pub async fn count(&self, queue: &QueueName, state: JobState) -> Result<u64, DriverError> {
        let (keys, command): (Vec<_>, _) = match state {
            JobState::Failed => (vec![self.keys.failed(queue)], "LLEN"),
            JobState::Delayed => (Priority::ALL.iter().map(|p| self.keys.delayed(queue, *p)).collect(), "ZCARD"),
            _ => (Priority::ALL.iter().map(|p| self.keys.waiting(queue, *p)).collect(), "LLEN"),
        };
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        keys.iter().for_each(|k| {
            pipe.cmd(command).arg(k);
        });
        let counts: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(counts.iter().filter_map(reply::length).sum())
    }

    /// Length of one list or set; a key of another type holds no jobs.
    pub async fn length(&self, key: &str, command: &str) -> Result<u64, DriverError> {
        let length = redis::cmd(command).arg(key).query_async(&mut self.requests.clone()).await;
        Ok(length.or_else(|e: redis::RedisError| if e.code() == Some("WRONGTYPE") { Ok(0) } else { Err(e) })?)
    }

    /// Moves the next failed jobs, oldest first.
    pub async fn retry_step(&self, sweep: &mut Sweep) -> Result<Step, DriverError> {
        let failed = self.keys.failed(&sweep.queue);
        let ended = |gone| Ok(Step { outcome: Outcome { gone, ..Outcome::default() }, finished: true });
        if sweep.left == 0 {
            // Nothing is read of none: whether it is a list was not told yet.
            self.holds(&failed, "list").await?;
            return ended(0);
        }
        // While the list changes under it, less at a time: less of it can have changed.
        let chunk = if sweep.stay == 0 { CHUNK } else { SPARSE_CHUNK } >> sweep.rereads.min(6);
        let chunk = chunk.min(sweep.left);
        // A few jobs are not worth a connection.
        let worth = sweep.stay == 0 && sweep.left > CHUNK;
        let watched = if worth { self.watch(&mut sweep.carrier, &failed).await } else { None };
        let known = sweep.old.top.is_some();
        // With the last one that stays: it tells whether the part begins there.
        let last = sweep.stay.min(1);
        let read = match watched.clone() {
            Some(mut own) => runs::read_tail(&mut own, &failed, 0, chunk, CHUNK_BYTES, &mut sweep.run).await,
            None => {
                let (from, count) = (sweep.stay - last, chunk + last);
                runs::read_tail(&mut self.requests.clone(), &failed, from, count, CHUNK_BYTES, &mut sweep.run).await
            }
        };
        let mut raws = self.naming(&failed, "list", read).await?;
        let mut bytes: usize = raws.iter().map(Vec::len).sum();
        let last = if last > 0 && !raws.is_empty() { Some(raws.remove(0)) } else { None };
        if raws.is_empty() && bytes >= CHUNK_BYTES {
            // It was as large as a part.
            raws = runs::read_tail(&mut self.requests.clone(), &failed, sweep.stay, chunk, CHUNK_BYTES, &mut sweep.run).await?;
            bytes = raws.iter().map(Vec::len).sum();
        }
        // Others take from the list as well, and each failure that makes it too long drops one: what is left of those that were there? Asked
        // when the part was read. Only what still stands where it was read is moved, so it stood there at this moment too.
        let there = self.there(&sweep.queue, &mut sweep.old).await?;
        if known && there.is_none() {
            // What was read may be of before they went.
            return reread(sweep);
        }
        if let Some(again) = self.begins(sweep, there.as_ref(), last.as_deref()).await? {
            return Ok(again);
        }
        let Some(old) = there.map(|there| there.count.saturating_sub(sweep.stay)) else {
            // They stand in the order in which they failed: if the next ones failed since, so did all others. Else only a clock would tell.
            return if raws.iter().all(|raw| sweep.failed_since(raw)) { ended(sweep.left) } else { Err(DriverError::Unsteady(LOST)) };
        };
        if old == 0 && !sweep.old.partly {
            return ended(sweep.left);
        }
        if old == 0 {
            // More that was there at the start may stand above.
            sweep.old.top = None;
            return reread(sweep);
        }
        // The list ended before what is measured now: it is another one, perhaps.
        if (raws.len() as u64) < old.min(chunk) && bytes < CHUNK_BYTES {
            return reread(sweep);
        }
        raws.truncate(usize::try_from(old).unwrap_or(usize::MAX));
        let border = raws.len() as u64 == old && raws.last().is_some_and(|raw| sweep.old.top.as_ref().is_some_and(|top| top.is(raw)));
        self.remember(&failed, &mut sweep.old).await?;
        let mut outcome = Outcome::default();
        let (mut letters, mut payloads, mut groups) = (Vec::with_capacity(raws.len()), Vec::new(), Vec::new());
        for raw in &raws {
            let target = match payload::retried(raw) {
                None => {
                    outcome.corrupt += 1;
                    None
                }
                Some(r) => match (&r.target, sweep.base) {
                    (Target::List(p), _) => Some((*p, r)),
                    (Target::Unread(_), true) => Some((Priority::Base, r)),
                    (Target::Unread(_), false) => {
                        outcome.unread_priority += 1;
                        None
                    }
                },
            };
            let Some((p, retried)) = target else {
                letters.push(b'-');
                continue;
            };
            outcome.done += 1;
            letters.push(carry::letter(p, retried.group.is_some()));
            payloads.push(retried.payload);
            groups.extend(retried.group);
        }
        let stays = (raws.len() - payloads.len()) as u64;
        let part = Part { stay: sweep.stay, raws: &raws, letters: &letters, payloads: &payloads, groups: &groups };
        if !self.move_part(&sweep.queue, &part, &mut sweep.carrier, watched).await? {
            return reread(sweep);
        }
        sweep.rereads = 0;
        let stayed = raws.iter().zip(&letters).filter(|(_, letter)| **letter == b'-').map(|(raw, _)| raw);
        sweep.old.moved(sweep.stay + raws.len() as u64, payloads.len() as u64, stayed);
        sweep.stay += stays;
        sweep.left -= raws.len() as u64;
        if border && !sweep.old.partly {
            outcome.gone += std::mem::take(&mut sweep.left);
        }
        Ok(Step { outcome, finished: sweep.left == 0 })
    }

    /// Refuses a key of another type, as the scripts do.
    pub(super) async fn holds(&self, key: &str, kind: &str) -> Result<(), DriverError> {
        let found: String = redis::cmd("TYPE").arg(key).query_async(&mut self.requests.clone()).await?;
        if found == kind || found == "none" { Ok(()) } else { Err(DriverError::Corrupt { key: key.into(), found: format!("a {found}") }) }
    }

    /// What a command answered about one key: of one that is of another type Redis does not say which it is.
    pub(super) async fn naming<T>(&self, key: &str, kind: &str, answer: Result<T, DriverError>) -> Result<T, DriverError> {
        if matches!(answer, Err(DriverError::Corrupt { .. })) {
            self.holds(key, kind).await?;
        }
        answer
    }
}

fn reread(sweep: &mut Sweep) -> Result<Step, DriverError> {
    sweep.rereads += 1;
    if sweep.rereads > MAX_REREADS {
        return Err(DriverError::Unsteady(UNSTEADY));
    }
    Ok(Step { outcome: Outcome::default(), finished: false })
}
