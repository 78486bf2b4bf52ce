//! The live log: what workers say on the event channel.

use super::{
    ids::QueueName,
    time::{Millis, moment},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Success,
    Warning,
    Error,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Info, Self::Success, Self::Warning, Self::Error];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Counts up in this console; rows are kept apart by it.
    pub seq: u64,
    pub at: Millis,
    pub level: Level,
    /// In the live log cut at 2,000 bytes; in the archived one whole, unless a page is full of long ones.
    pub message: String,
    pub worker: Option<String>,
    pub job: Option<String>,
    pub queue: Option<QueueName>,
    /// Why the event could not be read; `message` is then its beginning as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// `/logs?level=&worker=&queue=&q=`; everything must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// This level exactly.
    pub level: Option<Level>,
    pub worker: String,
    pub queue: String,
    /// Part of the message or job id, case ignored.
    pub q: String,
}

/// Small letters of every script. The browser knows them itself: Rust's tables are a fortieth of the first load.
fn lower(text: &str) -> String {
    #[cfg(feature = "ssr")]
    return text.to_lowercase();
    #[cfg(not(feature = "ssr"))]
    return js_sys::JsString::from(text).to_lower_case().into();
}

impl LogQuery {
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            level: get("level").and_then(|l| Level::parse(&l)),
            worker: get("worker").unwrap_or_default(),
            queue: get("queue").unwrap_or_default(),
            q: get("q").unwrap_or_default(),
        }
    }

    /// The part behind `/logs`.
    pub fn search(&self) -> String {
        let parts: Vec<String> =
            [("level", self.level.map_or("", Level::as_str)), ("worker", &self.worker), ("queue", &self.queue), ("q", &self.q)]
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={}", super::ids::escaped(value)))
                .collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    pub fn matches(&self, line: &LogLine) -> bool {
        let part = || {
            let q = lower(&self.q);
            lower(&line.message).contains(&q) || line.job.as_ref().is_some_and(|j| lower(j).contains(&q))
        };
        self.level.is_none_or(|l| l == line.level)
            && (self.worker.is_empty() || line.worker.as_deref() == Some(&self.worker))
            && (self.queue.is_empty() || line.queue.as_ref().is_some_and(|q| q.as_str() == self.queue))
            && (self.q.is_empty() || part())
    }
}

/// The newest lines, or those since the last message of a stream; newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogTail {
    pub lines: Vec<LogLine>,
    /// Lines that matched in the same time; more than `lines` holds when they were thinned.
    pub matched: u64,
}

/// `/logs?from=archive&level=&worker=&queue=&q=&since=&until=&before=`; everything must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArchivedLogQuery {
    pub level: Option<Level>,
    pub worker: String,
    pub queue: String,
    /// Part of the message, case ignored; every character means itself.
    pub q: String,
    pub since: Option<Millis>,
    /// A day, a minute or a second is meant to its end.
    pub until: Option<Millis>,
    /// Only lines with a smaller number: where the page before ended.
    pub before: Option<i64>,
}

impl ArchivedLogQuery {
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        Self {
            level: get("level").and_then(|l| Level::parse(&l)),
            worker: text("worker"),
            queue: text("queue"),
            q: text("q"),
            since: get("since").and_then(|t| moment(&t)).map(|(first, _)| first),
            until: get("until").and_then(|t| moment(&t)).map(|(_, last)| last),
            before: get("before").and_then(|n| n.parse().ok()),
        }
    }

    /// The part behind `/logs`.
    pub fn search(&self) -> String {
        let time = |t: Option<Millis>| t.map(Millis::field).unwrap_or_default();
        let before = self.before.map(|n| n.to_string()).unwrap_or_default();
        let parts: Vec<String> = [
            ("level", self.level.map_or("", Level::as_str)),
            ("worker", &self.worker),
            ("queue", &self.queue),
            ("q", &self.q),
            ("since", &time(self.since)),
            ("until", &time(self.until)),
            ("before", &before),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("&{name}={}", super::ids::escaped(value)))
        .collect();
        format!("?from=archive{}", parts.concat())
    }

    /// Whether it asks for less than everything, wherever it begins.
    pub fn filters(&self) -> bool {
        Self { before: None, ..self.clone() } != Self::default()
    }
}

/// Lines of the archive, newest first; `seq` of a line is its number there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedLog {
    pub lines: Vec<LogLine>,
    /// Where the next page begins (`before`); `None` at the end of the archive.
    pub next: Option<i64>,
    /// Set when the search stopped before the page was full: so many of the newest lines were looked at, from `before` on.
    pub looked_at: Option<u64>,
}
