//! The archive's half of a search.

use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Query},
};
use crate::server::{
    archive::{self, error::ArchiveError},
    state::AppState,
};

/// The same for who has to know that it is whole: an archive that cannot be read is an error, none at all is not.
pub async fn whole(state: &AppState, query: &Query, cursor: Option<&str>) -> Result<ArchiveStep, ApiError> {
    match archive::search::search(&state.archive, query, cursor).await {
        Err(ArchiveError::Off) => Ok(ArchiveStep::default()),
        step => Ok(step?),
    }
}

/// The next page of what the archive holds. An archive that cannot be asked says so beside what is found in Redis.
pub async fn search(state: &AppState, query: &Query, cursor: Option<&str>) -> Result<ArchiveStep, ApiError> {
    match archive::search::search(&state.archive, query, cursor).await {
        Ok(step) => Ok(step),
        Err(error) => Ok(ArchiveStep { unavailable: Some(ApiError::from(error).to_string()), ..ArchiveStep::default() }),
    }
}

/// Of a find, the error in full, and its payload when that is asked for.
pub async fn whole_job(state: &AppState, key: &str, with_payload: bool) -> Result<(Option<String>, Option<String>), ApiError> {
    let db = state.archive.db()?;
    let read = async {
        let error = archive::search::error(&db, key).await?;
        let payload = if with_payload { archive::search::payload(&db, key).await? } else { None };
        Ok((error, payload.map(|raw| String::from_utf8_lossy(&raw).into_owned())))
    };
    Ok(state.archive.noted(read.await)?)
}
