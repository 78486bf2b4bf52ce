//! Alerts: what fires, what was said, the rules, and what a rule would have done.

use super::{
    audit::{Came, asked},
    now,
};
use crate::model::{
    alert::{
        firing::{Alerts, AlertsView, PER_PAGE},
        preview::Preview,
        rule::{MOST, Rule, Rules},
    },
    error::ApiError,
};
use crate::server::{
    driver::redis::alerts::stored::{Change, changed, read, unreadable},
    state::AppState,
    tasks::alerts as task,
};

/// One round trip: rules, what fires and a page of the history, from one moment.
pub async fn view(state: &AppState, page: u64) -> Result<AlertsView, ApiError> {
    if !(1..=1 << 40).contains(&page) {
        return Err(ApiError::invalid("page", "Pages count from 1."));
    }
    state.watching.request(now());
    let look = state.driver.alerts((page - 1) * PER_PAGE, PER_PAGE).await?;
    let (mut firing, history) = task::read(&look);
    firing.splice(0..0, state.alerts.away());
    Ok(AlertsView { alerts: Alerts { firing, history, total: look.history_len, page, per_page: PER_PAGE }, rules: read(&look.rules) })
}

pub async fn rules(state: &AppState) -> Result<Rules, ApiError> {
    Ok(read(&state.driver.alert_rules().await?))
}

fn no_rule() -> ApiError {
    ApiError::NotFound { detail: "There is no rule of this id. Nothing was changed.".into() }
}

fn changed_meanwhile() -> ApiError {
    ApiError::Conflict { detail: "The rules were changed by somebody else meanwhile. Nothing was changed here: load them again.".into() }
}

impl Came for Rules {}

/// Adds a rule (without id) or changes the one of its id. `version`: of the rules that the caller saw; others are a conflict.
pub async fn save(state: &AppState, rule: Rule, version: Option<&str>) -> Result<(Rule, Rules), ApiError> {
    let mut rule = Rule { name: rule.name.trim().into(), ..rule };
    rule.queue = rule.queue.filter(|queue| !queue.is_empty());
    let is_new = rule.id.is_empty();
    let verb = if is_new { "alert-rule-add" } else { "alert-rule-change" };
    let asked = asked(state, verb, None).of(&rule.name);
    let act = async {
        rule.check().map_err(|(field, sentence)| ApiError::invalid(field, sentence))?;
        let raw = state.driver.alert_rules().await?;
        let before = read(&raw);
        if version.is_some_and(|version| version != before.version) {
            return Err(changed_meanwhile());
        }
        if is_new {
            if before.rules.len() >= MOST {
                return Err(ApiError::Conflict { detail: format!("There are {MOST} rules already. Nothing was changed.") });
            }
            rule.id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        } else if !before.rules.iter().any(|r| r.id == rule.id) {
            return Err(no_rule());
        }
        let text = changed(&raw, &Change::Put(&rule)).ok_or_else(no_rule)?;
        write(state, &raw, &text).await
    };
    let answer = act.await;
    let rules = asked.answered(state, answer).await?;
    Ok((rule, rules))
}

pub async fn delete(state: &AppState, id: &str, version: Option<&str>) -> Result<Rules, ApiError> {
    let asked = asked(state, "alert-rule-delete", None).of(id);
    let act = async {
        let raw = state.driver.alert_rules().await?;
        let before = read(&raw);
        if version.is_some_and(|version| version != before.version) {
            return Err(changed_meanwhile());
        }
        if !before.rules.iter().any(|rule| rule.id == id) {
            return Err(no_rule());
        }
        let text = changed(&raw, &Change::Delete(id)).ok_or_else(no_rule)?;
        write(state, &raw, &text).await
    };
    let answer = act.await;
    asked.answered(state, answer).await
}

/// Over exactly what was read.
async fn write(state: &AppState, raw: &crate::server::driver::redis::alerts::Raw, text: &str) -> Result<Rules, ApiError> {
    if !state.driver.swap_alert_rules(raw, text, unreadable(raw), now()).await? {
        return Err(changed_meanwhile());
    }
    state.alerts.wake();
    rules(state).await
}

/// What the rule would have done over what was recorded. Nothing is stored.
pub async fn preview(state: &AppState, rule: &Rule) -> Result<Preview, ApiError> {
    rule.check().map_err(|(field, sentence)| ApiError::invalid(field, sentence))?;
    Ok(task::preview(state, rule, now()).await?)
}
