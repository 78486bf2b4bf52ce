//! Lists of jobs, one job, and the verbs on some or all of them.

use super::{Caller, Params, UrlPath, UrlQuery, operations::accepted, problem::Problem, queue_name};
use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName, escaped, of_segment},
    job::{Found, JobDetail, JobState, JobSummary, JobsPage, Order, TimelineEntry},
    json,
    operation::Verb,
    query::{JobsQuery, PER_PAGE, PER_PAGE_DEFAULT},
};
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// A payload of more bytes is cut; `/payload` has it whole.
const INLINE: usize = 1024 * 1024;

/// `GET /queues/{queue}/jobs?state=&page=&perPage=&order=` → [`JobsPage`], for `active` [`super::live::ActivePage`]
pub async fn list(
    State(state): State<AppState>,
    UrlPath(queue): UrlPath<String>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Response, Problem> {
    let query = query(queue_name(queue)?, &params)?;
    if query.state == JobState::Active {
        return Ok(Json(super::live::active(&state, &query.queue, query.page, query.per_page)).into_response());
    }
    if query.state == JobState::Completed {
        return super::past::completed(&state, query.queue, &params).await;
    }
    let page: JobsPage = actions::jobs(&state, &query).await?;
    Ok(Json(page).into_response())
}

/// Unlike a page's address, which shows its default for what it cannot read, a program is told what is wrong.
fn query(queue: QueueName, params: &Params) -> Result<JobsQuery, Problem> {
    let state = match params.get("state") {
        None => JobState::Waiting,
        Some(text) => state_named(text)?,
    };
    let order = match params.get("order").map(String::as_str) {
        None => JobsQuery::first_order(state),
        Some("newest") => Order::Newest,
        Some("oldest") => Order::Oldest,
        Some(_) => return Err(Problem::invalid("order", "`order` is newest or oldest.")),
    };
    let per_page = match params.get("perPage") {
        None => PER_PAGE_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| PER_PAGE.contains(n))
            .ok_or_else(|| Problem::invalid("perPage", "`perPage` is 20, 50, 100 or 200."))?,
    };
    let page = match params.get("page") {
        None => 1,
        Some(text) => {
            text.parse().ok().filter(|n| (1..=1 << 40).contains(n)).ok_or_else(|| Problem::invalid("page", "`page` is a number from 1."))?
        }
    };
    Ok(JobsQuery { queue, state, page, per_page, order })
}

fn state_named(text: &str) -> Result<JobState, Problem> {
    JobState::parse(text).ok_or_else(|| Problem::invalid("state", "`state` is waiting, grouped, active, delayed, failed or completed."))
}

/// A job with its payload; what a page shows and the raw text beside it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WholeJob {
    #[serde(flatten)]
    summary: JobSummary,
    /// The raw element as text, at most 1 MiB of it.
    payload: String,
    truncated: bool,
    /// The field `data`, decoded; `null` when absent, not JSON, or cut.
    data: Option<Box<RawValue>>,
    stack: Option<String>,
    ahead: Option<u64>,
    timeline: Vec<TimelineEntry>,
}

/// `GET /queues/{queue}/jobs/{id or fingerprint}?at=`: the job itself, or `{found: "many", jobs}` when an id names several.
pub async fn one(
    State(state): State<AppState>,
    UrlPath((queue, handle)): UrlPath<(String, String)>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Response, Problem> {
    let (queue, handle, at) = (queue_name(queue)?, of_segment(handle), params.get("at").map(String::as_str));
    if let Some(row) = row(&params)? {
        return match actions::past::archived(&state, &queue, &handle, Some(row), INLINE).await? {
            Some(past) => super::past::job(&state, past).await,
            None => Err(not_here("The archive has no such row of this job.", &elsewhere(&state, &queue, &handle).await?)),
        };
    }
    match actions::job(&state, &queue, &handle, at).await? {
        Found::One { job } => Ok(Json(whole(&state, &queue, *job).await?).into_response()),
        many @ Found::Many { .. } => Ok(Json(many).into_response()),
        Found::Gone { scanned, of } => match kept(actions::past::archived(&state, &queue, &handle, None, INLINE).await)? {
            Some(past) => super::past::job(&state, past).await,
            None => Err(not_here(&gone(scanned, of), &elsewhere(&state, &queue, &handle).await?)),
        },
    }
}

/// What the archive has. One that is off has nothing; one that does not answer may have it.
fn kept<T>(asked: Result<Option<T>, ApiError>) -> Result<Option<T>, ApiError> {
    match asked {
        Err(ApiError::NotFound { .. }) => Ok(None),
        other => other,
    }
}

/// `?row=`: a row of the archive.
pub(super) fn row(params: &Params) -> Result<Option<i64>, Problem> {
    params.get("row").map(|n| n.parse().map_err(|_| Problem::invalid("row", "`row` is the number of a row of the archive."))).transpose()
}

fn gone(scanned: u64, of: u64) -> String {
    let looked = if scanned < of {
        format!("It is not among the {scanned} of {of} jobs that were looked at.")
    } else {
        "It is no longer in the queue.".into()
    };
    format!("There is no such job. {looked} A worker may have taken it, or it was moved.")
}

/// Other queues in which the archive knows this id.
async fn elsewhere(state: &AppState, queue: &QueueName, handle: &str) -> Result<Vec<String>, Problem> {
    let rows = kept(actions::past::elsewhere(state, queue, handle).await.map(Some))?;
    Ok(rows.unwrap_or_default().into_iter().map(|row| row.queue.to_string()).collect())
}

fn not_here(said: &str, elsewhere: &[String]) -> Problem {
    match elsewhere {
        [] => Problem::not_found(said),
        [only] => Problem::not_found(format!("{said} The archive knows this id in the queue {only}.")),
        many => Problem::not_found(format!("{said} The archive knows this id in the queues {}.", many.join(", "))),
    }
}

/// A page shows less of a payload than REST sends: the rest is read here.
async fn whole(state: &AppState, queue: &QueueName, job: JobDetail) -> Result<WholeJob, Problem> {
    let JobDetail { summary, mut payload, mut truncated, mut data, stack, ahead, timeline } = job;
    if truncated && summary.bytes <= INLINE as u64 {
        let handle = summary.fingerprint.to_string();
        if let Some(raw) = actions::payload(state, queue, &handle, Some(&handle)).await? {
            payload = String::from_utf8_lossy(&raw).into_owned();
            truncated = false;
            data = decoded_data(&payload);
        }
    }
    let data = data.and_then(|text| RawValue::from_string(text).ok());
    Ok(WholeJob { summary, payload, truncated, data, stack, ahead, timeline })
}

/// The JSON inside the string field `data`, or of the field itself where a producer wrote no string.
fn decoded_data(payload: &str) -> Option<String> {
    let members = json::members(payload).ok()?;
    json::field(payload, &members, "data").map(|raw| json::decode(raw).unwrap_or_else(|| raw.into()))
}

/// `GET /queues/{queue}/jobs/{id or fingerprint}/payload?at=`: the raw bytes as a download.
pub async fn payload(
    State(state): State<AppState>,
    UrlPath((queue, handle)): UrlPath<(String, String)>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<Response, Problem> {
    let (queue, handle) = (queue_name(queue)?, of_segment(handle));
    let row = row(&params)?;
    let raw = match row {
        Some(_) => None,
        None => actions::payload(&state, &queue, &handle, params.get("at").map(String::as_str)).await?,
    };
    let raw = match raw {
        Some(raw) => Some(raw),
        None => kept(actions::past::payload(&state, &queue, &handle, row).await)?,
    };
    let Some(raw) = raw else {
        let gone = "There is no such job any more. A worker may have taken it, or it was moved.";
        return Err(not_here(gone, &elsewhere(&state, &queue, &handle).await?));
    };
    let readable = serde_json::from_slice::<&RawValue>(&raw).is_ok();
    let (kind, ending) = if readable { ("application/json", "json") } else { ("application/octet-stream", "bin") };
    let name: String = handle.chars().take(100).collect();
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    // The first name is for old browsers, the second may hold any letter.
    let disposition =
        format!("attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{}.{ending}", escaped(&name).replace(':', "%3A"));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition.as_str())], raw).into_response())
}

/// What a verb is to act on.
enum Chosen {
    Some(Vec<Fingerprint>),
    All,
}

/// The body of a verb: `{state, jobs}` or `{state, all: true}`; for retry with `base`, and of one job with `payload`; for
/// discarding with `keep`.
struct Request {
    state: JobState,
    chosen: Chosen,
    base: bool,
    keep: bool,
    payload: Option<String>,
}

/// `POST /queues/{queue}/jobs/{retry|discard|promote}`: 200 with what was done, or 202 `{operation}`.
pub async fn act(Caller(state): Caller, UrlPath((queue, verb)): UrlPath<(String, String)>, body: Bytes) -> Result<Response, Problem> {
    let queue = queue_name(queue)?;
    let unknown = || Problem::not_found("Jobs know the verbs retry, discard and promote.");
    let verb = Verb::parse(&verb).ok_or_else(unknown)?;
    if !matches!(verb, Verb::Retry | Verb::Promote | Verb::Discard) {
        return Err(unknown());
    }
    let Request { state: from, chosen, base, keep, payload } = read(&body)?;
    let fits = match verb {
        Verb::Retry => from == JobState::Failed,
        Verb::Promote => from == JobState::Delayed,
        Verb::Discard | Verb::Purge | Verb::ClearFailed | Verb::Restore | Verb::RetryArchived => true,
    };
    if !fits {
        return Err(Problem::invalid("state", format!("{} does not apply to {} jobs. Nothing was changed.", verb.as_str(), from.as_str())));
    }
    if let Some(payload) = payload {
        return edited(&state, &queue, verb, &chosen, &payload, base).await;
    }
    match (verb, chosen) {
        (Verb::Retry, Chosen::Some(jobs)) => Ok(Json(actions::retry(&state, &queue, from, &jobs, base).await?).into_response()),
        (Verb::Retry, Chosen::All) => Ok(accepted(actions::retry_all(&state, &queue, base).await?)),
        (Verb::Promote, Chosen::Some(jobs)) => Ok(Json(actions::promote(&state, &queue, from, &jobs).await?).into_response()),
        (Verb::Promote, Chosen::All) => Ok(accepted(actions::promote_all(&state, &queue).await?)),
        (Verb::Discard, Chosen::Some(jobs)) => Ok(Json(actions::discard(&state, &queue, from, &jobs, keep).await?).into_response()),
        (Verb::Discard, Chosen::All) => Ok(accepted(actions::discard_all(&state, &queue, from, keep).await?)),
        (Verb::Purge | Verb::ClearFailed | Verb::Restore | Verb::RetryArchived, _) => Err(unknown()),
    }
}

async fn edited(state: &AppState, queue: &QueueName, verb: Verb, chosen: &Chosen, payload: &str, base: bool) -> Result<Response, Problem> {
    match (verb, chosen) {
        (Verb::Retry, Chosen::Some(jobs)) if jobs.len() == 1 => {
            Ok(Json(actions::retry_edited(state, queue, &jobs[0], payload, base).await?).into_response())
        }
        (Verb::Retry, _) => Err(Problem::invalid("payload", "An edited payload takes the place of one job: name exactly one in `jobs`.")),
        _ => Err(Problem::invalid("payload", "Only retry takes an edited payload.")),
    }
}

fn read(body: &[u8]) -> Result<Request, Problem> {
    let body: Value = serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("The body is not JSON: {error}.")))?;
    let flag = |name: &str, absent: bool| match body.get(name) {
        None | Some(Value::Null) => Ok(absent),
        Some(value) => value.as_bool().ok_or_else(|| Problem::invalid(name, format!("`{name}` is true or false."))),
    };
    let state = body
        .get("state")
        .and_then(Value::as_str)
        .ok_or_else(|| Problem::invalid("state", "Say which jobs: `state` is waiting, grouped, delayed or failed."))?;
    let state = state_named(state)?;
    let chosen = match (body.get("jobs"), flag("all", false)?) {
        (None | Some(Value::Null), true) => Chosen::All,
        (Some(Value::Array(jobs)), false) => Chosen::Some(jobs.iter().map(fingerprint).collect::<Result<_, _>>()?),
        (None | Some(Value::Null), false) => {
            return Err(Problem::invalid("jobs", "Name the jobs by fingerprint in `jobs`, or send `\"all\": true`."));
        }
        (Some(_), true) => return Err(Problem::invalid("all", "Send `jobs` or `\"all\": true`, not both.")),
        (Some(_), false) => return Err(Problem::invalid("jobs", "`jobs` is a list of fingerprints.")),
    };
    let payload = match body.get("payload") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(Problem::invalid("payload", "`payload` is the edited payload as a string that holds a JSON object.")),
    };
    Ok(Request { state, chosen, base: flag("base", false)?, keep: flag("keep", true)?, payload })
}

fn fingerprint(value: &Value) -> Result<Fingerprint, Problem> {
    let text = value.as_str().ok_or_else(|| Problem::invalid("jobs", "`jobs` is a list of fingerprints, which are strings."))?;
    Fingerprint::try_from(text.to_owned()).map_err(|detail| Problem::invalid("jobs", detail))
}
