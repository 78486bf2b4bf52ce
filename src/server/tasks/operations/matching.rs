//! "All matching": a verb on exactly the jobs of one list (or set of lists) that a filter finds, and that were there when they
//! were counted.
//!
//! Lists are read from the newest job that was counted towards the next to leave, so what is pushed meanwhile lies behind and is
//! never met, nor is a job that fails again. What leaves a list at its end moves the rest: every piece begins at an element that
//! the one before has seen. Each job is looked for by its fingerprint and moved by the same script as on a click.

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
        Acted, Step,
        due::Served,
        search::{Mark, Top, sources},
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
    /// Lists still to go through.
    lists: VecDeque<(Source, At)>,
    /// Jobs that it may still act on: never more than were counted.
    left: u64,
    base: bool,
    served: Served,
    /// Of a deletion.
    pub trash: Option<String>,
}

/// Where a list goes on.
#[derive(Clone)]
enum At {
    /// A delayed set: behind the mark.
    Due(Option<Mark>),
    /// At this element.
    Element(Top),
}

/// What "all matching" is to do.
pub struct Chosen {
    pub verb: Verb,
    pub queue: QueueName,
    pub from: JobState,
    pub query: Query,
    pub start: Start,
    /// Jobs that were counted.
    pub total: u64,
    /// Jobs of a priority that no worker reads go to the base list.
    pub base: bool,
}

impl Chosen {
    /// What tells it from another one of the same verb.
    pub(super) fn with(&self) -> String {
        format!("{} base {}", self.query, self.base)
    }
}

impl Operations {
    pub async fn all_matching(&self, state: &AppState, chosen: Chosen) -> Result<Operation, ApiError> {
        let work = ready(state, &chosen).await?;
        let trash = work.trash.clone();
        let (filter, with) = (Some(chosen.query.to_string()), chosen.with());
        let Chosen { verb, queue, from, total, .. } = chosen;
        let started = self.start(state, verb, &queue, Some(from), filter, with, total, |_| Work::Matching(work)).await;
        if let (Some(trash), false) = (&trash, started.as_ref().is_ok_and(|(_, new)| *new)) {
            state.driver.close_trash(trash).await?;
        }
        started.map(|(operation, _)| operation)
    }
}

/// The work that is chosen, ready for its first step.
pub(super) async fn ready(state: &AppState, chosen: &Chosen) -> Result<Matching, DriverError> {
    let Chosen { verb, queue, from, query, start, total, base } = chosen;
    let mut lists = VecDeque::new();
    for (source, top) in sources(*from).into_iter().zip(&start.tops) {
        let Some(top) = top else { continue };
        let at = if *from == JobState::Delayed { At::Due(None) } else { At::Element(top.clone()) };
        lists.push_back((source, at));
    }
    let trash = if *verb == Verb::Discard { Some(state.driver.open_trash(queue, *verb, now()).await?) } else { None };
    let (query, start) = (query.clone(), start.clone());
    Ok(Matching { verb: *verb, query, start, lists, left: *total, base: *base, served: Served::default(), trash })
}

/// The next piece of the lists; what matches in it is acted on.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Matching, outcome: &mut Outcome) -> Result<Step, DriverError> {
    let ended = |gone| Ok(Step { outcome: Outcome { gone, ..Outcome::default() }, finished: true });
    let Some((source, at)) = work.lists.front().cloned() else { return ended(work.left) };
    if work.left == 0 {
        return ended(0);
    }
    let (piece, mark) = match at {
        At::Due(mark) => (state.driver.piece(queue, &source, mark.as_ref(), CHUNK).await?, mark),
        At::Element(top) => (state.driver.piece_at(queue, &source, &top, CHUNK).await?, None),
    };
    let Some(last) = piece.rows.last() else {
        work.lists.pop_front();
        return Ok(Step { outcome: Outcome::default(), finished: false });
    };
    // Asked before anything of this piece is taken out: the place behind it is told by its last elements.
    let due = matches!(source, Source::Delayed(_));
    let behind = if due || last.position() == 0 { None } else { state.driver.behind(queue, &source, &piece).await? };
    let (mut stay, mut jobs) = (Vec::new(), Vec::new());
    for (at, row) in piece.rows.iter().enumerate() {
        let (matched, _) = row.matched(&work.query, queue, &source);
        match matched.filter(|(job, _)| !work.start.came_since(job)) {
            Some((job, _)) => jobs.push((at, job.fingerprint)),
            None => stay.push(row),
        }
        if jobs.len() as u64 == work.left {
            break;
        }
    }
    let before = outcome.clone();
    if let Err(error) = act(state, queue, work, &jobs, outcome).await {
        // What was done counts. The list goes on with the first job that was not reached; a delayed set from the piece's beginning.
        let done = acted(outcome) - acted(&before);
        work.left = work.left.saturating_sub(done);
        let next = usize::try_from(done).ok().and_then(|done| jobs.get(done)).and_then(|(at, _)| piece.coming(*at, behind.as_ref()));
        if let (Some(list), Some(next), false) = (work.lists.front_mut(), next, due) {
            list.1 = At::Element(next);
        }
        return Err(error);
    }
    work.left -= jobs.len() as u64;
    let next = match behind {
        Some(top) => Some(At::Element(top)),
        None if last.position() > 0 => Mark::behind(last, &stay, mark.as_ref()).map(|mark| At::Due(Some(mark))),
        None => None,
    };
    match (work.lists.front_mut(), next) {
        (Some(list), Some(next)) if work.left > 0 => list.1 = next,
        _ => drop(work.lists.pop_front()),
    }
    Ok(Step { outcome: Outcome::default(), finished: false })
}

fn acted(o: &Outcome) -> u64 {
    o.done + o.gone + o.corrupt + o.due + o.unread_priority
}

/// Adds to the outcome also when it fails in between.
async fn act(
    state: &AppState,
    queue: &QueueName,
    work: &mut Matching,
    jobs: &[(usize, Fingerprint)],
    outcome: &mut Outcome,
) -> Result<(), DriverError> {
    for (_, job) in jobs {
        let gone = outcome.gone;
        act_on(state, queue, work, job, outcome).await?;
        if outcome.gone > gone {
            // While workers take jobs it may have moved from a place still to be looked at to one that was looked at.
            outcome.gone = gone;
            act_on(state, queue, work, job, outcome).await?;
        }
    }
    Ok(())
}

async fn act_on(
    state: &AppState,
    queue: &QueueName,
    work: &mut Matching,
    job: &Fingerprint,
    outcome: &mut Outcome,
) -> Result<(), DriverError> {
    let (driver, one) = (&state.driver, std::slice::from_ref(job));
    match (work.verb, &work.trash) {
        (Verb::Discard, Some(trash)) => driver.discard_into(queue, trash, job, &mut work.served, now, outcome).await?,
        (Verb::Promote, _) => {
            let mut told = Acted::default();
            driver.promote_telling(queue, one, &mut work.served, now, &mut told).await?;
            outcome.add(&told.outcome);
        }
        _ => {
            let mut told = Acted::walking();
            driver.retry_telling(queue, one, work.base, &mut told).await?;
            outcome.add(&told.outcome);
        }
    }
    Ok(())
}
