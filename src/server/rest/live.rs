//! What runs, who works, how fast: from memory.

use super::{Caller, Params, UrlPath, UrlQuery, listed::Listed, problem::Problem, queue_name};
use crate::model::{
    ids::QueueName,
    job::JobState,
    log::{Level, LogQuery, LogTail},
    metrics::{Charts, ClassFigures, Window},
    run::Run,
    worker::WorkerList,
};
use crate::server::{actions::live, state::AppState};
use axum::{Json, extract::State};
use serde::Serialize;

/// `GET /workers`
pub async fn workers(State(state): State<AppState>) -> Json<WorkerList> {
    Json(live::workers(&state))
}

/// `GET /logs?level=&worker=&queue=&q=`: the newest lines that match, newest last.
pub async fn logs(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<LogTail>, Problem> {
    if params.get("level").is_some_and(|level| Level::parse(level).is_none()) {
        return Err(Problem::invalid("level", "`level` is info, success, warning or error."));
    }
    Ok(Json(live::logs(&state, &LogQuery::read(|name| params.get(name).cloned()))))
}

/// `GET /metrics?queue=&class=&window=1m|15m|1h|24h`
pub async fn metrics(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Charts>, Problem> {
    let queue = params.get("queue").cloned().map(queue_name).transpose()?;
    Ok(Json(live::charts(&state, queue.as_ref(), params.get("class").map(String::as_str), window(&params)?)))
}

/// `GET /metrics/classes?window=`
pub async fn classes(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Vec<ClassFigures>>, Problem> {
    Ok(Json(live::classes(&state, window(&params)?)))
}

fn window(params: &Params) -> Result<Window, Problem> {
    let Some(text) = params.get("window") else { return Ok(Window::default()) };
    Window::parse(text).ok_or_else(|| Problem::invalid("window", "`window` is 1m, 15m, 1h or 24h."))
}

/// `POST /runs/{key}/put-back`
pub async fn put_back(Caller(state): Caller, UrlPath(key): UrlPath<String>) -> Result<Json<Run>, Problem> {
    Ok(Json(live::put_back(&state, &key).await?))
}

/// Rows of `GET /queues/{queue}/jobs?state=active`: the fields of a job as far as events tell them, and those of the run.
#[derive(Serialize)]
pub struct ActiveJob {
    #[serde(flatten)]
    job: Listed,
    /// `state` in here is `running`, `unsure` or `lost`.
    run: Run,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivePage {
    jobs: Vec<ActiveJob>,
    /// `null` while none of the queue's workers was heard.
    total: Option<u64>,
    /// `total` is a lower bound.
    partial: bool,
    page: u64,
    per_page: u64,
}

pub fn active(state: &AppState, queue: &QueueName, page: u64, per_page: u64) -> ActivePage {
    let sample = state.snapshot().queue(queue).map(|q| (q.active, q.active_partial));
    let (total, partial) = sample.unwrap_or((None, false));
    let skip = usize::try_from((page - 1).saturating_mul(per_page)).unwrap_or(usize::MAX);
    let rows = live::runs(state, queue).into_iter().skip(skip).take(usize::try_from(per_page).unwrap_or(0));
    let job = |run: Run| {
        let (id, class_name, attempts) = (run.job.clone(), run.class_name.clone(), run.attempt);
        ActiveJob { job: Listed { id, class_name, attempts, ..Listed::new(queue.clone(), JobState::Active) }, run }
    };
    ActivePage { jobs: rows.map(job).collect(), total, partial, page, per_page }
}
