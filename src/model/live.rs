//! What the overview shows and what the event stream sends.

use super::{
    alert::firing::AlertsNow,
    archive::{ArchiveTrouble, NotArchived},
    ids::QueueName,
    log::{LogQuery, LogTail},
    operation::Operation,
    queue::{Discovery, QueueSample},
    run::Run,
    time::{Millis, counted},
    worker::WorkerList,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Not tried yet.
    Connecting,
    Connected,
    Down,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    pub status: Link,
    /// `redis`
    pub driver: String,
    pub server_version: Option<String>,
    /// Round trip of the last tick, ms.
    pub latency_ms: Option<f64>,
    /// Since when the status is what it is.
    pub since: Millis,
    /// Why Redis cannot be reached, in words without secrets.
    pub problem: Option<String>,
}

/// Sums over all queues; a sum is `None` when one part is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    pub waiting: Option<u64>,
    /// Runs that are open by the events; `None` while no worker was heard.
    pub active: Option<u64>,
    /// Some worker was not heard yet, or runs may have ended unheard: `active` is a lower bound.
    pub active_partial: bool,
    /// Jobs whose worker is gone, in the last hour.
    pub lost: u64,
    pub delayed: Option<u64>,
    pub failed: Option<u64>,
    /// Jobs behind busy groups whose first job names no queue.
    pub grouped_unattributed: u64,
    pub grouped_partial: bool,
    pub queues: u64,
    /// When the queue was counted whose turn was longest ago: of very many, not all are counted in a tick.
    pub counted_from: Option<Millis>,
    /// Oldest of the queues' oldest waiting jobs, ms.
    pub oldest_waiting_ms: Option<i64>,
    pub failing: u64,
    pub paused: u64,
    pub unserved: u64,
    pub idle: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Throughput {
    pub completed_per_second: Option<f64>,
    pub failed_per_second: Option<f64>,
    pub window_seconds: u64,
}

/// A time in which nobody heard the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub from: Millis,
    pub to: Millis,
}

/// What was heard on the event channels since this console listens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// `None` while the channel is not heard.
    pub listening_since: Option<Millis>,
    pub events: u64,
    /// Over the last 10 s.
    pub per_second: f64,
    pub malformed: u64,
    /// Attempts.
    pub started: u64,
    pub completed: u64,
    pub failed: u64,
    pub retried: u64,
    pub dead: u64,
    /// Runs whose worker is gone.
    pub lost: u64,
    /// Runs that ended unheard: the worker began another one, or the console did not listen.
    pub unknown: u64,
    /// Started attempts whose queue could not be told.
    pub unattributed: u64,
    /// Open runs that were dropped because there were more than 100,000.
    pub dropped: u64,
    /// The last time in which the channel was not heard.
    pub gap: Option<Gap>,
    /// Workers that report but were not heard yet: what they run is unknown.
    pub silent_workers: u64,
}

/// `GET /api/v1/overview`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    pub connection: Connection,
    pub totals: Totals,
    /// Heartbeats alive; `None` until the first whole scan.
    pub workers: Option<u64>,
    pub throughput: Throughput,
    pub heard: Heard,
    pub discovery: Discovery,
    pub sampled_at: Option<Millis>,
    /// Console version and queue prefix, for the sidebar.
    pub version: String,
    pub prefix: String,
    /// No password is set, so no sign-out button.
    pub open_access: bool,
    pub environment: Option<String>,
    #[serde(default)]
    pub alerts: AlertsNow,
    /// Absent while the archive is as it should be, and when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveTrouble>,
    /// Absent while nothing is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_archived: Option<NotArchived>,
}

impl Overview {
    /// When the queues were counted, in words; `None`: not yet.
    pub fn counted(&self) -> Option<String> {
        self.sampled_at.map(|at| counted(self.totals.counted_from, at))
    }
}

/// One page of the queue table, in display order, with what the filter chips count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueuesPage {
    pub queues: Vec<QueueSample>,
    /// Queues that match the filter.
    pub total: u64,
    pub page: u64,
    pub per_page: u64,
}

/// Server-sent event `snapshot`, first on every connection and after every tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveEvent {
    pub overview: Overview,
    /// The queues this view shows: rows in the order fixed when the stream was opened.
    pub queues: Vec<QueueSample>,
    /// Queues that would be on the page now but were not when the stream was opened.
    pub entered: u64,
    /// Running and just finished operations of this console.
    pub operations: Vec<Operation>,
    /// Views `overview` (the first few) and `workers`.
    pub workers: Option<WorkerList>,
    /// Views `overview` and `logs`: lines since the last event of this stream.
    pub log: LogTail,
    /// View `queue`: what runs there, at most 200.
    pub runs: Vec<Run>,
}

/// Which queues a stream follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "camelCase")]
pub enum LiveView {
    /// Busiest queues.
    Overview,
    Queues {
        query: super::query::QueuesQuery,
    },
    Queue {
        name: QueueName,
    },
    Workers,
    Logs {
        query: LogQuery,
    },
    /// The frame only.
    Frame,
}
