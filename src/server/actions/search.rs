//! Search: live and archive, a step at a time.

use super::now;
use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Hit, Query, SearchStep},
};
use crate::server::{
    search::{
        self, Cursor, STEP,
        export::{Format, export as stream},
    },
    state::AppState,
};
use futures::Stream;
use std::time::Duration;

/// A page does not wait longer for what the archive finds first.
const FIRST_WITHIN: Duration = Duration::from_millis(1_000);
/// A query longer than this is a paste by mistake.
const MOST: usize = 2_000;

pub fn parse(text: &str, cursor: &Cursor) -> Result<Query, ApiError> {
    if text.len() > MOST {
        return Err(ApiError::invalid("q", format!("A search has at most {MOST} bytes, this one has {}.", text.len())));
    }
    Ok(Query::parse(text, cursor.began))
}

/// The same for who sees no sentence beside the answer: a program, a file that is read later. It gets what it asked for, or is refused.
pub fn understood(text: &str, cursor: &Cursor) -> Result<Query, ApiError> {
    let query = parse(text, cursor)?;
    match query.problems.first() {
        Some(problem) => Err(ApiError::invalid("q", problem.text.clone())),
        None => Ok(query),
    }
}

pub fn cursor(text: Option<&str>) -> Result<Cursor, ApiError> {
    text.filter(|t| !t.is_empty()).map_or_else(|| Ok(Cursor::new(now())), Cursor::read)
}

/// One bounded step over what is in Redis now.
pub async fn live(state: &AppState, text: &str, at: Option<&str>) -> Result<SearchStep, ApiError> {
    let cursor = cursor(at)?;
    let query = parse(text, &cursor)?;
    if query.is_empty() {
        return Ok(SearchStep::default());
    }
    state.watching.request(now());
    let step = search::step(&state.driver, &state.snapshot(), &query, None, &cursor, STEP).await?;
    Ok(SearchStep {
        hits: step.found.into_iter().map(|f| Hit::live(f.job, f.place)).collect(),
        coverage: step.coverage,
        next: step.next.as_ref().map(Cursor::write),
        skipped: step.skipped,
    })
}

/// One page of what the archive holds.
pub async fn archive(state: &AppState, text: &str, at: Option<&str>) -> Result<ArchiveStep, ApiError> {
    let query = parse(text, &Cursor::new(now()))?;
    if query.is_empty() {
        return Ok(ArchiveStep::default());
    }
    search::archive::search(state, &query, at).await
}

/// The same within [`FIRST_WITHIN`], for who shows live jobs beside it; later the answer is only where to ask again.
pub async fn archive_in_time(state: &AppState, text: &str, at: Option<&str>) -> Result<ArchiveStep, ApiError> {
    match tokio::time::timeout(FIRST_WITHIN, archive(state, text, at)).await {
        Ok(step) => step,
        Err(_) => Ok(ArchiveStep { next: Some(at.unwrap_or_default().to_owned()), ..ArchiveStep::default() }),
    }
}

/// All that a search finds, step by step as it is read.
pub fn export(
    state: &AppState,
    text: &str,
    format: Format,
) -> Result<impl Stream<Item = Result<String, ApiError>> + Send + use<>, ApiError> {
    let began = Cursor::new(now());
    let query = understood(text, &began)?;
    tracing::info!(audit = "export", filter = text, "action");
    Ok(stream(state.clone(), query, began, format))
}
