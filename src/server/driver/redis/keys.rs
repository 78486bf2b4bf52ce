//! Names of keys: the library's layout (stream-protocol.md, 1) and the console's own. What a key is by its name is in `classify`.

mod classify;
mod consoles;

pub use classify::Key;

use super::schedules::keys::ScheduleKeys;
use crate::{
    model::{
        ids::{Priority, QueueName},
        time::Millis,
    },
    server::digest::sha1_hex,
};

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

    /// Ids of archived jobs that an operation pushed, until the archive names them.
    pub fn pushed(&self, operation: &str) -> String {
        format!("{}operation:{operation}:pushed", self.own)
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

    /// A waiting list within a transaction; nobody gets to see it.
    pub fn in_hand(&self, mark: &str, p: Priority) -> String {
        format!("{}in-hand:{mark}:{}", self.own, p.as_str())
    }

    /// Handles that acted on a job with this digest a moment ago.
    pub fn acted(&self, digest: &str) -> String {
        format!("{}acted:{digest}", self.own)
    }

    /// Runs whose worker is gone.
    pub fn lost(&self) -> String {
        format!("{}lost", self.own)
    }

    /// Who does the work of this name.
    pub fn lease(&self, name: &str) -> String {
        format!("{}{name}:lease", self.own)
    }

    /// What the holder of a lease says of its work.
    pub fn report(&self, name: &str) -> String {
        format!("{}{name}:report", self.own)
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
}
