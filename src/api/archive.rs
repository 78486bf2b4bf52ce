//! Jobs of the past, and pushing one again.

use crate::model::{
    archive::ArchivePage,
    error::ApiError,
    ids::{Fingerprint, QueueName},
    past::{JobAnswer, Past, PushAsk, PushDone},
    query::ArchiveQuery,
    wire::Json,
};
use leptos::prelude::*;

/// The job in Redis, else what the archive remembers of it. `at`: the fingerprint under which a list showed it; `row`: that
/// row of the archive. `told`: with what the archive adds to a job in Redis, which a browser asks for by itself ([`timeline`]).
#[server(prefix = "/api/fn", endpoint = "job/answer", input = Json, output = Json)]
pub async fn job(queue: QueueName, handle: String, at: Option<String>, row: Option<i64>, told: bool) -> Result<JobAnswer, ApiError> {
    crate::server::actions::past::answer(&expect_context(), &queue, &handle, at.as_deref(), row, told).await
}

/// What the archive adds to the timeline of a job that is in Redis; `here`: not among the failed ones.
#[server(prefix = "/api/fn", endpoint = "job/past", input = Json, output = Json)]
pub async fn timeline(queue: QueueName, id: String, here: bool) -> Result<Past, ApiError> {
    crate::server::actions::past::past(&expect_context(), &queue, &id, here).await
}

/// A page of rows, newest first.
#[server(prefix = "/api/fn", endpoint = "archive/jobs", input = Json, output = Json)]
pub async fn rows(query: ArchiveQuery) -> Result<ArchivePage, ApiError> {
    crate::server::actions::past::page(&expect_context(), &query).await
}

/// An archived job into its waiting list again.
#[server(prefix = "/api/fn", endpoint = "archive/push", input = Json, output = Json)]
pub async fn push(row: i64, ask: PushAsk) -> Result<PushDone, ApiError> {
    crate::server::actions::past::push_row(&expect_context(), row, &ask).await
}

/// A copy of a job in Redis into its waiting list; the job itself stays.
#[server(prefix = "/api/fn", endpoint = "jobs/duplicate", input = Json, output = Json)]
pub async fn duplicate(queue: QueueName, job: Fingerprint, ask: PushAsk) -> Result<PushDone, ApiError> {
    crate::server::actions::past::duplicate(&expect_context(), &queue, &job, &ask).await
}
