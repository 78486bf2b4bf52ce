//! Verbs on named jobs. Each: find the element, make the new payload in Rust, let one script check and move it.

use super::{RedisDriver, payload::{self, Target}, trash};
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

impl RedisDriver {
    /// Failed jobs back to their waiting list. A priority that no worker reads stays put unless `base` sends it to the base list.
    pub async fn retry(&self, queue: &QueueName, jobs: &[Fingerprint], base: bool) -> Result<Outcome, DriverError> {
        let mut outcome = Outcome::default();
        for f in jobs {
            self.retry_one(queue, f, base, &mut outcome).await.map_err(|e| e.after(outcome.done, jobs.len()))?;
        }
        Ok(outcome)
    }

    async fn retry_one(&self, queue: &QueueName, f: &Fingerprint, base: bool, outcome: &mut Outcome) -> Result<(), DriverError> {
        let Some(found) = self.locate(queue, f).await? else {
            outcome.gone += 1;
            return Ok(());
        };
        let Some(retried) = payload::retried(&found.raw) else {
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
        call.key(self.keys.failed(queue)).key(self.keys.waiting(queue, priority)).key(self.keys.active()).key(self.keys.pending(&group));
        call.arg(&found.raw).arg(found.fingerprint.hint).arg(&retried.payload).arg(&group).arg(mark());
        tally(outcome, call.invoke_async(&mut self.requests.clone()).await?);
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

    async fn promote_one(&self, queue: &QueueName, f: &Fingerprint, served: bool, now: Millis, outcome: &mut Outcome) -> Result<(), DriverError> {
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
        for f in jobs {
            match self.discard_located(queue, &id, f, served, now).await {
                Ok(code) => tally(&mut outcome, code),
                Err(error) => return Err(error.after(outcome.done, jobs.len())),
            }
        }
        self.close_trash(&id, outcome.done).await?;
        outcome.trash = (outcome.done > 0).then_some(id);
        Ok(outcome)
    }

    async fn discard_located(&self, queue: &QueueName, id: &str, f: &Fingerprint, served: bool, now: Millis) -> Result<i64, DriverError> {
        match self.locate(queue, f).await? {
            None => Ok(0),
            Some(found) => self.discard_one(queue, id, &found.fingerprint, &found.raw, served, now).await,
        }
    }

    /// Takes one located element into the trash `id`.
    pub(super) async fn discard_one(&self, queue: &QueueName, id: &str, at: &Fingerprint, raw: &[u8], served: bool, now: Millis) -> Result<i64, DriverError> {
        let key = self.source_key(queue, &at.source);
        let items = self.keys.trash_items(id);
        let mut conn = self.requests.clone();
        if matches!(at.source, Source::Delayed(_)) {
            let item = trash::delayed_item(&key, raw);
            return Ok(self.scripts.discard_delayed.key(&key).key(items).arg(raw).arg(item).arg(trash::BACKSTOP_S).arg(now.0).arg(u8::from(served)).invoke_async(&mut conn).await?);
        }
        // Only a job in a waiting list holds its group; one behind the group, or a dead letter, does not.
        let group = if matches!(at.source, Source::Waiting(_)) { payload::group_of(raw).unwrap_or_default() } else { String::new() };
        let item = trash::item(&key, raw);
        let end = if matches!(at.source, Source::Grouped(_)) { "head" } else { "tail" };
        let mut call = self.scripts.discard.prepare_invoke();
        call.key(&key).key(items).key(self.keys.active()).key(self.keys.pending(&group)).key(self.keys.waiting(queue, Priority::Base));
        call.arg(raw).arg(at.hint).arg(end).arg(item).arg(trash::BACKSTOP_S).arg(&group).arg(mark());
        Ok(call.invoke_async(&mut conn).await?)
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
