//! "All matching": a verb on exactly the jobs of one list (or set of lists) that a filter finds, and that were there when they
//! were counted.
//!
//! Lists are read from the newest job that was counted towards the next to leave, so what is pushed meanwhile lies behind and is
//! never met, nor is a job that fails again. What leaves a list at its end moves the rest: every piece begins at an element that
//! the one before has seen, or below what that one left. Each job is looked for by its fingerprint and moved by the same script as
//! on a click.

use super::{Operations, named::Named, work::Work};
use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName, Source},
    job::{JobState, JobSummary},
    operation::{Operation, Outcome, Verb},
    search::Query,
};
use crate::server::{
    actions::now,
    driver::redis::{
        Acted, Step,
        due::Served,
        search::{Mark, Read, Top, sources},
    },
    error::DriverError,
    search::{NEWEST, Start},
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
    /// The digest of a job of the list it is at that was counted: of those before it only their time tells whether they failed since.
    /// Empty: of all of them.
    unsure: Option<String>,
    /// A place in a list was not found again, so some jobs were not looked at.
    lost: bool,
    pub(super) named: Named,
}

impl Matching {
    /// Whether some of those that are told as gone may be there still.
    pub(super) fn lost(&self) -> bool {
        self.lost && self.left > 0
    }

    /// Whether this one, which matches, was there when they were counted.
    fn was_there(&self, job: &JobSummary, unsure: bool) -> bool {
        !self.start.came_since(job) && (!unsure || job.failed_at.is_some_and(|at| at <= self.start.at))
    }

    /// The list goes on there, or the next one begins.
    fn go_on(&mut self, next: Option<At>) {
        match (self.lists.front_mut(), next) {
            (Some(list), Some(next)) if self.left > 0 => list.1 = next,
            _ => {
                self.lists.pop_front();
                self.unsure = None;
            }
        }
    }
}

/// Where a list goes on.
#[derive(Clone)]
enum At {
    /// A delayed set: behind the mark.
    Due(Option<Mark>),
    /// A list that was not begun: at the newest elements that were counted.
    Counted(Top),
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
        // What failed between two counts is meant by the later one alone.
        format!("{} base {} counted at {}", self.query, self.base, self.start.at.0)
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
        let at = if *from == JobState::Delayed { At::Due(None) } else { At::Counted(top.clone()) };
        lists.push_back((source, at));
    }
    let trash = if *verb == Verb::Discard { Some(state.driver.open_trash(queue, *verb, now()).await?) } else { None };
    let (query, start) = (query.clone(), start.clone());
    Ok(Matching {
        verb: *verb,
        query,
        start,
        lists,
        left: *total,
        base: *base,
        served: Served::default(),
        trash,
        unsure: None,
        lost: false,
        named: Named::when(*from == JobState::Failed),
    })
}

/// The next piece of the lists; what matches in it is acted on.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Matching, outcome: &mut Outcome) -> Result<Step, DriverError> {
    let ended = |gone| Ok(Step { outcome: Outcome { gone, ..Outcome::default() }, finished: true });
    let Some((source, at)) = work.lists.front().cloned() else { return ended(work.left) };
    if work.left == 0 {
        return ended(0);
    }
    let (piece, mark) = match &at {
        At::Due(mark) => (state.driver.piece(queue, &source, mark.as_ref(), CHUNK).await?, mark.as_ref()),
        At::Counted(top) | At::Element(top) => (state.driver.piece_at(queue, &source, top, CHUNK).await?, None),
    };
    let Some(last) = piece.rows.last() else {
        let next = if piece.lost { again(state, queue, work, &source, &at).await? } else { None };
        work.go_on(next);
        return Ok(Step { outcome: Outcome::default(), finished: false });
    };
    // Asked before anything of this piece is taken out: the place behind it is told by its last elements.
    let due = matches!(source, Source::Delayed(_));
    let behind = if due || last.position() == 0 { None } else { state.driver.behind(queue, &source, &piece).await? };
    let (mut stay, mut jobs, mut sure_from) = (Vec::new(), Vec::new(), None);
    for (at, row) in piece.rows.iter().enumerate() {
        if sure_from.is_none() && work.unsure.as_ref().is_some_and(|counted| row.is(counted)) {
            sure_from = Some(at);
        }
        let unsure = work.unsure.is_some() && sure_from.is_none();
        let (matched, _) = row.matched(&work.query, queue, &source);
        match matched.filter(|(job, _)| work.was_there(job, unsure)) {
            Some((job, _)) => jobs.push((at, job.fingerprint)),
            None => stay.push(at),
        }
        if jobs.len() as u64 == work.left {
            break;
        }
    }
    let before = outcome.clone();
    let went = act(state, queue, work, &jobs, &mut stay, outcome).await;
    stay.sort_unstable();
    let earlier = match &at {
        At::Counted(top) | At::Element(top) => top.above.as_slice(),
        At::Due(_) => &[],
    };
    if let Err(error) = went {
        // What was done counts. The list goes on with the first job that was not reached; a delayed set from the piece's beginning.
        let done = acted(outcome) - acted(&before);
        work.left = work.left.saturating_sub(done);
        let reached = usize::try_from(done).ok().and_then(|done| jobs.get(done)).map(|(at, _)| *at);
        if let (Some(list), Some(reached), false) = (work.lists.front_mut(), reached, due)
            && let Some(top) = piece.coming(reached, behind.as_ref())
        {
            stay.retain(|at| *at < reached);
            list.1 = At::Element(Top { above: piece.above(&stay, earlier), ..top });
            if sure_from.is_some_and(|at| at < reached) {
                work.unsure = None;
            }
        }
        return Err(error);
    }
    work.left -= jobs.len() as u64;
    if sure_from.is_some() {
        work.unsure = None;
    }
    let next = match last.position().checked_sub(1) {
        None => None,
        Some(_) if due => {
            let rows: Vec<&Read> = stay.iter().filter_map(|at| piece.rows.get(*at)).collect();
            Mark::behind(last, &rows, mark).map(|mark| At::Due(Some(mark)))
        }
        // Where nothing was found behind it, what was left above tells whether others took it.
        Some(position) => {
            let top = behind.unwrap_or(Top { position, ..Top::default() });
            Some(At::Element(Top { above: piece.above(&stay, earlier), ..top }))
        }
    };
    work.go_on(next);
    Ok(Step { outcome: Outcome::default(), finished: false })
}

/// Where a list goes on whose place is lost; `None`: it does not.
async fn again(state: &AppState, queue: &QueueName, work: &mut Matching, source: &Source, at: &At) -> Result<Option<At>, DriverError> {
    let failed = *source == Source::Failed;
    let At::Counted(top) = at else {
        // Of a waiting list workers took the rest, most likely.
        work.lost |= failed && state.driver.top(queue, source).await?.is_some();
        return Ok(None);
    };
    match state.driver.counted(queue, source, top).await? {
        // None that matches stands above it.
        Some((nth, counted)) if nth < NEWEST => Ok(Some(At::Element(counted))),
        Some((_, counted)) if !failed => {
            // A job that comes into a waiting list need not be a new one: what stands above is left.
            work.lost = true;
            Ok(Some(At::Element(counted)))
        }
        None if !failed || !top.matched.is_empty() => Ok(None),
        counted => {
            work.unsure = Some(counted.and_then(|(_, top)| top.anchors.into_iter().next()).unwrap_or_default());
            Ok(state.driver.top(queue, source).await?.map(At::Element))
        }
    }
}

fn acted(o: &Outcome) -> u64 {
    o.done + o.gone + o.corrupt + o.due + o.unread_priority
}

/// Adds to the outcome also when it fails in between; `stay`: those that are left where they are.
async fn act(
    state: &AppState,
    queue: &QueueName,
    work: &mut Matching,
    jobs: &[(usize, Fingerprint)],
    stay: &mut Vec<usize>,
    outcome: &mut Outcome,
) -> Result<(), DriverError> {
    for (at, job) in jobs {
        let (gone, left) = (outcome.gone, outcome.done + outcome.gone);
        act_on(state, queue, work, job, outcome).await?;
        if outcome.gone > gone {
            // While workers take jobs it may have moved from a place still to be looked at to one that was looked at.
            outcome.gone = gone;
            act_on(state, queue, work, job, outcome).await?;
        }
        if outcome.done + outcome.gone == left {
            stay.push(*at);
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
        (Verb::Discard, Some(trash)) => work.named.add(driver.discard_into(queue, trash, job, &mut work.served, now, outcome).await?),
        (Verb::Promote, _) => {
            let mut told = Acted::default();
            driver.promote_telling(queue, one, &mut work.served, now, &mut told).await?;
            outcome.add(&told.outcome);
        }
        _ => {
            let mut told = Acted::walking();
            driver.retry_telling(queue, one, work.base, &mut told).await?;
            outcome.add(&told.outcome);
            work.named.add(told.ids);
        }
    }
    Ok(())
}
