//! Steps of bulk deletion: whole lists by renaming them, else jobs one by one. Each step adds to the outcome what it did
//! even when it fails in between, so that the count and the trash stay true.

use super::{
    RedisDriver,
    due::{self, Served},
    payload,
    runs::{self, Run},
    search::Top,
    trash,
    verbs::{mark, tally},
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    operation::Outcome,
    time::Millis,
};
use crate::server::error::DriverError;
use std::collections::HashSet;

/// Jobs and bytes of one step, as in `bulk.rs`.
const CHUNK: u64 = 256;
const CHUNK_BYTES: usize = 128 * 1024;
/// Groups that a purge looks at, as many as the console follows.
const GROUPS: usize = super::groups::MAX_GROUPS;

/// A waiting list that is emptied job by job.
pub struct OneByOne {
    pub priority: Priority,
    /// Jobs that were in it at the start and may still be there.
    pub left: u64,
    /// Jobs at the tail that stay: they came after the start.
    stay: u64,
    started: Millis,
    run: Run,
    /// Digests of jobs that a completed group released into this list: they are not part of what was to be deleted.
    released: HashSet<String>,
}

/// A delayed set that is emptied job by job.
pub struct DelayedOneByOne {
    pub priority: Priority,
    /// Jobs that were in it at the start and may still be there; the due ones among them stay while a worker serves the queue.
    pub left: u64,
    /// Of the latest ones, how many came after the start: they stay.
    stay: u64,
    started: Millis,
}

impl DelayedOneByOne {
    pub fn new(priority: Priority, left: u64, started: Millis) -> Self {
        Self { priority, left, stay: 0, started }
    }
}

fn created_after(raw: &[u8], started: Millis) -> bool {
    payload::read(&payload::Element::of(raw)).created_at.is_some_and(|at| at > started)
}

impl OneByOne {
    pub fn new(priority: Priority, left: u64, started: Millis) -> Self {
        Self { priority, left, stay: 0, started, run: Run::default(), released: HashSet::new() }
    }

    fn came_since(&self, raw: &[u8]) -> bool {
        created_after(raw, self.started) || (!self.released.is_empty() && self.released.contains(&payload::Element::of(raw).digest()))
    }
}

impl RedisDriver {
    /// A failed list into the trash, whole, but for what failed since `top` was the newest; `None`: nothing was there. When what was
    /// the newest is not found any more, others took what was there: what stands there now is left, and what was counted is gone.
    pub async fn trash_failed(&self, queue: &QueueName, top: Option<&Top>, id: &str, outcome: &mut Outcome) -> Result<(), DriverError> {
        let newest = top.map(|top| top.anchors.as_slice()).unwrap_or_default();
        let went = self.rename(&self.keys.failed(queue), id, 4, "failed", newest).await?;
        match went {
            Ok(went) => outcome.done += went,
            Err(there) => outcome.gone += there,
        }
        Ok(())
    }

    /// One waiting list into the trash, whole; false while groups are active, or when jobs came after the start: then
    /// [`Self::discard_step`].
    pub async fn trash_waiting(
        &self,
        queue: &QueueName,
        p: Priority,
        id: &str,
        started: Millis,
        outcome: &mut Outcome,
    ) -> Result<bool, DriverError> {
        let key = self.keys.waiting(queue, p);
        let newest = self.newest(&key, &self.keys.trash_list(id, p as usize)).await?;
        if newest.as_ref().is_some_and(|raw| created_after(raw, started)) {
            return Ok(false);
        }
        // One that comes before the list is renamed is not known to be old.
        let newest = newest.map(|raw| payload::Element::of(&raw).digest());
        let went = self.rename(&key, id, p as usize, "waiting", newest.as_slice()).await?;
        outcome.done += went.unwrap_or(0);
        Ok(went.is_ok())
    }

    /// The newest element of a list that is not in the trash yet.
    async fn newest(&self, key: &str, gone_to: &str) -> Result<Option<Vec<u8>>, DriverError> {
        let mut pipe = redis::pipe();
        // A key of another type is refused by the script, with its name.
        pipe.ignore_errors().cmd("EXISTS").arg(gone_to).cmd("LINDEX").arg(key).arg(0);
        let (gone, newest): (bool, redis::Value) = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(if gone { None } else { super::reply::bytes(newest).ok() })
    }

    /// How many went; `Err`: none of so many.
    async fn rename(&self, key: &str, id: &str, n: usize, kind: &str, newest: &[String]) -> Result<Result<u64, u64>, DriverError> {
        self.note_list(id, n, key).await?;
        let mut call = self.scripts.trash_list.prepare_invoke();
        call.key(key).key(self.keys.trash_list(id, n)).key(self.keys.active()).arg(kind).arg(trash::BACKSTOP_S);
        newest.iter().for_each(|digest| {
            call.arg(digest);
        });
        let went: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(u64::try_from(went).map_err(|_| went.unsigned_abs()))
    }

    /// One delayed set into the trash, but for a few due jobs; false when many are due: then [`Self::discard_delayed_step`].
    pub async fn trash_delayed(
        &self,
        queue: &QueueName,
        p: Priority,
        id: &str,
        served: &mut Served,
        clock: impl Fn() -> Millis,
        outcome: &mut Outcome,
    ) -> Result<bool, DriverError> {
        let (key, n) = (self.keys.delayed(queue, p), 5 + p as usize);
        self.note_list(id, n, &key).await?;
        let until = self.due_until(queue, served, clock).await?;
        let mut call = self.scripts.trash_delayed.prepare_invoke();
        call.key(&key).key(self.keys.trash_list(id, n)).arg(due::argument(until)).arg(trash::BACKSTOP_S);
        let (went, due): (i64, u64) = call.invoke_async(&mut self.requests.clone()).await?;
        let Ok(went) = u64::try_from(went) else { return Ok(false) };
        outcome.done += went;
        outcome.due += due;
        Ok(true)
    }

    /// The next jobs of a waiting list, each letting its group go on. False when there is nothing left to do.
    pub async fn discard_step(&self, queue: &QueueName, list: &mut OneByOne, id: &str, outcome: &mut Outcome) -> Result<bool, DriverError> {
        let key = self.keys.waiting(queue, list.priority);
        // Workers take jobs as well: never more than are there, less those that came since.
        list.left = list.left.min(self.length(&key, "LLEN").await?.saturating_sub(list.stay));
        let raws = runs::read_tail(&mut self.requests.clone(), &key, list.stay, CHUNK.min(list.left), CHUNK_BYTES, &mut list.run).await?;
        let (some, mut raws) = (!raws.is_empty(), raws.as_slice());
        while let Some(raw) = raws.first() {
            // As many as go together; what holds a group or came since stands alone.
            let mut n = raws.iter().take_while(|raw| payload::group_of(raw).is_none() && !list.came_since(raw)).count();
            if n > 1 && self.discard_chunk(list, &key, id, &raws[..n]).await? {
                outcome.done += n as u64;
                list.left = list.left.saturating_sub(n as u64);
                raws = &raws[n..];
                continue;
            }
            // The tail changed since it was read: each is looked for where it is now.
            n = n.max(1);
            if list.came_since(raw) {
                list.stay += 1;
            } else {
                for raw in &raws[..n] {
                    self.discard_from(queue, list, id, raw, outcome).await?;
                }
            }
            raws = &raws[n..];
        }
        Ok(some && list.left > 0)
    }

    /// Jobs without a group from the end of the list, all at once; false when that is no longer what was read.
    async fn discard_chunk(&self, list: &OneByOne, key: &str, id: &str, raws: &[Vec<u8>]) -> Result<bool, DriverError> {
        let mut call = self.scripts.discard_chunk.prepare_invoke();
        call.key(key).key(self.keys.trash_items(id));
        call.arg(mark()).arg(list.stay).arg(trash::BACKSTOP_S).arg(trash::item(key, b""));
        raws.iter().for_each(|raw| {
            call.arg(raw);
        });
        let moved: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(moved == 1)
    }

    async fn discard_from(
        &self,
        queue: &QueueName,
        list: &mut OneByOne,
        id: &str,
        raw: &[u8],
        outcome: &mut Outcome,
    ) -> Result<(), DriverError> {
        let at = Fingerprint { hash: String::new(), source: Source::Waiting(list.priority), hint: list.stay, score: None };
        let (code, released) = self.discard_one(queue, id, &at, raw, None, "").await?;
        tally(outcome, code);
        list.left = list.left.saturating_sub(1);
        // Released jobs go to the base list; only there they could be met again.
        list.released.extend(released.filter(|_| list.priority == Priority::Base).map(|raw| payload::Element::of(&raw).digest()));
        Ok(())
    }

    /// The next delayed jobs, latest first, but for what is due while a worker serves the queue. False when there is nothing left to do.
    pub async fn discard_delayed_step(
        &self,
        queue: &QueueName,
        set: &mut DelayedOneByOne,
        id: &str,
        served: &mut Served,
        clock: impl Fn() -> Millis + Copy,
        outcome: &mut Outcome,
    ) -> Result<bool, DriverError> {
        let key = self.keys.delayed(queue, set.priority);
        let asked = CHUNK.min(set.left);
        let until = self.due_until(queue, served, clock).await?;
        let raws = self.read_latest(&key, until, set.stay, asked, CHUNK_BYTES, &mut Run::default()).await?;
        // A short answer reached the end: what comes from now on is none of those that were there.
        let more = raws.len() as u64 == asked || raws.iter().map(Vec::len).sum::<usize>() >= CHUNK_BYTES;
        for raw in raws {
            if created_after(&raw, set.started) {
                set.stay += 1;
                continue;
            }
            let at = Fingerprint { hash: String::new(), source: Source::Delayed(set.priority), hint: 0, score: None };
            let until = self.due_until(queue, served, clock).await?;
            tally(outcome, self.discard_one(queue, id, &at, &raw, until, "").await?.0);
            set.left = set.left.saturating_sub(1);
        }
        Ok(more && set.left > 0)
    }

    /// Every group that may have pending jobs: the active ones, and those whose pending lists discovery has met.
    pub async fn all_groups(&self) -> Result<Vec<String>, DriverError> {
        let mut groups: std::collections::BTreeSet<String> = self.known().groups.keys().cloned().collect();
        let mut cursor = 0u64;
        loop {
            let step = redis::cmd("SSCAN")
                .arg(self.keys.active())
                .arg(cursor)
                .arg("COUNT")
                .arg(1_000)
                .query_async::<(u64, Vec<Vec<u8>>)>(&mut self.requests.clone())
                .await;
            let (next, found) = match step {
                Ok(step) => step,
                // A key of another type holds no groups.
                Err(e) if e.code() == Some("WRONGTYPE") => break,
                Err(e) => return Err(e.into()),
            };
            groups.extend(found.into_iter().filter_map(|g| String::from_utf8(g).ok()));
            cursor = next;
            if cursor == 0 || groups.len() >= GROUPS {
                break;
            }
        }
        Ok(groups.into_iter().collect())
    }

    /// Jobs behind one group that name this queue, a bounded number; from the end of the list, so that a restore keeps their
    /// order. `from`: how many at the end name other queues and stay. Returns where to go on, `None` when the group is through.
    pub async fn discard_grouped(
        &self,
        queue: &QueueName,
        group: &str,
        from: u64,
        id: &str,
        outcome: &mut Outcome,
    ) -> Result<Option<u64>, DriverError> {
        let key = self.keys.pending(group);
        let mut length = self.length(&key, "LLEN").await?;
        let mut from = from;
        if from >= length {
            return Ok(None);
        }
        for raw in runs::read_tail(&mut self.requests.clone(), &key, from, CHUNK, CHUNK_BYTES, &mut Run::default()).await? {
            if payload::queue_named(&raw).as_deref() != Some(queue.as_str()) {
                from += 1;
                continue;
            }
            let at = Fingerprint {
                hash: String::new(),
                source: Source::Grouped(group.into()),
                hint: length.saturating_sub(1 + from),
                score: None,
            };
            tally(outcome, self.discard_one(queue, id, &at, &raw, None, "").await?.0);
            length = length.saturating_sub(1);
        }
        Ok(Some(from))
    }
}
