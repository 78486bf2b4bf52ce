//! The text of the rules: what it says, and the same text with one rule changed. What this console does not know of a rule, and
//! rules that it cannot follow, stay as they are, byte for byte.

use super::{RULES, Raw};
use crate::model::{
    alert::rule::{Foreign, MOST, Rule, RuleType, Rules},
    json,
};
use serde_json::{Value, value::RawValue};

/// The original's rules, which apply there as long as none are stored.
fn beginning() -> Vec<Rule> {
    let rule = |id: &str, name: &str, kind: RuleType, threshold: f64, cooldown_minutes: f64| Rule {
        id: id.into(),
        name: name.into(),
        threshold,
        cooldown_minutes,
        hold_seconds: 0,
        ..kind.first()
    };
    vec![
        rule("global_failure_spike", "High Failure Rate", RuleType::Failure, 50.0, 30.0),
        rule("global_backlog_critical", "Queue Backlog Warning", RuleType::Backlog, 1_000.0, 60.0),
        rule("no_workers_online", "All Workers Offline", RuleType::WorkerLost, 1.0, 15.0),
    ]
}

/// The elements of the array, each as it stands there.
fn elements(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// A number, also one that a form stored as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n| n.is_finite())
}

/// One stored rule, or why it cannot be followed.
fn rule(raw: &str) -> Result<Rule, String> {
    let value: Value = serde_json::from_str(raw).map_err(|_| "is no JSON object".to_owned())?;
    let object = value.as_object().ok_or("is no JSON object")?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let id = text("id").filter(|id| !id.is_empty()).ok_or("has no id")?;
    let kind = text("type").ok_or("has no type")?;
    let kind = RuleType::parse(kind).ok_or_else(|| format!("is of the type {kind}, which this console does not know"))?;
    let first = kind.first();
    // A missing one has its default, a wrong one is said.
    let field = |name: &str, otherwise: f64| match object.get(name) {
        None | Some(Value::Null) => Ok(otherwise),
        Some(value) => number(value).ok_or_else(|| format!("has a {name} that is no number")),
    };
    let whole = |name: &str, otherwise: u64| {
        let n = field(name, 0.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        if object.get(name).is_none_or(Value::is_null) {
            Ok(otherwise)
        } else if (0.0..=1e9).contains(&n) {
            Ok(n as u64)
        } else {
            Err(format!("has a {name} out of range"))
        }
    };
    let threshold = match (object.get("threshold").and_then(number), kind) {
        (Some(n), _) => n,
        (None, RuleType::RedisDown) => 0.0,
        (None, _) => return Err("has a threshold that is no number".into()),
    };
    let rule = Rule {
        id: id.into(),
        name: text("name").filter(|name| !name.trim().is_empty()).unwrap_or(id).chars().take(100).collect(),
        kind,
        threshold,
        queue: text("queue").filter(|q| !q.is_empty()).map(Into::into),
        cooldown_minutes: field("cooldownMinutes", first.cooldown_minutes)?,
        // The original fires at once.
        hold_seconds: whole("holdSeconds", if kind == RuleType::RedisDown { first.hold_seconds } else { 0 })?,
        window_seconds: whole("windowSeconds", first.window_seconds)?,
        enabled: object.get("enabled").is_none_or(|v| v.as_bool() != Some(false)),
    };
    rule.check().map_err(|(field, sentence)| format!("has a wrong {field}. {sentence}"))?;
    Ok(rule)
}

fn name_of(raw: &str, at: usize) -> String {
    let value: Value = serde_json::from_str(raw).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(|t| t.chars().take(100).collect());
    text("name").or_else(|| text("id")).unwrap_or_else(|| format!("Rule {}", at + 1))
}

/// What is stored. Never fails: what cannot be read is said.
pub fn read(raw: &Raw) -> Rules {
    let version = raw.version();
    let wrong = |what: &str| Rules {
        rules: beginning(),
        problem: Some(format!(
            "{RULES} {what}, so the rules to begin with apply. Saving a rule replaces it; the old content is kept under another key."
        )),
        stored: true,
        version: version.clone(),
        ..Rules::default()
    };
    let text = match raw {
        Raw::Absent => return Rules { rules: beginning(), version, ..Rules::default() },
        Raw::Odd { what, .. } => return wrong(what),
        Raw::Text(text) => text,
    };
    let Some(elements) = elements(text) else { return wrong("does not hold a JSON array") };
    let mut rules = Rules { stored: true, version, ..Rules::default() };
    for (at, element) in elements.iter().enumerate() {
        let raw = element.get();
        let foreign = |problem: String| Foreign { name: name_of(raw, at), problem };
        match rule(raw) {
            Ok(rule) if rules.rules.iter().any(|r| r.id == rule.id) => rules.foreign.push(foreign("has the id of a rule before it".into())),
            Ok(_) if rules.rules.len() >= MOST => rules.foreign.push(foreign(format!("is beyond the first {MOST} rules"))),
            Ok(rule) => rules.rules.push(rule),
            Err(problem) => rules.foreign.push(foreign(problem)),
        }
    }
    rules.foreign.truncate(MOST);
    rules
}

/// Whether a change replaces something that could not be read.
pub fn unreadable(raw: &Raw) -> bool {
    match raw {
        Raw::Absent => false,
        Raw::Odd { .. } => true,
        Raw::Text(text) => elements(text).is_none(),
    }
}

/// What to do with one rule.
pub enum Change<'a> {
    /// Over the rule of its id, else behind all.
    Put(&'a Rule),
    Delete(&'a str),
}

fn json<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).unwrap_or_else(|_| "null".into())
}

/// A number as JavaScript prints it: `1000`, not `1000.0`.
fn plain(n: f64) -> String {
    format!("{n}")
}

/// The rule over the text that was there; fields that nobody needs are not added.
fn written(before: Option<&str>, rule: &Rule) -> String {
    let mut text = before.filter(|text| json::members(text).is_ok()).unwrap_or("{}").to_owned();
    let has = |text: &str, name: &str| json::members(text).is_ok_and(|members| json::field(text, &members, name).is_some());
    let mut put = |name: &str, value: Option<String>| {
        let next = match value {
            Some(value) => json::edit(&text, &[], Some((name, &value))),
            None => json::edit(&text, &[name], None),
        };
        if let Ok(next) = next {
            text = next;
        }
    };
    put("id", Some(json(&rule.id)));
    put("name", Some(json(rule.name.trim())));
    put("type", Some(json(rule.kind)));
    put("threshold", Some(plain(rule.threshold)));
    put("queue", rule.queue.as_ref().map(json));
    put("cooldownMinutes", Some(plain(rule.cooldown_minutes)));
    let had = |name: &str| before.is_some_and(|text| has(text, name));
    if rule.hold_seconds > 0 || rule.kind == RuleType::RedisDown || had("holdSeconds") {
        put("holdSeconds", Some(rule.hold_seconds.to_string()));
    }
    if rule.kind == RuleType::FailureSpike || had("windowSeconds") {
        put("windowSeconds", Some(rule.window_seconds.to_string()));
    }
    if !rule.enabled || had("enabled") {
        put("enabled", Some(rule.enabled.to_string()));
    }
    text
}

/// The text with the change; `None`: there is no rule of this id to delete.
pub fn changed(raw: &Raw, change: &Change) -> Option<String> {
    let begin: Vec<String>;
    let mut all: Vec<&str> = match raw {
        Raw::Text(text) if elements(text).is_some() => elements(text).unwrap_or_default().into_iter().map(RawValue::get).collect(),
        // The first change stores the rules that applied until then.
        Raw::Absent | Raw::Text(_) | Raw::Odd { .. } => {
            begin = beginning().iter().map(|rule| written(None, rule)).collect();
            begin.iter().map(String::as_str).collect()
        }
    };
    let id_of = |raw: &str| serde_json::from_str::<Value>(raw).ok()?.get("id")?.as_str().map(str::to_owned);
    let place = |id: &str| all.iter().position(|raw| id_of(raw).as_deref() == Some(id));
    let next;
    match change {
        Change::Put(rule) => {
            let place = place(&rule.id);
            next = written(place.map(|at| all[at]), rule);
            match place {
                Some(at) => all[at] = &next,
                None => all.push(&next),
            }
        }
        Change::Delete(id) => {
            let at = place(id)?;
            all.remove(at);
        }
    }
    Some(format!("[{}]", all.join(",")))
}

#[cfg(test)]
mod tests;
