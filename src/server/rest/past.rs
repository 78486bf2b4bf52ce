//! Rows of the archive for programs, and an archived job as its page shows it.

use super::{Caller, Params, UrlPath, UrlQuery, listed::Listed, problem::Problem, queue_name};
use crate::model::{
    archive::{ArchivePage, ArchivedJob, ArchivedRow, Gap, Status, Verdict},
    ids::QueueName,
    job::JobState,
    past::{PushAsk, PushDone},
    query::{ArchiveQuery, PER_PAGE, PER_PAGE_DEFAULT},
    time::{Millis, parse_iso},
};
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// A row of the archive that says `completed`, with the fields of a job in a list; its `state` is `null` when that is not so.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PastJob {
    #[serde(flatten)]
    job: Listed,
    bytes: u64,
    /// Its number in the archive: `?row=` of the job's address.
    row: i64,
    /// Whether it means what it says: the library writes such a row after every attempt.
    verdict: Verdict,
    archived_at: Option<Millis>,
}

impl From<ArchivedRow> for PastJob {
    fn from(row: ArchivedRow) -> Self {
        let is_so = matches!(row.verdict, Verdict::Sure | Verdict::Again);
        let job = Listed {
            id: Some(row.id),
            state: is_so.then_some(JobState::Completed),
            class_name: row.class_name,
            attempts: row.attempt,
            max_attempts: row.max_attempts,
            created_at: row.created_at,
            failed_at: row.failed_at,
            error: row.error,
            group_id: row.group_id,
            ..Listed::new(row.queue, JobState::Completed)
        };
        Self { job, bytes: row.bytes, row: row.row, verdict: row.verdict, archived_at: row.archived_at }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PastPage {
    jobs: Vec<PastJob>,
    /// Times of which the archive may know too little.
    gaps: Vec<Gap>,
    /// Older ones.
    more_gaps: u64,
    /// Completed jobs, as they were counted at most five seconds ago; `None`: more rows than are judged for a count, or rows that the
    /// others do not decide.
    total: Option<u64>,
    /// Rows that the pages go over.
    rows: u64,
    page: u64,
    per_page: u64,
}

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

/// `GET /queues/{queue}/jobs?state=completed`: rows that say so, false ones too, so that pages stay what they are; with the verdict on
/// each, and how many of all completed.
pub async fn completed(state: &AppState, queue: QueueName, params: &Params) -> Result<Response, Problem> {
    let ArchivePage { rows, gaps, more_gaps, total: all, page, per_page, .. } =
        page(state, Some(queue.clone()), Some(Status::Completed), params).await?;
    let total = actions::past::completions(state, queue, all).await?;
    let jobs = rows.into_iter().map(PastJob::from).collect();
    Ok(Json(PastPage { jobs, gaps, more_gaps, total, rows: all, page, per_page }).into_response())
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

/// An archived job with `"archived": true`, its `data` as JSON. Of a failure also `answeredAt`, by the clock of Redis: what `seenAt` of its
/// retry takes; and `pushedAt`.
pub async fn job(state: &AppState, job: ArchivedJob) -> Result<Response, Problem> {
    // After the archive was read: what was pushed since is not in it.
    let seen = actions::past::seen(state, &job).await;
    let data = job.data.clone();
    let mut value = serde_json::to_value(&job).map_err(|_| Problem::malformed("This row cannot be written as JSON."))?;
    if let Value::Object(members) = &mut value {
        members.insert("archived".into(), Value::Bool(true));
        if let Some(Value::Object(seen)) = seen.and_then(|seen| serde_json::to_value(seen).ok()) {
            members.extend(seen);
        }
        let row = members.remove("row");
        members.remove("stampedAt");
        if let Some(Value::Object(row)) = row {
            for (name, value) in row {
                members.entry(name).or_insert(value);
            }
        }
        members.remove("data");
        // What the row itself says shows in `error` and `failedAt`.
        if let Some(later) = job.later {
            members.insert("status".into(), Value::from(later.as_str()));
            members.insert("verdict".into(), serde_json::to_value(Verdict::Sure).unwrap_or_default());
        }
    }
    // The decoded field as it is: through a value, large numbers would lose digits.
    let mut text = value.to_string();
    text.pop();
    let data = data.and_then(|d| RawValue::from_string(d).ok());
    text.push_str(&format!(",\"data\":{}}}", data.as_ref().map_or("null", |d| d.get())));
    Ok(([(axum::http::header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// `POST /archive/jobs/{row}/{retry|duplicate}` with `{request, base?, seenAt?}` → [`PushDone`]. `seenAt`: when the job was read, by the
/// clock of Redis (`answeredAt`); without it, five seconds ago. A failure that was pushed since is not pushed.
pub async fn push(Caller(state): Caller, UrlPath((row, verb)): UrlPath<(i64, String)>, body: Bytes) -> Result<Json<PushDone>, Problem> {
    let copy = match verb.as_str() {
        "retry" => false,
        "duplicate" => true,
        _ => return Err(Problem::not_found("Archived jobs know the verbs retry and duplicate.")),
    };
    let body: Value = serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("The body is not JSON: {error}.")))?;
    let request = body.get("request").and_then(Value::as_str).unwrap_or_default().to_owned();
    let base = match body.get("base") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or_else(|| Problem::invalid("base", "`base` is true or false."))?,
    };
    let seen_at = match body.get("seenAt") {
        None | Some(Value::Null) => None,
        Some(value) => {
            Some(value.as_str().and_then(parse_iso).ok_or_else(|| Problem::invalid("seenAt", "`seenAt` is a time, ISO 8601 in UTC."))?)
        }
    };
    Ok(Json(actions::past::push_row(&state, row, &PushAsk { copy, base, request, seen_at }).await?))
}
