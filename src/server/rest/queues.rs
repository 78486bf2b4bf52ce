//! Overview, list of queues, and the verbs on a whole queue.

use super::{Caller, UrlPath, operations::accepted, problem::Problem, queue_name};
use crate::model::live::Overview;
use crate::server::{actions, snapshot::Snapshot, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// `GET /overview`
pub async fn overview(State(state): State<AppState>) -> Json<Overview> {
    Json(actions::overview(&state))
}

/// The list as JSON and the snapshot it was written from: thousands of queues are written once a tick, not once a request.
static WRITTEN: Mutex<Option<(Weak<Snapshot>, Bytes)>> = Mutex::new(None);

/// `GET /queues` → [`crate::model::queue::QueueList`]
pub async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let snapshot = state.snapshot();
    let known = WRITTEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .and_then(|(of, json)| of.ptr_eq(&Arc::downgrade(&snapshot)).then(|| json.clone()));
    let json = match known {
        Some(json) => {
            state.watching.request(actions::now());
            json
        }
        None => {
            let json = serde_json::to_vec(&actions::queue_list(&state)).map_err(|error| {
                tracing::error!(%error, "queue list");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The list of queues cannot be written.")
            })?;
            let json = Bytes::from(json);
            *WRITTEN.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::downgrade(&snapshot), json.clone()));
            json
        }
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
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
