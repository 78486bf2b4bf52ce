//! Who did what.

use super::{Params, UrlQuery, problem::Problem};
use crate::model::audit::{AuditPage, AuditQuery};
use crate::server::{actions::audit, state::AppState};
use axum::{Json, extract::State};

/// `GET /audit?page=&verb=&queue=&who=` → [`AuditPage`], newest first.
pub async fn list(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<AuditPage>, Problem> {
    if params.get("page").is_some_and(|page| !page.parse::<u64>().is_ok_and(|n| n > 0)) {
        return Err(Problem::invalid("page", "`page` counts from 1."));
    }
    Ok(Json(audit::audit(&state, &AuditQuery::read(|name| params.get(name).cloned())).await?))
}
