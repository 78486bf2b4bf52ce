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
    actions::now,
    driver::redis::{Step, Sweep, trash::Keep},
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
/// Groups that one step of a purge looks through.
const GROUPS_A_STEP: usize = 50;
/// At most this many run at once in one console: Redis has one thread.
const RUNNING: usize = 8;

/// Operations of this console, running or just finished.
#[derive(Clone, Default)]
pub struct Operations(Arc<Mutex<Vec<Operation>>>);

/// What is left to do.
enum Work {
    Retry(Sweep),
    Promote(Sweep),
    Remove { trash: String, keep: Keep, parts: VecDeque<Part>, served: bool },
    Restore(TrashEntry),
}

/// One list of a deletion. `left`: how many were in it at the start, when it goes one by one.
enum Part {
    /// Groups that have pending jobs.
    Grouped(Vec<String>),
    Waiting(Priority, u64),
    WaitingOneByOne(Priority, u64),
    Delayed(Priority, u64),
    DelayedOneByOne(Priority, u64),
    Failed,
}

impl Operations {
    pub async fn retry_all(&self, state: &AppState, queue: &QueueName, base: bool) -> Result<Operation, ApiError> {
        let total = state.driver.count(queue, JobState::Failed).await?;
        self.start(state, Verb::Retry, queue, Some(JobState::Failed), total, |started| Work::Retry(Sweep::new(queue, total, started, base, false))).await
    }

    pub async fn promote_all(&self, state: &AppState, queue: &QueueName) -> Result<Operation, ApiError> {
        let served = state.driver.served(queue).await?;
        let total = state.driver.count(queue, JobState::Delayed).await?;
        self.start(state, Verb::Promote, queue, Some(JobState::Delayed), total, |started| Work::Promote(Sweep::new(queue, total, started, false, served))).await
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
        let groups = state.driver.known().groups.keys().cloned().collect();
        let mut parts = VecDeque::from([Part::Grouped(groups)]);
        parts.extend(waiting_parts(state, queue).await?);
        parts.extend(delayed_parts(state, queue).await?);
        parts.push_back(Part::Failed);
        self.remove(state, Verb::Purge, queue, None, parts, keep, true).await
    }

    #[allow(clippy::too_many_arguments, reason = "one call site per verb, each naming all of it")]
    async fn remove(&self, state: &AppState, verb: Verb, queue: &QueueName, from: Option<JobState>, parts: VecDeque<Part>, keep: Keep, delayed: bool) -> Result<Operation, ApiError> {
        let served = delayed && state.driver.served(queue).await?;
        let mut total = 0;
        for part in &parts {
            total += match part {
                Part::Waiting(_, n) | Part::Delayed(_, n) | Part::WaitingOneByOne(_, n) | Part::DelayedOneByOne(_, n) => *n,
                Part::Failed => state.driver.count(queue, JobState::Failed).await?,
                Part::Grouped(_) => state.driver.known().grouped().0.get(queue).copied().unwrap_or(0),
            };
        }
        let trash = state.driver.open_trash(queue, verb, now()).await?;
        self.start(state, verb, queue, from, total, |_| Work::Remove { trash, keep, parts, served }).await
    }

    pub async fn restore(&self, state: &AppState, entry: TrashEntry) -> Result<Operation, ApiError> {
        let queue = entry.queue.clone();
        self.start(state, Verb::Restore, &queue, None, entry.jobs, |_| Work::Restore(entry)).await
    }

    /// Registers and spawns. A second click on what is already running gets the running operation.
    async fn start(&self, state: &AppState, verb: Verb, queue: &QueueName, from: Option<JobState>, total: u64, work: impl FnOnce(Millis) -> Work) -> Result<Operation, ApiError> {
        let started = now();
        let operation = {
            let mut list = self.lock();
            let running = |o: &&Operation| o.status == OperationStatus::Running;
            if let Some(same) = list.iter().filter(running).find(|o| o.verb == verb && o.queue == *queue && o.state == from) {
                return Ok(same.clone());
            }
            if list.iter().filter(running).count() >= RUNNING {
                return Err(ApiError::TooMany { detail: format!("{RUNNING} operations are running already. Nothing was started: wait for one to end, or cancel one.") });
            }
            let operation = Operation { id: uuid::Uuid::now_v7().simple().to_string(), verb, queue: queue.clone(), state: from, status: OperationStatus::Running, total, outcome: Outcome::default(), started_at: started, finished_at: None, message: None };
            list.push(operation.clone());
            operation
        };
        if let Err(error) = state.driver.save_operation(&operation, started).await {
            self.lock().retain(|o| o.id != operation.id);
            return Err(error.into());
        }
        tokio::spawn(run(self.clone(), state.clone(), operation.clone(), work(started)));
        Ok(operation)
    }

    /// For the event stream: running ones, and those that ended lately.
    pub fn recent(&self) -> Vec<Operation> {
        let at = now().0;
        let mut list = self.lock();
        list.retain(|o| o.finished_at.is_none_or(|f| at - f.0 < RECENT_MS));
        list.clone()
    }

    fn put(&self, operation: &Operation) {
        if let Some(slot) = self.lock().iter_mut().find(|o| o.id == operation.id) {
            slot.clone_from(operation);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
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
        match step(&state, &operation.queue, &mut work).await {
            Ok(step) => {
                failures = 0;
                operation.outcome.add(&step.outcome);
                operations.put(&operation);
                if step.finished {
                    break OperationStatus::Done;
                }
            }
            // A lost connection comes back; a step that is repeated finds what is still to do.
            Err(DriverError::Unavailable(_)) if failures < 30 => {
                failures += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => {
                let told = ApiError::from(error);
                operation.message = Some(format!("{told} What was done before stays done."));
                break OperationStatus::Failed;
            }
        }
        if saved.elapsed() >= SAVE_EVERY {
            saved = Instant::now();
            if state.driver.save_operation(&operation, now()).await.unwrap_or(false) {
                break OperationStatus::Cancelled;
            }
            state.watching.nudge_queue(&operation.queue);
        }
    };
    if let Work::Remove { trash, keep, .. } = &work {
        match state.driver.finish_trash(trash, operation.outcome.done, *keep).await {
            Ok(id) => operation.outcome.trash = id,
            Err(error) => tracing::warn!(%error, "the trash entry could not be finished"),
        }
    }
    operation.finished_at = Some(now());
    operations.put(&operation);
    if let Err(error) = state.driver.save_operation(&operation, now()).await {
        tracing::warn!(%error, operation.id, "the end of an operation could not be written down");
    }
    let o = &operation.outcome;
    tracing::info!(audit = operation.verb.as_str(), queue.name = operation.queue.as_str(), operation.id, status = operation.status.as_str(), total = operation.total, done = o.done, gone = o.gone, corrupt = o.corrupt, due = o.due, "operation");
    state.watching.nudge_queue(&operation.queue);
}

async fn step(state: &AppState, queue: &QueueName, work: &mut Work) -> Result<Step, DriverError> {
    let driver = &state.driver;
    match work {
        Work::Retry(sweep) => driver.retry_step(sweep).await,
        Work::Promote(sweep) => driver.promote_step(sweep, now()).await,
        Work::Restore(entry) => Ok(match driver.restore_step(queue, &entry.id).await? {
            Some(outcome) => Step { outcome, finished: false },
            None => Step { outcome: Outcome::default(), finished: true },
        }),
        Work::Remove { trash, parts, served, .. } => {
            let Some(part) = parts.pop_front() else { return Ok(Step { outcome: Outcome::default(), finished: true }) };
            let (outcome, rest) = match remove_part(state, queue, trash, &part, *served).await {
                Ok(done) => done,
                Err(error) => {
                    // Still to do, should the step be repeated.
                    parts.push_front(part);
                    return Err(error);
                }
            };
            if let Some(rest) = rest {
                parts.push_front(rest);
            }
            Ok(Step { outcome, finished: parts.is_empty() })
        }
    }
}

/// Removes a part of a deletion, or a piece of it; the second value is what remains.
async fn remove_part(state: &AppState, queue: &QueueName, trash: &str, part: &Part, served: bool) -> Result<(Outcome, Option<Part>), DriverError> {
    let driver = &state.driver;
    let done = |done| Outcome { done, ..Outcome::default() };
    Ok(match *part {
        Part::Grouped(ref groups) => {
            let (now_groups, later) = groups.split_at(groups.len().min(GROUPS_A_STEP));
            let outcome = driver.discard_grouped(queue, now_groups, trash, now()).await?;
            (outcome, (!later.is_empty()).then(|| Part::Grouped(later.to_vec())))
        }
        Part::Failed => (done(driver.trash_failed(queue, trash).await?), None),
        Part::Waiting(p, left) => match driver.trash_waiting(queue, p, trash).await? {
            Some(n) => (done(n), None),
            None => (Outcome::default(), Some(Part::WaitingOneByOne(p, left))),
        },
        Part::WaitingOneByOne(_, 0) | Part::DelayedOneByOne(_, 0) => (Outcome::default(), None),
        Part::WaitingOneByOne(p, left) => {
            let outcome = driver.discard_step(queue, p, trash, left, now()).await?;
            // Workers take jobs meanwhile: those count too, as gone.
            let seen = outcome.done + outcome.gone;
            (outcome, (seen > 0).then(|| Part::WaitingOneByOne(p, left.saturating_sub(seen))))
        }
        Part::Delayed(p, left) => match driver.trash_delayed(queue, p, trash, served, now()).await? {
            Some((n, due)) => (Outcome { done: n, due, ..Outcome::default() }, None),
            None => (Outcome::default(), Some(Part::DelayedOneByOne(p, left))),
        },
        Part::DelayedOneByOne(p, left) => {
            let outcome = driver.discard_delayed_step(queue, p, trash, left, now()).await?;
            let seen = outcome.done + outcome.gone + outcome.due;
            (outcome, (seen > 0).then(|| Part::DelayedOneByOne(p, left.saturating_sub(seen))))
        }
    })
}
