//! Steps of bulk deletion: whole lists by renaming them, and jobs behind groups; what cannot go whole goes job by job (`one_by_one.rs`).
//! Each step adds to the outcome what it did even when it fails in between, so that the count and the trash stay true.

use super::{
    RedisDriver,
    bulk::{CHUNK, CHUNK_BYTES},
    due::{self, Served},
    payload,
    runs::{self, Run},
    search::Top,
    trash,
    verbs::tally,
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    operation::Outcome,
    time::Millis,
};
use crate::server::error::DriverError;

/// Groups that a purge looks at, as many as the console follows.
const GROUPS: usize = super::groups::MAX_GROUPS;

pub(super) fn created_after(raw: &[u8], started: Millis) -> bool {
    payload::read(&payload::Element::of(raw)).created_at.is_some_and(|at| at > started)
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

    /// One waiting list into the trash, whole; false while groups are active, or when jobs came since `top` was the newest (`None`:
    /// none was there): then [`Self::discard_step`].
    pub async fn trash_waiting(
        &self,
        queue: &QueueName,
        p: Priority,
        top: Option<&Top>,
        id: &str,
        outcome: &mut Outcome,
    ) -> Result<bool, DriverError> {
        let newest = top.map(|top| top.anchors.as_slice()).unwrap_or_default();
        let went = self.rename(&self.keys.waiting(queue, p), id, p as usize, "waiting", newest).await?;
        outcome.done += went.unwrap_or(0);
        Ok(went.is_ok())
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
    /// order. `from`: how many at the end name other queues, or were created after the start, and stay. Returns where to go on, `None`
    /// when the group is through.
    pub async fn discard_grouped(
        &self,
        queue: &QueueName,
        group: &str,
        from: u64,
        started: Millis,
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
            if payload::queue_named(&raw).as_deref() != Some(queue.as_str()) || created_after(&raw, started) {
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
