//! Alerts for programs.

use super::{Caller, Params, UrlPath, UrlQuery, problem::Problem};
use crate::model::alert::{
    firing::Alerts,
    preview::Preview,
    rule::{Rule, Rules},
};
use crate::server::{actions::alerts, state::AppState};
use axum::{Json, body::Bytes, extract::State, http::StatusCode};

/// `GET /alerts?page=` → [`Alerts`]: what fires, and a page of the history.
pub async fn list(State(state): State<AppState>, UrlQuery(params): UrlQuery<Params>) -> Result<Json<Alerts>, Problem> {
    let page = match params.get("page") {
        None => 1,
        Some(page) => page.parse().map_err(|_| Problem::invalid("page", "Pages count from 1."))?,
    };
    Ok(Json(alerts::view(&state, page).await?.alerts))
}

/// `GET /alerts/rules` → [`Rules`]
pub async fn rules(State(state): State<AppState>) -> Result<Json<Rules>, Problem> {
    Ok(Json(alerts::rules(&state).await?))
}

/// `GET /alerts/rules/{id}` → [`Rule`]
pub async fn one(State(state): State<AppState>, UrlPath(id): UrlPath<String>) -> Result<Json<Rule>, Problem> {
    let rules = alerts::rules(&state).await?;
    rules.rules.into_iter().find(|rule| rule.id == id).map(Json).ok_or_else(|| Problem::not_found("There is no rule of this id."))
}

fn rule(body: &Bytes, id: &str) -> Result<Rule, Problem> {
    let rule: Rule = serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("The body is no rule: {error}.")))?;
    Ok(Rule { id: id.into(), ..rule })
}

/// `POST /alerts/rules` with a [`Rule`] without `id` → 201 and the rule. `?version=` of the rules that it is added to makes a
/// change of somebody else a conflict.
pub async fn add(Caller(state): Caller, UrlQuery(params): UrlQuery<Params>, body: Bytes) -> Result<(StatusCode, Json<Rule>), Problem> {
    let (rule, _) = alerts::save(&state, rule(&body, "")?, params.get("version").map(String::as_str)).await?;
    Ok((StatusCode::CREATED, Json(rule)))
}

/// `PUT /alerts/rules/{id}` with a [`Rule`] → the rule; `?version=` as above.
pub async fn change(
    Caller(state): Caller,
    UrlPath(id): UrlPath<String>,
    UrlQuery(params): UrlQuery<Params>,
    body: Bytes,
) -> Result<Json<Rule>, Problem> {
    let (rule, _) = alerts::save(&state, rule(&body, &id)?, params.get("version").map(String::as_str)).await?;
    Ok(Json(rule))
}

/// `DELETE /alerts/rules/{id}` → 204; `?version=` as above.
pub async fn delete(
    Caller(state): Caller,
    UrlPath(id): UrlPath<String>,
    UrlQuery(params): UrlQuery<Params>,
) -> Result<StatusCode, Problem> {
    alerts::delete(&state, &id, params.get("version").map(String::as_str)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /alerts/preview` with a [`Rule`] → [`Preview`]: what it would have done. Nothing is stored.
pub async fn preview(State(state): State<AppState>, body: Bytes) -> Result<Json<Preview>, Problem> {
    Ok(Json(alerts::preview(&state, &rule(&body, "")?).await?))
}
