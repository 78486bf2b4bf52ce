//! Names of keys: the library's layout (stream-protocol.md, 1) and the console's own.

use super::schedules::keys::ScheduleKeys;
use crate::{
    model::{
        ids::{Priority, QueueName},
        time::Millis,
    },
    server::digest::sha1_hex,
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

#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
    own: String,
    metrics: String,
    /// Prefixes under which heartbeats are looked for; the queue prefix is one of them (`M = P` when unset).
    monitors: Vec<String>,
    pub schedules: ScheduleKeys,
}

impl Keys {
    pub fn new(prefix: &str, monitor_prefixes: &[String]) -> Self {
        let hash = &sha1_hex(prefix)[..8];
        let mut monitors = vec![prefix.to_owned()];
        monitors.extend(monitor_prefixes.iter().filter(|m| *m != prefix).cloned());
        // Consoles on different prefixes never share trash or operations: the hash keeps them apart.
        Self {
            prefix: prefix.into(),
            own: format!("flux_console:{hash}:"),
            metrics: format!("flux_console:metrics:{hash}:"),
            monitors,
            schedules: ScheduleKeys::default(),
        }
    }

    /// With schedules under a prefix of their own.
    #[must_use]
    pub fn with_schedules(self, prefix: &str) -> Self {
        Self { schedules: ScheduleKeys::new(prefix), ..self }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn waiting(&self, queue: &QueueName, p: Priority) -> String {
        format!("{}{queue}{}", self.prefix, p.suffix())
    }

    pub fn delayed(&self, queue: &QueueName, p: Priority) -> String {
        format!("{}{queue}{}:delayed", self.prefix, p.suffix())
    }

    pub fn failed(&self, queue: &QueueName) -> String {
        format!("{}{queue}:failed", self.prefix)
    }

    pub fn paused(&self, queue: &QueueName, p: Priority) -> String {
        format!("{}{queue}{}:paused", self.prefix, p.suffix())
    }

    /// Set of group ids that have a job waiting or running.
    pub fn active(&self) -> String {
        format!("{}active", self.prefix)
    }

    pub fn pending(&self, group: &str) -> String {
        format!("{}pending:{group}", self.prefix)
    }

    pub fn operations(&self) -> String {
        format!("{}operations", self.own)
    }

    pub fn operation(&self, id: &str) -> String {
        format!("{}operation:{id}", self.own)
    }

    /// Audit lines that wait for the archive, or have none to go to.
    pub fn audit(&self) -> String {
        format!("{}audit", self.own)
    }

    /// Alerts on their way to the channels, and what belongs to them.
    pub fn alerts(&self, name: &str) -> String {
        format!("{}alerts:{name}", self.own)
    }

    /// The newest run of retention.
    pub fn retention(&self) -> String {
        format!("{}retention", self.own)
    }

    pub fn trash(&self) -> String {
        format!("{}trash", self.own)
    }

    pub fn trash_entry(&self, id: &str) -> String {
        format!("{}trash:{id}", self.own)
    }

    pub fn trash_items(&self, id: &str) -> String {
        format!("{}trash:{id}:items", self.own)
    }

    pub fn trash_list(&self, id: &str, n: usize) -> String {
        format!("{}trash:{id}:list:{n}", self.own)
    }

    /// States of alerts that are not at rest: a hash by rule and subject.
    pub fn alert_states(&self) -> String {
        self.alerts("states")
    }

    /// What was said by alerts, newest at the head.
    pub fn alert_history(&self) -> String {
        self.alerts("history")
    }

    /// Number of the newest entry of the history.
    pub fn alert_seq(&self) -> String {
        self.alerts("seq")
    }

    /// Messages on their way to the channels: written at the head, taken from the tail.
    pub fn alert_outbox(&self) -> String {
        self.alerts("outbox")
    }

    /// Where rules go that could not be read, when somebody saves over them.
    pub fn alert_backup(&self, at: Millis) -> String {
        self.alerts(&format!("rules-before:{}", at.0))
    }

    /// A click that pushed a job, for as long as it is remembered.
    pub fn request(&self, id: &str) -> String {
        format!("{}request:{id}", self.own)
    }

    /// Runs whose worker is gone.
    pub fn lost(&self) -> String {
        format!("{}lost", self.own)
    }

    /// Who does the work of this name.
    pub fn lease(&self, name: &str) -> String {
        format!("{}{name}:lease", self.own)
    }

    /// Number of the last turn of a lease.
    pub fn turn(&self, name: &str) -> String {
        format!("{}{name}:turn", self.own)
    }

    /// Figures over time: the last second that was written.
    pub fn mark(&self) -> String {
        format!("{}mark", self.metrics)
    }

    /// One frame of the figures over time: `step` seconds from `at` on.
    pub fn frame(&self, step: i64, at: i64) -> String {
        format!("{}{step}:{at}", self.metrics)
    }

    pub fn monitors(&self) -> &[String] {
        &self.monitors
    }

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
        if key.starts_with(&self.own) || key.starts_with(&self.metrics) || key.starts_with(super::nodes::NODES) {
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
