//! Failures of one kind, as the errors inbox shows them.

use super::{
    archive::ArchivedRow,
    ids::{QueueName, escaped},
    search::Coverage,
    time::Millis,
};
use serde::{Deserialize, Serialize};

/// Hours of a trend.
pub const HOURS: usize = 24;
pub const HOUR_MS: i64 = 3_600_000;
pub const KINDS_PER_PAGE: u64 = 50;
pub const JOBS_PER_PAGE: usize = 50;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorSort {
    #[default]
    Last,
    Count,
    /// Most more in the last 24 hours than in the 24 before.
    Rising,
}

impl ErrorSort {
    pub const ALL: [Self; 3] = [Self::Last, Self::Count, Self::Rising];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Count => "count",
            Self::Rising => "rising",
        }
    }
}

/// `/errors?q=&queue=&sort=&page=`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorsQuery {
    /// Text that the signature holds, whatever its case.
    pub q: String,
    pub queue: Option<QueueName>,
    pub sort: ErrorSort,
    pub page: u64,
}

impl ErrorsQuery {
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            q: get("q").unwrap_or_default(),
            queue: get("queue").and_then(|q| QueueName::try_from(q).ok()),
            sort: get("sort").and_then(|s| ErrorSort::ALL.into_iter().find(|x| x.as_str() == s)).unwrap_or_default(),
            page: get("page").and_then(|n| n.parse().ok()).unwrap_or(1).clamp(1, 1 << 32),
        }
    }

    pub fn href(&self) -> String {
        let mut parts = Vec::new();
        if !self.q.is_empty() {
            parts.push(format!("q={}", escaped(&self.q)));
        }
        if let Some(queue) = &self.queue {
            parts.push(format!("queue={}", escaped(queue.as_str())));
        }
        if self.sort != ErrorSort::default() {
            parts.push(format!("sort={}", self.sort.as_str()));
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        if parts.is_empty() { "/errors".into() } else { format!("/errors?{}", parts.join("&")) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueCount {
    pub queue: QueueName,
    pub count: u64,
}

/// All failures of one signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorKind {
    /// Names it in addresses: the SHA-1 of its text.
    pub signature: String,
    /// The error without what differs from case to case.
    pub text: String,
    /// Of the newest one.
    pub class_name: Option<String>,
    /// Since the archive began; without one, what is in Redis.
    pub count: u64,
    pub first_at: Option<Millis>,
    /// Older ones were cleaned up: it began in that hour, or after it.
    pub first_about: bool,
    pub last_at: Option<Millis>,
    /// Most first.
    pub queues: Vec<QueueCount>,
    /// Failures of each of the last [`HOURS`] hours, the running one last.
    pub hours: Vec<u64>,
    /// The newest job's page.
    pub sample: Option<String>,
    /// In the failed lists of Redis now; a lower bound where not all of them were read.
    pub failed: u64,
}

impl ErrorKind {
    pub fn href(&self) -> String {
        format!("/errors/{}", self.signature)
    }

    pub fn by_count(queues: impl IntoIterator<Item = (QueueName, u64)>) -> Vec<QueueCount> {
        let mut all: Vec<QueueCount> = queues.into_iter().map(|(queue, count)| QueueCount { queue, count }).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.queue.cmp(&b.queue)));
        all
    }
}

/// `GET /api/v1/errors`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorsPage {
    pub kinds: Vec<ErrorKind>,
    pub total: u64,
    pub page: u64,
    /// How much of Redis' failed lists was read for `failed`.
    pub coverage: Coverage,
    /// Why the history is missing, as a sentence: then only what is in Redis is shown.
    pub unavailable: Option<String>,
    /// When the failed lists were read.
    pub sampled_at: Millis,
}

/// `GET /api/v1/errors/{signature}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    pub kind: ErrorKind,
    /// A whole error of this kind.
    pub error: Option<String>,
    pub stack: Option<String>,
    /// Failed jobs of this kind in Redis now, by queue.
    pub failed: Vec<QueueCount>,
    pub coverage: Coverage,
    /// From the archive, newest first.
    pub jobs: Vec<ArchivedRow>,
    /// The last row of this page, when there are more behind it.
    pub next: Option<i64>,
    pub unavailable: Option<String>,
    /// When the failed lists were read.
    pub sampled_at: Millis,
}

/// One queue's part of an action on a whole group, as it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupPart {
    pub queue: QueueName,
    pub count: u64,
    /// Names the jobs that were there when they were counted.
    pub start: String,
}

/// One queue's failed jobs of a kind that only the archive remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedPart {
    pub queue: QueueName,
    pub count: u64,
    /// The oldest row that was counted: older ones are not meant, whatever becomes of those.
    #[serde(default)]
    pub bottom: i64,
}

/// The same of all queues, as an action takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    pub parts: Vec<ArchivedPart>,
    /// The newest row that was looked at: what fails later is not meant.
    pub top: i64,
}

impl Archived {
    pub fn count(&self) -> u64 {
        self.parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.count))
    }
}

/// One step of counting them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedStep {
    /// So far.
    pub archived: Archived,
    /// When the oldest of them failed.
    pub oldest_at: Option<Millis>,
    /// Rows of the kind that were looked at.
    pub scanned: u64,
    /// There may be more: the count has an end.
    pub at_least: bool,
    /// Where to go on; `None`: it is through.
    pub next: Option<String>,
    /// Why the archive could not be asked, as a sentence.
    pub unavailable: Option<String>,
}

/// The filter that finds exactly the failed jobs of one signature.
pub fn filter(text: &str) -> String {
    use super::search::{Filter, Query, Test};
    Query { filters: vec![Filter { test: Test::Signature(text.into()), negated: false }], ..Query::default() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::search::{Query, Test};

    #[test]
    fn the_filter_is_read_as_the_signature() {
        for text in ["PaymentTimeout: <n> ms", "a \"…\" b", "x", "(no message)", "back\\slash \"", "-x"] {
            let query = Query::parse(&filter(text), Millis(0));
            assert!(query.problems.is_empty() && query.filters.len() == 1 && query.terms.is_empty());
            assert_eq!(query.filters[0].test, Test::Signature(text.into()), "{text}");
        }
    }

    #[test]
    fn the_address_says_what_is_asked() {
        let query = ErrorsQuery { q: "a b&c".into(), queue: QueueName::try_from("mail:5").ok(), sort: ErrorSort::Rising, page: 2 };
        assert_eq!(query.href(), "/errors?q=a%20b%26c&queue=mail:5&sort=rising&page=2");
        assert_eq!(ErrorsQuery::read(|_| None).href(), "/errors");
    }
}
