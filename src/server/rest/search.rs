//! Search for programs.

use super::{Params, UrlQuery, problem::Problem};
use crate::model::search::{ArchiveStep, Hit, SearchStep};
use crate::server::{actions, state::AppState};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

/// Where both halves go on.
#[derive(Default, Serialize, Deserialize)]
struct Next {
    live: Option<String>,
    archive: Option<String>,
}

/// One step of both halves, best first.
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
    done: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

/// `GET /search?q=&cursor=` → [`Answer`]
pub async fn search(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Answer>, Problem> {
    let text = params.get("q").map(String::as_str).filter(|q| !q.trim().is_empty());
    let text = text.ok_or_else(|| Problem::invalid("q", "Say what to look for in `q`."))?;
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
        archive = actions::search::archive(&state, text, from.archive.as_deref()).await?;
    }
    let mut hits = live.hits;
    hits.extend(archive.hits);
    hits.sort_by(Hit::rank);
    let next = Next { live: live.next, archive: archive.next };
    let half = |of: crate::model::search::Coverage, done: bool| Half {
        scanned: of.scanned,
        of: of.of,
        done,
        skipped: Vec::new(),
        unavailable: None,
    };
    Ok(Json(Answer {
        hits,
        live: Half { skipped: live.skipped, ..half(live.coverage, next.live.is_none()) },
        archive: Half { unavailable: archive.unavailable, ..half(archive.coverage, next.archive.is_none()) },
        next: (next.live.is_some() || next.archive.is_some()).then(|| serde_json::to_string(&next).unwrap_or_default()),
    }))
}
