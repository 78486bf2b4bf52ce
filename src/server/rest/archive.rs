//! The archive as a whole, and the log of the past.

use super::{Params, UrlQuery, problem::Problem};
use crate::model::{
    log::{ArchivedLog, ArchivedLogQuery, Level},
    settings::ArchiveFacts,
    time::moment,
};
use crate::server::{actions::settings, state::AppState};
use axum::{Json, extract::State};

/// `GET /archive` → [`ArchiveFacts`]
pub async fn status(State(state): State<AppState>) -> Json<ArchiveFacts> {
    Json(settings::archive_facts(&state).await)
}

/// `GET /logs/archive?level=&worker=&queue=&q=&since=&until=&before=` → [`ArchivedLog`], newest first; `next` is the next page's
/// `before`. A day of `until` is meant to its end.
pub async fn logs(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<ArchivedLog>, Problem> {
    let wrong = |name: &str, fine: fn(&str) -> bool| params.get(name).is_some_and(|text| !text.is_empty() && !fine(text));
    if wrong("level", |level| Level::parse(level).is_some()) {
        return Err(Problem::invalid("level", "`level` is info, success, warning or error."));
    }
    for name in ["since", "until"] {
        if wrong(name, |time| moment(time).is_some()) {
            return Err(Problem::invalid(name, format!("`{name}` is a time in UTC, such as 2026-11-23T12:00:00Z or 2026-11-23.")));
        }
    }
    if wrong("before", |number| number.parse::<i64>().is_ok()) {
        return Err(Problem::invalid("before", "`before` is the `next` of the page before."));
    }
    Ok(Json(settings::archived_logs(&state, &ArchivedLogQuery::read(|name| params.get(name).cloned())).await?))
}
