//! Settings for programs.

use super::{Caller, problem::Problem};
use crate::model::settings::{Preview, Retention, RetentionRun, RetentionView};
use crate::server::{actions::settings, state::AppState};
use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::Serialize;

/// `GET /settings/retention` → [`RetentionView`]
pub async fn retention(State(state): State<AppState>) -> Result<Json<RetentionView>, Problem> {
    Ok(Json(settings::retention(&state).await?))
}

/// `PUT /settings/retention` with [`Retention`] → [`RetentionView`]
pub async fn set_retention(Caller(state): Caller, body: Bytes) -> Result<Json<RetentionView>, Problem> {
    let keep: Retention =
        serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("The body is not what was expected: {error}.")))?;
    Ok(Json(settings::set_retention(&state, keep).await?))
}

/// `GET /settings/retention/preview` → [`Preview`]: what a run with the stored settings would delete now.
pub async fn preview(State(state): State<AppState>) -> Result<Json<Preview>, Problem> {
    let keep = settings::retention(&state).await?.settings();
    Ok(Json(settings::preview(&state, &keep).await?))
}

#[derive(Serialize)]
pub struct Started {
    run: RetentionRun,
}

/// `POST /settings/retention/run` → 202 `{run}`; `GET /settings/retention` tells how far it is.
pub async fn run(Caller(state): Caller) -> Result<(StatusCode, Json<Started>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(Started { run: settings::run_retention(&state).await? })))
}
