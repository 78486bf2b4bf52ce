//! The errors inbox for programs.

use super::{Params, UrlPath, UrlQuery, problem::Problem};
use crate::model::errors::{ErrorDetail, ErrorsPage, ErrorsQuery};
use crate::server::{actions, state::AppState};
use axum::{Json, extract::State};

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
