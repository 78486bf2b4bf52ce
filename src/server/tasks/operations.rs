//! Bulk operations: they run here in the background, in bounded steps, and survive the browser that started them.
//!
//! An operation never parks jobs anywhere: each step moves its jobs in one script, so whatever ends the console, every job is
//! in exactly one place. Its progress is in Redis, where every console sees it and can ask for its cancellation.

use crate::model::{
    error::ApiError,
    ids::{Priority, QueueName},
    job::JobState,
    operation::{Operation, OperationStatus, Outcome, TrashEntry, Verb},
    time::Millis,
};
use crate::server::{
    actions::{audit, now},
    driver::redis::{OneByOne, Step, Sweep, trash::Keep},
    error::DriverError,
    state::AppState,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress is written this often; every write also asks whether to stop.
const SAVE_EVERY: Duration = Duration::from_millis(200);
/// A finished operation stays in the event stream this long, so that every page sees its end.
const RECENT_MS: i64 = 30_000;
/// At most this many run at once in one console: Redis has one thread.
const RUNNING: usize = 8;

/// Operations of this console, running or just finished.
#[derive(Clone, Default)]
pub struct Operations(Arc<Mutex<Vec<Known>>>);

struct Known {
    operation: Operation,
    /// What tells it from another one of the same verb: the trash entry, whether to keep, whether to use the base list.
    with: String,
}

/// What is left to do.
enum Work {
    Retry(Sweep),
    Promote(Sweep),
    Remove { trash: String, keep: Keep, parts: VecDeque<Part>, served: bool },
    Restore(TrashEntry),
}

/// One list of a deletion. `left`: how many were in it at the start, when it goes one by one.
enum Part {
    /// Groups that may have pending jobs, and how many at the end of the first one's list stay.
    Grouped {
        groups: VecDeque<String>,
        from: u64,
    },
    Waiting(Priority, u64),
    WaitingOneByOne(OneByOne),
    Delayed(Priority, u64),
    DelayedOneByOne(Priority, u64),
    Failed,
}

impl Operations {
    pub async fn retry_all(&self, state: &AppState, queue: &QueueName, base: bool) -> Result<Operation, ApiError> {
        let total = state.driver.count(queue, JobState::Failed).await?;
        let with = format!("base {base}");
        self.start(state, Verb::Retry, queue, Some(JobState::Failed), with, total, |started| {
            Work::Retry(Sweep::new(queue, total, started, base, false))
        })
        .await
        .map(|(operation, _)| operation)
    }

    pub async fn promote_all(&self, state: &AppState, queue: &QueueName) -> Result<Operation, ApiError> {
        let served = state.driver.served(queue).await?;
        let total = state.driver.count(queue, JobState::Delayed).await?;
        self.start(state, Verb::Promote, queue, Some(JobState::Delayed), String::new(), total, |started| {
            Work::Promote(Sweep::new(queue, total, started, false, served))
        })
        .await
        .map(|(operation, _)| operation)
    }

    pub async fn discard_all(&self, state: &AppState, queue: &QueueName, from: JobState) -> Result<Operation, ApiError> {
        let parts = match from {
            JobState::Delayed => delayed_parts(state, queue).await?,
            _ => waiting_parts(state, queue).await?,
        };
        self.remove(state, Verb::Discard, queue, Some(from), parts, Keep::AnHour, from == JobState::Delayed).await
    }

    pub async fn clear_failed(&self, state: &AppState, queue: &QueueName, keep: Keep) -> Result<Operation, ApiError> {
        self.remove(state, Verb::ClearFailed, queue, Some(JobState::Failed), VecDeque::from([Part::Failed]), keep, false).await
    }

    /// Jobs behind groups first, so that completing a group releases only jobs of other queues; those stay.
    pub async fn purge(&self, state: &AppState, queue: &QueueName, keep: Keep) -> Result<Operation, ApiError> {
        let groups = state.driver.all_groups().await?.into();
        let mut parts = VecDeque::from([Part::Grouped { groups, from: 0 }]);
        parts.extend(waiting_parts(state, queue).await?);
        parts.extend(delayed_parts(state, queue).await?);
        parts.push_back(Part::Failed);
        self.remove(state, Verb::Purge, queue, None, parts, keep, true).await
    }

    #[allow(clippy::too_many_arguments, reason = "one call site per verb, each naming all of it")]
    async fn remove(
        &self,
        state: &AppState,
        verb: Verb,
        queue: &QueueName,
        from: Option<JobState>,
        parts: VecDeque<Part>,
        keep: Keep,
        delayed: bool,
    ) -> Result<Operation, ApiError> {
        let served = delayed && state.driver.served(queue).await?;
        let mut total = 0;
        for part in &parts {
            total += match part {
                Part::Waiting(_, n) | Part::Delayed(_, n) | Part::DelayedOneByOne(_, n) => *n,
                Part::WaitingOneByOne(list) => list.left,
                Part::Failed => state.driver.count(queue, JobState::Failed).await?,
                Part::Grouped { .. } => state.driver.known().grouped().0.get(queue).copied().unwrap_or(0),
            };
        }
        let trash = state.driver.open_trash(queue, verb, now()).await?;
        let with = format!("{keep:?}");
        let started =
            self.start(state, verb, queue, from, with, total, |_| Work::Remove { trash: trash.clone(), keep, parts, served }).await;
        if !started.as_ref().is_ok_and(|(_, new)| *new) {
            // Another one is at it (or none could be started): its entry stays, this one was never used.
            state.driver.close_trash(&trash).await?;
        }
        started.map(|(operation, _)| operation)
    }

    pub async fn restore(&self, state: &AppState, entry: TrashEntry) -> Result<Operation, ApiError> {
        let queue = entry.queue.clone();
        let with = entry.id.clone();
        self.start(state, Verb::Restore, &queue, None, with, entry.jobs, |_| Work::Restore(entry)).await.map(|(operation, _)| operation)
    }

    /// Registers and spawns; the flag says whether it is a new one. A second click on what is already running gets the
    /// running operation; the same verb with other settings meanwhile is refused.
    #[allow(clippy::too_many_arguments, reason = "one call site per verb, each naming all of it")]
    async fn start(
        &self,
        state: &AppState,
        verb: Verb,
        queue: &QueueName,
        from: Option<JobState>,
        with: String,
        total: u64,
        work: impl FnOnce(Millis) -> Work,
    ) -> Result<(Operation, bool), ApiError> {
        let started = now();
        let operation = {
            let mut list = self.lock();
            let running: Vec<&Known> = list.iter().filter(|k| k.operation.status == OperationStatus::Running).collect();
            let same = |k: &&&Known| k.operation.verb == verb && k.operation.queue == *queue && k.operation.state == from;
            if let Some(twin) = running.iter().filter(same).find(|k| k.with == with) {
                return Ok((twin.operation.clone(), false));
            }
            if verb != Verb::Restore && running.iter().any(|k| same(&k)) {
                return Err(ApiError::Conflict {
                    detail: format!(
                        "{} is already running for {queue} with other settings. Nothing was started: wait for it to end, or cancel it.",
                        verb.as_str()
                    ),
                });
            }
            if running.len() >= RUNNING {
                return Err(ApiError::TooMany {
                    detail: format!("{RUNNING} operations are running already. Nothing was started: wait for one to end, or cancel one."),
                });
            }
            let operation = Operation {
                id: uuid::Uuid::now_v7().simple().to_string(),
                verb,
                queue: queue.clone(),
                state: from,
                status: OperationStatus::Running,
                total,
                outcome: Outcome::default(),
                started_at: started,
                finished_at: None,
                message: None,
            };
            list.push(Known { operation: operation.clone(), with });
            operation
        };
        if let Err(error) = state.driver.save_operation(&operation, started).await {
            self.lock().retain(|k| k.operation.id != operation.id);
            return Err(error.into());
        }
        tokio::spawn(run(self.clone(), state.clone(), operation.clone(), work(started)));
        Ok((operation, true))
    }

    /// For the event stream: running ones, and those that ended lately.
    pub fn recent(&self) -> Vec<Operation> {
        let at = now().0;
        let mut list = self.lock();
        list.retain(|k| k.operation.finished_at.is_none_or(|f| at - f.0 < RECENT_MS));
        list.iter().map(|k| k.operation.clone()).collect()
    }

    fn put(&self, operation: &Operation) {
        if let Some(slot) = self.lock().iter_mut().find(|k| k.operation.id == operation.id) {
            slot.operation.clone_from(operation);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn waiting_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    let mut parts = VecDeque::new();
    // The base list first: groups that are completed on the way release jobs into it, behind those that were there.
    for p in [Priority::Base, Priority::Critical, Priority::High, Priority::Low] {
        parts.push_back(Part::Waiting(p, state.driver.length(&state.driver.keys().waiting(queue, p), "LLEN").await?));
    }
    Ok(parts)
}

async fn delayed_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    let mut parts = VecDeque::new();
    for p in Priority::ALL {
        parts.push_back(Part::Delayed(p, state.driver.length(&state.driver.keys().delayed(queue, p), "ZCARD").await?));
    }
    Ok(parts)
}

/// Steps until the work is done, cancelled, impossible, or the console stops.
async fn run(operations: Operations, state: AppState, mut operation: Operation, mut work: Work) {
    let mut saved = Instant::now();
    let mut failures = 0u32;
    operation.status = loop {
        if state.shutdown.is_cancelled() {
            operation.message = Some("The console was stopped. What was done stays done; start it again for the rest.".into());
            break OperationStatus::Interrupted;
        }
        let stepped = step(&state, &operation.queue.clone(), &mut work, &mut operation.outcome).await;
        operations.put(&operation);
        match stepped {
            Ok(true) => break OperationStatus::Done,
            Ok(false) => failures = 0,
            // A lost connection comes back; a step that is repeated finds what is still to do.
            Err(DriverError::Unavailable(_)) if failures < 60 => {
                failures += 1;
                operation.message = Some(
                    "The connection to Redis was lost in between. No job is lost; some that were moved just then may be counted as gone."
                        .into(),
                );
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => {
                operation.message = Some(stopped(error));
                break OperationStatus::Failed;
            }
        }
        if saved.elapsed() >= SAVE_EVERY {
            saved = Instant::now();
            if let Work::Remove { trash: id, .. } | Work::Restore(TrashEntry { id, .. }) = &work
                && let Err(error) = state.driver.touch_trash(id, now()).await
            {
                tracing::warn!(%error, "the trash entry could not be renewed");
            }
            if state.driver.save_operation(&operation, now()).await.unwrap_or(false) {
                break OperationStatus::Cancelled;
            }
            state.watching.nudge_queue(&operation.queue);
        }
    };
    if let Work::Remove { trash, keep, .. } = &work {
        match state.driver.finish_trash(trash, *keep).await {
            Ok(id) => operation.outcome.trash = id,
            Err(error) => tracing::warn!(%error, "the trash entry could not be finished"),
        }
    }
    operation.finished_at = Some(now());
    // Before anybody sees the end and loads the list again; and below, so that the next tick tells of the end.
    state.watching.nudge_queue(&operation.queue);
    operations.put(&operation);
    if let Err(error) = state.driver.save_operation(&operation, now()).await {
        tracing::warn!(%error, operation.id, "the end of an operation could not be written down");
    }
    audit::operation(&state, &operation);
    state.watching.nudge_queue(&operation.queue);
}

/// Why an operation ended early. Unlike a single action it may have done a part.
fn stopped(error: DriverError) -> String {
    let code = match &error {
        DriverError::Refused(cause) => format!("Redis answered {}.", cause.code().unwrap_or("with an error")),
        DriverError::Corrupt { key, found } => format!("The key {key} holds {found}."),
        DriverError::Unavailable(_) => "Redis could not be reached for half a minute.".into(),
        DriverError::Protocol(_) | DriverError::Partly { .. } => "Redis answered something unexpected.".into(),
    };
    tracing::warn!(%error, "operation stopped");
    format!("{code} It stopped there: what was done stays done, the other jobs are where they were.")
}

/// One bounded step, added to `outcome`; true when it was the last.
async fn step(state: &AppState, queue: &QueueName, work: &mut Work, outcome: &mut Outcome) -> Result<bool, DriverError> {
    let driver = &state.driver;
    let swept = match work {
        Work::Retry(sweep) => driver.retry_step(sweep).await?,
        Work::Promote(sweep) => driver.promote_step(sweep, now()).await?,
        Work::Restore(entry) => match driver.restore_step(queue, &entry.id).await? {
            Some(outcome) => Step { outcome, finished: false },
            None => Step { outcome: Outcome::default(), finished: true },
        },
        Work::Remove { trash, parts, served, .. } => {
            let Some(part) = parts.front_mut() else { return Ok(true) };
            // On an error the part stays in front, with what it has learned.
            if !remove_step(state, queue, trash, part, *served, outcome).await? {
                parts.pop_front();
            }
            return Ok(parts.is_empty());
        }
    };
    outcome.add(&swept.outcome);
    Ok(swept.finished)
}

/// Removes a piece of a part; false when nothing of it is left.
async fn remove_step(
    state: &AppState,
    queue: &QueueName,
    trash: &str,
    part: &mut Part,
    served: bool,
    outcome: &mut Outcome,
) -> Result<bool, DriverError> {
    let driver = &state.driver;
    match part {
        Part::Grouped { groups, from } => {
            let Some(group) = groups.front() else { return Ok(false) };
            match driver.discard_grouped(queue, group, *from, trash, now(), outcome).await? {
                Some(next) => *from = next,
                None => {
                    groups.pop_front();
                    *from = 0;
                }
            }
            Ok(!groups.is_empty())
        }
        Part::Failed => driver.trash_failed(queue, trash, outcome).await.map(|()| false),
        Part::Waiting(p, left) => {
            if driver.trash_waiting(queue, *p, trash, outcome).await? {
                return Ok(false);
            }
            *part = Part::WaitingOneByOne(OneByOne::new(*p, *left, now()));
            Ok(true)
        }
        Part::WaitingOneByOne(list) => driver.discard_step(queue, list, trash, now(), outcome).await,
        Part::Delayed(p, left) => {
            if driver.trash_delayed(queue, *p, trash, served, now(), outcome).await? {
                return Ok(false);
            }
            *part = Part::DelayedOneByOne(*p, *left);
            Ok(true)
        }
        Part::DelayedOneByOne(p, left) => {
            let seen = driver.discard_delayed_step(queue, *p, trash, *left, now(), outcome).await?;
            *left = left.saturating_sub(seen);
            Ok(seen > 0 && *left > 0)
        }
    }
}
