//! Verbs on named jobs. Each: find the element, make the new payload in Rust, let one script check and move it.

use super::{
    RedisDriver,
    payload::{self, Target},
    reply, trash,
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    operation::{Outcome, Verb},
    time::Millis,
};
use crate::server::error::DriverError;

/// What a waiting list element becomes for the instant between LSET and LREM of one script: nothing else equals it.
pub(super) fn mark() -> String {
    format!("flux-console:{}", uuid::Uuid::new_v4())
}

/// Between finding an element and the script that moves it, pushes and pops may carry it further than the script looks:
/// then it is looked for again.
const LOOKS: usize = 3;

impl RedisDriver {
    /// Failed jobs back to their waiting list. A priority that no worker reads stays put unless `base` sends it to the base list.
    pub async fn retry(&self, queue: &QueueName, jobs: &[Fingerprint], base: bool) -> Result<Outcome, DriverError> {
        let mut outcome = Outcome::default();
        for f in jobs {
            self.retry_one(queue, f, None, base, &mut outcome).await.map_err(|e| e.after(outcome.done, jobs.len()))?;
        }
        Ok(outcome)
    }

    /// One failed job back as `edited`, treated as any dead letter with that text; what it replaces may be unreadable.
    pub async fn retry_edited(&self, queue: &QueueName, f: &Fingerprint, edited: &str, base: bool) -> Result<Outcome, DriverError> {
        let mut outcome = Outcome::default();
        self.retry_one(queue, f, Some(edited.as_bytes()), base, &mut outcome).await?;
        Ok(outcome)
    }

    async fn retry_one(
        &self,
        queue: &QueueName,
        f: &Fingerprint,
        edited: Option<&[u8]>,
        base: bool,
        outcome: &mut Outcome,
    ) -> Result<(), DriverError> {
        for _ in 0..LOOKS {
            let Some(found) = self.locate(queue, f).await? else { break };
            let Some(retried) = payload::retried(edited.unwrap_or(&found.raw)) else {
                outcome.corrupt += 1;
                return Ok(());
            };
            let priority = match retried.target {
                Target::List(p) => p,
                Target::Unread(_) if base => Priority::Base,
                Target::Unread(_) => {
                    outcome.unread_priority += 1;
                    return Ok(());
                }
            };
            let group = retried.group.unwrap_or_default();
            let mut call = self.scripts.retry.prepare_invoke();
            call.key(self.keys.failed(queue))
                .key(self.keys.waiting(queue, priority))
                .key(self.keys.active())
                .key(self.keys.pending(&group));
            call.arg(&found.raw).arg(found.fingerprint.hint).arg(&retried.payload).arg(&group).arg(mark());
            if call.invoke_async::<i64>(&mut self.requests.clone()).await? == 1 {
                outcome.done += 1;
                return Ok(());
            }
        }
        outcome.gone += 1;
        Ok(())
    }

    /// Delayed jobs to the waiting list of their key's priority. `served`: due ones are left to the workers.
    pub async fn promote(&self, queue: &QueueName, jobs: &[Fingerprint], served: bool, now: Millis) -> Result<Outcome, DriverError> {
        let mut outcome = Outcome::default();
        for f in jobs {
            self.promote_one(queue, f, served, now, &mut outcome).await.map_err(|e| e.after(outcome.done, jobs.len()))?;
        }
        Ok(outcome)
    }

    async fn promote_one(
        &self,
        queue: &QueueName,
        f: &Fingerprint,
        served: bool,
        now: Millis,
        outcome: &mut Outcome,
    ) -> Result<(), DriverError> {
        let (Source::Delayed(priority), Some(found)) = (&f.source, self.locate(queue, f).await?) else {
            outcome.gone += 1;
            return Ok(());
        };
        let Some(payload) = payload::promoted(&found.raw) else {
            outcome.corrupt += 1;
            return Ok(());
        };
        let mut call = self.scripts.promote.prepare_invoke();
        call.key(self.keys.delayed(queue, *priority)).key(self.keys.waiting(queue, *priority));
        call.arg(now.0).arg(u8::from(served)).arg(&found.raw).arg(payload);
        let codes: Vec<i64> = call.invoke_async(&mut self.requests.clone()).await?;
        codes.into_iter().for_each(|code| tally(outcome, code));
        Ok(())
    }

    /// Jobs of any state into one trash entry. A payload that cannot be read is a thing like any other here.
    pub async fn discard(&self, queue: &QueueName, jobs: &[Fingerprint], served: bool, now: Millis) -> Result<Outcome, DriverError> {
        let id = self.open_trash(queue, Verb::Discard, now).await?;
        let mut outcome = Outcome::default();
        // Jobs of one group from its end, so that a restore, which begins with the last, keeps their order.
        let mut jobs: Vec<&Fingerprint> = jobs.iter().collect();
        jobs.sort_by_key(|f| if matches!(f.source, Source::Grouped(_)) { std::cmp::Reverse(f.hint) } else { std::cmp::Reverse(0) });
        for f in &jobs {
            match self.discard_located(queue, &id, f, served, now).await {
                Ok(code) => tally(&mut outcome, code),
                Err(error) => {
                    // What went in can be restored all the same; should this fail too, it is counted when it is asked for.
                    let _ = self.close_trash(&id).await;
                    return Err(error.after(outcome.done, jobs.len()));
                }
            }
        }
        self.close_trash(&id).await?;
        outcome.trash = (outcome.done > 0).then_some(id);
        Ok(outcome)
    }

    /// One job into an open trash entry.
    pub async fn discard_into(
        &self,
        queue: &QueueName,
        id: &str,
        f: &Fingerprint,
        served: bool,
        now: Millis,
        outcome: &mut Outcome,
    ) -> Result<(), DriverError> {
        tally(outcome, self.discard_located(queue, id, f, served, now).await?);
        Ok(())
    }

    async fn discard_located(&self, queue: &QueueName, id: &str, f: &Fingerprint, served: bool, now: Millis) -> Result<i64, DriverError> {
        for _ in 0..LOOKS {
            let Some(found) = self.locate(queue, f).await? else { break };
            let (code, _) = self.discard_one(queue, id, &found.fingerprint, &found.raw, served, now).await?;
            if code != 0 {
                return Ok(code);
            }
        }
        Ok(0)
    }

    /// Takes one located element into the trash `id`. Returns the script's code, and the job that its group released.
    pub(super) async fn discard_one(
        &self,
        queue: &QueueName,
        id: &str,
        at: &Fingerprint,
        raw: &[u8],
        served: bool,
        now: Millis,
    ) -> Result<(i64, Option<Vec<u8>>), DriverError> {
        let key = self.source_key(queue, &at.source);
        let items = self.keys.trash_items(id);
        let mut conn = self.requests.clone();
        if matches!(at.source, Source::Delayed(_)) {
            let item = trash::delayed_item(&key, raw);
            let code = self
                .scripts
                .discard_delayed
                .key(&key)
                .key(items)
                .arg(raw)
                .arg(item)
                .arg(trash::BACKSTOP_S)
                .arg(now.0)
                .arg(u8::from(served))
                .invoke_async(&mut conn)
                .await?;
            return Ok((code, None));
        }
        // Only a job in a waiting list holds its group; one behind the group, or a dead letter, does not.
        let group = if matches!(at.source, Source::Waiting(_)) { payload::group_of(raw).unwrap_or_default() } else { String::new() };
        let item = trash::item(&key, raw);
        let end = if matches!(at.source, Source::Grouped(_)) { "head" } else { "tail" };
        let mut call = self.scripts.discard.prepare_invoke();
        call.key(&key).key(items).key(self.keys.active()).key(self.keys.pending(&group)).key(self.keys.waiting(queue, Priority::Base));
        call.arg(raw).arg(at.hint).arg(end).arg(item).arg(trash::BACKSTOP_S).arg(&group).arg(mark());
        let mut answer = reply::array(call.invoke_async(&mut conn).await?)?.into_iter();
        let code = reply::int(&reply::next(&mut answer)?)?;
        Ok((code, answer.next().map(reply::bytes).transpose()?))
    }
}

/// Codes of the scripts: 1 = done, 2 = due, else gone.
pub(super) fn tally(outcome: &mut Outcome, code: i64) {
    match code {
        1 => outcome.done += 1,
        2 => outcome.due += 1,
        _ => outcome.gone += 1,
    }
}
