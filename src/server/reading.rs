//! What a payload says of itself, whoever holds it: a list in Redis or a row of the archive.

use crate::model::{
    ids::Priority,
    job::PAYLOAD_SHOWN,
    json::{self, Member},
    time::Millis,
    wire::COUNTABLE,
};

/// What a payload says of itself; every field as far as it can be read.
#[derive(Debug, Default)]
pub struct Reading {
    pub id: Option<String>,
    pub class_name: Option<String>,
    pub attempts: Option<u64>,
    pub max_attempts: Option<u64>,
    pub delay_s: Option<u64>,
    pub created_at: Option<Millis>,
    pub failed_at: Option<Millis>,
    pub error: Option<String>,
    pub group_id: Option<String>,
    /// What the payload says; only dead letters carry it. `None` also for one that no worker reads.
    pub priority: Option<Priority>,
    pub problem: Option<String>,
}

impl Reading {
    pub fn of(text: &str) -> Self {
        match json::members(text) {
            Ok(members) => reading(&[(text, &members)]),
            Err(error) => Self { problem: Some(problem(text, &error)), ..Self::default() },
        }
    }

    /// Of a payload that is there whole, or, when it was too large, by its head and its tail.
    pub fn of_parts(head: &str, tail: Option<&str>) -> Self {
        tail.map_or_else(|| Self::of(head), |tail| Self::ends(head, tail))
    }

    /// Of a payload too large to look at whole: what its two ends show. Validity is not checked.
    pub fn ends(head: &str, tail: &str) -> Self {
        let (first, last) = (json::leading_members(head), json::trailing_members(tail));
        if first.is_empty() && last.is_empty() {
            return Self { problem: Some("Neither end of this large payload can be read as JSON.".into()), ..Self::default() };
        }
        reading(&[(tail, &last), (head, &first)])
    }
}

fn problem(text: &str, error: &json::JsonError) -> String {
    if text.trim_start().starts_with(['[', '"']) || text.trim().parse::<f64>().is_ok() || matches!(text.trim(), "true" | "false" | "null") {
        return "The payload is JSON but not an object, so it is not a job.".into();
    }
    format!("The payload is {error}.")
}

fn reading(parts: &[(&str, &Vec<Member>)]) -> Reading {
    let raw = |name: &str| parts.iter().find_map(|(text, members)| json::field(text, members, name));
    // A number where text is expected is shown as its digits.
    let text = |name: &str| {
        raw(name).and_then(|r| json::decode(r).or_else(|| r.starts_with(|c: char| c.is_ascii_digit() || c == '-').then(|| r.to_owned())))
    };
    // A larger one counts nothing, and browsers would show other digits: the payload shows them.
    let whole = |name: &str| raw(name).and_then(|r| r.parse::<u64>().ok()).filter(|n| *n <= COUNTABLE);
    let time =
        |name: &str| raw(name).and_then(|r| r.parse::<f64>().ok()).filter(|ms| ms.is_finite()).and_then(|ms| Millis::checked(ms as i64));
    Reading {
        id: text("id").filter(|id| !id.is_empty()),
        class_name: text("className")
            .filter(|n| !n.is_empty())
            .or_else(|| raw("data").and_then(class_in_data))
            .or_else(|| text("name"))
            .or_else(|| text("displayName")),
        attempts: whole("attempts"),
        max_attempts: whole("maxAttempts"),
        delay_s: whole("delaySeconds"),
        created_at: time("createdAt"),
        failed_at: time("failedAt"),
        error: text("error").or_else(|| text("failedReason")),
        group_id: text("groupId").filter(|g| !g.is_empty()),
        priority: raw("priority").and_then(|r| match target(r) {
            Target::List(p) => Some(p),
            Target::Unread(_) => None,
        }),
        problem: None,
    }
}

/// `class` or `job` of the nested JSON.
fn class_in_data(raw: &str) -> Option<String> {
    let nested = json::decode(raw).unwrap_or_else(|| raw.to_owned());
    let members = json::members(&nested).ok()?;
    json::field(&nested, &members, "class").or_else(|| json::field(&nested, &members, "job")).and_then(json::decode)
}

/// Where a retried job goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    List(Priority),
    /// A priority that no worker reads: `urgent`, `5`, `default`.
    Unread(String),
}

/// JavaScript's truth: the empty text, the number 0, `false` and `null` mean nothing; the text `"0"` does mean something.
fn is_falsy(raw: &str) -> bool {
    matches!(raw, "\"\"" | "null" | "false") || raw.parse::<f64>() == Ok(0.0)
}

pub fn target(raw: &str) -> Target {
    if is_falsy(raw) {
        return Target::List(Priority::Base);
    }
    let name = json::decode(raw).unwrap_or_else(|| raw.to_owned());
    match name.as_str() {
        "critical" => Target::List(Priority::Critical),
        "high" => Target::List(Priority::High),
        "low" => Target::List(Priority::Low),
        _ => Target::Unread(name),
    }
}

/// Top-level `groupId`; a number counts by its digits, as the library's template string does.
pub fn group(text: &str, members: &[Member]) -> Option<String> {
    let raw = json::field(text, members, "groupId")?;
    if is_falsy(raw) {
        return None;
    }
    json::decode(raw).or_else(|| raw.parse::<f64>().is_ok().then(|| raw.to_owned()))
}

/// What a job's page shows besides the summary.
#[derive(Debug, Default)]
pub struct Inside {
    /// In full.
    pub error: Option<String>,
    pub stack: Option<String>,
    /// The `data` field decoded from its string, when it is JSON and not larger than a page shows.
    pub data: Option<String>,
}

/// # Errors
/// The text is no JSON object.
pub fn inside(text: &str) -> Result<Inside, json::JsonError> {
    let members = json::members(text)?;
    let decoded = |name: &str| json::field(text, &members, name).and_then(json::decode);
    Ok(Inside {
        error: decoded("error").or_else(|| decoded("failedReason")),
        stack: decoded("stack").or_else(|| decoded("stacktrace")),
        data: json::field(text, &members, "data")
            .filter(|d| d.len() <= PAYLOAD_SHOWN)
            .map(|d| json::decode(d).unwrap_or_else(|| d.to_owned()))
            .filter(|d| json::is_valid(d)),
    })
}
