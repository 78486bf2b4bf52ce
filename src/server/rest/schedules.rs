//! Schedules for programs.

use super::{Caller, Params, UrlPath, UrlQuery, problem::Problem};
use crate::model::{
    ids::of_segment,
    schedule::{Draft, Preview, ScheduleDetail, ScheduleId, SchedulesPage},
};
use crate::server::{actions::schedules, state::AppState};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `GET /schedules?page=1` → [`SchedulesPage`]
pub async fn list(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<SchedulesPage>, Problem> {
    let page = params.get("page").map_or(Some(1), |page| page.parse().ok());
    let page = page.ok_or_else(|| Problem::invalid("page", "`page` is a number from 1 on."))?;
    Ok(Json(schedules::page(&state, page).await?))
}

/// `GET /schedules/{id}` → [`ScheduleDetail`]
pub async fn one(State(state): State<AppState>, UrlPath(id): UrlPath<String>) -> Result<Json<ScheduleDetail>, Problem> {
    Ok(Json(schedules::one(&state, &named(id)?).await?))
}

/// A schedule as a program sends it. `job` is an object, or the text of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    #[serde(default)]
    id: String,
    #[serde(default)]
    cron: String,
    #[serde(default)]
    queue: String,
    job: Option<Box<RawValue>>,
    enabled: Option<bool>,
    /// Of an edit: as `GET` told it.
    version: Option<String>,
}

impl Sent {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("The body is not what was expected: {error}.")))
    }

    fn draft(&self) -> Draft {
        let raw = self.job.as_deref().map_or("", RawValue::get);
        // An object is kept as it was sent, byte for byte; so is what a text holds.
        let job = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
        Draft { id: self.id.clone(), cron: self.cron.clone(), queue: self.queue.clone(), job }
    }
}

/// `POST /schedules` with `{id, cron, queue, job, enabled?}` → 201 [`ScheduleDetail`]
pub async fn add(Caller(state): Caller, body: Bytes) -> Result<(StatusCode, Json<ScheduleDetail>), Problem> {
    let sent = Sent::read(&body)?;
    let detail = schedules::add(&state, &sent.draft(), sent.enabled.unwrap_or(true)).await?;
    Ok((StatusCode::CREATED, Json(detail)))
}

/// `PUT /schedules/{id}` with `{cron, queue, job, version}` → [`ScheduleDetail`]; 409 when it is not of that version any more.
pub async fn edit(Caller(state): Caller, UrlPath(id): UrlPath<String>, body: Bytes) -> Result<Json<ScheduleDetail>, Problem> {
    let sent = Sent::read(&body)?;
    let version = sent.version.as_deref();
    let version = version.ok_or_else(|| Problem::invalid("version", "`version` is that of the schedule as you read it: GET tells it."))?;
    Ok(Json(schedules::edit(&state, &named(id)?, &sent.draft(), version).await?))
}

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
}

/// `DELETE /schedules/{id}`; for an hour `POST /schedules/{id}/restore` brings it back.
pub async fn delete(Caller(state): Caller, UrlPath(id): UrlPath<String>) -> Result<Response, Problem> {
    schedules::delete(&state, &named(id)?).await?;
    Ok(Json(Deleted { deleted: true }).into_response())
}

/// `POST /schedules/preview` with `{id?, cron, queue, job}` → [`Preview`]
pub async fn preview(State(state): State<AppState>, UrlPath(word): UrlPath<String>, body: Bytes) -> Result<Json<Preview>, Problem> {
    if word != "preview" {
        return Err(Problem::not_found("A schedule knows the verbs run, enable, disable and restore: POST /schedules/{id}/{verb}."));
    }
    let draft = Sent::read(&body)?.draft();
    Ok(Json(schedules::preview(&state, &draft, !draft.id.is_empty())))
}

#[derive(Serialize)]
struct Pushed {
    pushed: bool,
}

/// `POST /schedules/{id}/{run|enable|disable|restore}`; `run` takes `{"request": "…"}`: the same one pushes once.
pub async fn act(Caller(state): Caller, UrlPath((id, verb)): UrlPath<(String, String)>, body: Bytes) -> Result<Response, Problem> {
    let id = named(id)?;
    match verb.as_str() {
        "enable" => Ok(Json(schedules::set_enabled(&state, &id, true).await?).into_response()),
        "disable" => Ok(Json(schedules::set_enabled(&state, &id, false).await?).into_response()),
        "restore" => Ok(Json(schedules::restore(&state, &id).await?).into_response()),
        "run" => {
            schedules::run(&state, &id, &request(&body)?).await?;
            Ok(Json(Pushed { pushed: true }).into_response())
        }
        _ => Err(Problem::not_found("A schedule knows the verbs run, enable, disable and restore.")),
    }
}

/// Who names no click is not protected from sending it twice.
fn request(body: &[u8]) -> Result<String, Problem> {
    #[derive(Deserialize)]
    struct Click {
        request: Option<String>,
    }
    let click = match body.trim_ascii() {
        [] => None,
        body => serde_json::from_slice::<Click>(body).map_err(|e| Problem::malformed(format!("The body is not JSON: {e}.")))?.request,
    };
    Ok(click.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()))
}

fn named(id: String) -> Result<ScheduleId, Problem> {
    ScheduleId::try_from(of_segment(id)).map_err(|detail| Problem::invalid("id", detail))
}
