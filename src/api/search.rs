//! Search, a step at a time: who no longer asks has cancelled.

use crate::model::{
    error::ApiError,
    ids::QueueName,
    job::JobState,
    operation::{Operation, Verb},
    search::{ArchiveStep, CountStep, MatchPage, SearchStep},
    wire::Json,
};
use leptos::prelude::*;

/// The next step over what is in Redis: at most 2,000 elements, 1 MB or 100 ms. `cursor`: `next` of the step before.
#[server(prefix = "/api/fn", endpoint = "search/live", input = Json, output = Json)]
pub async fn search_live(q: String, cursor: Option<String>) -> Result<SearchStep, ApiError> {
    crate::server::actions::search::live(&expect_context(), &q, cursor.as_deref()).await
}

/// The next page of what the archive holds.
#[server(prefix = "/api/fn", endpoint = "search/archive", input = Json, output = Json)]
pub async fn search_archive(q: String, cursor: Option<String>) -> Result<ArchiveStep, ApiError> {
    crate::server::actions::search::archive(&expect_context(), &q, cursor.as_deref()).await
}

/// The same for the first view of a page: an archive that takes longer than a second is to be asked again, from there.
#[server(prefix = "/api/fn", endpoint = "search/archive/begin", input = Json, output = Json)]
pub async fn begin_search_archive(q: String, cursor: Option<String>) -> Result<ArchiveStep, ApiError> {
    crate::server::actions::search::archive_in_time(&expect_context(), &q, cursor.as_deref()).await
}

/// The next jobs of one tab that a filter finds, newest first.
#[server(prefix = "/api/fn", endpoint = "search/jobs", input = Json, output = Json)]
pub async fn matching(queue: QueueName, state: JobState, q: String, cursor: Option<String>, per_page: u64) -> Result<MatchPage, ApiError> {
    crate::server::actions::matching::page(&expect_context(), &queue, state, &q, cursor.as_deref(), per_page).await
}

/// One step of counting what "all matching" would act on.
#[server(prefix = "/api/fn", endpoint = "search/count", input = Json, output = Json)]
pub async fn count_matching(queue: QueueName, state: JobState, q: String, cursor: Option<String>) -> Result<CountStep, ApiError> {
    crate::server::actions::matching::count(&expect_context(), &queue, state, &q, cursor.as_deref()).await
}

/// A verb on all jobs that a count found, as a background operation.
#[server(prefix = "/api/fn", endpoint = "search/act", input = Json, output = Json)]
pub async fn act_matching(
    queue: QueueName,
    state: JobState,
    verb: Verb,
    q: String,
    start: String,
    total: u64,
    base: bool,
) -> Result<Operation, ApiError> {
    let ask = crate::server::actions::matching::Ask { verb, from: state, text: &q, start: &start, total, base };
    crate::server::actions::matching::act(&expect_context(), &queue, ask).await
}
