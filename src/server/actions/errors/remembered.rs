//! Failed jobs of one kind that only the archive remembers, one failure a job: which they are, and how many.
//!
//! Rows are walked from the newest one, in bounded steps. Each is judged by what the archive, and Redis, tell of its job now; an operation
//! walks and judges in the same way again, so what came in between is left alone.

use crate::model::{
    archive::ArchivedRow,
    audit::AuditLine,
    error::ApiError,
    errors::{Archived, ArchivedPart, ArchivedStep},
    operation::Operation,
    time::Millis,
};
use crate::server::{
    actions::now,
    archive::{db::Db, error::ArchiveError, record, signatures, signatures::Place, timeline},
    digest::sha1_hex,
    error::DriverError,
    state::AppState,
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Rows that are judged at a time.
pub const ROWS: usize = 32;
/// A step of the count goes on so long.
const STEP_TIME: Duration = Duration::from_millis(400);
/// The count ends with so many jobs, or rows: more is "at least".
pub const MOST: u64 = 100_000;
const MOST_ROWS: u64 = 500_000;
/// Audit lines that are on their way to the archive: they lie in Redis for moments.
const LINES: u64 = 200;

/// Which of the two did not answer.
#[derive(Debug)]
pub enum Halt {
    Redis(DriverError),
    Archive(ArchiveError),
}

impl From<DriverError> for Halt {
    fn from(error: DriverError) -> Self {
        Self::Redis(error)
    }
}

impl From<ArchiveError> for Halt {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl From<Halt> for ApiError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Redis(error) => error.into(),
            Halt::Archive(error) => error.into(),
        }
    }
}

/// Names a failure, whichever row tells of it: it is pushed once by this name.
pub fn name(row: &ArchivedRow) -> String {
    let identity = record::identity(&row.id, row.created_at, row.attempt);
    format!("archived-{}", sha1_hex(format!("{}\n{identity}", row.queue)))
}

/// What Redis tells of the last moments, for the rows of one step.
pub struct Lately {
    operations: Vec<Operation>,
    lines: Vec<AuditLine>,
}

impl Lately {
    pub async fn of(state: &AppState) -> Result<Self, DriverError> {
        let lines = state.driver.audit(0, LINES).await?;
        Ok(Self {
            operations: state.driver.operations(now()).await?,
            lines: lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect(),
        })
    }

    /// Whether somebody moved the job by name since it failed.
    fn names(&self, failure: &ArchivedRow) -> bool {
        let (alone, among) = (timeline::deed_filter(&failure.id), record::key(&failure.id));
        let since = failure.failed_at.or(failure.archived_at);
        self.lines.iter().any(|line| {
            line.queue.as_deref() == Some(failure.queue.as_str())
                && line.jobs.is_some_and(|jobs| jobs > 0)
                && line.verb != "duplicate"
                && since.is_none_or(|failed| line.at >= failed)
                && (line.filter.as_deref() == Some(alone.as_str()) || line.ids.contains(&among))
        })
    }
}

/// The failure at this place, if its job is known by nothing else any more: neither the archive nor Redis tells of anything since.
pub async fn left(state: &AppState, db: &Db, place: &Place, lately: &Lately) -> Result<Option<ArchivedRow>, Halt> {
    let judged = timeline::left(db, &place.queue, &place.id, place.row, &lately.operations).await;
    let Some(failure) = state.archive.noted(judged)?.filter(|failure| !lately.names(failure)) else { return Ok(None) };
    let (driver, queue, id) = (&state.driver, &place.queue, &place.id);
    let here = driver.has_failure_of(queue, id, failure.created_at, failure.attempt).await?
        || driver.runs_soon(queue, id, failure.group_id.as_deref()).await?;
    Ok(Some(failure).filter(|_| !here))
}

/// What a count carries from step to step.
#[derive(Serialize, Deserialize)]
struct Counting {
    archived: Archived,
    oldest_at: Option<Millis>,
    scanned: u64,
    before: i64,
}

impl Counting {
    fn add(&mut self, failure: ArchivedRow) {
        let at = failure.failed_at.or(failure.archived_at);
        self.oldest_at = self.oldest_at.into_iter().chain(at).min();
        match self.archived.parts.iter_mut().find(|part| part.queue == failure.queue) {
            Some(part) => part.count += 1,
            None => self.archived.parts.push(ArchivedPart { queue: failure.queue, count: 1 }),
        }
    }

    /// As much as is counted.
    fn is_full(&self) -> bool {
        self.archived.count() >= MOST || self.scanned >= MOST_ROWS || self.archived.parts.len() > super::QUEUES
    }
}

/// What is in Redis can be acted on without it.
fn unavailable(error: ArchiveError) -> ArchivedStep {
    let why = match error {
        ArchiveError::Off => "This console keeps no archive: only jobs in Redis are meant.".into(),
        other => format!("The archive could not be asked, so only jobs in Redis are meant. {}", ApiError::from(other)),
    };
    ArchivedStep { unavailable: Some(why), ..ArchivedStep::default() }
}

/// One step of counting; `at`: `next` of the step before.
pub async fn count(state: &AppState, text: &str, at: Option<&str>) -> Result<ArchivedStep, ApiError> {
    let db = match state.archive.db() {
        Ok(db) => db,
        Err(error) => return Ok(unavailable(error)),
    };
    let mut counting = match at {
        None => Counting { archived: Archived::default(), oldest_at: None, scanned: 0, before: i64::MAX },
        Some(at) => serde_json::from_str(at).map_err(|_| ApiError::invalid("cursor", "Take `next` of the step before, unchanged."))?,
    };
    let began = Instant::now();
    let mut more = true;
    while more && !counting.is_full() && began.elapsed() < STEP_TIME {
        more = match step(state, &db, &sha1_hex(text), &mut counting).await {
            Err(Halt::Archive(error)) => return Ok(unavailable(error)),
            stepped => stepped?,
        };
    }
    let at_least = more && counting.is_full();
    // Of one queue too many its jobs are not acted on.
    counting.archived.parts.truncate(super::QUEUES);
    Ok(ArchivedStep {
        archived: counting.archived.clone(),
        oldest_at: counting.oldest_at,
        scanned: counting.scanned,
        at_least,
        next: (more && !at_least).then(|| serde_json::to_string(&counting).unwrap_or_default()),
        unavailable: None,
    })
}

/// Judges the next rows; false when there are no more.
async fn step(state: &AppState, db: &Db, signature: &str, counting: &mut Counting) -> Result<bool, Halt> {
    let (places, next) = state.archive.noted(signatures::places(db, signature, counting.before, ROWS).await)?;
    let lately = Lately::of(state).await?;
    for place in &places {
        if counting.archived.top == 0 {
            counting.archived.top = place.row;
        }
        if state.driver.keys().is_queue(&place.queue)
            && let Some(failure) = left(state, db, place, &lately).await?
        {
            counting.add(failure);
        }
        (counting.before, counting.scanned) = (place.row, counting.scanned + 1);
        if counting.is_full() {
            return Ok(true);
        }
    }
    counting.before = next.unwrap_or(counting.before);
    Ok(next.is_some())
}
