//! Bulk operations: they run here in the background, in bounded steps, and survive the browser that started them.
//!
//! An operation never parks jobs anywhere: each step moves its jobs in one script, so whatever ends the console, every job is
//! in exactly one place. Its progress is in Redis, where every console sees it and can ask for its cancellation.

mod archived;
mod matching;
mod named;
mod over;
mod run;
mod turn;
mod wanted;
mod work;

pub use archived::{Remembered, name_pushed};
pub use matching::Chosen;
pub use wanted::Wanted;

use crate::model::{
    error::ApiError,
    ids::QueueName,
    job::JobState,
    operation::{Operation, OperationStatus, Outcome, TrashEntry, Verb},
    time::Millis,
};
use crate::server::{
    actions::now,
    driver::redis::{
        Promotion, Sweep,
        due::Served,
        trash::{Keep, Stays},
    },
    error::DriverError,
    state::AppState,
};
use over::Over;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use work::{Part, Removal, Work, delayed_parts, newest_failed, waiting_parts};

/// A finished operation stays in the event stream this long, so that every page sees its end.
const RECENT_MS: i64 = 30_000;
/// At most this many run at once in one console: Redis has one thread.
const RUNNING: usize = 8;

/// Operations of this console: waiting, running or just finished.
#[derive(Clone, Default)]
pub struct Operations {
    own: Arc<Mutex<Vec<Known>>>,
    over: Over,
}

struct Known {
    operation: Operation,
    /// What tells it from another one of the same verb: the trash entry, whether to keep, whether to use the base list, when it was
    /// counted.
    with: String,
}

impl Known {
    /// The same verb on the same jobs, whatever its settings.
    fn is(&self, verb: Verb, queue: &QueueName, from: Option<JobState>) -> bool {
        self.operation.verb == verb && self.operation.queue == *queue && self.operation.state == from
    }

    fn runs(&self) -> bool {
        self.operation.status == OperationStatus::Running
    }
}

impl Operations {
    pub async fn retry_all(&self, state: &AppState, queue: &QueueName, base: bool) -> Result<Operation, ApiError> {
        // Whatever fails after it was counted failed since.
        let asked = now();
        let total = state.driver.count(queue, JobState::Failed).await?;
        let top = newest_failed(state, queue).await?;
        let with = format!("base {base}");
        self.start(state, Verb::Retry, queue, Some(JobState::Failed), None, with, total, |_| {
            Work::Retry(Sweep::retry(queue, total, top, asked, base))
        })
        .await
        .map(|(operation, _)| operation)
    }

    pub async fn promote_all(&self, state: &AppState, queue: &QueueName) -> Result<Operation, ApiError> {
        let sets = state.driver.delayed_sets(queue).await?;
        let total = sets.iter().map(|(_, jobs)| jobs).sum();
        self.start(state, Verb::Promote, queue, Some(JobState::Delayed), None, String::new(), total, |started| {
            Work::Promote(Promotion::new(queue, sets, started))
        })
        .await
        .map(|(operation, _)| operation)
    }

    pub async fn discard_all(&self, state: &AppState, queue: &QueueName, from: JobState, keep: Keep) -> Result<Operation, ApiError> {
        let parts = match from {
            JobState::Delayed => delayed_parts(state, queue).await?,
            _ => waiting_parts(state, queue).await?,
        };
        self.remove(state, Verb::Discard, queue, Some(from), parts, keep).await
    }

    pub async fn clear_failed(&self, state: &AppState, queue: &QueueName, keep: Keep) -> Result<Operation, ApiError> {
        let parts = VecDeque::from([Part::Failed(newest_failed(state, queue).await?)]);
        self.remove(state, Verb::ClearFailed, queue, Some(JobState::Failed), parts, keep).await
    }

    /// What goes whole first, before more can come. Jobs behind groups before those that wait, so that completing a group
    /// releases only jobs of other queues; those stay.
    pub async fn purge(&self, state: &AppState, queue: &QueueName, keep: Keep) -> Result<Operation, ApiError> {
        let groups = state.driver.all_groups().await?.into();
        let mut parts = VecDeque::from([Part::Failed(newest_failed(state, queue).await?)]);
        parts.extend(delayed_parts(state, queue).await?);
        parts.push_back(Part::Grouped { groups, from: 0 });
        parts.extend(waiting_parts(state, queue).await?);
        self.remove(state, Verb::Purge, queue, None, parts, keep).await
    }

    async fn remove(
        &self,
        state: &AppState,
        verb: Verb,
        queue: &QueueName,
        from: Option<JobState>,
        parts: VecDeque<Part>,
        keep: Keep,
    ) -> Result<Operation, ApiError> {
        let mut total = 0;
        for part in &parts {
            total += match part {
                Part::Waiting(_, n, _) | Part::Delayed(_, n) => *n,
                Part::DelayedOneByOne(set) => set.left,
                Part::WaitingOneByOne(list) => list.left,
                Part::Failed(_) => state.driver.count(queue, JobState::Failed).await?,
                Part::Grouped { .. } => state.driver.known().grouped().0.get(queue).copied().unwrap_or(0),
            };
        }
        let trash = state.driver.open_trash(queue, verb, now()).await?;
        let with = format!("{keep:?}");
        let work = |started| Work::Remove(Removal { trash: trash.clone(), keep, parts, served: Served::default(), started });
        let started = self.start(state, verb, queue, from, None, with, total, work).await;
        if !started.as_ref().is_ok_and(|(_, new)| *new) {
            // Another one is at it (or none could be started): its entry stays, this one was never used.
            state.driver.close_trash(&trash).await?;
        }
        started.map(|(operation, _)| operation)
    }

    pub async fn restore(&self, state: &AppState, entry: TrashEntry) -> Result<Operation, ApiError> {
        let queue = entry.queue.clone();
        let with = entry.id.clone();
        self.start(state, Verb::Restore, &queue, None, None, with, entry.jobs, |_| Work::Restore(entry, Stays::default()))
            .await
            .map(|(operation, _)| operation)
    }

    /// Registers and spawns; the flag says whether it is a new one. A second click on what is already running, or waits for its
    /// turn, gets that operation; the same verb with other settings, or of another count, meanwhile is refused.
    #[allow(clippy::too_many_arguments, reason = "one call site per verb, each naming all of it")]
    async fn start(
        &self,
        state: &AppState,
        verb: Verb,
        queue: &QueueName,
        from: Option<JobState>,
        filter: Option<String>,
        with: String,
        total: u64,
        work: impl FnOnce(Millis) -> Work,
    ) -> Result<(Operation, bool), ApiError> {
        let started = now();
        let operation = {
            let mut list = self.lock();
            let same = |k: &&Known| !k.operation.status.is_over() && k.is(verb, queue, from);
            if let Some(twin) = list.iter().filter(same).find(|k| k.with == with) {
                return Ok((twin.operation.clone(), false));
            }
            if verb != Verb::Restore && list.iter().filter(same).any(Known::runs) {
                return Err(ApiError::Conflict {
                    detail: format!(
                        "{} is already running for {queue}, with other settings or on what was counted before. Nothing was started: \
                         wait for it to end, or cancel it.",
                        verb.as_str()
                    ),
                });
            }
            if list.iter().filter(|k| k.runs()).count() >= RUNNING {
                return Err(ApiError::TooMany {
                    detail: format!("{RUNNING} operations are running already. Nothing was started: wait for one to end, or cancel one."),
                });
            }
            let operation = Operation {
                who: Some(state.who().as_str().into()),
                ..asked(verb, queue, from, OperationStatus::Running, total, filter, started)
            };
            list.push(Known { operation: operation.clone(), with });
            operation
        };
        let run = run::run(self.clone(), state.clone(), operation.clone(), work(started));
        self.begin(state, vec![operation.clone()], async { drop(tokio::spawn(run)) }).await?;
        Ok((operation, true))
    }

    /// Writes new ones down and begins them. In a task of its own: who asked may go away before all of it is done, and what is half
    /// begun would never end.
    async fn begin(&self, state: &AppState, new: Vec<Operation>, begin: impl Future<Output = ()> + Send + 'static) -> Result<(), ApiError> {
        let (operations, driver) = (self.clone(), state.driver.clone());
        let begun = tokio::spawn(async move {
            if let Err(error) = driver.save_operations(&new, now()).await {
                operations.lock().retain(|k| !new.iter().any(|operation| operation.id == k.operation.id));
                return Err(ApiError::from(error));
            }
            begin.await;
            Ok(())
        });
        begun.await.map_err(|error| DriverError::Protocol(format!("an operation could not be begun: {error}")))?
    }

    /// For the event stream: running ones, and those that ended lately. Those that wait are a matter of lists.
    pub fn recent(&self) -> Vec<Operation> {
        let at = now().0;
        let mut list = self.lock();
        list.retain(|k| k.operation.finished_at.is_none_or(|f| at - f.0 < RECENT_MS));
        list.iter().filter(|k| k.operation.status != OperationStatus::Waiting).map(|k| k.operation.clone()).collect()
    }

    fn put(&self, operation: &Operation) {
        if let Some(slot) = self.lock().iter_mut().find(|k| k.operation.id == operation.id) {
            slot.operation.clone_from(operation);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that was asked for just now.
fn asked(
    verb: Verb,
    queue: &QueueName,
    from: Option<JobState>,
    status: OperationStatus,
    total: u64,
    filter: Option<String>,
    at: Millis,
) -> Operation {
    Operation {
        id: uuid::Uuid::now_v7().simple().to_string(),
        verb,
        queue: queue.clone(),
        state: from,
        status,
        total,
        outcome: Outcome::default(),
        started_at: at,
        finished_at: None,
        message: None,
        filter,
        who: None,
    }
}
