//! Figures over time.

use crate::model::{
    error::ApiError,
    ids::QueueName,
    metrics::{self, ClassFigures, Window},
    wire::Json,
};
use leptos::prelude::*;

/// Of all queues, or of one. From memory: costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "metrics", input = Json, output = Json)]
pub async fn figures(queue: Option<QueueName>, window: Window) -> Result<metrics::Charts, ApiError> {
    Ok(crate::server::actions::live::charts(&expect_context(), queue.as_ref(), None, window))
}

/// By job class, busiest first, at most 100.
#[server(prefix = "/api/fn", endpoint = "metrics/classes", input = Json, output = Json)]
pub async fn classes(window: Window) -> Result<Vec<ClassFigures>, ApiError> {
    Ok(crate::server::actions::live::classes(&expect_context(), window))
}
