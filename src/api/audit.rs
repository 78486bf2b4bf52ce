//! Who did what.

use crate::model::{
    audit::{AuditPage, AuditQuery},
    error::ApiError,
    wire::Json,
};
use leptos::prelude::*;

/// One page, newest first: from the archive, or from Redis while there is none that answers.
#[server(prefix = "/api/fn", endpoint = "audit", input = Json, output = Json)]
pub async fn audit(query: AuditQuery) -> Result<AuditPage, ApiError> {
    crate::server::actions::audit::audit(&expect_context(), &query).await
}
