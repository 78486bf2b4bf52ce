//! The archive's half of a search.

use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Query},
};
use crate::server::{archive, state::AppState};

/// The next page of what the archive holds. An archive that cannot be asked says so beside what is found in Redis.
pub async fn search(state: &AppState, query: &Query, cursor: Option<&str>) -> Result<ArchiveStep, ApiError> {
    match archive::search::search(&state.archive, query, cursor).await {
        Ok(step) => Ok(step),
        Err(error) => Ok(ArchiveStep { unavailable: Some(ApiError::from(error).to_string()), ..ArchiveStep::default() }),
    }
}
