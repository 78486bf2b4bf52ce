//! What pages and REST can ask for: the one place between them and the driver. Reads of the snapshot cost Redis nothing;
//! every write leaves one audit line in the log and has the queue sampled at once.

pub mod errors;
pub mod live;
pub mod matching;
pub mod past;
pub mod search;

use super::{driver::redis::trash::Keep, error::DriverError, recent_pages::Since, state::AppState};
use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::{Found, JobState, JobsPage},
    live::{Overview, QueuesPage},
    operation::{Operation, Outcome, PurgePreview, TrashEntry, Verb},
    query::{JobsQuery, PER_PAGE, QueuesQuery},
    queue::{QueueList, QueueSample},
    time::Millis,
};

/// The most jobs that one request may name; more is an operation on all.
pub const MAX_JOBS: usize = 200;

/// The console's clock.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub fn overview(state: &AppState) -> Overview {
    state.watching.request(now());
    state.snapshot().overview()
}

pub fn queue_list(state: &AppState) -> QueueList {
    state.watching.request(now());
    let snapshot = state.snapshot();
    QueueList { queues: snapshot.queues.clone(), discovery: snapshot.discovery, sampled_at: snapshot.sampled_at }
}

pub fn queues_page(state: &AppState, query: &QueuesQuery) -> QueuesPage {
    state.watching.request(now());
    state.snapshot().queues_page(query)
}

pub fn queue(state: &AppState, name: &QueueName) -> Option<QueueSample> {
    state.watching.request(now());
    state.snapshot().queue(name).cloned()
}

pub async fn jobs(state: &AppState, query: &JobsQuery) -> Result<JobsPage, ApiError> {
    is_queue(state, &query.queue)?;
    // A server function takes what it is sent: no request may ask Redis for a whole list.
    if !(1..=1 << 40).contains(&query.page) || !PER_PAGE.contains(&query.per_page) {
        return Err(ApiError::invalid("perPage", "Pages count from 1 and hold 20, 50, 100 or 200 jobs."));
    }
    state.watching.request(now());
    let since = Since { sampled_at: state.snapshot().sampled_at, changes: state.watching.changes(), at: now() };
    state.pages.get(query, since, read_jobs(state, query)).await
}

async fn read_jobs(state: &AppState, query: &JobsQuery) -> Result<JobsPage, ApiError> {
    match query.state {
        JobState::Active | JobState::Completed => Err(ApiError::invalid(
            "state",
            format!("Redis does not store {} jobs: there is no list to page through.", query.state.as_str()),
        )),
        JobState::Grouped => {
            let snapshot = state.snapshot();
            let groups = state.driver.groups_of(&query.queue);
            let partial = snapshot.totals.grouped_partial;
            Ok(state.driver.grouped_jobs(query, &groups, partial, now()).await?)
        }
        JobState::Waiting | JobState::Delayed | JobState::Failed => Ok(state.driver.jobs(query, now()).await?),
    }
}

pub async fn job(state: &AppState, queue: &QueueName, handle: &str, at: Option<&str>) -> Result<Found, ApiError> {
    is_queue(state, queue)?;
    state.watching.request(now());
    Ok(state.driver.job(queue, handle, at, now()).await?)
}

/// The raw element, whole, for the download; `None` when it is gone.
pub async fn payload(state: &AppState, queue: &QueueName, handle: &str, at: Option<&str>) -> Result<Option<Vec<u8>>, ApiError> {
    is_queue(state, queue)?;
    Ok(state.driver.payload(queue, handle, at).await?)
}

pub async fn retry(state: &AppState, queue: &QueueName, from: JobState, jobs: &[Fingerprint], base: bool) -> Result<Outcome, ApiError> {
    is_queue(state, queue)?;
    check(Verb::Retry, from, jobs)?;
    let outcome = state.driver.retry(queue, jobs, base).await;
    acted(state, Verb::Retry, queue, from, outcome)
}

pub async fn promote(state: &AppState, queue: &QueueName, from: JobState, jobs: &[Fingerprint]) -> Result<Outcome, ApiError> {
    is_queue(state, queue)?;
    check(Verb::Promote, from, jobs)?;
    let served = state.driver.served(queue).await?;
    let outcome = state.driver.promote(queue, jobs, served, now()).await;
    acted(state, Verb::Promote, queue, from, outcome)
}

pub async fn discard(state: &AppState, queue: &QueueName, from: JobState, jobs: &[Fingerprint]) -> Result<Outcome, ApiError> {
    is_queue(state, queue)?;
    check(Verb::Discard, from, jobs)?;
    // Only a due delayed job needs to know whether a worker would take it at the same moment.
    let served = from == JobState::Delayed && state.driver.served(queue).await?;
    let outcome = state.driver.discard(queue, jobs, served, now()).await;
    acted(state, Verb::Discard, queue, from, outcome)
}

pub async fn retry_all(state: &AppState, queue: &QueueName, base: bool) -> Result<Operation, ApiError> {
    is_queue(state, queue)?;
    state.operations.retry_all(state, queue, base).await
}

pub async fn promote_all(state: &AppState, queue: &QueueName) -> Result<Operation, ApiError> {
    is_queue(state, queue)?;
    state.operations.promote_all(state, queue).await
}

pub async fn discard_all(state: &AppState, queue: &QueueName, from: JobState) -> Result<Operation, ApiError> {
    is_queue(state, queue)?;
    match from {
        JobState::Failed => state.operations.clear_failed(state, queue, Keep::AnHour).await,
        JobState::Waiting | JobState::Delayed => state.operations.discard_all(state, queue, from).await,
        JobState::Grouped | JobState::Active | JobState::Completed => Err(wrong_state(Verb::Discard, from)),
    }
}

pub async fn clear_failed(state: &AppState, queue: &QueueName, keep: bool) -> Result<Operation, ApiError> {
    is_queue(state, queue)?;
    state.operations.clear_failed(state, queue, if keep { Keep::AnHour } else { Keep::Nothing }).await
}

pub async fn purge(state: &AppState, queue: &QueueName, keep: bool) -> Result<Operation, ApiError> {
    is_queue(state, queue)?;
    state.operations.purge(state, queue, if keep { Keep::AnHour } else { Keep::Nothing }).await
}

pub async fn purge_preview(state: &AppState, queue: &QueueName) -> Result<PurgePreview, ApiError> {
    is_queue(state, queue)?;
    Ok(state.driver.purge_preview(queue).await?)
}

pub async fn pause(state: &AppState, queue: &QueueName) -> Result<(), ApiError> {
    is_queue(state, queue)?;
    state.driver.pause(queue).await?;
    audit(state, "pause", queue);
    Ok(())
}

pub async fn resume(state: &AppState, queue: &QueueName) -> Result<(), ApiError> {
    is_queue(state, queue)?;
    state.driver.resume(queue).await?;
    audit(state, "resume", queue);
    Ok(())
}

pub async fn operations(state: &AppState) -> Result<Vec<Operation>, ApiError> {
    Ok(state.driver.operations(now()).await?)
}

pub async fn operation(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    state
        .driver
        .operation(id, now())
        .await?
        .ok_or_else(|| ApiError::NotFound { detail: format!("There is no operation {id}. Operations are kept for a day.") })
}

pub async fn cancel(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    // Seen by whichever console runs it, before its next chunk.
    operation(state, id).await?;
    state.driver.cancel_operation(id).await?;
    operation(state, id).await
}

pub async fn trash(state: &AppState) -> Result<Vec<TrashEntry>, ApiError> {
    Ok(state.driver.trash(now()).await?)
}

pub async fn restore(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    let entry = state.driver.trash_entry(id, now()).await?;
    let entry = entry.ok_or_else(|| ApiError::NotFound {
        detail: "These jobs are no longer in the trash: they were restored, or their hour is over.".into(),
    })?;
    state.operations.restore(state, entry).await
}

/// `mail:high` and `mail:failed` are lists of the queue `mail`, not queues: acting on them would break the protocol's rules.
fn is_queue(state: &AppState, name: &QueueName) -> Result<(), ApiError> {
    if state.driver.keys().is_queue(name) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "queue",
        format!("{name} is not a queue: the protocol reserves this name for a part of another key. Nothing was changed."),
    ))
}

fn check_state(verb: Verb, from: JobState) -> Result<(), ApiError> {
    let fits = match verb {
        Verb::Retry => from == JobState::Failed,
        Verb::Promote => from == JobState::Delayed,
        _ => matches!(from, JobState::Waiting | JobState::Delayed | JobState::Failed | JobState::Grouped),
    };
    if fits { Ok(()) } else { Err(wrong_state(verb, from)) }
}

fn check(verb: Verb, from: JobState, jobs: &[Fingerprint]) -> Result<(), ApiError> {
    use crate::model::ids::Source;
    check_state(verb, from)?;
    if jobs.is_empty() || jobs.len() > MAX_JOBS {
        return Err(ApiError::invalid(
            "jobs",
            format!("Name 1 to {MAX_JOBS} jobs; this request names {}. For all jobs of a state send \"all\": true.", jobs.len()),
        ));
    }
    let stray = jobs.iter().any(|f| match &f.source {
        Source::Waiting(_) => from != JobState::Waiting,
        Source::Delayed(_) => from != JobState::Delayed,
        Source::Failed => from != JobState::Failed,
        Source::Grouped(_) => from != JobState::Grouped,
    });
    if stray { Err(ApiError::invalid("jobs", format!("A fingerprint is not one of a {} job.", from.as_str()))) } else { Ok(()) }
}

fn wrong_state(verb: Verb, from: JobState) -> ApiError {
    ApiError::invalid("state", format!("{} does not apply to {} jobs. Nothing was changed.", verb.as_str(), from.as_str()))
}

/// One audit line, and the queue is sampled at once; also after an error, which may have come in the middle.
fn acted(
    state: &AppState,
    verb: Verb,
    queue: &QueueName,
    from: JobState,
    outcome: Result<Outcome, DriverError>,
) -> Result<Outcome, ApiError> {
    state.watching.nudge_queue(queue);
    let outcome = outcome?;
    tracing::info!(
        audit = verb.as_str(),
        queue.name = queue.as_str(),
        state = from.as_str(),
        done = outcome.done,
        gone = outcome.gone,
        corrupt = outcome.corrupt,
        "action"
    );
    Ok(outcome)
}

fn audit(state: &AppState, verb: &'static str, queue: &QueueName) {
    tracing::info!(audit = verb, queue.name = queue.as_str(), "action");
    state.watching.nudge_queue(queue);
}
