//! What pages and REST can ask for: the one place between them and the driver. Reads of the snapshot cost Redis nothing;
//! every write leaves one audit line (`audit`) and has the queue sampled at once.

pub mod alerts;
pub mod audit;
pub mod channels;
pub mod doctor;
pub mod errors;
pub mod live;
pub mod matching;
pub mod nodes;
pub mod operations;
pub mod past;
pub mod schedules;
pub mod search;
pub mod settings;
pub mod tree;

pub use super::clock::now;
pub use operations::{
    cancel, clear_failed, discard_all, operation, operations, promote_all, purge, purge_preview, restore, retry_all, served, trash,
};

use super::{
    archive::timeline,
    driver::redis::{Acted, due::Served, trash::Keep},
    recent_pages::Since,
    state::AppState,
    tasks::sampler,
};
use crate::model::{
    board::Board,
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::{Found, JobState, JobsPage},
    json,
    live::{Link, Overview, QueuesPage},
    operation::{Outcome, Verb},
    query::{JobsQuery, PER_PAGE, QueuesQuery},
    queue::Sought,
};

/// The most jobs that one request may name; more is an operation on all.
pub const MAX_JOBS: usize = 200;

/// The most bytes of a payload that was edited by hand.
pub const MAX_EDITED: usize = 1024 * 1024;

pub fn overview(state: &AppState) -> Overview {
    state.watching.request(now());
    state.snapshot().overview()
}

pub fn queues_page(state: &AppState, query: &QueuesQuery) -> QueuesPage {
    state.watching.request(now());
    state.snapshot().queues_page(query)
}

pub fn board(state: &AppState) -> Board {
    state.watching.request(now());
    let snapshot = state.snapshot();
    Board::of(&snapshot.queues, snapshot.totals.waiting)
}

/// One that no scan found yet is looked for in Redis; one that is known costs it nothing.
pub async fn queue(state: &AppState, name: &QueueName) -> Sought {
    state.watching.request(now());
    if let Some(sample) = state.snapshot().queue(name) {
        return Sought::Found(Box::new(sample.clone()));
    }
    // A part of another key's name: whatever it holds is no queue.
    if !state.driver.keys().is_queue(name) {
        return Sought::Absent;
    }
    if state.snapshot().connection.status == Link::Down {
        return Sought::Unknown;
    }
    state.looks.get(name, now(), sampler::look(state, name)).await
}

/// Whoever asks for what a queue has makes it known, if there is one.
pub async fn make_known(state: &AppState, name: &QueueName) {
    if state.snapshot().queue(name).is_none() {
        queue(state, name).await;
    }
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
    make_known(state, &query.queue).await;
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
    let act = async |done: &mut Acted| Ok(state.driver.retry_telling(queue, jobs, base, done).await?);
    acted(state, Verb::Retry, queue, from, jobs, act).await
}

/// One failed job back with another payload in its place.
pub async fn retry_edited(state: &AppState, queue: &QueueName, job: &Fingerprint, payload: &str, base: bool) -> Result<Outcome, ApiError> {
    let id = id_of(state, queue, job).await;
    let asked = audit::asked(state, Verb::Retry.as_str(), Some(queue)).of("1 failed, edited").naming(state, id.as_slice());
    let mut done = Acted::default();
    let act = async {
        is_queue(state, queue)?;
        check(Verb::Retry, JobState::Failed, std::slice::from_ref(job))?;
        if payload.len() > MAX_EDITED {
            return Err(ApiError::invalid(
                "payload",
                format!("The edited payload has {} bytes; at most {MAX_EDITED} are taken. Nothing was changed.", payload.len()),
            ));
        }
        if let Err(error) = json::members(payload) {
            return Err(ApiError::invalid("payload", format!("The edited payload is {error}. Nothing was changed.")));
        }
        Ok(state.driver.retry_edited_telling(queue, job, payload, base, &mut done).await?)
    };
    let answer = act.await;
    state.watching.nudge_queue(queue);
    asked.as_far_as(done.outcome.done, done.unsure).answered(state, answer.map(|()| done.outcome)).await
}

pub async fn promote(state: &AppState, queue: &QueueName, from: JobState, jobs: &[Fingerprint]) -> Result<Outcome, ApiError> {
    let act = async |done: &mut Acted| {
        let mut served = Served::default();
        Ok(state.driver.promote_telling(queue, jobs, &mut served, now, done).await?)
    };
    acted(state, Verb::Promote, queue, from, jobs, act).await
}

/// `keep: false` deletes without undo.
pub async fn discard(state: &AppState, queue: &QueueName, from: JobState, jobs: &[Fingerprint], keep: bool) -> Result<Outcome, ApiError> {
    let act = async |done: &mut Acted| {
        let mut served = Served::default();
        state.driver.discard_telling(queue, jobs, &mut served, now, done).await?;
        if !keep && let Some(trash) = done.outcome.trash.take() {
            state.driver.finish_trash(&trash, Keep::Nothing).await.map_err(|error| error.after(done.outcome.done, jobs.len()))?;
        }
        Ok(())
    };
    acted(state, Verb::Discard, queue, from, jobs, act).await
}

pub async fn pause(state: &AppState, queue: &QueueName) -> Result<(), ApiError> {
    let act = async {
        is_queue(state, queue)?;
        Ok(state.driver.pause(queue).await?)
    };
    whole(state, "pause", queue, act).await
}

pub async fn resume(state: &AppState, queue: &QueueName) -> Result<(), ApiError> {
    let act = async {
        is_queue(state, queue)?;
        Ok(state.driver.resume(queue).await?)
    };
    whole(state, "resume", queue, act).await
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

/// A verb on named jobs: one audit line, and the queue is sampled at once; also after an error, which may have come in the middle.
async fn acted(
    state: &AppState,
    verb: Verb,
    queue: &QueueName,
    from: JobState,
    jobs: &[Fingerprint],
    act: impl AsyncFnOnce(&mut Acted) -> Result<(), ApiError>,
) -> Result<Outcome, ApiError> {
    // One alone is named as a search would name it, so that the job's own page finds what was done to it.
    let which = match jobs {
        [job] => id_of(state, queue, job).await.map(|id| timeline::deed_filter(&id)),
        _ => None,
    };
    let asked = audit::asked(state, verb.as_str(), Some(queue)).of(which.unwrap_or_else(|| format!("{} {}", jobs.len(), from.as_str())));
    let mut done = Acted::default();
    let answer = match is_queue(state, queue).and_then(|()| check(verb, from, jobs)) {
        Ok(()) => act(&mut done).await,
        refused => refused,
    };
    state.watching.nudge_queue(queue);
    let asked = match (jobs, done.ids.as_slice()) {
        ([_], [id]) => asked.naming_long(state, id),
        ([_], _) => asked,
        (_, ids) => asked.naming(state, ids),
    };
    asked.as_far_as(done.outcome.done, done.unsure).answered(state, answer.map(|()| done.outcome)).await
}

/// The id that a job's payload says, before it is moved. Nobody is refused because it cannot be told.
async fn id_of(state: &AppState, queue: &QueueName, job: &Fingerprint) -> Option<String> {
    if !state.driver.keys().is_queue(queue) {
        return None;
    }
    state.driver.id_of(queue, job).await.ok()?
}

/// The same for a verb on a whole queue that is done at once.
async fn whole<T: audit::Came>(
    state: &AppState,
    verb: &str,
    queue: &QueueName,
    act: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let asked = audit::asked(state, verb, Some(queue));
    let done = act.await;
    state.watching.nudge_queue(queue);
    asked.answered(state, done).await
}
