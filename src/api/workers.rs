//! Workers and what they run.

use crate::model::{error::ApiError, ids::QueueName, run::Run, wire::Json, worker::WorkerList};
use leptos::prelude::*;

/// From memory: costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "workers", input = Json, output = Json)]
pub async fn workers() -> Result<WorkerList, ApiError> {
    Ok(crate::server::actions::live::workers(&expect_context()))
}

/// What runs in a queue now, lost runs of the last hour first; at most 200. Costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "runs", input = Json, output = Json)]
pub async fn runs(queue: QueueName) -> Result<Vec<Run>, ApiError> {
    Ok(crate::server::actions::live::runs(&expect_context(), &queue))
}

/// The payload of a lost run back into its waiting list; answers the run as it is afterwards.
#[server(prefix = "/api/fn", endpoint = "runs/put-back", input = Json, output = Json)]
pub async fn put_back(key: String) -> Result<Run, ApiError> {
    crate::server::actions::live::put_back(&expect_context(), &key).await
}
