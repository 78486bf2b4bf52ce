//! Where alerts go, for programs. No answer holds a secret.

use super::{Caller, UrlPath, problem::Problem};
use crate::model::alert::channel::{Channel, ChannelsEdit, ChannelsView, Tested, UndeliveredList};
use crate::server::{actions::channels, state::AppState};
use axum::{Json, body::Bytes, extract::State, http::StatusCode};

fn edit(body: &[u8]) -> Result<ChannelsEdit, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // Where it went wrong, without the text there: it may be a secret.
        Problem::malformed(format!("The body is not what was expected, at line {} column {}.", error.line(), error.column()))
    })
}

/// `GET /alerts/channels` → [`ChannelsView`]
pub async fn all(State(state): State<AppState>) -> Result<Json<ChannelsView>, Problem> {
    Ok(Json(channels::channels(&state).await?))
}

/// `PUT /alerts/channels` with [`ChannelsEdit`] → [`ChannelsView`]; 409 when they were changed since `version` was read.
pub async fn set(Caller(state): Caller, body: Bytes) -> Result<Json<ChannelsView>, Problem> {
    Ok(Json(channels::set_channels(&state, &edit(&body)?).await?))
}

/// `POST /alerts/channels/{channel}/test` → [`Tested`]: with the stored settings, or as a [`ChannelsEdit`] in the body would
/// have them.
pub async fn test(Caller(state): Caller, UrlPath(channel): UrlPath<String>, body: Bytes) -> Result<Json<Tested>, Problem> {
    let channel =
        Channel::read(&channel).ok_or_else(|| Problem::not_found("There is no such channel: slack, discord, webhook or email."))?;
    let edit = if body.is_empty() { None } else { Some(edit(&body)?) };
    Ok(Json(channels::test(&state, channel, edit.as_ref()).await?))
}

/// `GET /alerts/undelivered` → [`UndeliveredList`]
pub async fn undelivered(State(state): State<AppState>) -> Result<Json<UndeliveredList>, Problem> {
    Ok(Json(channels::undelivered(&state).await?))
}

/// `POST /alerts/undelivered/{id}/{retry|dismiss}` → 204
pub async fn act(Caller(state): Caller, UrlPath((id, verb)): UrlPath<(String, String)>) -> Result<StatusCode, Problem> {
    match verb.as_str() {
        "retry" => channels::send_again(&state, &id).await?,
        "dismiss" => channels::dismiss(&state, &id).await?,
        _ => return Err(Problem::not_found("An undelivered alert can be sent again (`retry`) or dismissed.")),
    }
    Ok(StatusCode::NO_CONTENT)
}
