//! Search for programs.

use super::{Params, UrlQuery, problem::Problem};
use crate::model::search::{ArchiveStep, Coverage, Hit, SearchStep};
use crate::server::search::export::Format;
use crate::server::{actions, state::AppState};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

/// Where both halves go on.
#[derive(Default, Serialize, Deserialize)]
struct Next {
    live: Option<String>,
    archive: Option<String>,
}

/// One step of both halves, best first, each job once. A failure that comes again from the archive in a later step has the same
/// queue, id, `createdAt` and attempt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    hits: Vec<Hit>,
    live: Half,
    archive: Half,
    /// For `cursor` of the next request; `null` at the end.
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Half {
    scanned: u64,
    of: Option<u64>,
    /// See [`Coverage::partly`].
    partly: u64,
    done: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

/// `GET /search?q=&cursor=` → [`Answer`]; 422 when a word of `q` cannot be read.
pub async fn search(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Answer>, Problem> {
    let text = wanted(&params)?;
    actions::search::understood(text, &actions::search::cursor(None)?)?;
    let from = match params.get("cursor") {
        None => None,
        Some(cursor) => Some(
            serde_json::from_str::<Next>(cursor).map_err(|_| Problem::invalid("cursor", "Take `next` of the step before, unchanged."))?,
        ),
    };
    let (first, from) = (from.is_none(), from.unwrap_or_default());
    let mut live = SearchStep::default();
    if first || from.live.is_some() {
        live = actions::search::live(&state, text, from.live.as_deref()).await?;
    }
    let mut archive = ArchiveStep::default();
    if first || from.archive.is_some() {
        let at = from.archive.as_deref();
        // Where nothing from Redis waits for it, the archive has the time that it takes: who asks on comes to an end.
        let beside = first || from.live.is_some();
        let step = if beside {
            actions::search::archive_in_time(&state, text, at).await
        } else {
            actions::search::archive(&state, text, at).await
        };
        archive = step?;
    }
    let mut hits = live.hits;
    hits.extend(archive.hits);
    Hit::settle(&mut hits);
    let next = Next { live: live.next, archive: archive.next };
    let half =
        |of: Coverage, done: bool| Half { scanned: of.scanned, of: of.of, partly: of.partly, done, skipped: Vec::new(), unavailable: None };
    Ok(Json(Answer {
        hits,
        live: Half { skipped: live.skipped, ..half(live.coverage, next.live.is_none()) },
        archive: Half { unavailable: archive.unavailable, ..half(archive.coverage, next.archive.is_none()) },
        next: (next.live.is_some() || next.archive.is_some()).then(|| serde_json::to_string(&next).unwrap_or_default()),
    }))
}

fn wanted(params: &Params) -> Result<&str, Problem> {
    let text = params.get("q").map(String::as_str).filter(|q| !q.trim().is_empty());
    text.ok_or_else(|| Problem::invalid("q", "Say what to look for in `q`."))
}

/// `GET /search/export?q=&format=ndjson|csv`: all that is found, streamed. It breaks off when it cannot be read to its end.
pub async fn export(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Response, Problem> {
    let (format, kind, name) = match params.get("format").map(String::as_str) {
        None | Some("ndjson") => (Format::Ndjson, "application/x-ndjson", "attachment; filename=\"jobs.ndjson\""),
        Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "attachment; filename=\"jobs.csv\""),
        Some(_) => return Err(Problem::invalid("format", "`format` is ndjson or csv.")),
    };
    let stream = actions::search::export(&state, wanted(&params)?, format)?;
    let body = Body::from_stream(stream.map_err(|error| std::io::Error::other(error.to_string())));
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body).into_response())
}
