//! Queues: the overview, the table, one queue, and the verbs on a whole queue.

use crate::model::{
    board, error::ApiError, ids::QueueName, live, live::QueuesPage, operation, operation::Operation, query::QueuesQuery, queue::Sought,
    wire::Json,
};
use leptos::prelude::*;

/// Connection, totals and busiest figures from the shared snapshot. Costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "overview", input = Json, output = Json)]
pub async fn overview() -> Result<live::Overview, ApiError> {
    Ok(crate::server::actions::overview(&expect_context()))
}

/// One page of the queue table from the shared snapshot. Costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "queues", input = Json, output = Json)]
pub async fn queues(query: QueuesQuery) -> Result<QueuesPage, ApiError> {
    Ok(crate::server::actions::queues_page(&expect_context(), &query))
}

/// What needs attention, and where the backlogs are, from the shared snapshot. Costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "board", input = Json, output = Json)]
pub async fn board() -> Result<board::Board, ApiError> {
    Ok(crate::server::actions::board(&expect_context()))
}

/// From the shared snapshot; one that is not in it is looked for in Redis.
#[server(prefix = "/api/fn", endpoint = "queue", input = Json, output = Json)]
pub async fn queue(name: QueueName) -> Result<Sought, ApiError> {
    Ok(crate::server::actions::queue(&expect_context(), &name).await)
}

/// Sets the pause flag of all four lists.
#[server(prefix = "/api/fn", endpoint = "queues/pause", input = Json, output = Json)]
pub async fn pause(queue: QueueName) -> Result<(), ApiError> {
    crate::server::actions::pause(&expect_context(), &queue).await
}

/// Deletes the pause flag of all four lists.
#[server(prefix = "/api/fn", endpoint = "queues/resume", input = Json, output = Json)]
pub async fn resume(queue: QueueName) -> Result<(), ApiError> {
    crate::server::actions::resume(&expect_context(), &queue).await
}

/// Whether a worker serves the queue: what is due already is left to it. `None`: not known yet.
#[server(prefix = "/api/fn", endpoint = "queues/served", input = Json, output = Json)]
pub async fn served(queue: QueueName) -> Result<Option<bool>, ApiError> {
    crate::server::actions::served(&expect_context(), &queue).await
}

/// What a purge or clear would remove, counted now, with the bytes that the trash would keep.
#[server(prefix = "/api/fn", endpoint = "queues/purge-preview", input = Json, output = Json)]
pub async fn purge_preview(queue: QueueName) -> Result<operation::PurgePreview, ApiError> {
    crate::server::actions::purge_preview(&expect_context(), &queue).await
}

/// Waiting, delayed and failed jobs of the queue into the trash; `keep: false` deletes without undo.
#[server(prefix = "/api/fn", endpoint = "queues/purge", input = Json, output = Json)]
pub async fn purge(queue: QueueName, keep: bool) -> Result<Operation, ApiError> {
    crate::server::actions::purge(&expect_context(), &queue, keep).await
}

/// The failed list into the trash; `keep: false` deletes without undo.
#[server(prefix = "/api/fn", endpoint = "queues/clear-failed", input = Json, output = Json)]
pub async fn clear_failed(queue: QueueName, keep: bool) -> Result<Operation, ApiError> {
    crate::server::actions::clear_failed(&expect_context(), &queue, keep).await
}
