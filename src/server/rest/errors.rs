//! The errors inbox for programs.

use super::{Caller, Params, UrlPath, UrlQuery, problem::Problem};
use crate::model::{
    errors::{Archived, ArchivedStep, ErrorDetail, ErrorsPage, ErrorsQuery, GroupPart},
    operation::{Operation, Verb},
};
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub struct Counted {
    parts: Vec<GroupPart>,
}

/// As it was counted.
#[derive(Deserialize)]
struct Act {
    #[serde(default)]
    parts: Vec<GroupPart>,
    /// Of a retry: also these.
    archived: Option<Archived>,
    #[serde(default)]
    base: bool,
}

#[derive(Serialize)]
struct Started {
    operations: Vec<Operation>,
}

/// `GET /errors?q=&queue=&sort=&page=` → [`ErrorsPage`]
pub async fn list(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<ErrorsPage>, Problem> {
    Ok(Json(actions::errors::page(&state, &ErrorsQuery::read(|key| params.get(key).cloned())).await?))
}

/// `GET /errors/{signature}?before=` → [`ErrorDetail`]
pub async fn one(
    State(state): State<AppState>,
    UrlPath(signature): UrlPath<String>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Json<ErrorDetail>, Problem> {
    let before = match params.get("before") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Problem::invalid("before", "`before` is `next` of the page before."))?),
    };
    Ok(Json(actions::errors::one(&state, &signature, before).await?))
}

/// `GET /errors/{signature}/count` → `{parts}`: the failed jobs of this kind in Redis, by queue.
pub async fn count(State(state): State<AppState>, UrlPath(signature): UrlPath<String>) -> Result<Json<Counted>, Problem> {
    let text = actions::errors::text(&state, &signature).await?;
    Ok(Json(Counted { parts: actions::errors::count(&state, &text).await? }))
}

/// `GET /errors/{signature}/archived?at=` → [`ArchivedStep`]: those that only the archive remembers, a step of counting; `at` is `next` of
/// the step before.
pub async fn archived(
    State(state): State<AppState>,
    UrlPath(signature): UrlPath<String>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Json<ArchivedStep>, Problem> {
    let text = actions::errors::text(&state, &signature).await?;
    Ok(Json(actions::errors::remembered::count(&state, &text, params.get("at").map(String::as_str)).await?))
}

/// `POST /errors/{signature}/{retry|discard}` with `{parts, archived?, base?}`, each as it was counted → 202 `{operations}`
pub async fn act(Caller(state): Caller, UrlPath((signature, verb)): UrlPath<(String, String)>, body: Bytes) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("Groups of failed jobs know the verbs retry and discard.");
    let verb = Verb::parse(&verb).filter(|verb| matches!(verb, Verb::Retry | Verb::Discard)).ok_or_else(unknown)?;
    let Act { parts, archived, base } =
        serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("The body is no such action: {error}.")))?;
    let text = actions::errors::text(&state, &signature).await?;
    let operations = actions::errors::act(&state, &text, verb, &parts, archived.as_ref(), base).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { operations })).into_response())
}
