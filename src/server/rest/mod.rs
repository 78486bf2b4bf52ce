//! `/api/v1`: the same actions as the pages, for programs. Shapes in `model`, errors as problem documents.

pub mod problem;

mod alerts;
mod archive;
mod audit;
mod channels;
mod doctor;
mod errors;
mod jobs;
mod listed;
mod live;
mod nodes;
mod operations;
mod past;
mod payload;
mod queues;
mod schedules;
mod search;
mod settings;

use super::state::{AppState, Who};
use crate::model::ids::{QueueName, of_segment};
use axum::{
    Router,
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, request::Parts},
    routing::{get, post},
};
use problem::Problem;
use std::{collections::HashMap, convert::Infallible};

/// Every route below `/api/v1`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/overview", get(queues::overview))
        .route("/queues", get(queues::list))
        .route("/queues/{queue}/jobs", get(jobs::list))
        // One pattern for both: a job may be called `retry`.
        .route("/queues/{queue}/jobs/{handle}", get(jobs::one).post(jobs::act))
        .route("/queues/{queue}/jobs/{handle}/payload", get(jobs::payload))
        .route("/queues/{queue}/jobs/{handle}/payload/level", get(payload::level))
        .route("/queues/{queue}/jobs/{handle}/payload/search", get(payload::search))
        .route("/queues/{queue}/{verb}", post(queues::act))
        .route("/operations", get(operations::list))
        .route("/operations/{id}", get(operations::one))
        .route("/operations/{id}/cancel", post(operations::cancel))
        .route("/search", get(search::search))
        .route("/search/export", get(search::export))
        .route("/errors", get(errors::list))
        .route("/errors/{signature}", get(errors::one))
        .route("/errors/{signature}/count", get(errors::count))
        .route("/errors/{signature}/archived", get(errors::archived))
        .route("/errors/{signature}/{verb}", post(errors::act))
        .route("/archive/jobs", get(past::list))
        .route("/archive/jobs/{row}/{verb}", post(past::push))
        .route("/schedules", get(schedules::list).post(schedules::add))
        // One pattern for both: a schedule may be called `preview`.
        .route("/schedules/{id}", get(schedules::one).put(schedules::edit).delete(schedules::delete).post(schedules::preview))
        .route("/schedules/{id}/{verb}", post(schedules::act))
        .route("/workers", get(live::workers))
        .route("/nodes", get(nodes::list))
        .route("/nodes/{service}/{id}/commands", post(nodes::command))
        .route("/doctor", get(doctor::look))
        .route("/doctor/fix", post(doctor::fix))
        .route("/logs", get(live::logs))
        .route("/logs/archive", get(archive::logs))
        .route("/archive", get(archive::status))
        .route("/audit", get(audit::list))
        .route("/settings/retention", get(settings::retention).put(settings::set_retention))
        .route("/settings/retention/preview", get(settings::preview))
        .route("/settings/retention/run", post(settings::run))
        .route("/alerts/channels", get(channels::all).put(channels::set))
        .route("/alerts/channels/{channel}/test", post(channels::test))
        .route("/alerts/undelivered", get(channels::undelivered))
        .route("/alerts/undelivered/{id}/{verb}", post(channels::act))
        .route("/alerts", get(alerts::list))
        .route("/alerts/rules", get(alerts::rules).post(alerts::add))
        .route("/alerts/rules/{id}", get(alerts::one).put(alerts::change).delete(alerts::delete))
        .route("/alerts/preview", post(alerts::preview))
        .route("/metrics", get(live::metrics))
        .route("/metrics/classes", get(live::classes))
        .route("/runs/{key}/put-back", post(live::put_back))
        .route("/trash", get(operations::trash))
        .route("/trash/{id}/restore", post(operations::restore))
        .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not answer that method.") })
}

/// The state on behalf of whoever sent the request: for everything that changes something.
struct Caller(AppState);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Who>().map_or_else(|| state.clone(), |who| state.by(who.clone()))))
    }
}

/// Path segments, percent-decoded.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Problem))]
struct UrlPath<T>(T);

/// The part behind `?`; of a name given twice the last counts.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Problem))]
pub struct UrlQuery<T>(pub T);

type Params = HashMap<String, String>;

fn queue_name(segment: String) -> Result<QueueName, Problem> {
    QueueName::try_from(of_segment(segment)).map_err(|detail| Problem::invalid("queue", detail))
}
