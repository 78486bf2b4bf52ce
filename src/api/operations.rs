//! Bulk operations and the trash.

use crate::model::{
    error::ApiError,
    operation::{Operation, TrashEntry},
    wire::Json,
};
use leptos::prelude::*;

/// Newest first, at most 100.
#[server(prefix = "/api/fn", endpoint = "operations", input = Json, output = Json)]
pub async fn operations() -> Result<Vec<Operation>, ApiError> {
    crate::server::actions::operations(&expect_context()).await
}

/// Asks a running operation to stop after its current chunk. What it did stays done.
#[server(prefix = "/api/fn", endpoint = "operations/cancel", input = Json, output = Json)]
pub async fn cancel(id: String) -> Result<Operation, ApiError> {
    crate::server::actions::cancel(&expect_context(), &id).await
}

/// What can still be restored, newest first.
#[server(prefix = "/api/fn", endpoint = "trash", input = Json, output = Json)]
pub async fn trash() -> Result<Vec<TrashEntry>, ApiError> {
    crate::server::actions::trash(&expect_context()).await
}

/// Puts back what one action deleted, to the lists it came from.
#[server(prefix = "/api/fn", endpoint = "trash/restore", input = Json, output = Json)]
pub async fn restore(id: String) -> Result<Operation, ApiError> {
    crate::server::actions::restore(&expect_context(), &id).await
}
