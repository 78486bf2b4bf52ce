//! One message of the event channel (stream-protocol.md, 1, Events), read leniently: other producers leave fields out.

use crate::model::{
    ids::QueueName,
    log::Level,
    time::{Millis, parse_iso},
};
use serde_json::Value;

/// A larger message is no event; it is counted as malformed and not parsed.
const LARGEST: usize = 256 * 1024;
/// Of a greeting so many queues are taken: they are remembered with the worker, and go with each failure whose queue is not known.
const GREETED: usize = 1_000;
/// So much of a message is shown.
pub const SHOWN: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Consumer started on [a, b]`
    Online(Vec<String>),
    /// `Processing job: {id}`
    Started,
    /// `Completed job: {id}`
    Completed,
    /// `Job failed: {id} - {error}`
    Failed { error: String },
    /// `Job retrying in {n}s (Attempt {k}/{max})`
    Retrying { attempt: Option<u64> },
    /// `Consumer stopped`
    Offline,
    /// Anything else: shown in the log, counted as an event, and nothing more.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// As the producer says; `None` when it does not, or not in a way that can be read.
    pub at: Option<Millis>,
    pub level: Level,
    pub message: String,
    pub worker: Option<String>,
    /// `None` for jobs of the `json` serializer, whose id is `undefined`.
    pub job: Option<String>,
    pub queue: Option<QueueName>,
    pub kind: Kind,
}

impl Event {
    /// # Errors
    /// A sentence that says why this is no event.
    pub fn read(raw: &[u8]) -> Result<Self, String> {
        if raw.len() > LARGEST {
            return Err(format!("The event is {} bytes long; more than {LARGEST} are not read.", raw.len()));
        }
        let value: Value = serde_json::from_slice(raw).map_err(|error| format!("The event is not JSON: {error}."))?;
        let Value::Object(fields) = value else { return Err("The event is JSON, but no object.".into()) };
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let Some(message) = text("message") else { return Err("The event has no message.".into()) };
        let kind = kind(&message);
        let named = text("jobId").or_else(|| match &kind {
            Kind::Started => message.strip_prefix(STARTED).map(Into::into),
            Kind::Completed => message.strip_prefix(COMPLETED).map(Into::into),
            _ => None,
        });
        let at = match fields.get("timestamp") {
            Some(Value::String(text)) => parse_iso(text),
            Some(Value::Number(ms)) => ms.as_i64().and_then(Millis::checked),
            _ => None,
        };
        Ok(Self {
            at,
            level: level(text("level").as_deref(), &kind),
            worker: text("workerId").filter(|w| !w.is_empty()),
            job: named.filter(|id| !id.is_empty() && id != "undefined"),
            queue: text("queue").and_then(|q| QueueName::try_from(q).ok()),
            message,
            kind,
        })
    }
}

const STARTED: &str = "Processing job: ";
const COMPLETED: &str = "Completed job: ";
const FAILED: &str = "Job failed: ";
const RETRYING: &str = "Job retrying in ";
const ONLINE: &str = "Consumer started on [";

fn kind(message: &str) -> Kind {
    if message.starts_with(STARTED) {
        Kind::Started
    } else if message.starts_with(COMPLETED) {
        Kind::Completed
    } else if let Some(rest) = message.strip_prefix(FAILED) {
        // An id may hold " - " itself; the error is only shown, so the first one will do.
        Kind::Failed { error: cut(rest.split_once(" - ").map_or(rest, |(_, error)| error).into()) }
    } else if let Some(rest) = message.strip_prefix(RETRYING) {
        let attempt = rest.split_once("(Attempt ").and_then(|(_, k)| k.split_once('/')).and_then(|(k, _)| k.parse().ok());
        Kind::Retrying { attempt }
    } else if let Some(rest) = message.strip_prefix(ONLINE) {
        let names = rest.strip_suffix(']').unwrap_or(rest);
        Kind::Online(names.split(", ").filter(|n| !n.is_empty()).take(GREETED).map(Into::into).collect())
    } else if message == "Consumer stopped" {
        Kind::Offline
    } else {
        Kind::Other
    }
}

fn level(said: Option<&str>, kind: &Kind) -> Level {
    match said {
        Some("info") => Level::Info,
        Some("success") => Level::Success,
        Some("warning" | "warn") => Level::Warning,
        Some("error") => Level::Error,
        _ => match kind {
            Kind::Completed => Level::Success,
            Kind::Failed { .. } => Level::Error,
            Kind::Retrying { .. } => Level::Warning,
            _ => Level::Info,
        },
    }
}

pub fn cut(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Event {
        Event::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_librarys_messages() {
        let e = read(
            r#"{"level":"info","message":"Processing job: ok-0","workerId":"worker-1","jobId":"ok-0","timestamp":"2026-11-23T11:20:06.856Z"}"#,
        );
        assert_eq!((e.kind, e.job.as_deref(), e.worker.as_deref()), (Kind::Started, Some("ok-0"), Some("worker-1")));
        assert_eq!(e.at, parse_iso("2026-11-23T11:20:06.856Z"));
        let kinds = [
            ("Consumer started on [mail, tenant:1]", Kind::Online(vec!["mail".into(), "tenant:1".into()])),
            ("Consumer started on []", Kind::Online(vec![])),
            ("Completed job: a", Kind::Completed),
            ("Job failed: a - Card declined - twice", Kind::Failed { error: "Card declined - twice".into() }),
            ("Job retrying in 2s (Attempt 2/3)", Kind::Retrying { attempt: Some(2) }),
            ("Consumer stopped", Kind::Offline),
            ("Rate limit reached", Kind::Other),
        ];
        for (message, kind) in kinds {
            assert_eq!(read(&serde_json::json!({ "message": message }).to_string()).kind, kind, "{message}");
        }
    }

    #[test]
    fn what_other_producers_leave_out() {
        let e = read(r#"{"message":"Processing job: undefined","workerId":"w"}"#);
        assert_eq!((e.job, e.at, e.level), (None, None, Level::Info));
        let e = read(r#"{"message":"Completed job: 7","workerId":5,"level":"warn","timestamp":1795433096026,"queue":"mail"}"#);
        assert_eq!((e.job.as_deref(), e.worker.as_deref(), e.level), (Some("7"), Some("5"), Level::Warning));
        assert!(e.at.is_some() && e.queue.is_some());
        for bad in ["", "no", "[1]", "{}", r#"{"message":{}}"#, "\u{0}"] {
            assert!(Event::read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Event::read(&vec![b' '; LARGEST + 1]).is_err());
        let many = format!("Consumer started on [{}]", vec!["q"; 50_000].join(", "));
        let greeted = read(&serde_json::json!({ "message": many }).to_string()).kind;
        assert!(matches!(greeted, Kind::Online(queues) if queues.len() == GREETED));
        let long = "é".repeat(5_000);
        assert!(cut(long.clone()).len() <= SHOWN + 3);
        assert_eq!(read(&serde_json::json!({ "message": long }).to_string()).message, long, "the archive is told all of it");
    }
}
