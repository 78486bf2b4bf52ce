//! What a key is by its name, and the patterns that find the keys.

use super::Keys;
use crate::{
    model::ids::{Priority, QueueName},
    server::driver::redis::nodes::NODES,
};

/// First segments under the prefix that are never queues.
const RESERVED: [&str; 7] = ["active", "pending", "schedules", "schedule", "lock", "worker", "logs"];

/// What a key under the queue prefix is.
#[derive(Debug, PartialEq, Eq)]
pub enum Key {
    /// A list, set or flag of this queue.
    Of(QueueName),
    /// `Ppending:{groupId}`
    Pending(String),
    /// `Pworker:{id}`: a heartbeat, when the monitor prefix is the queue prefix.
    Heartbeat,
    Other,
}

impl Keys {
    /// Id of the worker whose heartbeat this key is.
    pub fn worker_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        self.monitors.iter().find_map(|m| key.strip_prefix(m.as_str())?.strip_prefix("worker:"))
    }

    /// SCAN patterns that together find every key the console cares about; the prefix is taken literally.
    pub fn patterns(&self) -> Vec<String> {
        let mut patterns = vec![format!("{}*", literal(&self.prefix))];
        patterns.extend(self.heartbeat_patterns().into_iter().skip(1));
        patterns
    }

    pub fn heartbeat_patterns(&self) -> Vec<String> {
        self.monitors.iter().map(|m| format!("{}worker:*", literal(m))).collect()
    }

    pub fn is_heartbeat(&self, key: &str) -> bool {
        self.monitors.iter().any(|m| key.strip_prefix(m.as_str()).is_some_and(|rest| rest.starts_with("worker:")))
    }

    /// Whether a queue can have this name: `mail:high` or `mail:failed` is a list of `mail`, `active` is reserved.
    pub fn is_queue(&self, name: &QueueName) -> bool {
        self.classify(&self.waiting(name, Priority::Base)) == Key::Of(name.clone())
    }

    pub fn classify(&self, key: &str) -> Key {
        let Some(rest) = key.strip_prefix(self.prefix.as_str()) else { return Key::Other };
        // The console's own keys may lie under an empty or `flux_console:` prefix, and those of nodes under an empty one.
        if key.starts_with(&self.own) || key.starts_with(&self.metrics) || key.starts_with(NODES) {
            return Key::Other;
        }
        let first = rest.split(':').next().unwrap_or(rest);
        if RESERVED.contains(&first) {
            return match rest.split_once(':') {
                Some(("pending", group)) => Key::Pending(group.into()),
                Some(("worker", _)) => Key::Heartbeat,
                _ => Key::Other,
            };
        }
        QueueName::try_from(queue_part(rest)).map_or(Key::Other, Key::Of)
    }
}

/// Cuts off the last segments that belong to the queue before them. A segment that stands alone is a queue's whole name.
fn queue_part(rest: &str) -> &str {
    let Some((before, last)) = rest.rsplit_once(':').filter(|(before, _)| !before.is_empty()) else { return rest };
    match last {
        "delayed" | "paused" => without_priority(before),
        // Dead letters are kept under the base key only: `{queue}:high:failed` is nobody's list.
        "failed" => {
            if without_priority(before) == before {
                before
            } else {
                ""
            }
        }
        "critical" | "high" | "low" => before,
        _ => match before.rsplit_once(':') {
            Some((queue, "ratelimit")) if !queue.is_empty() => queue,
            _ => rest,
        },
    }
}

fn without_priority(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((before, "critical" | "high" | "low")) if !before.is_empty() => before,
        _ => name,
    }
}

/// Escapes what SCAN's MATCH would read as a pattern.
fn literal(prefix: &str) -> String {
    prefix.chars().flat_map(|c| matches!(c, '*' | '?' | '[' | ']' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_and_reserved_words_are_not_queues() {
        let keys = Keys::new("queue:", &["flux_console:".into()]);
        let queue = |name: &str| Key::Of(QueueName::try_from(name).expect("valid"));
        let cases = [
            ("queue:mail", queue("mail")),
            ("queue:mail:high", queue("mail")),
            ("queue:mail:high:delayed", queue("mail")),
            ("queue:mail:low:paused", queue("mail")),
            ("queue:mail:failed", queue("mail")),
            ("queue:mail:high:failed", Key::Other),
            ("queue:mail:ratelimit:29923880", queue("mail")),
            ("queue:mail:5", queue("mail:5")),
            ("queue:mail:urgent", queue("mail:urgent")),
            ("queue:mail:default", queue("mail:default")),
            ("queue:tenant:1:mail", queue("tenant:1:mail")),
            ("queue:tenant:1:mail:delayed", queue("tenant:1:mail")),
            ("queue:active-jobs", queue("active-jobs")),
            ("queue:high", queue("high")),
            ("queue:failed", queue("failed")),
            ("queue:кириллица queue", queue("кириллица queue")),
            ("queue:active", Key::Other),
            ("queue:schedules", Key::Other),
            ("queue:schedule:id:with:colons", Key::Other),
            ("queue:lock:schedule:x:1", Key::Other),
            ("queue:logs:history", Key::Other),
            ("queue:worker:w-1", Key::Heartbeat),
            ("queue:pending:customer-1", Key::Pending("customer-1".into())),
            ("queue:pending:a:b", Key::Pending("a:b".into())),
            ("queue:", Key::Other),
            ("other:mail", Key::Other),
        ];
        for (key, expected) in cases {
            assert_eq!(keys.classify(key), expected, "{key}");
        }
        assert!(keys.is_heartbeat("flux_console:worker:w-1"));
        for (name, is) in [
            ("mail", true),
            ("mail:5", true),
            ("high", true),
            ("active-jobs", true),
            ("mail:high", false),
            ("mail:failed", false),
            ("active", false),
            ("pending:x", false),
        ] {
            assert_eq!(keys.is_queue(&QueueName::try_from(name).expect("valid")), is, "{name}");
        }
    }

    #[test]
    fn a_prefix_is_literal() {
        assert_eq!(Keys::new("{a}*[b]:", &[]).patterns(), ["{a}\\*\\[b\\]:*"]);
    }
}
