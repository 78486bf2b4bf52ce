//! Search in the archive: the index gives candidates, the rows themselves decide, with the same matching as the live search.
//! A step is bounded; it goes from the newest row to the oldest, and its cursor is the last row that was looked at.

mod candidates;

use super::{
    Archive,
    db::{Db, noting},
    error::ArchiveError,
    index, jobs,
};
use crate::model::{
    archive::{ArchivedRow, Status, Verdict},
    job::JobState,
    search::{ArchiveStep, Candidate, Coverage, Hit, Place, Query, Whereabouts, text::LazyText},
    time::Millis,
};
use candidates::candidates;
use std::collections::HashMap;

/// The next step; `cursor` is what the last one answered.
pub async fn search(archive: &Archive, query: &Query, cursor: Option<&str>) -> Result<ArchiveStep, ArchiveError> {
    let db = archive.db()?;
    // Waiting for one says nothing of the connection.
    let turn = archive.turn().await?;
    let (query, cursor) = (query.clone(), cursor.and_then(Cursor::read));
    // The database goes on with a question when nobody waits for the answer any more, so its turn lasts as long: until the step has
    // ended, or has given up what did not answer.
    let asked = tokio::spawn(noting(async move {
        let _turn = turn;
        step(&db, &query, cursor).await
    }));
    // One that broke off is in the log.
    archive.noted(asked.await.unwrap_or(Err(ArchiveError::Slow)))
}

/// Where a search goes on, where it began, and how many rows were judged by a part of their payload: `{row}.{first}.{partly}`.
#[derive(Clone, Copy)]
struct Cursor {
    before: i64,
    top: i64,
    partly: u64,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (before, top) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let cursor = Self { before, top, partly: parts.next()?.parse().ok()? };
        // Rows count from 1: anything else was made up.
        (cursor.before > 0 && cursor.top > 0).then_some(cursor)
    }
}

async fn step(db: &Db, query: &Query, cursor: Option<Cursor>) -> Result<ArchiveStep, ArchiveError> {
    if !JobState::ALL.into_iter().any(|state| status(state).is_some() && query.asks_state(state)) {
        return Ok(ArchiveStep::default());
    }
    let Some((bottom, newest)) = jobs::ends(db).await? else { return Ok(ArchiveStep::default()) };
    let Cursor { before, top, partly } = cursor.unwrap_or(Cursor { before: i64::MAX, top: newest, partly: 0 });
    let (ids, next) = candidates(db, query, before).await?;
    // By numbers: what the index leaves out was looked at as well.
    let of = u64::try_from(top.saturating_sub(bottom).saturating_add(1)).unwrap_or(0);
    let scanned = next.map_or(of, |next| u64::try_from(top.saturating_sub(next).saturating_add(1)).unwrap_or(0).min(of));
    let (hits, parts) = hits(db, query, ids).await?;
    let partly = partly.saturating_add(parts);
    let next = next.map(|before| format!("{before}.{top}.{partly}"));
    Ok(ArchiveStep { hits, next, coverage: Coverage { scanned, of: Some(of), partly }, unavailable: None })
}

/// States that a row of the archive can have.
fn status(state: JobState) -> Option<Status> {
    match state {
        JobState::Waiting => Some(Status::Waiting),
        JobState::Failed => Some(Status::Failed),
        JobState::Completed => Some(Status::Completed),
        JobState::Active | JobState::Delayed | JobState::Grouped => None,
    }
}

/// Those of the candidates that match, each as it is shown; and how many of all were judged by a part of their payload.
async fn hits(db: &Db, query: &Query, ids: Vec<i64>) -> Result<(Vec<Hit>, u64), ArchiveError> {
    let mut texts: HashMap<i64, index::Parts> = index::parts(db, &ids).await?;
    let rows = jobs::by_ids(db, ids).await?;
    let (mut hits, mut partly) = (Vec::new(), 0);
    for row in rows {
        let Some(parts) = texts.remove(&row.row) else { continue };
        let text = parts.text();
        let place = place(query, &row, &text);
        partly += u64::from(query.saw_part(&text));
        hits.extend(place.map(|place| hit(row, place)));
    }
    Ok((hits, partly))
}

/// Rows that only repeat what another one says, or say that a failed attempt completed, are no finds.
fn place(query: &Query, row: &ArchivedRow, text: &LazyText<'_>) -> Option<Place> {
    if matches!(row.verdict, Verdict::Again | Verdict::FailedAttempt) {
        return None;
    }
    query.matches(&Candidate {
        queue: row.queue.as_str(),
        state: state(row.status)?,
        id: Some(&row.id),
        class: row.class_name.as_deref(),
        error: row.error.as_deref(),
        group: row.group_id.as_deref(),
        at: at(row),
        text,
    })
}

fn state(status: Status) -> Option<JobState> {
    match status {
        Status::Waiting => Some(JobState::Waiting),
        Status::Completed => Some(JobState::Completed),
        Status::Failed => Some(JobState::Failed),
        Status::Other => None,
    }
}

/// When it failed or completed, else when it was created.
fn at(row: &ArchivedRow) -> Option<Millis> {
    if row.status == Status::Waiting { row.created_at.or(row.archived_at) } else { row.failed_at.or(row.archived_at).or(row.created_at) }
}

fn hit(row: ArchivedRow, place: Place) -> Hit {
    Hit {
        key: format!("row-{}", row.row),
        whereabouts: Whereabouts::Archive,
        at: at(&row),
        created_at: row.created_at,
        attempt: row.attempt,
        state: state(row.status).unwrap_or(JobState::Completed),
        queue: row.queue,
        id: Some(row.id),
        class_name: row.class_name,
        error: row.error,
        place,
    }
}

/// The raw payload of a find, for an export.
pub async fn payload(db: &Db, key: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
    match row_of(key) {
        Some(row) => jobs::payload(db, row).await,
        None => Ok(None),
    }
}

/// Its error in full.
pub async fn error(db: &Db, key: &str) -> Result<Option<String>, ArchiveError> {
    match row_of(key) {
        Some(row) => jobs::error(db, row).await,
        None => Ok(None),
    }
}

fn row_of(key: &str) -> Option<i64> {
    key.strip_prefix("row-")?.parse().ok()
}
