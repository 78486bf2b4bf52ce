//! Failed jobs of one kind that only the archive remembers, one failure a job: which they are, and how many.
//!
//! Rows are walked from the newest one, in bounded steps. Each is judged by what the archive, and Redis, tell of its job now; an operation
//! walks and judges in the same way again, so what came in between is left alone.
//!
//! The order of looking matters. First it is looked whether Redis has the jobs of a step, then what moved jobs lately, then what the archive
//! tells: an operation is in Redis before its first step, so what was moved out of sight before the first look is told by the second.

mod border;
mod bulk;

use crate::model::{
    archive::ArchivedRow,
    audit::{AuditLine, UNSURE},
    error::ApiError,
    errors::{Archived, ArchivedPart, ArchivedStep},
    ids::{QueueName, Source},
    operation::{Operation, Verb},
    time::Millis,
};
use crate::server::{
    actions::now,
    archive::{audit, db::Db, error::ArchiveError, jobs, record, signatures, signatures::Place, timeline},
    digest::sha1_hex,
    error::DriverError,
    state::AppState,
};
use border::border;
pub use border::is_whole;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

/// Rows that are judged at a time.
pub const ROWS: usize = 32;
/// A step of the count goes on so long.
const STEP_TIME: Duration = Duration::from_millis(400);
/// The count ends with so many jobs, or rows: more is "at least".
pub const MOST: u64 = 100_000;
const MOST_ROWS: u64 = 500_000;
/// Audit lines that are on their way to the archive: they lie in Redis for moments.
const LINES: u64 = 200;
const LINES_WAIT: &str =
    "Many audit lines are still on their way to the archive, so it is not known what was done lately. Try again in a moment.";
/// Operations of the last day: all of them, or one that took a job might be left out.
const OPERATIONS: usize = 5_000;
/// A list of the library's is longer for moments, while many workers push to it at once.
const LONGEST: u64 = timeline::KEPT + 100;

/// What keeps it from being told what is left.
#[derive(Debug)]
pub enum Halt {
    Redis(DriverError),
    Archive(ArchiveError),
    /// Audit lines wait in Redis for the archive, more than are read here: what was done lately is not known.
    Lines,
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
            Halt::Lines => Self::Unavailable { detail: LINES_WAIT.into() },
        }
    }
}

/// Names a failure, whichever row tells of it: it is pushed once by this name, which no click can have.
pub fn name(row: &ArchivedRow) -> String {
    let identity = record::identity(&row.id, row.created_at, row.attempt);
    format!("archived.{}", sha1_hex(format!("{}\n{identity}", row.queue)))
}

/// What Redis tells of the rows of one step, and of the last moments.
pub struct Lately {
    /// Rows whose job is in Redis, or was pushed within a day.
    here: HashSet<i64>,
    operations: Vec<Operation>,
    lines: Vec<AuditLine>,
    /// What failed before may have lost what came after it.
    border: Millis,
    /// Queues whose failed lists are longer than the library lets them be.
    long: HashSet<QueueName>,
}

impl Lately {
    /// `places`: at most a step of them.
    pub async fn of(state: &AppState, db: &Db, places: &[&Place]) -> Result<Self, Halt> {
        let driver = &state.driver;
        if places.is_empty() {
            // Nothing is left of nothing.
            return Ok(Self {
                here: HashSet::new(),
                operations: Vec::new(),
                lines: Vec::new(),
                border: Millis(i64::MAX),
                long: HashSet::new(),
            });
        }
        let here = here(state, db, places).await?;
        let at = now();
        let queues: HashSet<&QueueName> = places.iter().map(|place| &place.queue).collect();
        let mut operations = state.operations.lately(driver, &queues, OPERATIONS, at).await?;
        let lines = driver.audit(0, LINES).await?;
        if lines.len() >= usize::try_from(LINES).unwrap_or(usize::MAX) {
            return Err(Halt::Lines);
        }
        let lines: Vec<AuditLine> = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let told = lines.iter().filter_map(bulk::operation).filter(|told| queues.contains(&told.queue));
        let forgotten: Vec<Operation> = told.filter(|told| !operations.iter().any(|known| known.id == told.id)).collect();
        operations.extend(forgotten);
        forget_named(state, db, &mut operations).await?;
        let lists: Vec<(&QueueName, &Source)> = queues.into_iter().map(|queue| (queue, &Source::Failed)).collect();
        let lengths = driver.lengths(&lists).await?;
        let long =
            lists.iter().zip(lengths).filter(|(_, length)| *length > Some(LONGEST)).map(|((queue, _), _)| (*queue).clone()).collect();
        Ok(Self { here, operations, lines, border: border(&driver.retention(at).await?, at), long })
    }

    /// Whether somebody moved the job by name since it failed, or may have.
    fn names(&self, failure: &ArchivedRow) -> bool {
        let (alone, among) = (timeline::deed_filter(&failure.id), record::key(&failure.id));
        let since = timeline::since(failure);
        self.lines.iter().any(|line| {
            line.queue.as_deref() == Some(failure.queue.as_str())
                && (line.jobs.is_some_and(|jobs| jobs > 0) || line.result.starts_with(UNSURE))
                && line.verb != "duplicate"
                && line.at >= since
                && (line.filter.as_deref() == Some(alone.as_str()) || line.ids.contains(&among))
        })
    }
}

/// Leaves out those that name what they moved: the others they left alone.
async fn forget_named(state: &AppState, db: &Db, operations: &mut Vec<Operation>) -> Result<(), Halt> {
    let names = |o: &&Operation| o.finished_at.is_some() && o.filter.is_some() && matches!(o.verb, Verb::Retry | Verb::Discard);
    let ended: Vec<&str> = operations.iter().filter(names).map(|o| o.id.as_str()).collect();
    let named = state.archive.noted(audit::all_named(db, &ended).await)?;
    operations.retain(|o| !named.contains(&o.id));
    Ok(())
}

/// The rows among these whose job is in Redis, or was pushed within a day. Each list of Redis is read once for all of them.
async fn here(state: &AppState, db: &Db, places: &[&Place]) -> Result<HashSet<i64>, Halt> {
    let mut ids: Vec<i64> = places.iter().map(|place| place.row).collect();
    let Some(last) = ids.last().copied() else { return Ok(HashSet::new()) };
    ids.resize(ids.len().next_power_of_two(), last);
    let rows = state.archive.noted(jobs::unjudged(db, ids).await)?;
    let mut by_queue: BTreeMap<&QueueName, Vec<&ArchivedRow>> = BTreeMap::new();
    for row in &rows {
        by_queue.entry(&row.queue).or_default().push(row);
    }
    let mut here = HashSet::new();
    for (queue, rows) in by_queue {
        let names: Vec<String> = rows.iter().map(|row| name(row)).collect();
        let (pushed, there) = (state.driver.were_pushed(&names).await?, state.driver.are_here(queue, &rows).await?);
        let met = rows.iter().zip(pushed.into_iter().zip(there)).filter(|(_, (pushed, there))| *pushed || *there);
        here.extend(met.map(|(row, _)| row.row));
    }
    Ok(here)
}

/// The failure at this place, if its job is known by nothing else any more: neither the archive nor Redis tells of anything since.
pub async fn left(state: &AppState, db: &Db, place: &Place, lately: &Lately) -> Result<Option<ArchivedRow>, Halt> {
    if lately.here.contains(&place.row) {
        return Ok(None);
    }
    let cut = !lately.long.contains(&place.queue);
    let judged = timeline::left(db, &place.queue, &place.id, place.row, &lately.operations, lately.border, cut).await;
    let Some(failure) = state.archive.noted(judged)?.filter(|failure| !lately.names(failure)) else { return Ok(None) };
    // Nothing in Redis, and no event, can be told to be of it.
    if state.archive.noted(jobs::is_nameless(db, failure.row, &failure.id).await)? {
        return Ok(None);
    }
    // Last of all: what runs is in no list, and what ran while the lists were read need not be in the archive yet.
    let ran = state.ledger.lock().may_have_run(&failure.queue, &failure.id, timeline::since(&failure), now());
    Ok((!ran).then_some(failure))
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
    /// Rows come from the newest on: the last one of a queue is its oldest.
    fn add(&mut self, failure: ArchivedRow) {
        let at = failure.failed_at.or(failure.archived_at);
        self.oldest_at = self.oldest_at.into_iter().chain(at).min();
        match self.archived.parts.iter_mut().find(|part| part.queue == failure.queue) {
            Some(part) => (part.count, part.bottom) = (part.count + 1, failure.row),
            None => self.archived.parts.push(ArchivedPart { queue: failure.queue, count: 1, bottom: failure.row }),
        }
    }

    /// As much as is counted.
    fn is_full(&self) -> bool {
        self.archived.count() >= MOST || self.scanned >= MOST_ROWS || self.archived.parts.len() > super::QUEUES
    }
}

/// What is in Redis can be acted on without it.
fn unavailable(error: ArchiveError) -> ArchivedStep {
    without(match error {
        ArchiveError::Off => "This console keeps no archive: only jobs in Redis are meant.".into(),
        other => format!("The archive could not be asked, so only jobs in Redis are meant. {}", ApiError::from(other)),
    })
}

fn without(why: String) -> ArchivedStep {
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
        Some(at) => serde_json::from_str(at).map_err(|_| ApiError::invalid("at", "Take `next` of the step before, unchanged."))?,
    };
    let began = Instant::now();
    let mut more = true;
    while more && !counting.is_full() && began.elapsed() < STEP_TIME {
        more = match step(state, &db, &sha1_hex(text), &mut counting).await {
            Err(Halt::Archive(error)) => return Ok(unavailable(error)),
            Err(Halt::Lines) => return Ok(without(format!("Only jobs in Redis are meant. {LINES_WAIT}"))),
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
    let asked: Vec<&Place> = places.iter().filter(|place| state.driver.keys().is_queue(&place.queue)).collect();
    let lately = Lately::of(state, db, &asked).await?;
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
