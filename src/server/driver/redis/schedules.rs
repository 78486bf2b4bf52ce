//! Schedules of the library (stream-protocol.md, 1): read as they are, fired and changed by one script each. Times are passed in.

pub mod keys;
mod ticking;

pub use ticking::{KEPT_MISSED, LEASE, Who};

use super::{RedisDriver, push::REMEMBERED_S, reply};
use crate::model::{
    ids::{Priority, QueueName},
    time::Millis,
};
use crate::server::error::DriverError;
use redis::Value;

/// The library's own: `SET NX EX 10`.
const LOCK_S: u64 = 10;
/// A schedule with a longer field is shown as broken, so that one script reads at most some megabytes.
pub const FIELD_BYTES: usize = 256 * 1024;
/// Schedules that one script reads.
const AT_ONCE: usize = 20;
/// What an operator deletes can be restored for an hour.
const KEPT_S: u64 = 3_600;

/// What lies under the key of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Fields(Fields),
    Missing,
    /// A field is longer than [`FIELD_BYTES`].
    TooLarge,
    OfType(String),
}

/// Bytes as they are; `None`: no such field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub id: Option<Vec<u8>>,
    pub cron: Option<Vec<u8>>,
    pub queue: Option<Vec<u8>>,
    pub job: Option<Vec<u8>>,
    pub enabled: Option<Vec<u8>>,
    pub last_run: Option<Vec<u8>>,
}

/// A schedule as Redis has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Member of the sorted set: any bytes.
    pub id: Vec<u8>,
    /// As Redis prints it; `None`: it is in no list.
    pub score: Option<String>,
    pub held: Held,
}

/// One due run.
#[derive(Clone, Debug)]
pub struct Fire<'a> {
    pub id: &'a str,
    pub score: &'a str,
    pub cron: &'a str,
    pub queue: &'a str,
    pub job: &'a str,
    pub payload: &'a str,
    /// The job asks for a delay: due time in the delayed set.
    pub delayed_until: Option<Millis>,
    pub next: Millis,
    /// What was missed, as JSON.
    pub missed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    Done,
    /// Fired by somebody else, edited, turned off or deleted since it was read.
    Changed,
    /// Another ticker holds the lock of this second.
    Taken,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    Done,
    /// It was so before, or this click came before.
    Before,
    /// It is not as it was seen.
    Changed,
    Gone,
}

/// What an edit compares and writes.
pub struct Save<'a> {
    pub id: &'a str,
    /// Cron, queue and job as they were seen; `None`: a new schedule.
    pub seen: Option<[&'a [u8]; 3]>,
    pub cron: &'a str,
    pub queue: &'a str,
    pub job: &'a str,
    pub next: Option<Millis>,
    /// Of a new one.
    pub enabled: bool,
}

fn set(code: i64) -> Set {
    match code {
        1 => Set::Done,
        2 => Set::Before,
        0 => Set::Changed,
        _ => Set::Gone,
    }
}

impl RedisDriver {
    /// Due ids with their scores, the earliest first. One command.
    pub async fn due_schedules(&self, now: Millis, most: usize) -> Result<Vec<(Vec<u8>, String)>, DriverError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        // The library takes nothing from before 1970.
        command.arg(self.keys.schedules.all()).arg(0).arg(now.0).arg("WITHSCORES").arg("LIMIT").arg(0).arg(most);
        pairs(command.query_async(&mut self.requests.clone()).await?)
    }

    /// How many schedules there are, and a page of them: what runs next first.
    pub async fn schedules(&self, skip: u64, most: u64) -> Result<(u64, Vec<Found>), DriverError> {
        let all = self.keys.schedules.all();
        let last = skip.saturating_add(most).saturating_sub(1);
        let mut pipe = redis::pipe();
        pipe.cmd("ZCARD").arg(&all).cmd("ZRANGE").arg(&all).arg(skip).arg(last).arg("WITHSCORES");
        let (total, page): (u64, Value) = pipe.query_async(&mut self.requests.clone()).await?;
        Ok((total, self.read_schedules(pairs(page)?).await?))
    }

    /// One schedule, if anything of it is there.
    pub async fn schedule(&self, id: &str) -> Result<Option<Found>, DriverError> {
        let mut ask = redis::cmd("ZSCORE");
        let score: Option<String> = ask.arg(self.keys.schedules.all()).arg(id).query_async(&mut self.requests.clone()).await?;
        let held = self.held(&[self.keys.schedules.one(id)]).await?.pop().unwrap_or(Held::Missing);
        let there = score.is_some() || matches!(held, Held::Fields(_) | Held::TooLarge);
        Ok(there.then(|| Found { id: id.into(), score, held }))
    }

    /// A deleted one that is still kept.
    pub async fn kept_schedule(&self, id: &str) -> Result<Option<Found>, DriverError> {
        let held = self.held(&[self.keys.schedules.kept(id)]).await?.pop().unwrap_or(Held::Missing);
        Ok(matches!(held, Held::Fields(_) | Held::TooLarge).then(|| Found { id: id.into(), score: None, held }))
    }

    /// What lies under these ids.
    pub async fn read_schedules(&self, ids: Vec<(Vec<u8>, String)>) -> Result<Vec<Found>, DriverError> {
        // An id that is no text names no key that this console could write.
        let names: Vec<String> = ids.iter().map(|(id, _)| self.keys.schedules.one(&String::from_utf8_lossy(id))).collect();
        let held = self.held(&names).await?;
        Ok(ids.into_iter().zip(held).map(|((id, score), held)| Found { id, score: Some(score), held }).collect())
    }

    async fn held(&self, keys: &[String]) -> Result<Vec<Held>, DriverError> {
        let mut all = Vec::with_capacity(keys.len());
        for part in keys.chunks(AT_ONCE) {
            let mut call = self.scripts.schedule_read.prepare_invoke();
            part.iter().for_each(|key| {
                call.key(key);
            });
            call.arg(FIELD_BYTES);
            let answer: Value = call.invoke_async(&mut self.requests.clone()).await?;
            for row in reply::array(answer)? {
                all.push(read_held(row)?);
            }
        }
        Ok(all)
    }

    /// Where a run of this queue goes: the base list, whatever the job says; with a delay to its delayed set.
    fn pushed_to(&self, queue: &str, delayed: bool) -> Result<String, DriverError> {
        let queue = QueueName::try_from(queue).map_err(DriverError::Protocol)?;
        Ok(if delayed { self.keys.delayed(&queue, Priority::Base) } else { self.keys.waiting(&queue, Priority::Base) })
    }

    pub async fn fire_schedule(&self, fire: &Fire<'_>, now: Millis) -> Result<Fired, DriverError> {
        let keys = &self.keys.schedules;
        let mut call = self.scripts.schedule_fire.prepare_invoke();
        call.key(keys.all()).key(keys.one(fire.id)).key(keys.lock(fire.id, now.0.div_euclid(1_000)));
        call.key(self.pushed_to(fire.queue, fire.delayed_until.is_some())?).key(keys.fired()).key(keys.ticking()).key(keys.missed());
        call.arg(fire.id).arg(fire.score).arg(fire.cron).arg(fire.queue).arg(fire.job).arg(fire.payload);
        call.arg(text(fire.delayed_until)).arg(now.0).arg(fire.next.0).arg(LOCK_S);
        call.arg(fire.missed.as_deref().unwrap_or_default()).arg(KEPT_MISSED);
        let code: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(match code {
            1 => Fired::Done,
            0 => Fired::Changed,
            _ => Fired::Taken,
        })
    }

    pub async fn save_schedule(&self, save: &Save<'_>) -> Result<Set, DriverError> {
        let mut call = self.scripts.schedule_save.prepare_invoke();
        call.key(self.keys.schedules.all()).key(self.keys.schedules.one(save.id)).arg(save.id);
        let (verb, seen) = save.seen.map_or(("add", [b"".as_slice(); 3]), |seen| ("edit", seen));
        call.arg(verb).arg(seen[0]).arg(seen[1]).arg(seen[2]).arg(save.cron).arg(save.queue).arg(save.job);
        call.arg(text(save.next)).arg(save.enabled.to_string());
        Ok(set(call.invoke_async(&mut self.requests.clone()).await?))
    }

    /// `next`: its next run when it is turned on; `None` turns it off.
    pub async fn enable_schedule(&self, id: &str, cron: &[u8], next: Option<Millis>) -> Result<Set, DriverError> {
        let mut call = self.scripts.schedule_enable.prepare_invoke();
        call.key(self.keys.schedules.all()).key(self.keys.schedules.one(id));
        call.arg(id).arg(next.is_some().to_string()).arg(cron).arg(text(next));
        Ok(set(call.invoke_async(&mut self.requests.clone()).await?))
    }

    /// Pushes the job once for `request`; queue and job are compared with what was read.
    pub async fn run_schedule(
        &self,
        id: &str,
        queue: &str,
        job: &str,
        payload: &str,
        delayed_until: Option<Millis>,
        request: &str,
    ) -> Result<Set, DriverError> {
        let mut call = self.scripts.schedule_run.prepare_invoke();
        call.key(self.keys.schedules.one(id)).key(self.pushed_to(queue, delayed_until.is_some())?).key(self.keys.request(request));
        call.arg(queue).arg(job).arg(payload).arg(text(delayed_until)).arg(REMEMBERED_S);
        Ok(set(call.invoke_async(&mut self.requests.clone()).await?))
    }

    pub async fn delete_schedule(&self, id: &str) -> Result<Set, DriverError> {
        let keys = &self.keys.schedules;
        let mut call = self.scripts.schedule_delete.prepare_invoke();
        call.key(keys.all()).key(keys.one(id)).key(keys.kept(id)).key(keys.fired()).arg(id).arg(KEPT_S);
        Ok(set(call.invoke_async(&mut self.requests.clone()).await?))
    }

    pub async fn restore_schedule(&self, id: &str, next: Millis) -> Result<Set, DriverError> {
        let keys = &self.keys.schedules;
        let mut call = self.scripts.schedule_restore.prepare_invoke();
        call.key(keys.all()).key(keys.one(id)).key(keys.kept(id)).key(keys.fired()).arg(id).arg(next.0);
        Ok(set(call.invoke_async(&mut self.requests.clone()).await?))
    }
}

fn text(at: Option<Millis>) -> String {
    at.map_or_else(String::new, |at| at.0.to_string())
}

/// Members with their scores.
fn pairs(answer: Value) -> Result<Vec<(Vec<u8>, String)>, DriverError> {
    let mut items = reply::array(answer)?.into_iter();
    let mut all = Vec::new();
    while let Some(member) = items.next() {
        all.push((reply::bytes(member)?, reply::text(reply::next(&mut items)?)?));
    }
    Ok(all)
}

fn read_held(row: Value) -> Result<Held, DriverError> {
    let mut row = reply::array(row)?.into_iter();
    let kind = reply::text(reply::next(&mut row)?)?;
    let mut field = || match row.next() {
        None | Some(Value::Nil) => Ok(None),
        Some(value) => reply::bytes(value).map(Some),
    };
    Ok(match kind.as_str() {
        "hash" => {
            Held::Fields(Fields { id: field()?, cron: field()?, queue: field()?, job: field()?, enabled: field()?, last_run: field()? })
        }
        "none" => Held::Missing,
        "large" => Held::TooLarge,
        _ => Held::OfType(kind),
    })
}
