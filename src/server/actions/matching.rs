//! What a filter finds in one tab of a queue: the table, the count before an action on all of it, and the action.

use super::{audit, check_state, is_queue, now, search as find};
use crate::model::{
    error::ApiError,
    ids::QueueName,
    job::JobState,
    operation::{Operation, Verb},
    query::PER_PAGE,
    search::{CountStep, MatchPage, Query},
};
use crate::server::{
    search::{self, Cursor, Limits, STEP, Scope, Start, Step},
    state::AppState,
    tasks::operations::Chosen,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A table waits so long for a full page; who wants more asks on.
const PAGE_TIME: Duration = Duration::from_millis(300);

/// What a count carries from step to step.
#[derive(Serialize, Deserialize)]
struct Counting {
    cursor: String,
    count: u64,
    bytes: u64,
    start: Start,
}

/// The next matching jobs, newest first.
pub async fn page(
    state: &AppState,
    queue: &QueueName,
    from: JobState,
    text: &str,
    at: Option<&str>,
    per_page: u64,
) -> Result<MatchPage, ApiError> {
    is_queue(state, queue)?;
    if !PER_PAGE.contains(&per_page) {
        return Err(ApiError::invalid("perPage", "Pages hold 20, 50, 100 or 200 jobs."));
    }
    let mut cursor = find::cursor(at)?;
    let query = find::parse(text, &cursor)?;
    let scope = scope(queue, from)?;
    state.watching.request(now());
    let began = std::time::Instant::now();
    let mut page = MatchPage { jobs: Vec::new(), coverage: Default::default(), next: None, problems: Vec::new(), sampled_at: now() };
    loop {
        let hits = (per_page as usize).saturating_sub(page.jobs.len());
        let limits = Limits { elements: 20_000, bytes: 8 * STEP.bytes, hits, time: PAGE_TIME.saturating_sub(began.elapsed()) };
        let step = step(state, &query, &scope, &cursor, limits).await?;
        page.jobs.extend(step.found.into_iter().map(|f| f.job));
        (page.coverage, page.problems) = (step.coverage, step.skipped);
        page.next = step.next.as_ref().map(Cursor::write);
        match step.next {
            Some(next) if (page.jobs.len() as u64) < per_page && began.elapsed() < PAGE_TIME => cursor = next,
            _ => return Ok(page),
        }
    }
}

/// One step of counting; `at`: `next` of the step before.
pub async fn count(state: &AppState, queue: &QueueName, from: JobState, text: &str, at: Option<&str>) -> Result<CountStep, ApiError> {
    is_queue(state, queue)?;
    let mut scope = scope(queue, from)?;
    let counting: Option<Counting> = at
        .map(|at| serde_json::from_str(at).map_err(|_| ApiError::invalid("cursor", "Take `next` of the step before, unchanged.")))
        .transpose()?;
    let (mut start, cursor, counted, weighed) = match counting {
        Some(Counting { cursor, count, bytes, start }) => (start, Cursor::read(&cursor)?, count, bytes),
        None => {
            // Before anything is counted: what comes later is neither counted nor acted on.
            let start = Start { at: now(), tops: state.driver.tops(queue, from).await? };
            let cursor = Cursor::new(start.at);
            (start, cursor, 0, 0)
        }
    };
    let query = whole(text, &cursor)?;
    sound(&start)?;
    scope.start = Some(start.clone());
    let limits = Limits { hits: usize::MAX, ..STEP };
    let step = step(state, &query, &scope, &cursor, limits).await?;
    for (list, top) in step.anew {
        if let Some(begun) = start.tops.get_mut(list) {
            *begun = Some(top);
        }
    }
    start.remember(from, &step.found.iter().map(|found| &found.job.fingerprint).collect::<Vec<_>>());
    let count = counted + step.found.len() as u64;
    // It comes back from the browser.
    let bytes = step.found.iter().fold(weighed, |sum: u64, found| sum.saturating_add(found.job.bytes));
    let written = |v: &Counting| serde_json::to_string(v).unwrap_or_default();
    Ok(CountStep {
        count,
        bytes,
        coverage: step.coverage,
        next: step.next.map(|next| written(&Counting { cursor: next.write(), count, bytes, start: start.clone() })),
        start: serde_json::to_string(&start).unwrap_or_default(),
    })
}

/// What is asked of all jobs that match.
pub struct Ask<'a> {
    pub verb: Verb,
    pub from: JobState,
    pub text: &'a str,
    /// From the count.
    pub start: &'a str,
    /// What it counted.
    pub total: u64,
    pub base: bool,
}

/// A verb on the jobs that a count found, as an operation in the background.
pub async fn act(state: &AppState, queue: &QueueName, ask: Ask<'_>) -> Result<Operation, ApiError> {
    let (asked, chosen) = choose(state, queue, &ask);
    let begun = match chosen {
        Ok(chosen) => state.operations.all_matching(state, chosen).await,
        Err(error) => Err(error),
    };
    asked.begun(state, begun).await
}

/// What is asked for, and its audit line for the case that it does not begin.
pub(super) fn choose(state: &AppState, queue: &QueueName, ask: &Ask<'_>) -> (audit::Asked, Result<Chosen, ApiError>) {
    let filter = format!("{} matching {}", ask.from.as_str(), ask.text);
    (audit::asked(state, ask.verb.as_str(), Some(queue)).of(filter), chosen(state, queue, ask))
}

fn chosen(state: &AppState, queue: &QueueName, ask: &Ask<'_>) -> Result<Chosen, ApiError> {
    is_queue(state, queue)?;
    let Ask { verb, from, text, start, total, base } = *ask;
    if !matches!(verb, Verb::Retry | Verb::Promote | Verb::Discard) {
        return Err(ApiError::invalid("verb", "Jobs that match can be retried, run now or deleted. Nothing was changed."));
    }
    check_state(verb, from)?;
    scope(queue, from)?;
    let start: Start =
        serde_json::from_str(start).map_err(|_| ApiError::invalid("start", "Count the jobs first, and send its `start` unchanged."))?;
    sound(&start)?;
    let query = whole(text, &Cursor::new(start.at))?;
    Ok(Chosen { verb, queue: queue.clone(), from, query, start, total, base })
}

async fn step(state: &AppState, query: &Query, scope: &Scope, cursor: &Cursor, limits: Limits) -> Result<Step, ApiError> {
    Ok(search::step(&state.driver, &state.snapshot(), query, Some(scope), cursor, limits).await?)
}

fn scope(queue: &QueueName, state: JobState) -> Result<Scope, ApiError> {
    match state {
        JobState::Waiting | JobState::Delayed | JobState::Failed => Ok(Scope { queue: queue.clone(), state, start: None }),
        JobState::Grouped | JobState::Active | JobState::Completed => {
            Err(ApiError::invalid("state", format!("{} jobs cannot be filtered here: use the search page.", state.as_str())))
        }
    }
}

/// It comes back from the browser.
fn sound(start: &Start) -> Result<(), ApiError> {
    let unsound = || ApiError::invalid("start", "Count the jobs first, and send its `start` unchanged.");
    start.is_sound().then_some(()).ok_or_else(unsound)
}

/// A bulk action never acts on more than what was meant: what could not be understood would widen it.
fn whole(text: &str, cursor: &Cursor) -> Result<Query, ApiError> {
    let query = find::parse(text, cursor)?;
    match query.problems.first() {
        Some(problem) => Err(ApiError::invalid("q", format!("{} Nothing was changed.", problem.text))),
        None if query.is_empty() => Err(ApiError::invalid("q", "The filter asks for nothing. Nothing was changed.")),
        None => Ok(query),
    }
}
