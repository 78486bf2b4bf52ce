//! Steps of bulk deletion of what cannot go whole, job by job.

use super::{
    RedisDriver,
    bulk::{CHUNK, CHUNK_BYTES},
    due::Served,
    payload,
    promote::DUE,
    removal::created_after,
    runs::{self, Run},
    search::{Reach, Top},
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

/// A waiting list that is emptied job by job.
pub struct OneByOne {
    pub priority: Priority,
    /// Jobs that were in it at the start and may still be there.
    pub left: u64,
    /// Jobs at the tail that stay: they came after the start.
    stay: u64,
    started: Millis,
    /// The newest ones at the start; what came since stands above them. `None`: none was there.
    top: Option<Top>,
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

impl OneByOne {
    pub fn new(priority: Priority, left: u64, top: Option<Top>, started: Millis) -> Self {
        Self { priority, left, stay: 0, started, top, run: Run::default(), released: HashSet::new() }
    }

    fn came_since(&self, raw: &[u8]) -> bool {
        created_after(raw, self.started) || (!self.released.is_empty() && self.released.contains(&payload::Element::of(raw).digest()))
    }
}

impl RedisDriver {
    /// The next jobs of a waiting list, each letting its group go on. False when there is nothing left to do.
    pub async fn discard_step(&self, queue: &QueueName, list: &mut OneByOne, id: &str, outcome: &mut Outcome) -> Result<bool, DriverError> {
        let key = self.keys.waiting(queue, list.priority);
        let count = CHUNK.min(list.left);
        let read = runs::read_tail(&mut self.requests.clone(), &key, list.stay, count, CHUNK_BYTES, &mut list.run).await;
        let mut raws = self.naming(&key, "list", read).await?;
        // Workers take jobs as well, and others come, also such that were created long ago: a retried one is none of those that were to
        // go. How many of these are left is asked when the part was read: none that stands above them is in it then.
        let old = match &mut list.top {
            Some(top) if !raws.is_empty() => self.still_there(queue, list.priority, top).await?.saturating_sub(list.stay),
            Some(_) | None => 0,
        };
        raws.truncate(usize::try_from(old).unwrap_or(usize::MAX));
        let Some(last) = raws.last() else { return Ok(false) };
        // Behind the newest of them there is nothing to do.
        let border = raws.len() as u64 == old && list.top.as_ref().is_some_and(|top| top.is(last));
        let before = outcome.done;
        let mut raws = raws.as_slice();
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
        if let Some(top) = &mut list.top {
            top.position = top.position.saturating_sub(outcome.done - before);
        }
        Ok(!border && list.left > 0)
    }

    /// How many of the jobs that were in a waiting list when `top` was noted are there still. 0 when nothing tells: workers took all of
    /// them, most likely, and what is there is left alone.
    async fn still_there(&self, queue: &QueueName, p: Priority, top: &mut Top) -> Result<u64, DriverError> {
        let Some((at, which)) = self.place(queue, &Source::Waiting(p), top, Reach::Far).await? else { return Ok(0) };
        top.found(at, which);
        Ok(at + 1)
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
        // One that is not found has gone, or workers took so many before it that the next step meets it.
        list.left = list.left.saturating_sub(u64::from(code == 1));
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
        let until = self.due_until(queue, served, clock).await?;
        let count = CHUNK.min(set.left);
        let (raws, end) = self.read_latest(&key, until, set.stay, count, CHUNK_BYTES, &mut Run::default()).await?;
        let before = set.left;
        for raw in raws {
            if created_after(&raw, set.started) {
                set.stay += 1;
                continue;
            }
            let at = Fingerprint { hash: String::new(), source: Source::Delayed(set.priority), hint: 0, score: None };
            let until = self.due_until(queue, served, clock).await?;
            let (code, _) = self.discard_one(queue, id, &at, &raw, until, "").await?;
            // What is due by now is counted at the end, with the other due ones.
            if code != DUE {
                tally(outcome, code);
                set.left = set.left.saturating_sub(1);
            }
        }
        // A look that reaches the end may have stepped over some where others left meanwhile: only one that finds none of those that were
        // there is the last.
        let more = set.left > 0 && !(end && set.left == before);
        if !more
            && set.left > 0
            && let Some(until) = self.due_until(queue, served, clock).await?
        {
            outcome.due += self.due(&key, until).await?.min(set.left);
        }
        Ok(more)
    }
}
