//! The log: live, and of the past.

use crate::model::{
    error::ApiError,
    log::{ArchivedLog, ArchivedLogQuery, LogQuery, LogTail},
    wire::Json,
};
use leptos::prelude::*;

/// The newest lines that match, at most 200, newest last. From memory: costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "logs", input = Json, output = Json)]
pub async fn logs(query: LogQuery) -> Result<LogTail, ApiError> {
    Ok(crate::server::actions::live::logs(&expect_context(), &query))
}

/// A page of the archived log, newest first.
#[server(prefix = "/api/fn", endpoint = "logs/archived", input = Json, output = Json)]
pub async fn archived(query: ArchivedLogQuery) -> Result<ArchivedLog, ApiError> {
    crate::server::actions::settings::archived_logs(&expect_context(), &query).await
}
