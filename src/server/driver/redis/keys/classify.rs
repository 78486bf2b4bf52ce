//! What a key is by its name, and the patterns that find the keys.

use super::{Keys, consoles::of_a_console};
use crate::{
    model::ids::{Priority, QueueName},
    server::driver::redis::{nodes::NODES, unlisted::Unlisted},
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
    /// `Pworker:{id}`: a heartbeat, when the monitor prefix is the queue prefix, or one that lies under it.
    Heartbeat,
    /// No queue has such a name, nor has anything else of the protocol.
    Unlisted(Unlisted),
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
        if let Some(other) = self.of_another_prefix(key) {
            return other;
        }
        let first = rest.split(':').next().unwrap_or(rest);
        if RESERVED.contains(&first) {
            return match rest.split_once(':') {
                Some(("pending", group)) => Key::Pending(group.into()),
                Some(("worker", _)) => Key::Heartbeat,
                _ => Key::Other,
            };
        }
        let name = queue_part(rest);
        match QueueName::try_from(name) {
            Ok(queue) => Key::Of(queue),
            Err(_) if rest.is_empty() => Key::Other,
            Err(_) if name.is_empty() => Key::Unlisted(Unlisted::DeadOfPriority),
            Err(_) => Key::Unlisted(Unlisted::TooLong),
        }
    }

    /// Which pause flag of the queue a key is.
    pub fn flag_of(&self, key: &str, queue: &QueueName) -> Option<Priority> {
        key.ends_with(":paused").then(|| Priority::ALL.into_iter().find(|p| self.paused(queue, *p) == key))?
    }

    /// What a key is that is named after another prefix than that of the queues. Such a prefix may lie under that of the queues (an
    /// empty one is before all of them), and its keys are no queues. Only whole names of the protocol and of the console count:
    /// whatever else lies there is a queue.
    fn of_another_prefix(&self, key: &str) -> Option<Key> {
        if key.starts_with(&self.own) || key.starts_with(&self.metrics) || key.starts_with(NODES) || of_a_console(key) {
            return Some(Key::Other);
        }
        let after = |prefix: &str| key.strip_prefix(prefix).filter(|_| prefix != self.prefix && prefix.starts_with(&self.prefix));
        for rest in self.monitors.iter().filter_map(|m| after(m)) {
            if rest.starts_with("worker:") {
                return Some(Key::Heartbeat);
            }
            if rest == "logs" || rest.starts_with("logs:") {
                return Some(Key::Other);
            }
        }
        let of_schedules = |rest: &str| rest == "schedules" || rest.starts_with("schedule:") || rest.starts_with("lock:schedule:");
        after(self.schedules.prefix()).filter(|rest| of_schedules(rest)).map(|_| Key::Other)
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
mod tests;
