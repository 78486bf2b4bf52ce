//! A large payload level by level, and search in it.

use super::{Params, UrlPath, UrlQuery, jobs::row, problem::Problem, queue_name};
use crate::model::{
    ids::of_segment,
    json::{Hits, Level},
};
use crate::server::{
    actions::tree::{self, Whose},
    state::AppState,
};
use axum::{Json, extract::State};

/// `GET /queues/{queue}/jobs/{id or fingerprint}/payload/level?path=2.0.17&from=100&at=&row=` → [`Level`]
pub async fn level(
    State(state): State<AppState>,
    UrlPath((queue, handle)): UrlPath<(String, String)>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Json<Level>, Problem> {
    let (queue, handle, row) = (queue_name(queue)?, of_segment(handle), row(&params)?);
    let place = |name: &str, text: &str| {
        text.parse::<usize>().map_err(|_| Problem::invalid(name, format!("`{name}` counts places from 0, `path` with dots between them.")))
    };
    let path = match params.get("path").map(String::as_str) {
        None | Some("") => Vec::new(),
        Some(path) => path.split('.').map(|step| place("path", step)).collect::<Result<_, _>>()?,
    };
    let from = params.get("from").map_or(Ok(0), |from| place("from", from))?;
    let whose = Whose { queue: &queue, handle: &handle, at: params.get("at").map(String::as_str), row };
    Ok(Json(tree::level(&state, whose, path, from).await?))
}

/// `GET /queues/{queue}/jobs/{id or fingerprint}/payload/search?q=&at=&row=` → [`Hits`]
pub async fn search(
    State(state): State<AppState>,
    UrlPath((queue, handle)): UrlPath<(String, String)>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Json<Hits>, Problem> {
    let (queue, handle, row) = (queue_name(queue)?, of_segment(handle), row(&params)?);
    let whose = Whose { queue: &queue, handle: &handle, at: params.get("at").map(String::as_str), row };
    Ok(Json(tree::find(&state, whose, params.get("q").cloned().unwrap_or_default()).await?))
}
