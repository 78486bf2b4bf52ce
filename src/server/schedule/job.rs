//! What a tick pushes of a schedule's job: what the library's `push` writes of it, without options.

use crate::model::json::{self, Member};

/// The fields that `push` writes, in its order. A group is an option of a push, which a tick does not give.
const FIELDS: [&str; 10] = ["id", "type", "data", "className", "createdAt", "delaySeconds", "attempts", "maxAttempts", "error", "failedAt"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    pub payload: String,
    /// A delay that the job asks for, in ms: it goes to the delayed set.
    pub delay_ms: Option<i64>,
}

/// # Errors
/// Why the job cannot be pushed, as a sentence.
pub fn pushed(job: &str) -> Result<Pushed, String> {
    let members = json::members(job).map_err(|error| format!("Its job is no JSON object: {error}."))?;
    let parts: Vec<String> =
        FIELDS.iter().filter_map(|name| Some(format!("\"{name}\":{}", stringified(json::field(job, &members, name)?)))).collect();
    let delay = json::field(job, &members, "delaySeconds").and_then(|raw| raw.parse::<f64>().ok());
    // JavaScript adds in floating point; half a millisecond is none of a score that it makes.
    let delay_ms = delay.filter(|s| *s > 0.0 && *s < 1e10).map(|s| (s * 1_000.0).round() as i64);
    Ok(Pushed { payload: format!("{{{}}}", parts.join(",")), delay_ms })
}

/// A run by hand is a new job of this moment: only `createdAt` differs from what a tick pushes.
pub fn by_hand(payload: &str, now: crate::model::time::Millis) -> String {
    let created = json::members(payload).is_ok_and(|m| json::field(payload, &m, "createdAt").is_some());
    if !created {
        return payload.to_owned();
    }
    json::edit(payload, &[], Some(("createdAt", &now.0.to_string()))).unwrap_or_else(|_| payload.to_owned())
}

/// A value as `JSON.stringify` would write what `JSON.parse` read: no spaces, no escapes that need not be. What the library wrote stays
/// as it is. Numbers keep their digits, also where JavaScript would lose some.
fn stringified(raw: &str) -> String {
    if raw.starts_with('"') {
        let decoded: Result<String, _> = serde_json::from_str(raw);
        // JavaScript alone can read lone surrogates, and writes them as they are.
        return decoded.ok().and_then(|text| serde_json::to_string(&text).ok()).unwrap_or_else(|| raw.to_owned());
    }
    let (mut out, mut inside, mut escaped) = (String::with_capacity(raw.len()), false, false);
    for c in raw.chars() {
        if inside || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            out.push(c);
        }
        match c {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
    }
    out
}

/// What is wrong with a job that somebody types, as sentences: the library would push it, and no worker could run it.
///
/// # Errors
/// The first of them.
pub fn check(job: &str) -> Result<Vec<String>, String> {
    let members = json::members(job).map_err(|error| {
        if json::is_valid(job) {
            "The job is an object: {\"id\": …, \"type\": \"class\", \"data\": …}.".into()
        } else {
            format!("The job is {error}.")
        }
    })?;
    let text = |name: &str| json::field(job, &members, name).and_then(json::decode);
    if text("id").is_none_or(|id| id.is_empty()) {
        return Err("The job needs an id, as text: \"id\": \"nightly-report\". Every run carries it.".into());
    }
    let kind = text("type").filter(|kind| matches!(kind.as_str(), "class" | "json"));
    let kind = kind.ok_or("The job needs \"type\": \"class\" (or \"json\"), or no worker can read it.")?;
    let data = text("data").ok_or("The job needs \"data\": a text that holds JSON, as the library writes it.")?;
    let inner = json::members(&data).map_err(|error| format!("\"data\" is a text that must hold a JSON object; it is {error}."))?;
    let mut notes = Vec::new();
    if kind == "class" {
        named(&data, &inner)?;
    } else {
        notes.push("A worker of the library loses jobs of the json serializer: they have nothing to run.".into());
    }
    let dropped: Vec<&str> = members.iter().map(|m| job[m.key.clone()].trim_matches('"')).filter(|key| !FIELDS.contains(key)).collect();
    if !dropped.is_empty() {
        notes.push(format!("A tick leaves these fields of the job out, as the library does: {}.", dropped.join(", ")));
    }
    if let Some(queue) = queue_of(&data, &inner) {
        notes.push(format!("data.properties.queueName is {queue}: where a run fails, that is where it is retried and kept."));
    } else {
        notes.push("data.properties has no queueName: runs that fail go to the queue default.".into());
    }
    Ok(notes)
}

fn named(data: &str, members: &[Member]) -> Result<(), String> {
    let class = json::field(data, members, "class").and_then(json::decode);
    if class.is_none_or(|class| class.is_empty()) {
        return Err("\"data\" names no class: {\"class\": \"SendReport\", \"properties\": {…}} is expected.".into());
    }
    match json::field(data, members, "properties") {
        Some(raw) if json::members(raw).is_ok() => Ok(()),
        _ => Err("\"data\" has no properties: {\"class\": \"SendReport\", \"properties\": {…}} is expected.".into()),
    }
}

/// Where the library files what becomes of a run, whatever list it was pushed to: the queue that the job itself names.
pub fn own_queue(job: &str) -> String {
    let named = || {
        let members = json::members(job).ok()?;
        let data = json::decode(json::field(job, &members, "data")?)?;
        queue_of(&data, &json::members(&data).ok()?)
    };
    named().filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned())
}

fn queue_of(data: &str, members: &[Member]) -> Option<String> {
    let properties = json::field(data, members, "properties")?;
    json::field(properties, &json::members(properties).ok()?, "queueName").and_then(json::decode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_pushed_as_the_library_pushes_it() {
        let cases = [
            // The order of `push`, without group, priority and what it does not know.
            (
                r#"{"id":"a","type":"class","className":"X","data":"{\"n\":1}","createdAt":5,"attempts":0,"groupId":"g","priority":"high","retryAfterSeconds":3,"status":"new"}"#,
                r#"{"id":"a","type":"class","data":"{\"n\":1}","className":"X","createdAt":5,"attempts":0}"#,
            ),
            // Typed by hand: spaces and needless escapes go, digits stay.
            (
                "{ \"id\" : \"\\u0061\\/b\", \"createdAt\" : 9007199254740993123, \"data\": { \"a b\" : [ 1, \"x y\\\" \" ] } }",
                r#"{"id":"a/b","data":{"a b":[1,"x y\" "]},"createdAt":9007199254740993123}"#,
            ),
            (r#"{"id":"first","id":"last","className":null}"#, r#"{"id":"last","className":null}"#),
            ("{}", "{}"),
        ];
        for (job, expected) in cases {
            assert_eq!(pushed(job).expect(job).payload, expected);
        }
        assert_eq!(pushed(r#"{"delaySeconds":2.5}"#).expect("a job").delay_ms, Some(2_500));
        for none in [r#"{"delaySeconds":0}"#, r#"{"delaySeconds":-1}"#, r#"{"delaySeconds":"x"}"#] {
            assert_eq!(pushed(none).expect(none).delay_ms, None, "{none}");
        }
        for broken in ["", "nope", "[1]", "{"] {
            assert!(pushed(broken).is_err(), "{broken}");
        }
    }
}
