//! The live log.

use crate::model::{
    error::ApiError,
    log::{LogQuery, LogTail},
    wire::Json,
};
use leptos::prelude::*;

/// The newest lines that match, at most 200, newest last. From memory: costs Redis nothing.
#[server(prefix = "/api/fn", endpoint = "logs", input = Json, output = Json)]
pub async fn logs(query: LogQuery) -> Result<LogTail, ApiError> {
    Ok(crate::server::actions::live::logs(&expect_context(), &query))
}
