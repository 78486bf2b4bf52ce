//! Settings, and what the console says of itself.

use crate::model::{
    error::ApiError,
    settings::{self, ArchiveFacts, RetentionRun, RetentionView},
    wire::Json,
};
use leptos::prelude::*;

/// Connections, versions and settings. Two Redis commands.
#[server(prefix = "/api/fn", endpoint = "settings", input = Json, output = Json)]
pub async fn settings() -> Result<settings::Settings, ApiError> {
    Ok(crate::server::actions::settings::settings(&expect_context()).await)
}

/// How big the archive is; a large one is estimated.
#[server(prefix = "/api/fn", endpoint = "settings/archive", input = Json, output = Json)]
pub async fn archive() -> Result<ArchiveFacts, ApiError> {
    Ok(crate::server::actions::settings::archive_facts(&expect_context()).await)
}

#[server(prefix = "/api/fn", endpoint = "settings/retention", input = Json, output = Json)]
pub async fn retention() -> Result<RetentionView, ApiError> {
    crate::server::actions::settings::retention(&expect_context()).await
}

/// Answers the settings as they are stored afterwards.
#[server(prefix = "/api/fn", endpoint = "settings/retention/set", input = Json, output = Json)]
pub async fn set_retention(keep: settings::Retention) -> Result<RetentionView, ApiError> {
    crate::server::actions::settings::set_retention(&expect_context(), keep).await
}

/// What a run with these settings would delete now.
#[server(prefix = "/api/fn", endpoint = "settings/retention/preview", input = Json, output = Json)]
pub async fn preview(keep: settings::Retention) -> Result<settings::Preview, ApiError> {
    crate::server::actions::settings::preview(&expect_context(), &keep).await
}

/// Deletes what is too old by the stored settings, in the background; `retention` tells how far it is.
#[server(prefix = "/api/fn", endpoint = "settings/retention/run", input = Json, output = Json)]
pub async fn run_retention() -> Result<RetentionRun, ApiError> {
    crate::server::actions::settings::run_retention(&expect_context()).await
}
