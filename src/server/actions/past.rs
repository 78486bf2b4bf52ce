//! Jobs that have left Redis: what the archive remembers of them; pushing one again is in `push`.

mod push;

pub use push::{duplicate, push_noted, push_row};

use super::{is_queue, now, settings::archiver};
use crate::model::{
    archive::{ArchivePage, ArchivedJob, ArchivedRow},
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::{Found, JobState, PAYLOAD_SHOWN},
    past::{JobAnswer, Past},
    query::{ArchiveQuery, PER_PAGE},
    time::Millis,
};
use crate::server::{
    archive::{error::ArchiveError, gaps, jobs, timeline, totals},
    state::AppState,
};
use push::name_of;
use serde::Serialize;
use std::time::Duration;

/// A page that is made on the server waits no longer for what the archive adds to a job in Redis: a browser asks again.
const TOLD_WITHIN: Duration = Duration::from_millis(500);

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
    let mut answer = JobAnswer::empty(completed_kept, now());
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
            if let Some(past) = &past
                && name_of(past).is_some()
            {
                // Where Redis does not tell, the page knows of no push, however long ago: the console's clock may be ahead of the one that
                // notes are made by.
                let seen = seen(state, past).await.unwrap_or(SeenAt { answered_at: Millis(0), pushed_at: None });
                (answer.pushed_at, answer.answered_at) = (seen.pushed_at, seen.answered_at);
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

/// When a failure was pushed again, as far as Redis knows, and when that was asked, by the clock of Redis.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenAt {
    pub answered_at: Millis,
    pub pushed_at: Option<Millis>,
}

/// `None`: the row tells of no failure, or Redis could not be asked. Between the two times nothing is missed: what was pushed before the
/// clock was read has its note.
pub async fn seen(state: &AppState, past: &ArchivedJob) -> Option<SeenAt> {
    let (pushed_at, answered_at) = state.driver.pushed_at(&name_of(past)?).await.ok()?;
    Some(SeenAt { answered_at, pushed_at })
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
            let found = state.archive.noted(jobs::unjudged(&db, vec![row]).await)?;
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

/// How many jobs of a queue completed, when that is known exactly and soon, as it was at most five seconds ago; `rows`: how many rows say
/// so now.
pub async fn completions(state: &AppState, queue: QueueName, rows: u64) -> Result<Option<u64>, ApiError> {
    if rows > totals::JUDGED {
        return Ok(None);
    }
    let db = state.archive.db()?;
    let completed = state.archive.noted(state.archive.totals().completions(&db, queue).await)?;
    // Some of them may be deleted since.
    Ok(completed.map(|completed| completed.min(rows)))
}
