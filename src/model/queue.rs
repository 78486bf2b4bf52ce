//! What the sampler measured of a queue. Unknown is `None`, never 0.

use super::{
    ids::{Priority, QueueName},
    time::Millis,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use std::fmt;

/// The library trims the dead-letter list to this many entries at every failure; older ones are lost.
pub const FAILED_CAP: u64 = 1_000;

/// The console follows this many queues; of more it says that there are more.
pub const QUEUES_FOLLOWED: usize = 20_000;

/// `false`, `"partly"` (some of the four lists) or `true` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paused {
    No,
    Partly,
    Yes,
}

impl Serialize for Paused {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => s.serialize_bool(false),
            Self::Partly => s.serialize_str("partly"),
            Self::Yes => s.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for Paused {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ReadPaused)
    }
}

struct ReadPaused;

impl Visitor<'_> for ReadPaused {
    type Value = Paused;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pause state")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Paused, E> {
        Ok(if on { Paused::Yes } else { Paused::No })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Paused, E> {
        if text == "partly" { Ok(Paused::Partly) } else { Err(E::custom(format!("`{text}` is not a pause state"))) }
    }
}

/// Lengths of the four waiting lists; `None` where the key holds something else than a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPriority {
    pub critical: Option<u64>,
    pub high: Option<u64>,
    pub base: Option<u64>,
    pub low: Option<u64>,
}

impl ByPriority {
    pub fn get(&self, p: Priority) -> Option<u64> {
        match p {
            Priority::Critical => self.critical,
            Priority::High => self.high,
            Priority::Base => self.base,
            Priority::Low => self.low,
        }
    }

    pub fn slot(&mut self, p: Priority) -> &mut Option<u64> {
        match p {
            Priority::Critical => &mut self.critical,
            Priority::High => &mut self.high,
            Priority::Base => &mut self.base,
            Priority::Low => &mut self.low,
        }
    }

    /// `None` as soon as one list is unknown.
    pub fn sum(&self) -> Option<u64> {
        Priority::ALL.into_iter().map(|p| self.get(p)).sum()
    }
}

/// One row of `GET /api/v1/queues`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueSample {
    pub name: QueueName,
    /// All four lists and `grouped`.
    pub waiting: Option<u64>,
    pub by_priority: ByPriority,
    /// Jobs pending behind a busy group whose first job names this queue.
    pub grouped: u64,
    /// There are more groups than one tick counts, or some cannot be counted: `grouped` and `waiting` are lower bounds.
    pub grouped_partial: bool,
    /// Runs that are open by the events; `None` while none of its workers was heard.
    pub active: Option<u64>,
    /// A worker of this queue was not heard yet, or runs something unattributed: `active` is a lower bound.
    pub active_partial: bool,
    /// Jobs whose worker is gone, in the last hour.
    pub lost: u64,
    pub delayed: Option<u64>,
    pub failed: Option<u64>,
    pub failed_at_cap: bool,
    pub paused: Paused,
    /// Heartbeats that name this queue; `None` while no worker reports at all.
    pub workers: Option<u64>,
    /// Age of the oldest job at the tails of the waiting lists, in ms at `sampled_at`.
    pub oldest_waiting_ms: Option<i64>,
    /// That job was not looked at for 30 s, because there are more lists than the ticks of that time look at: it may be gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oldest_waiting_old: bool,
    pub flow: Flow,
    pub sampled_at: Millis,
    /// Keys that hold something unexpected, as a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// How jobs move through a queue, by the events of the last minute; `None` where nothing was heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// Jobs that came in per second, retries included: from the change of the backlog and the runs that started.
    pub in_per_second: Option<f64>,
    /// Runs that started per second.
    pub out_per_second: Option<f64>,
    /// Failed attempts in the last 5 minutes.
    pub failed_lately: Option<u64>,
    /// What most of them said, in short.
    pub mostly: Option<String>,
    /// Ended runs in each of the last 15 minutes, oldest first; `None` where nobody listened, empty when nothing was heard.
    pub spark: Vec<Option<u32>>,
}

/// A queue is called failing while jobs sit in its dead-letter list (whether they failed *lately* is unknown without events).
impl QueueSample {
    pub fn failing(&self) -> bool {
        self.failed.is_some_and(|n| n > 0)
    }

    /// Jobs wait, some worker reports, but none of them serves this queue.
    pub fn unserved(&self) -> bool {
        self.workers == Some(0) && (self.waiting.is_some_and(|n| n > 0) || self.delayed.is_some_and(|n| n > 0))
    }

    pub fn idle(&self) -> bool {
        self.waiting == Some(0) && self.delayed == Some(0) && self.active.unwrap_or(0) == 0
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// One whole pass over the keyspace has ended.
    pub complete: bool,
    /// There are more queues than [`QUEUES_FOLLOWED`]: lists are not whole, and sums are lower bounds.
    pub truncated: bool,
    /// Keys looked at in the last whole pass, or, while none is whole, in the running one.
    pub scanned: u64,
    /// How many there are now.
    pub keys: Option<u64>,
}

impl Discovery {
    /// Every queue was found and is followed.
    pub fn whole(&self) -> bool {
        self.complete && !self.truncated
    }
}

/// What asking for one queue tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Sought {
    Found(Box<QueueSample>),
    /// Redis was asked, and holds none of its keys.
    Absent,
    /// No scan came across it, and Redis could not be asked.
    Unknown,
}

/// `GET /api/v1/queues`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueList {
    pub queues: Vec<QueueSample>,
    pub discovery: Discovery,
    pub sampled_at: Option<Millis>,
}
