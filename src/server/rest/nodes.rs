//! Quasar agents for programs.

use super::{Caller, UrlPath, problem::Problem};
use crate::model::node::{Command, CommandAsk, NodeList};
use crate::server::{actions::nodes, state::AppState};
use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::Serialize;

/// `GET /nodes` → [`NodeList`]
pub async fn list(State(state): State<AppState>) -> Json<NodeList> {
    Json(nodes::nodes(&state))
}

#[derive(Serialize)]
pub struct Sent {
    command: Command,
}

/// `POST /nodes/{service}/{id}/commands` with [`CommandAsk`] → 202 `{command}`. 409 when no agent listens: nothing is sent then.
/// `GET /nodes` tells what the node's next heartbeats show.
pub async fn command(
    Caller(state): Caller,
    UrlPath((service, id)): UrlPath<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let ask: CommandAsk =
        serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("The body is not what was expected: {error}.")))?;
    Ok((StatusCode::ACCEPTED, Json(Sent { command: nodes::command(&state, &service, &id, ask).await? })))
}
