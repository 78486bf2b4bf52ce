//! Pushing a job again: one that the archive remembers, or a copy of one that is in Redis.

use crate::model::{
    archive::{ArchivedJob, ArchivedRow, Status, Verdict},
    error::ApiError,
    ids::{Fingerprint, QueueName},
    past::{PushAsk, PushDone, Pushed},
};
use crate::server::{
    actions::{
        audit::{self, Came},
        errors::remembered,
        is_queue, now,
    },
    archive::{jobs, timeline},
    driver::redis::{Once, Push},
    error::DriverError,
    state::AppState,
};

async fn row(state: &AppState, row: i64) -> Result<ArchivedRow, ApiError> {
    let db = state.archive.db()?;
    let found = state.archive.noted(jobs::by_ids(&db, vec![row]).await)?;
    found.into_iter().next().ok_or_else(|| gone(row))
}

fn gone(row: i64) -> ApiError {
    ApiError::NotFound { detail: format!("The archive has no row {row} any more. Nothing was changed.") }
}

/// Pushes an archived job again, as the library's retry would; with `copy` under another id.
pub async fn push_row(state: &AppState, number: i64, ask: &PushAsk) -> Result<PushDone, ApiError> {
    let row = row(state, number).await?;
    let db = state.archive.db()?;
    let Some(raw) = state.archive.noted(jobs::payload(&db, number).await)? else { return Err(gone(number)) };
    if jobs::is_bare(&raw) {
        let detail = "The database refused the payload of this job, so the archive knows its id alone. Nothing was pushed.";
        return Err(ApiError::Conflict { detail: detail.into() });
    }
    let failure = if ask.copy { None } else { state.archive.noted(jobs::failure_of(&db, &row).await)? };
    let other = match &failure {
        // Of a false completion the failure lies in Redis, under a stamp of its own.
        Some(failure) if failure.row != number => state.archive.noted(jobs::payload(&db, failure.row).await)?,
        _ => None,
    };
    let failure = failure.map(|failure| Failure { name: remembered::name(&failure), raw: other.as_deref().unwrap_or(&raw) });
    push(state, &row.queue, &row.id, &raw, ask, failure.as_ref()).await
}

/// The failure that is pushed again.
struct Failure<'a> {
    /// So that a retry of all of its kind leaves it alone, and another page of it is told.
    name: String,
    raw: &'a [u8],
}

/// The name of the failure that the job of a page tells of, whichever of its rows is shown.
pub(super) fn name_of(past: &ArchivedJob) -> Option<String> {
    let failed = past.row.status == Status::Failed || past.row.verdict == Verdict::FailedAttempt;
    failed.then(|| remembered::name(&ArchivedRow { created_at: past.stamped_at, ..past.row.clone() }))
}

/// Pushes a copy of a job that is in Redis; the job itself stays where it is.
pub async fn duplicate(state: &AppState, queue: &QueueName, job: &Fingerprint, ask: &PushAsk) -> Result<PushDone, ApiError> {
    is_queue(state, queue)?;
    let Some(found) = state.driver.locate(queue, job).await? else {
        return Err(ApiError::NotFound { detail: "This job is no longer where the page saw it. Nothing was changed.".into() });
    };
    push(state, queue, "", &found.raw, &PushAsk { copy: true, ..ask.clone() }, None).await
}

async fn push(
    state: &AppState,
    queue: &QueueName,
    id: &str,
    raw: &[u8],
    ask: &PushAsk,
    failure: Option<&Failure<'_>>,
) -> Result<PushDone, ApiError> {
    let verb = if ask.copy { "duplicate" } else { "retry-archived" };
    let asked = audit::asked(state, verb, Some(queue));
    // A copy of a live job is known by what it became.
    let copy = copied(&ask.request);
    let asked = asked.of(timeline::deed_filter(if id.is_empty() { &copy } else { id }));
    let mut unsure = false;
    let done = pushed(state, queue, id, raw, ask, (copy, failure), &mut unsure).await;
    state.watching.nudge_queue(queue);
    let asked = match &done {
        Ok(PushDone { pushed: Pushed::Done | Pushed::Before, id: made, .. }) => {
            let asked = if id.is_empty() { asked } else { asked.naming_long(state, id) };
            // The page of the copy tells of it, too.
            if id.is_empty() || made == id { asked } else { asked.naming(state, std::slice::from_ref(made)) }
        }
        Err(_) if unsure && !id.is_empty() => asked.naming_long(state, id),
        _ => asked,
    };
    let told = asked.as_far_as(0, unsure).answered(state, done.map(|done| Told { done, of: id })).await?;
    Ok(told.done)
}

async fn pushed(
    state: &AppState,
    queue: &QueueName,
    id: &str,
    raw: &[u8],
    ask: &PushAsk,
    (copy, failure): (String, Option<&Failure<'_>>),
    unsure: &mut bool,
) -> Result<PushDone, ApiError> {
    is_queue(state, queue)?;
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if ask.request.is_empty() || ask.request.len() > 64 || !ask.request.chars().all(sound) {
        return Err(ApiError::invalid("request", "`request` names the click: 1 to 64 letters, digits and dashes."));
    }
    let lies = failure.map_or(raw, |failure| failure.raw);
    if !ask.copy && (state.driver.has_failure(queue, id, lies).await? || state.driver.has_nameless(queue, raw).await?) {
        return Err(ApiError::Conflict { detail: "This failure is still in Redis: retry it there. Nothing was changed.".into() });
    }
    // Made of the click, so that a click that comes twice answers the same id.
    let copy = ask.copy.then_some(copy);
    let once = Once::Click { request: &ask.request, failure: failure.map(|failure| (failure.name.as_str(), ask.seen_at)) };
    let push = Push { raw, once, id: copy.as_deref(), base: ask.base };
    let pushed = push_noted(state, queue, &push).await.inspect_err(|error| *unsure = error.is_unsure())?;
    Ok(PushDone { pushed, queue: queue.clone(), id: copy.unwrap_or_else(|| id.to_owned()) })
}

/// Pushes, and has the archive told what was pushed where that is asked for (`--archive-enqueued`).
pub async fn push_noted(state: &AppState, queue: &QueueName, push: &Push<'_>) -> Result<Pushed, DriverError> {
    // A moment before a worker can take it.
    let at = now();
    let (pushed, payload) = state.driver.push(queue, push).await?;
    if let Some(payload) = payload {
        state.enqueued.note(state.driver.keys(), queue, payload, at);
    }
    Ok(pushed)
}

/// What was pushed, and the archived job that it was; empty: a copy of a live one, which the line names by the copy.
struct Told<'a> {
    done: PushDone,
    of: &'a str,
}

impl Came for Told<'_> {
    fn jobs(&self) -> Option<u64> {
        Some(u64::from(self.done.pushed == Pushed::Done))
    }

    fn result(&self) -> String {
        let Self { done: PushDone { pushed, id, .. }, of } = self;
        let came = match pushed {
            Pushed::Done => "done",
            Pushed::Before => "done by the click before",
            Pushed::Since => return "refused: it was pushed since it was read".into(),
            Pushed::UnreadPriority => return "of a priority that no worker reads".into(),
            Pushed::Unreadable => return "could not be read".into(),
        };
        if of.is_empty() || id == of { came.into() } else { format!("{came} as {id}, a copy of {of}") }
    }
}

fn copied(request: &str) -> String {
    let hex = crate::server::digest::sha1_hex(request);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}
