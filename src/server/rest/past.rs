//! Rows of the archive for programs, and an archived job as its page shows it.

use super::{Caller, Params, UrlPath, UrlQuery, problem::Problem, queue_name};
use crate::model::{
    archive::{ArchivePage, ArchivedJob, Status},
    ids::QueueName,
    past::{PushAsk, PushDone},
    query::{ArchiveQuery, PER_PAGE, PER_PAGE_DEFAULT},
};
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::{Value, value::RawValue};

/// `GET /archive/jobs?queue=&state=&page=&perPage=` → [`ArchivePage`]
pub async fn list(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<ArchivePage>, Problem> {
    let queue = params.get("queue").map(|name| queue_name(name.clone())).transpose()?;
    let status = match params.get("state").map(String::as_str) {
        None | Some("all") => None,
        Some(text) => Some(
            Some(Status::parse(text))
                .filter(|s| *s != Status::Other)
                .ok_or_else(|| Problem::invalid("state", "`state` is completed, failed, waiting or all."))?,
        ),
    };
    Ok(Json(page(&state, queue, status, &params).await?))
}

/// `GET /queues/{queue}/jobs?state=completed`: what the archive says completed, with the verdict on each row.
pub async fn completed(state: &AppState, queue: QueueName, params: &Params) -> Result<Response, Problem> {
    Ok(Json(page(state, Some(queue), Some(Status::Completed), params).await?).into_response())
}

async fn page(state: &AppState, queue: Option<QueueName>, status: Option<Status>, params: &Params) -> Result<ArchivePage, Problem> {
    let number = |name: &str, or: u64| match params.get(name) {
        None => Ok(or),
        Some(text) => text.parse().map_err(|_| Problem::invalid(name, format!("`{name}` is a number from 1."))),
    };
    let (page, per_page) = (number("page", 1)?, number("perPage", PER_PAGE_DEFAULT)?);
    if !PER_PAGE.contains(&per_page) {
        return Err(Problem::invalid("perPage", "`perPage` is 20, 50, 100 or 200."));
    }
    Ok(actions::past::page(state, &ArchiveQuery { queue, status, page, per_page }).await?)
}

/// An archived job with `"archived": true`, its `data` as JSON.
pub fn job(job: ArchivedJob) -> Result<Response, Problem> {
    let data = job.data.clone();
    let mut value = serde_json::to_value(&job).map_err(|_| Problem::malformed("This row cannot be written as JSON."))?;
    if let Value::Object(members) = &mut value {
        members.insert("archived".into(), Value::Bool(true));
        let row = members.remove("row");
        if let Some(Value::Object(row)) = row {
            for (name, value) in row {
                members.entry(name).or_insert(value);
            }
        }
        members.remove("data");
    }
    // The decoded field as it is: through a value, large numbers would lose digits.
    let mut text = value.to_string();
    text.pop();
    let data = data.and_then(|d| RawValue::from_string(d).ok());
    text.push_str(&format!(",\"data\":{}}}", data.as_ref().map_or("null", |d| d.get())));
    Ok(([(axum::http::header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// `POST /archive/jobs/{row}/{retry|duplicate}` with `{request, base?}` → [`PushDone`]
pub async fn push(
    Caller(state): Caller,
    UrlPath((row, verb)): UrlPath<(i64, String)>,
    Json(body): Json<Value>,
) -> Result<Json<PushDone>, Problem> {
    let copy = match verb.as_str() {
        "retry" => false,
        "duplicate" => true,
        _ => return Err(Problem::not_found("Archived jobs know the verbs retry and duplicate.")),
    };
    let request = body.get("request").and_then(Value::as_str).unwrap_or_default().to_owned();
    let base = body.get("base").and_then(Value::as_bool).unwrap_or(false);
    Ok(Json(actions::past::push_row(&state, row, &PushAsk { copy, base, request }).await?))
}
