//! Verbs on named jobs. Each: find the element, make the new payload in Rust, let one script check and move it.

mod acted;

pub use acted::Acted;
use acted::NOTED_S;

use super::{
    RedisDriver,
    due::{self, Served},
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
        let mut acted = Acted::default();
        self.retry_telling(queue, jobs, base, &mut acted).await?;
        Ok(acted.outcome)
    }

    /// The same for who wants to know which; `acted` also has what was done before an error.
    pub async fn retry_telling(&self, queue: &QueueName, jobs: &[Fingerprint], base: bool, acted: &mut Acted) -> Result<(), DriverError> {
        for f in acted.once(jobs) {
            self.retry_one(queue, f, None, base, acted).await.map_err(|e| e.after(acted.outcome.done, jobs.len()))?;
        }
        Ok(())
    }

    /// One failed job back as `edited`, treated as any dead letter with that text; what it replaces may be unreadable.
    pub async fn retry_edited(&self, queue: &QueueName, f: &Fingerprint, edited: &str, base: bool) -> Result<Outcome, DriverError> {
        let mut acted = Acted::default();
        self.retry_edited_telling(queue, f, edited, base, &mut acted).await?;
        Ok(acted.outcome)
    }

    /// See [`Self::retry_telling`].
    pub async fn retry_edited_telling(
        &self,
        queue: &QueueName,
        f: &Fingerprint,
        edited: &str,
        base: bool,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        self.retry_one(queue, f, Some(edited.as_bytes()), base, acted).await
    }

    async fn retry_one(
        &self,
        queue: &QueueName,
        f: &Fingerprint,
        edited: Option<&[u8]>,
        base: bool,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        for _ in 0..LOOKS {
            let Some(found) = self.locate_within(queue, f, &mut acted.far).await? else { break };
            let Some(retried) = payload::retried(edited.unwrap_or(&found.raw)) else {
                acted.outcome.corrupt += 1;
                return Ok(());
            };
            let priority = match retried.target {
                Target::List(p) => p,
                Target::Unread(_) if base => Priority::Base,
                Target::Unread(_) => {
                    acted.outcome.unread_priority += 1;
                    return Ok(());
                }
            };
            let group = retried.group.unwrap_or_default();
            let mut call = self.scripts.retry.prepare_invoke();
            call.key(self.keys.failed(queue))
                .key(self.keys.waiting(queue, priority))
                .key(self.keys.active())
                .key(self.keys.pending(&group))
                .key(self.keys.acted(&f.hash));
            call.arg(&found.raw).arg(found.fingerprint.hint).arg(&retried.payload).arg(&group).arg(mark());
            call.arg(acted.place(f)).arg(NOTED_S);
            let answer = call.invoke_async(&mut self.requests.clone()).await;
            let code: i64 = answer.map_err(|error| acted.failed(&found.raw, error.into()))?;
            if code != 0 {
                acted.tally(code, &found.raw);
                return Ok(());
            }
        }
        acted.outcome.gone += 1;
        Ok(())
    }

    /// Delayed jobs to the waiting list of their key's priority. `served`: due ones are left to the workers.
    pub async fn promote(&self, queue: &QueueName, jobs: &[Fingerprint], served: bool, now: Millis) -> Result<Outcome, DriverError> {
        let mut acted = Acted::default();
        self.promote_telling(queue, jobs, &mut Served::asked(served, now), move || now, &mut acted).await?;
        Ok(acted.outcome)
    }

    /// See [`Self::retry_telling`]. Each job comes due in its own time: the clock is read for each.
    pub async fn promote_telling(
        &self,
        queue: &QueueName,
        jobs: &[Fingerprint],
        served: &mut Served,
        clock: impl Fn() -> Millis + Copy,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        for f in acted.once(jobs) {
            self.promote_one(queue, f, served, clock, acted).await.map_err(|e| e.after(acted.outcome.done, jobs.len()))?;
        }
        Ok(())
    }

    async fn promote_one(
        &self,
        queue: &QueueName,
        f: &Fingerprint,
        served: &mut Served,
        clock: impl Fn() -> Millis,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        let (Source::Delayed(priority), Some(found)) = (&f.source, self.locate_within(queue, f, &mut acted.far).await?) else {
            acted.outcome.gone += 1;
            return Ok(());
        };
        let Some(payload) = payload::promoted(&found.raw) else {
            acted.outcome.corrupt += 1;
            return Ok(());
        };
        let until = self.due_until(queue, served, clock).await?;
        let mut call = self.scripts.promote.prepare_invoke();
        call.key(self.keys.delayed(queue, *priority)).key(self.keys.waiting(queue, *priority));
        call.arg(due::argument(until)).arg(&found.raw).arg(payload);
        let answer = call.invoke_async(&mut self.requests.clone()).await;
        let codes: Vec<i64> = answer.map_err(|error| acted.failed(&found.raw, error.into()))?;
        codes.into_iter().for_each(|code| acted.tally(code, &found.raw));
        Ok(())
    }

    /// Jobs of any state into one trash entry. A payload that cannot be read is a thing like any other here.
    pub async fn discard(&self, queue: &QueueName, jobs: &[Fingerprint], served: bool, now: Millis) -> Result<Outcome, DriverError> {
        let mut acted = Acted::default();
        self.discard_telling(queue, jobs, &mut Served::asked(served, now), move || now, &mut acted).await?;
        Ok(acted.outcome)
    }

    /// See [`Self::promote_telling`].
    pub async fn discard_telling(
        &self,
        queue: &QueueName,
        jobs: &[Fingerprint],
        served: &mut Served,
        clock: impl Fn() -> Millis + Copy,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        let id = self.open_trash(queue, Verb::Discard, clock()).await?;
        // Jobs of one group from its end, so that a restore, which begins with the last, keeps their order.
        let mut once = acted.once(jobs);
        once.sort_by_key(|f| if matches!(f.source, Source::Grouped(_)) { std::cmp::Reverse(f.hint) } else { std::cmp::Reverse(0) });
        for f in once {
            if let Err(error) = self.discard_located(queue, &id, f, served, clock, acted).await {
                // What went in can be restored all the same; should this fail too, it is counted when it is asked for.
                let _ = self.close_trash(&id).await;
                return Err(error.after(acted.outcome.done, jobs.len()));
            }
        }
        self.close_trash(&id).await.map_err(|error| error.after(acted.outcome.done, jobs.len()))?;
        acted.outcome.trash = (acted.outcome.done > 0).then_some(id);
        Ok(())
    }

    /// One job into an open trash entry; its id, if it went there. It was read just now: nobody looks for it far away.
    pub async fn discard_into(
        &self,
        queue: &QueueName,
        id: &str,
        f: &Fingerprint,
        served: &mut Served,
        clock: impl Fn() -> Millis + Copy,
        outcome: &mut Outcome,
    ) -> Result<Vec<String>, DriverError> {
        let mut acted = Acted { far: 0, ..Acted::walking() };
        self.discard_located(queue, id, f, served, clock, &mut acted).await?;
        outcome.add(&acted.outcome);
        Ok(acted.ids)
    }

    async fn discard_located(
        &self,
        queue: &QueueName,
        id: &str,
        f: &Fingerprint,
        served: &mut Served,
        clock: impl Fn() -> Millis + Copy,
        acted: &mut Acted,
    ) -> Result<(), DriverError> {
        for _ in 0..LOOKS {
            let Some(found) = self.locate_within(queue, f, &mut acted.far).await? else { break };
            // Only a delayed job can be one that a worker is taking just now without asking.
            let until = match f.source {
                Source::Delayed(_) => self.due_until(queue, served, clock).await?,
                Source::Waiting(_) | Source::Failed | Source::Grouped(_) => None,
            };
            let went = self.discard_one(queue, id, &found.fingerprint, &found.raw, until, &acted.place(f)).await;
            let (code, _) = went.map_err(|error| acted.failed(&found.raw, error))?;
            if code != 0 {
                acted.tally(code, &found.raw);
                return Ok(());
            }
        }
        acted.outcome.gone += 1;
        Ok(())
    }

    /// Takes one located element into the trash `id`, unless it is delayed and due by `until`. `place`: that of a click, see
    /// [`Acted::place`], or nothing. Returns the script's code, and the job that its group released.
    pub(super) async fn discard_one(
        &self,
        queue: &QueueName,
        id: &str,
        at: &Fingerprint,
        raw: &[u8],
        until: Option<i64>,
        place: &str,
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
                .arg(due::argument(until))
                .invoke_async(&mut conn)
                .await?;
            return Ok((code, None));
        }
        // Only a job in a waiting list holds its group; one behind the group, or a dead letter, does not.
        let group = if matches!(at.source, Source::Waiting(_)) { payload::group_of(raw).unwrap_or_default() } else { String::new() };
        let released = self.released_into(raw, queue);
        let item = trash::item(&key, raw);
        let end = if matches!(at.source, Source::Grouped(_)) { "head" } else { "tail" };
        let mut call = self.scripts.discard.prepare_invoke();
        call.key(&key).key(items).key(self.keys.active()).key(self.keys.pending(&group)).key(released).key(self.keys.acted(&at.hash));
        call.arg(raw).arg(at.hint).arg(end).arg(item).arg(trash::BACKSTOP_S).arg(&group).arg(mark()).arg(place).arg(NOTED_S);
        let mut answer = reply::array(call.invoke_async(&mut conn).await?)?.into_iter();
        let code = reply::int(&reply::next(&mut answer)?)?;
        Ok((code, answer.next().map(reply::bytes).transpose()?))
    }
}

/// Where the library completes a job whose payload names no queue.
const NAMELESS: &str = "default";

impl RedisDriver {
    /// The list that gets the next job of a group when the library completes this one: that of the queue which the payload names,
    /// wherever the job was popped. A name that is none of a queue stays here.
    fn released_into(&self, raw: &[u8], here: &QueueName) -> String {
        let named = payload::queue_named(raw).filter(|name| !name.is_empty()).unwrap_or_else(|| NAMELESS.into());
        let queue = QueueName::try_from(named).ok().filter(|queue| self.keys.is_queue(queue));
        self.keys.waiting(queue.as_ref().unwrap_or(here), Priority::Base)
    }
}

/// Codes of the scripts: 1 = done, 2 = due, else gone (3: its handle acted a moment ago).
pub(super) fn tally(outcome: &mut Outcome, code: i64) {
    match code {
        1 => outcome.done += 1,
        2 => outcome.due += 1,
        _ => outcome.gone += 1,
    }
}
