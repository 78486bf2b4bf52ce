//! "All matching": a verb on exactly the jobs of one list (or set of lists) that a filter finds, and that were there when they
//! were counted.
//!
//! Lists are read from the newest job that was counted towards the next to leave, so what is pushed meanwhile lies behind and is
//! never met, nor is a job that fails again. Each job is looked for by its fingerprint and moved by the same script as on a click.

use super::{Operations, work::Work};
use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName, Source},
    job::JobState,
    operation::{Operation, Outcome, Verb},
    search::Query,
};
use crate::server::{
    actions::now,
    driver::redis::{
        Step,
        search::{Mark, sources},
    },
    error::DriverError,
    search::Start,
    state::AppState,
};
use std::collections::VecDeque;

/// Jobs of one step: each costs Redis two short scripts.
const CHUNK: u64 = 256;

pub struct Matching {
    verb: Verb,
    query: Query,
    start: Start,
    /// Lists still to go through, each with where to go on.
    lists: VecDeque<(Source, Option<Mark>)>,
    /// Jobs that it may still act on: never more than were counted.
    left: u64,
    base: bool,
    served: bool,
    /// Of a deletion.
    pub trash: Option<String>,
}

/// What "all matching" is to do.
pub struct Chosen<'a> {
    pub verb: Verb,
    pub queue: &'a QueueName,
    pub from: JobState,
    pub query: Query,
    pub start: Start,
    /// Jobs that were counted.
    pub total: u64,
    /// Jobs of a priority that no worker reads go to the base list.
    pub base: bool,
}

impl Operations {
    pub async fn all_matching(&self, state: &AppState, chosen: Chosen<'_>) -> Result<Operation, ApiError> {
        let Chosen { verb, queue, from, query, start, total, base } = chosen;
        let served = from == JobState::Delayed && state.driver.served(queue).await?;
        let mut lists = VecDeque::new();
        for (source, top) in sources(from).into_iter().zip(&start.tops) {
            let Some(top) = top else { continue };
            let mark = if from == JobState::Delayed { None } else { Some(state.driver.above(queue, &source, top).await?) };
            lists.push_back((source, mark));
        }
        let trash = if verb == Verb::Discard { Some(state.driver.open_trash(queue, verb, now()).await?) } else { None };
        let filter = query.to_string();
        let with = format!("{filter} base {base}");
        let work = Matching { verb, query, start, lists, left: total, base, served, trash: trash.clone() };
        let started = self.start(state, verb, queue, Some(from), Some(filter), with, total, |_| Work::Matching(work)).await;
        if let (Some(trash), false) = (&trash, started.as_ref().is_ok_and(|(_, new)| *new)) {
            state.driver.close_trash(trash).await?;
        }
        started.map(|(operation, _)| operation)
    }
}

/// The next piece of the lists; what matches in it is acted on.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Matching, outcome: &mut Outcome) -> Result<Step, DriverError> {
    let ended = |gone| Ok(Step { outcome: Outcome { gone, ..Outcome::default() }, finished: true });
    let Some((source, mark)) = work.lists.front().cloned() else { return ended(work.left) };
    if work.left == 0 {
        return ended(0);
    }
    let piece = state.driver.piece(queue, &source, mark.as_ref(), CHUNK).await?;
    let Some(last) = piece.rows.last() else {
        work.lists.pop_front();
        return Ok(Step { outcome: Outcome::default(), finished: false });
    };
    let mut stay = Vec::new();
    let mut jobs = Vec::new();
    let mut rows = piece.rows.iter();
    for row in rows.by_ref() {
        let matched = row.matched(&work.query, queue, &source);
        match matched.filter(|(job, _)| !work.start.came_since(job)) {
            Some((job, _)) => jobs.push(job.fingerprint),
            None => stay.push(row),
        }
        if jobs.len() as u64 == work.left {
            break;
        }
    }
    let through = last.position() == 0 || jobs.len() as u64 == work.left;
    let next = Mark::behind(last, &stay, mark.as_ref());
    let before = outcome.clone();
    let done = act(state, queue, work, &jobs, outcome).await;
    if let Err(error) = done {
        // What was done counts; the piece is read again from its beginning.
        work.left = work.left.saturating_sub(acted(outcome) - acted(&before));
        return Err(error);
    }
    work.left -= jobs.len() as u64;
    if through {
        work.lists.pop_front();
    } else if let Some(list) = work.lists.front_mut() {
        list.1 = Some(next);
    }
    Ok(Step { outcome: Outcome::default(), finished: false })
}

fn acted(o: &Outcome) -> u64 {
    o.done + o.gone + o.corrupt + o.due + o.unread_priority
}

/// Adds to the outcome also when it fails in between.
async fn act(state: &AppState, queue: &QueueName, work: &Matching, jobs: &[Fingerprint], outcome: &mut Outcome) -> Result<(), DriverError> {
    let driver = &state.driver;
    for job in jobs {
        let one = std::slice::from_ref(job);
        match (work.verb, &work.trash) {
            (Verb::Discard, Some(trash)) => driver.discard_into(queue, trash, job, work.served, now(), outcome).await?,
            (Verb::Promote, _) => outcome.add(&driver.promote(queue, one, work.served, now()).await?),
            _ => outcome.add(&driver.retry(queue, one, work.base).await?),
        }
    }
    Ok(())
}
