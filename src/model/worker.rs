//! Workers (consumers), from their heartbeats and events.

use super::{run::Run, time::Millis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// Heartbeat gone without a goodbye; shown for an hour.
    Lost,
    /// The heartbeat is there, or the first one is still to come.
    Online,
    /// It said goodbye.
    Stopped,
}

/// What a heartbeat says; a field is `None` when it does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beat {
    pub hostname: Option<String>,
    pub pid: Option<u64>,
    pub uptime_seconds: Option<u64>,
    pub queues: Vec<String>,
    /// 1-minute load average of its host.
    pub load: Option<f64>,
    pub cores: Option<u64>,
    /// Bytes: resident, heap in use, memory of the host.
    pub rss: Option<u64>,
    pub heap: Option<u64>,
    pub total: Option<u64>,
    /// Jobs that it runs at once; the library's consumer runs one.
    pub concurrency: Option<u64>,
    pub last_ping: Option<Millis>,
}

/// Workers whose heartbeat is missing, but not for long: neither there nor gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LateWorkers {
    pub total: u64,
    pub by_queue: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    pub id: String,
    pub state: WorkerState,
    pub beat: Beat,
    /// When its heartbeat was found gone, or it said goodbye.
    pub since: Option<Millis>,
    /// Its last event; `None`: not heard since the console listens, so what it runs is unknown.
    pub heard_at: Option<Millis>,
    /// What it runs, or ran when it was lost.
    pub runs: Vec<Run>,
    /// Since the console listens.
    pub completed: u64,
    pub failed: u64,
}

/// `GET /api/v1/workers`: lost ones first, then by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerList {
    pub workers: Vec<Worker>,
    pub online: u64,
    pub lost: u64,
    pub stopped: u64,
    /// More workers than are listed (at most 500 are).
    pub more: u64,
}
