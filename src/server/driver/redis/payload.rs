//! A raw element: what it says, and the byte-exact edits that actions make.

use crate::model::{
    ids::{Fingerprint, Priority, QueueName},
    job::{self, JobState, JobSummary},
    json,
    shorten::shortened,
    time::Millis,
};
pub use crate::server::reading::Target;
use crate::server::{
    digest::sha1_hex_of,
    reading::{Reading, group, target},
};

/// Up to this many bytes a script hands out (and hashes) an element whole; beyond it, its first and last [`PART`] bytes and
/// its length stand for it. `lua/element.lua` has the same figures.
pub const WHOLE: usize = 16 * 1024;
pub const PART: usize = 8 * 1024;

/// An element as `lua/element.lua` hands it out.
#[derive(Clone, Debug)]
pub struct Element {
    pub bytes: u64,
    pub head: Vec<u8>,
    /// Empty when `head` is the whole element.
    pub tail: Vec<u8>,
}

impl Element {
    pub fn of(raw: &[u8]) -> Self {
        if raw.len() <= WHOLE {
            Self { bytes: raw.len() as u64, head: raw.to_vec(), tail: Vec::new() }
        } else {
            Self { bytes: raw.len() as u64, head: raw[..PART].to_vec(), tail: raw[raw.len() - PART..].to_vec() }
        }
    }

    /// The hash that `digest()` in `lua/element.lua` computes.
    pub fn digest(&self) -> String {
        let length = if self.tail.is_empty() { String::new() } else { format!("{}:", self.bytes) };
        sha1_hex_of([length.as_bytes(), &self.head, &self.tail])
    }
}

/// What the element says, as far as its parts that were handed out show it.
pub fn read(element: &Element) -> Reading {
    let head = String::from_utf8_lossy(&element.head);
    let tail = (!element.tail.is_empty()).then(|| String::from_utf8_lossy(&element.tail));
    Reading::of_parts(&head, tail.as_deref())
}

/// A list shows this much of an error.
const ERROR_SHOWN: usize = 400;

/// A list's row.
pub fn summary(queue: &QueueName, state: JobState, priority: Option<Priority>, fingerprint: Fingerprint, element: &Element) -> JobSummary {
    let r = read(element);
    let run_at =
        fingerprint.score.as_deref().and_then(|s| s.parse::<f64>().ok()).filter(|s| s.is_finite()).and_then(|s| Millis::checked(s as i64));
    JobSummary {
        id: r.id,
        fingerprint,
        queue: queue.clone(),
        state,
        // Of a waiting or delayed job the key decides, of a dead letter its payload: that is where a retry sends it.
        priority: if state == JobState::Failed { r.priority } else { priority },
        class_name: r.class_name,
        attempts: r.attempts,
        max_attempts: r.max_attempts,
        created_at: r.created_at,
        run_at,
        failed_at: r.failed_at,
        error: r.error.map(|e| shortened(e, ERROR_SHOWN)),
        group_id: r.group_id,
        bytes: element.bytes,
        problem: r.problem,
    }
}

/// A dead letter made ready to be pushed.
#[derive(Debug, PartialEq, Eq)]
pub struct Retried {
    pub payload: Vec<u8>,
    pub target: Target,
    pub group: Option<String>,
}

/// `attempts` 0, without `error`, `failedAt`, `delaySeconds`; every other byte stays. `None`: not a JSON object in UTF-8.
pub fn retried(raw: &[u8]) -> Option<Retried> {
    let text = std::str::from_utf8(raw).ok()?;
    let members = json::members(text).ok()?;
    let payload = json::edit(text, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).ok()?;
    let target = match json::field(text, &members, "priority") {
        None => Target::List(Priority::Base),
        Some(raw) => target(raw),
    };
    Some(Retried { payload: payload.into_bytes(), target, group: group(text, &members) })
}

/// The same job under another id: at the top, and in `data.properties` where the library keeps it too. `None`: not a JSON object.
pub fn renamed(raw: &[u8], id: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(raw).ok()?;
    let quoted = serde_json::to_string(id).ok()?;
    let named = json::edit(text, &[], Some(("id", &quoted))).ok()?;
    let Some(data) = renamed_data(&named, &quoted) else { return Some(named.into_bytes()) };
    json::edit(&named, &[], Some(("data", &data))).ok().map(String::into_bytes)
}

/// The field `data` with another id in its properties; `None`: it says none there.
fn renamed_data(text: &str, quoted: &str) -> Option<String> {
    let raw = json::field(text, &json::members(text).ok()?, "data")?;
    // A string that JavaScript alone can read is left as it is: writing it again would change it.
    let nested: Option<String> = serde_json::from_str(raw).ok();
    let inner = nested.as_deref().unwrap_or(raw);
    let outer = json::members(inner).ok()?;
    let properties = json::field(inner, &outer, "properties")?;
    json::field(properties, &json::members(properties).ok()?, "id")?;
    let properties = json::edit(properties, &[], Some(("id", quoted))).ok()?;
    let edited = json::edit(inner, &[], Some(("properties", &properties))).ok()?;
    if nested.is_some() { serde_json::to_string(&edited).ok() } else { Some(edited) }
}

/// A delayed job made ready to run: only `delaySeconds` is cut. `None`: not a JSON object in UTF-8.
pub fn promoted(raw: &[u8]) -> Option<Vec<u8>> {
    json::edit(std::str::from_utf8(raw).ok()?, &["delaySeconds"], None).ok().map(String::into_bytes)
}

/// The id that a raw element says, wherever it stands in it.
pub fn id_of(raw: &[u8]) -> Option<String> {
    Reading::of(std::str::from_utf8(raw).ok()?).id
}

/// The group that a waiting element holds.
pub fn group_of(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    group(text, &json::members(text).ok()?)
}

/// [`job::queue_named`] of a raw element.
pub fn queue_named(raw: &[u8]) -> Option<String> {
    job::queue_named(std::str::from_utf8(raw).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_respects_priority_and_group_of_the_payload() {
        let retry = |raw: &str| retried(raw.as_bytes()).expect("an object");
        assert_eq!(
            retry(r#"{"id":"a","priority":"high","groupId":"g"}"#),
            Retried {
                payload: br#"{"id":"a","priority":"high","groupId":"g","attempts":0}"#.to_vec(),
                target: Target::List(Priority::High),
                group: Some("g".into())
            }
        );
        assert_eq!(retry(r#"{"priority":5}"#).target, Target::Unread("5".into()));
        assert_eq!(retry(r#"{"priority":"default"}"#).target, Target::Unread("default".into()));
        for none in ["\"\"", "0", "null"] {
            assert_eq!(retry(&format!("{{\"priority\":{none}}}")).target, Target::List(Priority::Base));
        }
        assert_eq!(retry(r#"{"priority":"0"}"#).target, Target::Unread("0".into()));
        assert_eq!(retry(r#"{"groupId":42}"#).group.as_deref(), Some("42"));
        assert_eq!(retry(r#"{"groupId":"0"}"#).group.as_deref(), Some("0"));
        assert_eq!(retry(r#"{"groupId":0}"#).group, None);
        assert_eq!(retried(b"[1]"), None);
        assert_eq!(retried(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn a_copy_differs_in_its_id_alone() {
        let copy = |raw: &str| String::from_utf8(renamed(raw.as_bytes(), "n\"ew").expect("an object")).expect("text");
        assert_eq!(
            copy(
                r#"{"id":"a","data":"{\"class\":\"X\",\"properties\":{\"id\":\"a\",\"n\":9007199254740993123,\"tags\":[],\"to\":\"é\"}}","tags":[ ]}"#
            ),
            r#"{"id":"n\"ew","data":"{\"class\":\"X\",\"properties\":{\"id\":\"n\\\"ew\",\"n\":9007199254740993123,\"tags\":[],\"to\":\"é\"}}","tags":[ ]}"#
        );
        assert_eq!(copy(r#"{"id":1,"data":"{\"properties\":{\"a\":1}}"}"#), r#"{"id":"n\"ew","data":"{\"properties\":{\"a\":1}}"}"#);
        assert_eq!(copy(r#"{"data":{"properties":{"id":1}}}"#), r#"{"data":{"properties":{"id":"n\"ew"}},"id":"n\"ew"}"#);
        assert_eq!(renamed(b"[1]", "x"), None);
    }

    #[test]
    fn a_large_payload_shows_what_its_ends_say() {
        let raw = format!(
            r#"{{"id":"big","type":"class","className":"Huge","data":"{{\"x\":\"{}\"}}","createdAt":1795432806873,"attempts":3,"maxAttempts":3,"error":"no room","failedAt":1795432806900}}"#,
            "y".repeat(1_000_000)
        );
        let element = Element::of(raw.as_bytes());
        let r = read(&element);
        assert_eq!(
            (r.id.as_deref(), r.class_name.as_deref(), r.attempts, r.error.as_deref()),
            (Some("big"), Some("Huge"), Some(3), Some("no room"))
        );
        assert_eq!(r.failed_at, Some(Millis(1_795_432_806_900)));
        assert_eq!(element.digest().len(), 40);
    }

    #[test]
    fn hostile_fields_are_shown_as_what_they_are() {
        let r = read(&Element::of(br#"{"id":17,"attempts":"x","createdAt":1e300,"error":{"a":1},"className":7}"#));
        assert_eq!((r.id.as_deref(), r.attempts, r.created_at, r.error), (Some("17"), None, None, None));
        assert!(read(&Element::of(b"nope")).problem.is_some_and(|p| p.contains("not JSON")));
        assert!(read(&Element::of(b"[1]")).problem.is_some_and(|p| p.contains("not an object")));
    }
}
