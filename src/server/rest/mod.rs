//! `/api/v1`: the same actions as the pages, for programs. Shapes in `model`, errors as problem documents.

pub mod problem;

mod archive;
mod errors;
mod jobs;
mod live;
mod operations;
mod queues;
mod search;

use super::state::AppState;
use crate::model::ids::QueueName;
use axum::{
    Router,
    extract::{FromRequestParts, Path, Query},
    http::StatusCode,
    routing::{get, post},
};
use problem::Problem;
use std::collections::HashMap;

/// Every route below `/api/v1`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/overview", get(queues::overview))
        .route("/queues", get(queues::list))
        .route("/queues/{queue}/jobs", get(jobs::list))
        // One pattern for both: a job may be called `retry`.
        .route("/queues/{queue}/jobs/{handle}", get(jobs::one).post(jobs::act))
        .route("/queues/{queue}/jobs/{handle}/payload", get(jobs::payload))
        .route("/queues/{queue}/{verb}", post(queues::act))
        .route("/operations", get(operations::list))
        .route("/operations/{id}", get(operations::one))
        .route("/operations/{id}/cancel", post(operations::cancel))
        .route("/search", get(search::search))
        .route("/errors", get(errors::list))
        .route("/errors/{signature}", get(errors::one))
        .route("/archive/jobs", get(archive::list))
        .route("/archive/jobs/{row}/{verb}", post(archive::push))
        .route("/workers", get(live::workers))
        .route("/logs", get(live::logs))
        .route("/metrics", get(live::metrics))
        .route("/metrics/classes", get(live::classes))
        .route("/runs/{key}/put-back", post(live::put_back))
        .route("/trash", get(operations::trash))
        .route("/trash/{id}/restore", post(operations::restore))
        .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not answer that method.") })
}

/// Path segments, percent-decoded.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Problem))]
struct UrlPath<T>(T);

/// The part behind `?`; of a name given twice the last counts.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Problem))]
struct UrlQuery<T>(T);

type Params = HashMap<String, String>;

fn queue_name(segment: String) -> Result<QueueName, Problem> {
    QueueName::try_from(segment).map_err(|detail| Problem::invalid("queue", detail))
}
