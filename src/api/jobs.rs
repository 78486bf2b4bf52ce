//! Jobs: lists, one job, and the verbs on some or all of them.

use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::{Found, JobState, JobsPage},
    json::{Hits, Level},
    operation::{Operation, Outcome},
    query::JobsQuery,
    wire::Json,
};
use leptos::prelude::*;

/// One page of one state. At most 2 Redis commands, and a look at a queue that is not known yet.
#[server(prefix = "/api/fn", endpoint = "jobs", input = Json, output = Json)]
pub async fn jobs(query: JobsQuery) -> Result<JobsPage, ApiError> {
    crate::server::actions::jobs(&expect_context(), &query).await
}

/// `handle` is an id or a fingerprint; `at` is the fingerprint under which a list showed it.
#[server(prefix = "/api/fn", endpoint = "job", input = Json, output = Json)]
pub async fn job(queue: QueueName, handle: String, at: Option<String>) -> Result<Found, ApiError> {
    crate::server::actions::job(&expect_context(), &queue, &handle, at.as_deref()).await
}

/// What stands at `path` of a large payload, places from the root on, and its children from the `from`th on. `at`: the fingerprint of
/// the job in Redis; `row`: a row of the archive.
#[server(prefix = "/api/fn", endpoint = "job/payload-level", input = Json, output = Json)]
pub async fn payload_level(
    queue: QueueName,
    handle: String,
    at: Option<String>,
    row: Option<i64>,
    path: Vec<usize>,
    from: usize,
) -> Result<Level, ApiError> {
    use crate::server::actions::tree::{Whose, level};
    level(&expect_context(), Whose { queue: &queue, handle: &handle, at: at.as_deref(), row }, path, from).await
}

/// The first values of a large payload whose key or text holds `q`.
#[server(prefix = "/api/fn", endpoint = "job/payload-find", input = Json, output = Json)]
pub async fn payload_find(queue: QueueName, handle: String, at: Option<String>, row: Option<i64>, q: String) -> Result<Hits, ApiError> {
    use crate::server::actions::tree::{Whose, find};
    find(&expect_context(), Whose { queue: &queue, handle: &handle, at: at.as_deref(), row }, q).await
}

/// Failed jobs back to their waiting list. `base`: jobs of a priority that no worker reads go to the base list.
#[server(prefix = "/api/fn", endpoint = "jobs/retry", input = Json, output = Json)]
pub async fn retry(queue: QueueName, state: JobState, jobs: Vec<Fingerprint>, base: bool) -> Result<Outcome, ApiError> {
    crate::server::actions::retry(&expect_context(), &queue, state, &jobs, base).await
}

/// One failed job back with `payload`, a JSON object, in place of what it was.
#[server(prefix = "/api/fn", endpoint = "jobs/retry-edited", input = Json, output = Json)]
pub async fn retry_edited(queue: QueueName, job: Fingerprint, payload: String, base: bool) -> Result<Outcome, ApiError> {
    crate::server::actions::retry_edited(&expect_context(), &queue, &job, &payload, base).await
}

/// Delayed jobs to their waiting list, now.
#[server(prefix = "/api/fn", endpoint = "jobs/promote", input = Json, output = Json)]
pub async fn promote(queue: QueueName, state: JobState, jobs: Vec<Fingerprint>) -> Result<Outcome, ApiError> {
    crate::server::actions::promote(&expect_context(), &queue, state, &jobs).await
}

/// Into the trash, from where they can be restored for an hour; `keep: false` deletes without undo.
#[server(prefix = "/api/fn", endpoint = "jobs/discard", input = Json, output = Json)]
pub async fn discard(queue: QueueName, state: JobState, jobs: Vec<Fingerprint>, keep: bool) -> Result<Outcome, ApiError> {
    crate::server::actions::discard(&expect_context(), &queue, state, &jobs, keep).await
}

/// Every job of the state that is there now, as a background operation.
#[server(prefix = "/api/fn", endpoint = "jobs/retry-all", input = Json, output = Json)]
pub async fn retry_all(queue: QueueName, base: bool) -> Result<Operation, ApiError> {
    crate::server::actions::retry_all(&expect_context(), &queue, base).await
}

#[server(prefix = "/api/fn", endpoint = "jobs/promote-all", input = Json, output = Json)]
pub async fn promote_all(queue: QueueName) -> Result<Operation, ApiError> {
    crate::server::actions::promote_all(&expect_context(), &queue).await
}

/// Into the trash; `keep: false` deletes without undo.
#[server(prefix = "/api/fn", endpoint = "jobs/discard-all", input = Json, output = Json)]
pub async fn discard_all(queue: QueueName, state: JobState, keep: bool) -> Result<Operation, ApiError> {
    crate::server::actions::discard_all(&expect_context(), &queue, state, keep).await
}
