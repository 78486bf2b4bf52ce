//! Overview, list of queues, and the verbs on a whole queue.

use super::{Caller, UrlPath, operations::accepted, problem::Problem, queue_name};
use crate::model::live::Overview;
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// `GET /overview`
pub async fn overview(State(state): State<AppState>) -> Json<Overview> {
    Json(actions::overview(&state))
}

/// `GET /queues` → [`crate::model::queue::QueueList`]. Thousands of queues are written once a tick, not once a request.
pub async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    state.watching.request(actions::now());
    let snapshot = state.snapshot();
    let json = state.written.once(&snapshot, "GET /queues", || serde_json::to_string(&snapshot.queue_list()));
    let json = json.map_err(|error| {
        tracing::error!(%error, "queue list");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The list of queues cannot be written.")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], Bytes::from_owner(json)).into_response())
}

#[derive(Serialize)]
struct Pause {
    paused: bool,
}

/// `POST /queues/{queue}/{pause|resume|purge|clear-failed}`; the latter two take `{"keep": false}` to delete without undo.
pub async fn act(Caller(state): Caller, UrlPath((queue, verb)): UrlPath<(String, String)>, body: Bytes) -> Result<Response, Problem> {
    let queue = queue_name(queue)?;
    match verb.as_str() {
        "pause" => {
            actions::pause(&state, &queue).await?;
            Ok(Json(Pause { paused: true }).into_response())
        }
        "resume" => {
            actions::resume(&state, &queue).await?;
            Ok(Json(Pause { paused: false }).into_response())
        }
        "purge" => Ok(accepted(actions::purge(&state, &queue, keep(&body)?).await?)),
        "clear-failed" => Ok(accepted(actions::clear_failed(&state, &queue, keep(&body)?).await?)),
        _ => Err(Problem::not_found("A queue knows the verbs pause, resume, purge and clear-failed.")),
    }
}

/// What is deleted goes to the trash unless the body says otherwise.
fn keep(body: &[u8]) -> Result<bool, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(true);
    }
    let body: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("The body is not JSON: {error}.")))?;
    match body.get("keep") {
        None => Ok(true),
        Some(keep) => {
            keep.as_bool().ok_or_else(|| Problem::invalid("keep", "`keep` is true (into the trash, the default) or false (without undo)."))
        }
    }
}
