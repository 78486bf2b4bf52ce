//! Alerts and their rules.

use crate::model::{
    alert::{
        firing::AlertsView,
        preview,
        rule::{Rule, Rules},
    },
    error::ApiError,
    wire::Json,
};
use leptos::prelude::*;

/// What fires, the rules, and one page of the history.
#[server(prefix = "/api/fn", endpoint = "alerts", input = Json, output = Json)]
pub async fn alerts(page: u64) -> Result<AlertsView, ApiError> {
    crate::server::actions::alerts::view(&expect_context(), page).await
}

/// A rule without id is a new one. `version`: of the rules that the page shows.
#[server(prefix = "/api/fn", endpoint = "alerts/rules/save", input = Json, output = Json)]
pub async fn save(rule: Rule, version: String) -> Result<Rules, ApiError> {
    Ok(crate::server::actions::alerts::save(&expect_context(), rule, Some(&version)).await?.1)
}

#[server(prefix = "/api/fn", endpoint = "alerts/rules/delete", input = Json, output = Json)]
pub async fn delete(id: String, version: String) -> Result<Rules, ApiError> {
    crate::server::actions::alerts::delete(&expect_context(), &id, Some(&version)).await
}

/// What the rule would have done over what was recorded.
#[server(prefix = "/api/fn", endpoint = "alerts/preview", input = Json, output = Json)]
pub async fn preview(rule: Rule) -> Result<preview::Preview, ApiError> {
    crate::server::actions::alerts::preview(&expect_context(), &rule).await
}
