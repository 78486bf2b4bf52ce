//! Jobs that have left Redis: what the archive remembers of them, and pushing one again.

use super::{
    audit::{self, Came},
    errors::remembered,
    is_queue, now,
    settings::archiver,
};
use crate::model::{
    archive::{ArchivePage, ArchivedJob, ArchivedRow, Status, Verdict},
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::{Found, JobState, PAYLOAD_SHOWN},
    past::{JobAnswer, Past, PushAsk, PushDone, Pushed},
    query::{ArchiveQuery, PER_PAGE},
};
use crate::server::{
    archive::{error::ArchiveError, gaps, jobs, timeline, totals},
    driver::redis::{Once, Push},
    state::AppState,
};
use std::time::Duration;

/// A page that is made on the server waits no longer for what the archive adds to a job in Redis: a browser asks again.
const TOLD_WITHIN: Duration = Duration::from_millis(500);
/// A list of completed jobs waits no longer for how many there are.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);

/// The job in Redis, else in the archive; with `row`, that row, and what Redis has of its id. A live job is answered without asking
/// the archive, unless what that adds is to be `told`.
pub async fn answer(
    state: &AppState,
    queue: &QueueName,
    handle: &str,
    at: Option<&str>,
    row: Option<i64>,
    told: bool,
) -> Result<JobAnswer, ApiError> {
    is_queue(state, queue)?;
    let completed_kept = state.config.persist.completed;
    let mut answer = JobAnswer {
        found: None,
        past: None,
        told: None,
        unavailable: None,
        completed_kept,
        elsewhere: Vec::new(),
        answered_at: now(),
        pushed_at: None,
    };
    answer.found = match super::job(state, queue, handle, at).await {
        // The row can be told all the same.
        Err(ApiError::Unavailable { .. }) if row.is_some() => None,
        found => Some(found?),
    };
    if row.is_none() && !matches!(answer.found, Some(Found::Gone { .. })) {
        if let Some(Found::One { job }) = &answer.found
            && let Some(id) = job.summary.id.as_deref().filter(|_| told)
        {
            answer.told = Some(past_in_time(state, queue, id, job.summary.state != JobState::Failed).await);
        }
        return Ok(answer);
    }
    match archived(state, queue, handle, row, PAYLOAD_SHOWN).await {
        Ok(past) => {
            if let Some(name) = past.as_ref().and_then(|past| failure_of(&past.row))
                && let Ok((pushed_at, at)) = state.driver.pushed_at(&name).await
            {
                // Between the two nothing is missed: what was pushed before the clock was read has its note.
                (answer.pushed_at, answer.answered_at) = (pushed_at, at);
            }
            answer.past = past.map(Box::new);
        }
        Err(ApiError::NotFound { detail } | ApiError::Unavailable { detail }) => answer.unavailable = Some(detail),
        Err(error) => return Err(error),
    }
    if answer.past.is_none() && answer.found.is_none() {
        answer.found = Some(super::job(state, queue, handle, at).await?);
    }
    if let (Some(row), None, None, Some(Found::One { .. } | Found::Many { .. })) = (row, &answer.past, &answer.unavailable, &answer.found) {
        return Err(ApiError::NotFound {
            detail: format!("The archive has no row {row} of this job. Another one with this id is in Redis."),
        });
    }
    if matches!(answer.found, Some(Found::Gone { .. })) && answer.past.is_none() && answer.unavailable.is_none() {
        match elsewhere(state, queue, handle).await {
            Ok(rows) => answer.elsewhere = rows,
            Err(ApiError::NotFound { detail } | ApiError::Unavailable { detail }) => answer.unavailable = Some(detail),
            Err(error) => return Err(error),
        }
        if let Some(row) = row.filter(|_| answer.elsewhere.is_empty() && answer.unavailable.is_none()) {
            answer.unavailable = Some(format!("The archive has no row {row} of this job."));
        }
    }
    Ok(answer)
}

/// What the archive knows of an id in other queues: the job was retried into one, or the queue has another name by now. The handle
/// of an element is no id.
pub async fn elsewhere(state: &AppState, queue: &QueueName, handle: &str) -> Result<Vec<ArchivedRow>, ApiError> {
    if handle.is_empty() || Fingerprint::try_from(handle.to_owned()).is_ok() {
        return Ok(Vec::new());
    }
    let db = state.archive.db()?;
    let mut rows = state.archive.noted(timeline::by_queue(&db, handle).await)?;
    // Only such names have pages.
    rows.retain(|row| row.queue != *queue && state.driver.keys().is_queue(&row.queue));
    Ok(rows)
}

/// What the archive remembers of a job; `most`: bytes of its payload.
pub async fn archived(
    state: &AppState,
    queue: &QueueName,
    id: &str,
    row: Option<i64>,
    most: usize,
) -> Result<Option<ArchivedJob>, ApiError> {
    let db = state.archive.db()?;
    Ok(state.archive.noted(timeline::job(&db, queue, id, row, most).await)?)
}

/// What the archive adds to the timeline of a job; `here`: it lies in Redis, and not among the failed ones. Unavailable is an answer:
/// the page of a live job stands without it.
pub async fn past(state: &AppState, queue: &QueueName, id: &str, here: bool) -> Result<Past, ApiError> {
    let db = match state.archive.db() {
        Ok(db) => db,
        Err(ArchiveError::Off) => return Ok(Past::default()),
        Err(error) => return Ok(missing(error)),
    };
    Ok(match state.archive.noted(timeline::past(&db, queue, id, here).await) {
        Ok(past) => past,
        Err(error) => missing(error),
    })
}

async fn past_in_time(state: &AppState, queue: &QueueName, id: &str, here: bool) -> Past {
    let read = async {
        let db = state.archive.db()?;
        timeline::past(&db, queue, id, here).await
    };
    match state.archive.in_time(TOLD_WITHIN, read).await {
        Ok(past) => past,
        Err(ArchiveError::Off) => Past::default(),
        Err(error) => missing(error),
    }
}

fn missing(error: ArchiveError) -> Past {
    let why = match error {
        // A page of a job asked nothing that could be narrowed.
        ArchiveError::Slow => "The archive did not answer in time: what it knows of this job is not told here.".into(),
        error @ (ArchiveError::Off | ArchiveError::Unavailable { .. } | ArchiveError::Away { .. } | ArchiveError::Refused(_)) => {
            ApiError::from(error).to_string()
        }
    };
    Past { unavailable: Some(why), ..Past::default() }
}

/// The bytes of a row, whole; `None`: no such row of this job.
pub async fn payload(state: &AppState, queue: &QueueName, id: &str, row: Option<i64>) -> Result<Option<Vec<u8>>, ApiError> {
    let db = state.archive.db()?;
    let row = match row {
        // A tree asks for it with each level: the rest of the job's past is not gone over for that.
        Some(row) => {
            let found = state.archive.noted(jobs::by_ids(&db, vec![row]).await)?;
            found.into_iter().find(|found| found.id == id && found.queue == *queue).map(|found| found.row)
        }
        None => archived(state, queue, id, None, 0).await?.filter(|job| !job.payload_unknown).map(|job| job.row.row),
    };
    let Some(row) = row else { return Ok(None) };
    Ok(state.archive.noted(jobs::payload(&db, row).await)?)
}

pub async fn page(state: &AppState, query: &ArchiveQuery) -> Result<ArchivePage, ApiError> {
    if !(1..=1 << 40).contains(&query.page) || !PER_PAGE.contains(&query.per_page) {
        return Err(ApiError::invalid("perPage", "Pages count from 1 and hold 20, 50, 100 or 200 rows."));
    }
    let db = state.archive.db()?;
    let read = async { tokio::try_join!(jobs::page(&db, state.archive.totals(), query), gaps::newest(&db, query.queue.as_ref())) };
    let (read, report) = tokio::join!(read, archiver(state));
    let ((rows, total), (gaps, more_gaps)) = state.archive.noted(read)?;
    let refusing = report.archiving.and_then(|archiving| archiving.refusing);
    Ok(ArchivePage { rows, gaps, more_gaps, total, page: query.page, per_page: query.per_page, refusing })
}

/// How many jobs of a queue completed, when that is known exactly and soon; `rows`: how many rows say so.
pub async fn completions(state: &AppState, queue: QueueName, rows: u64) -> Result<Option<u64>, ApiError> {
    if rows > totals::JUDGED {
        return Ok(None);
    }
    let db = state.archive.db()?;
    match tokio::time::timeout(JUDGED_WITHIN, totals::completions(&db, queue)).await {
        Ok(counted) => Ok(state.archive.noted(counted)?),
        Err(_) => Ok(None),
    }
}

async fn row(state: &AppState, row: i64) -> Result<ArchivedRow, ApiError> {
    let db = state.archive.db()?;
    let found = state.archive.noted(jobs::by_ids(&db, vec![row]).await)?;
    let gone = || ApiError::NotFound { detail: format!("The archive has no row {row} any more. Nothing was changed.") };
    found.into_iter().next().ok_or_else(gone)
}

/// Pushes an archived job again, as the library's retry would; with `copy` under another id.
pub async fn push_row(state: &AppState, number: i64, ask: &PushAsk) -> Result<PushDone, ApiError> {
    let row = row(state, number).await?;
    let db = state.archive.db()?;
    let raw = state.archive.noted(jobs::payload(&db, number).await)?.unwrap_or_default();
    if jobs::is_bare(&raw, &row.id) {
        let detail = "The database refused the payload of this job, so the archive knows its id alone. Nothing was pushed.";
        return Err(ApiError::Conflict { detail: detail.into() });
    }
    let failure = failure_of(&row).filter(|_| !ask.copy);
    push(state, &row.queue, &row.id, &raw, ask, failure.as_deref()).await
}

/// The name of the failure that a row tells of: the library's false completion is of the same one.
fn failure_of(row: &ArchivedRow) -> Option<String> {
    let failed = row.status == Status::Failed || row.verdict == Verdict::FailedAttempt;
    failed.then(|| remembered::name(row))
}

/// Pushes a copy of a job that is in Redis; the job itself stays where it is.
pub async fn duplicate(state: &AppState, queue: &QueueName, job: &Fingerprint, ask: &PushAsk) -> Result<PushDone, ApiError> {
    is_queue(state, queue)?;
    let Some(found) = state.driver.locate(queue, job).await? else {
        return Err(ApiError::NotFound { detail: "This job is no longer where the page saw it. Nothing was changed.".into() });
    };
    push(state, queue, "", &found.raw, &PushAsk { copy: true, ..ask.clone() }, None).await
}

/// `failure`: its name, so that a retry of all of its kind leaves it alone.
async fn push(
    state: &AppState,
    queue: &QueueName,
    id: &str,
    raw: &[u8],
    ask: &PushAsk,
    failure: Option<&str>,
) -> Result<PushDone, ApiError> {
    let verb = if ask.copy { "duplicate" } else { "retry-archived" };
    let asked = audit::asked(state, verb, Some(queue));
    // A copy of a live job is known by what it became.
    let copy = copied(&ask.request);
    let asked = asked.of(timeline::deed_filter(if id.is_empty() { &copy } else { id }));
    let done = pushed(state, queue, id, raw, ask, (copy, failure)).await;
    state.watching.nudge_queue(queue);
    // The page of the copy tells of it, too.
    let asked = match &done {
        Ok(PushDone { pushed: Pushed::Done | Pushed::Before, id: copy, .. }) if !id.is_empty() && copy != id => {
            asked.naming(state, std::slice::from_ref(copy))
        }
        _ => asked,
    };
    let told = asked.answered(state, done.map(|done| Told { done, of: id })).await?;
    Ok(told.done)
}

async fn pushed(
    state: &AppState,
    queue: &QueueName,
    id: &str,
    raw: &[u8],
    ask: &PushAsk,
    (copy, failure): (String, Option<&str>),
) -> Result<PushDone, ApiError> {
    is_queue(state, queue)?;
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if ask.request.is_empty() || ask.request.len() > 64 || !ask.request.chars().all(sound) {
        return Err(ApiError::invalid("request", "`request` names the click: 1 to 64 letters, digits and dashes."));
    }
    if !ask.copy && state.driver.has_failure(queue, id, raw).await? {
        return Err(ApiError::Conflict { detail: "This failure is still in Redis: retry it there. Nothing was changed.".into() });
    }
    // Made of the click, so that a click that comes twice answers the same id.
    let copy = ask.copy.then_some(copy);
    let at = now();
    let once = Once::Click { request: &ask.request, failure: failure.map(|name| (name, ask.seen_at)) };
    let push = Push { raw, once, id: copy.as_deref(), base: ask.base };
    let (pushed, payload) = state.driver.push(queue, &push).await?;
    if let Some(payload) = payload {
        state.enqueued.note(state.driver.keys(), queue, payload, at);
    }
    Ok(PushDone { pushed, queue: queue.clone(), id: copy.unwrap_or_else(|| id.to_owned()) })
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
