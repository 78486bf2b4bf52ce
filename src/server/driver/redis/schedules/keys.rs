//! Keys of schedules. The library's scheduler does not know the prefix of its queues: it has one of its own.

use crate::server::digest::sha1_hex;

pub const DEFAULT_PREFIX: &str = "queue:";

#[derive(Clone, Debug)]
pub struct ScheduleKeys {
    prefix: String,
    /// Of the console's own, by the schedules' prefix: consoles of several queue prefixes may tick the same schedules.
    own: String,
}

impl ScheduleKeys {
    pub fn new(prefix: &str) -> Self {
        let hash = &sha1_hex(prefix)[..8];
        Self { prefix: prefix.into(), own: format!("flux_console:{hash}:schedules:") }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sorted set: member = id, score = next run.
    pub fn all(&self) -> String {
        format!("{}schedules", self.prefix)
    }

    pub fn one(&self, id: &str) -> String {
        format!("{}schedule:{id}", self.prefix)
    }

    /// The library's: whoever holds it fires that schedule in that second.
    pub fn lock(&self, id: &str, second: i64) -> String {
        format!("{}lock:schedule:{id}:{second}", self.prefix)
    }

    /// Hash: id → when a console fired it last.
    pub fn fired(&self) -> String {
        format!("{}fired", self.own)
    }

    /// Hash: `since` consoles tick, and when (`foreignAt`) and by which schedule (`foreignId`) another ticker was seen.
    pub fn ticking(&self) -> String {
        format!("{}ticking", self.own)
    }

    pub fn missed(&self) -> String {
        format!("{}missed", self.own)
    }

    /// A deleted schedule, for an hour.
    pub fn kept(&self, id: &str) -> String {
        format!("{}kept:{id}", self.own)
    }
}

impl Default for ScheduleKeys {
    fn default() -> Self {
        Self::new(DEFAULT_PREFIX)
    }
}
