//! The archive's half of a search.

use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Query},
};
use crate::server::state::AppState;

/// The next page of what the archive holds.
pub async fn search(_: &AppState, _: &Query, _: Option<&str>) -> Result<ArchiveStep, ApiError> {
    Ok(ArchiveStep { unavailable: Some("There is no archive: what has left Redis cannot be found.".into()), ..ArchiveStep::default() })
}
