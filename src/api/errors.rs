//! The errors inbox.

use crate::model::{
    error::ApiError,
    errors::{Archived, ArchivedStep, ErrorDetail, ErrorsPage, ErrorsQuery, GroupPart},
    operation::{Operation, Verb},
    wire::Json,
};
use leptos::prelude::*;

#[server(prefix = "/api/fn", endpoint = "errors", input = Json, output = Json)]
pub async fn errors(query: ErrorsQuery) -> Result<ErrorsPage, ApiError> {
    crate::server::actions::errors::page(&expect_context(), &query).await
}

/// One kind, `None` when nothing is known of it (any more); `before`: the last row of the page before.
#[server(prefix = "/api/fn", endpoint = "errors/one", input = Json, output = Json)]
pub async fn error(signature: String, before: Option<i64>) -> Result<Option<ErrorDetail>, ApiError> {
    match crate::server::actions::errors::one(&expect_context(), &signature, before).await {
        Ok(detail) => Ok(Some(detail)),
        Err(ApiError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an action on the whole group would act on, counted now.
#[server(prefix = "/api/fn", endpoint = "errors/count", input = Json, output = Json)]
pub async fn count(text: String) -> Result<Vec<GroupPart>, ApiError> {
    crate::server::actions::errors::count(&expect_context(), &text).await
}

/// One step of counting what only the archive remembers of the group; `at`: `next` of the step before.
#[server(prefix = "/api/fn", endpoint = "errors/archived", input = Json, output = Json)]
pub async fn count_archived(text: String, at: Option<String>) -> Result<ArchivedStep, ApiError> {
    crate::server::actions::errors::remembered::count(&expect_context(), &text, at.as_deref()).await
}

/// A verb on what was counted, one background operation for each queue, and one more where the archive remembers `archived`.
#[server(prefix = "/api/fn", endpoint = "errors/act", input = Json, output = Json)]
pub async fn act(
    text: String,
    verb: Verb,
    parts: Vec<GroupPart>,
    base: bool,
    archived: Option<Archived>,
) -> Result<Vec<Operation>, ApiError> {
    crate::server::actions::errors::act(&expect_context(), &text, verb, &parts, archived.as_ref(), base).await
}
