//! Who did what: one line for every write by an operator.

use super::{ids::escaped, time::Millis};
use serde::{Deserialize, Serialize};

/// Lines of a page.
pub const PER_PAGE: u64 = 50;

/// How the result begins of an operation whose console was gone before it could say how much it had done.
pub const AT_LEAST: &str = "interrupted: at least ";

/// How many jobs one may have done that does not say it.
const UNKNOWN: u64 = 1_000_000;

/// How the filter of an operation begins on the failed jobs that match; and that of one on all of them.
pub const FAILED_MATCHING: &str = "failed matching ";
pub const ALL_FAILED: &str = "all failed";

/// How the result begins of an action on named jobs where nobody knows whether the last of them was done: the answer was lost.
pub const UNSURE: &str = "unsure: ";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// Tells this line from every other, wherever it is kept. Of a bulk operation: its id.
    pub id: String,
    /// When it was asked for.
    pub at: Millis,
    /// As far as the console knows: `operator at 10.0.0.3`.
    pub who: String,
    /// `retry`, `retry-archived`, `promote`, `discard`, `put-back`, `pause`, `resume`, `purge`, `clear-failed`, `restore`, `cancel`,
    /// `retention-settings`, `retention-run`, `alert-channels`, `alert-test`, `alert-send-again`, `alert-dismiss`,
    /// `alert-rule-add`, `alert-rule-change`, `alert-rule-delete`; `schedule-…`,
    /// `move-to-base`, `release-group`, `start-group`, `node-…`; later ones are read as they are.
    pub verb: String,
    pub queue: Option<String>,
    /// Which jobs: a state, `all failed`, a filter; or the settings.
    pub filter: Option<String>,
    /// How many jobs were changed, as far as is known; `None` where the verb is not about jobs, or was refused.
    pub jobs: Option<u64>,
    /// What came of it, or why it was refused.
    pub result: String,
    pub took_ms: i64,
    /// On its way to the archive, of an action on several named jobs: the ids of those that it was done to, for their own pages. Of a
    /// copy: its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// How many jobs an operation may have done that could not say it: `interrupted: at least 2 done of 3`. `None`: it could.
pub fn at_most(result: &str) -> Option<u64> {
    let done = result.strip_prefix(AT_LEAST)?;
    Some(done.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(UNKNOWN))
}

/// `/operations?page=&verb=&queue=&who=`; everything must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditQuery {
    /// Counts from 1.
    pub page: u64,
    pub verb: String,
    pub queue: String,
    /// A part of it, case ignored.
    pub who: String,
}

impl AuditQuery {
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).map(|t| t.trim().to_owned()).unwrap_or_default();
        Self {
            page: get("page").and_then(|p| p.parse().ok()).filter(|p| (1..=1 << 40).contains(p)).unwrap_or(1),
            verb: text("verb"),
            queue: text("queue"),
            who: text("who"),
        }
    }

    /// The part behind the path.
    pub fn search(&self) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let parts: Vec<String> = [("page", &page), ("verb", &self.verb), ("queue", &self.queue), ("who", &self.who)]
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    pub fn filters(&self) -> bool {
        !(self.verb.is_empty() && self.queue.is_empty() && self.who.is_empty())
    }

    pub fn matches(&self, line: &AuditLine) -> bool {
        (self.verb.is_empty() || line.verb == self.verb)
            && (self.queue.is_empty() || line.queue.as_deref() == Some(&self.queue))
            && (self.who.is_empty() || line.who.to_lowercase().contains(&self.who.to_lowercase()))
    }
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    pub lines: Vec<AuditLine>,
    pub total: u64,
    pub page: u64,
    pub per_page: u64,
    /// They come from the archive; else from Redis, which keeps the newest 10,000.
    pub archived: bool,
    /// Lines in Redis that wait for the archive.
    pub waiting: u64,
    /// Lines that this console could write nowhere since it was started.
    pub lost: u64,
    /// Why the archive could not be asked, as a sentence: there may be more lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_the_question() {
        let query = AuditQuery { page: 2, verb: "retry".into(), queue: "a b".into(), who: String::new() };
        assert_eq!(query.search(), "?page=2&verb=retry&queue=a%20b");
        let read = AuditQuery::read(|name| {
            [("page", "2"), ("verb", " retry "), ("queue", "a b")].iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into())
        });
        assert_eq!(read, query);
        assert_eq!(AuditQuery::read(|_| None).search(), "");
        assert_eq!(AuditQuery::read(|_| Some("0".into())).page, 1, "pages count from 1");
    }
}
