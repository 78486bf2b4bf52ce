//! Background operations and the trash.

use super::{Caller, UrlPath, problem::Problem};
use crate::model::operation::{Operation, TrashEntry};
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

#[derive(Serialize)]
pub struct Operations {
    operations: Vec<Operation>,
}

#[derive(Serialize)]
pub struct Trash {
    trash: Vec<TrashEntry>,
}

#[derive(Serialize)]
struct Started {
    operation: Operation,
}

/// 202 `{operation}`; `Location` says where its progress is.
pub fn accepted(operation: Operation) -> Response {
    let location = format!("/api/v1/operations/{}", operation.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(Started { operation })).into_response()
}

/// `GET /operations` → `{operations}`: what runs, what waits for its turn, what is over; newest first.
pub async fn list(State(state): State<AppState>) -> Result<Json<Operations>, Problem> {
    Ok(Json(Operations { operations: actions::operations(&state).await? }))
}

/// `GET /operations/{id}` → the operation.
pub async fn one(State(state): State<AppState>, UrlPath(id): UrlPath<String>) -> Result<Json<Operation>, Problem> {
    Ok(Json(actions::operation(&state, &id).await?))
}

/// `POST /operations/{id}/cancel` → the operation, which stops after its current chunk.
pub async fn cancel(Caller(state): Caller, UrlPath(id): UrlPath<String>) -> Result<Json<Operation>, Problem> {
    Ok(Json(actions::cancel(&state, &id).await?))
}

/// `GET /trash` → `{trash}`, newest first.
pub async fn trash(State(state): State<AppState>) -> Result<Json<Trash>, Problem> {
    Ok(Json(Trash { trash: actions::trash(&state).await? }))
}

/// `POST /trash/{id}/restore` → 202 `{operation}`
pub async fn restore(Caller(state): Caller, UrlPath(id): UrlPath<String>) -> Result<Response, Problem> {
    Ok(accepted(actions::restore(&state, &id).await?))
}
