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
            ("queue:mail:high:failed", Key::Unlisted(Unlisted::DeadOfPriority)),
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
        let long = |bytes: usize| format!("queue:{}:high:delayed", "x".repeat(bytes));
        assert_eq!(keys.classify(&long(1_025)), Key::Unlisted(Unlisted::TooLong));
        assert_eq!(keys.classify(&long(1_024)), queue(&"x".repeat(1_024)));
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

    /// What lies under the queue prefix and is named after another one: (prefix, monitor prefix, schedule prefix), key, what it is.
    #[test]
    fn prefixes_under_the_queue_prefix_make_no_queues() {
        let queue = |name: &str| Key::Of(QueueName::try_from(name).expect("valid"));
        let (app, empty, ours) =
            (("app:", "app:monitor:", "app:cron:"), ("", "flux_console:", "queue:"), ("flux_console:", "flux_console:", "queue:"));
        let default = ("queue:", "flux_console:", "queue:");
        let cases = [
            (app, "app:monitor:worker:w-1", Key::Heartbeat),
            (app, "app:monitor:logs:history", Key::Other),
            (app, "app:monitor:logs", Key::Other),
            (app, "app:monitor:mail", queue("monitor:mail")),
            (app, "app:monitor:logs-old", queue("monitor:logs-old")),
            (app, "app:monitor:workers", queue("monitor:workers")),
            (app, "app:monitor", queue("monitor")),
            (app, "app:worker:w-2", Key::Heartbeat),
            (app, "app:cron:schedules", Key::Other),
            (app, "app:cron:schedule:nightly", Key::Other),
            (app, "app:cron:lock:schedule:nightly:17", Key::Other),
            (app, "app:cron:mail:failed", queue("cron:mail")),
            (app, "app:mail:high", queue("mail")),
            (app, "app:flux_console:throughput:29923880", queue("flux_console:throughput:29923880")),
            (empty, "mail", queue("mail")),
            (empty, "mail:failed", queue("mail")),
            (empty, "worker:w-1", Key::Heartbeat),
            (empty, "flux_console:worker:w-1", Key::Heartbeat),
            (empty, "flux_console:logs:history", Key::Other),
            (empty, "queue:schedules", Key::Other),
            (empty, "queue:schedule:nightly", Key::Other),
            (empty, "queue:lock:schedule:nightly:17", Key::Other),
            (empty, "queue:mail", queue("queue:mail")),
            (empty, "gravito:quasar:node:shop:api-1", Key::Other),
            (empty, "gravito:zenith:alerts:rules", Key::Other),
            (empty, "gravito:zenith:maintenance:config", Key::Other),
            (empty, "gravito:mail", queue("gravito:mail")),
            (empty, "flux_console:throughput:29923880", Key::Other),
            (empty, "flux_console:metrics:waiting:29923880", Key::Other),
            (empty, "flux_console:metrics:0a1b2c3d:60:1795432800", Key::Other),
            (empty, "flux_console:metrics:0a1b2c3d:mark", Key::Other),
            (empty, "flux_console:0a1b2c3d:trash", Key::Other),
            (empty, "flux_console:0a1b2c3d:trash:9f:items", Key::Other),
            (empty, "flux_console:0a1b2c3d:operation:9f", Key::Other),
            (empty, "flux_console:0a1b2c3d:alerts:states", Key::Other),
            (empty, "flux_console:0a1b2c3d:scheduler:lease", Key::Other),
            (empty, "flux_console:0a1b2c3d:scheduler:turn", Key::Other),
            (empty, "flux_console:0a1b2c3d:schedules:ticking", Key::Other),
            (empty, "flux_console:mail", queue("flux_console:mail")),
            (empty, "flux_console:throughput", queue("flux_console:throughput")),
            (ours, "flux_console:mail", queue("mail")),
            (ours, "flux_console:metrics", queue("metrics")),
            (ours, "flux_console:metrics:mail", queue("metrics:mail")),
            (ours, "flux_console:12345678:mail", queue("12345678:mail")),
            (ours, "flux_console:worker:w-1", Key::Heartbeat),
            (ours, "flux_console:throughput:29923880", Key::Other),
            (ours, "flux_console:metrics:failed:29923880", Key::Other),
            (ours, "flux_console:0a1b2c3d:lost", Key::Other),
            (default, "queue:flux_console:throughput:29923880", queue("flux_console:throughput:29923880")),
            (default, "queue:monitor:worker:x", queue("monitor:worker:x")),
            (default, "queue:gravito:zenith:alerts:rules", queue("gravito:zenith:alerts:rules")),
            (default, "flux_console:worker:w-1", Key::Other),
            // A prefix that ends where a queue's name goes on.
            (("worker:", "", "queue:"), "worker:mail", queue("mail")),
            (("queue:", "que", "q"), "queue:worker:mail", Key::Heartbeat),
        ];
        for ((prefix, monitor, schedules), key, expected) in cases {
            let keys = Keys::new(prefix, &[monitor.into()]).with_schedules(schedules);
            assert_eq!(keys.classify(key), expected, "{key} under {prefix:?}, {monitor:?} and {schedules:?}");
        }
        // Every key that this console writes.
        for prefix in ["", "flux_console:"] {
            let keys = Keys::new(prefix, &[]);
            let own = [
                keys.operations(),
                keys.operation("9f"),
                keys.audit(),
                keys.alerts("states"),
                keys.retention(),
                keys.trash(),
                keys.trash_list("9f", 1),
                keys.trash_items("9f"),
                keys.request("9f"),
                keys.acted("9f"),
                keys.lost(),
                keys.lease("metrics"),
                keys.turn("metrics"),
                keys.report("archiver"),
                keys.mark(),
                keys.frame(60, 1_795_432_800),
                keys.schedules.fired(),
                keys.schedules.ticking(),
                keys.schedules.missed(),
                keys.schedules.kept("nightly"),
            ];
            for key in own {
                assert_eq!(keys.classify(&key), Key::Other, "{key} under {prefix:?}");
                // The same of a console on another prefix.
                assert_eq!(Keys::new("", &["m:".into()]).with_schedules("s:").classify(&key), Key::Other, "{key}");
            }
        }
    }

    #[test]
    fn a_flag_is_told_from_a_queue_of_that_name() {
        let keys = Keys::new("queue:", &[]);
        for (key, expected) in [
            ("queue:mail:paused", Some(Priority::Base)),
            ("queue:mail:low:paused", Some(Priority::Low)),
            ("queue:mail", None),
            ("queue:paused", None),
            ("queue:mail:high", None),
        ] {
            let Key::Of(queue) = keys.classify(key) else { panic!("{key} is a queue's") };
            assert_eq!(keys.flag_of(key, &queue), expected, "{key}");
        }
    }

    #[test]
    fn a_prefix_is_literal() {
        assert_eq!(Keys::new("{a}*[b]:", &[]).patterns(), ["{a}\\*\\[b\\]:*"]);
    }
}
