//! The doctor for programs.

use super::{Caller, Params, UrlQuery, problem::Problem};
use crate::model::doctor::{Diagnosis, FixAsk, Fixed};
use crate::server::{actions::doctor, state::AppState};
use axum::{Json, body::Bytes, extract::State};

/// `GET /doctor?anew=true` → [`Diagnosis`]; without `anew` one of the last ten seconds will do.
pub async fn look(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Diagnosis>, Problem> {
    let anew = match params.get("anew").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::invalid("anew", "`anew` is true or false.")),
    };
    Ok(Json(doctor::diagnosis(&state, anew).await?))
}

/// `POST /doctor/fix` with [`FixAsk`] → 200 [`Fixed`]. `done` is false when it was not as the finding said any more.
pub async fn fix(Caller(state): Caller, body: Bytes) -> Result<Json<Fixed>, Problem> {
    let ask: FixAsk =
        serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("The body is not what was expected: {error}.")))?;
    Ok(Json(doctor::fix(&state, &ask).await?))
}
