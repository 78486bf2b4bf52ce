//! A job in a worker's hands. Redis stores none of this: it is put together from the event channel and the heartbeats.

use super::{
    ids::{Priority, QueueName},
    time::Millis,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Running,
    /// The console did not hear the channel for a while: the run may have ended meanwhile.
    Unsure,
    /// The worker's heartbeat is gone: probably the worker is, with the job.
    Lost,
}

/// Whether a lost job can be put back in its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutBack {
    /// All conditions hold: the payload is held, and the worker has been silent for 30 s.
    pub possible: bool,
    /// Why not, as a sentence; empty when it is.
    pub reason: String,
    pub done_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Names this run in requests.
    pub key: String,
    pub worker: String,
    /// `None`: the worker did not say (jobs of the `json` serializer).
    pub job: Option<String>,
    /// `None`: unattributed.
    pub queue: Option<QueueName>,
    pub class_name: Option<String>,
    pub attempt: Option<u64>,
    pub started_at: Millis,
    /// From when it could run to when it did, ms.
    pub wait_ms: Option<i64>,
    pub state: RunState,
    /// When the worker was found gone.
    pub lost_at: Option<Millis>,
    pub put_back: PutBack,
}

/// A job that runs next, as seen in its list.
#[derive(Clone, Debug)]
pub struct Upcoming {
    /// The queue that the payload names, else the one in whose list it was seen.
    pub queue: QueueName,
    /// The list it was seen in.
    pub list: (QueueName, Priority),
    pub class: Option<String>,
    /// Number of the coming run.
    pub attempt: Option<u64>,
    /// From when it could run.
    pub ready_at: Option<Millis>,
    /// What would be pushed to put it back; `None` for a payload over 64 kB.
    pub raw: Option<Arc<[u8]>>,
}

/// A lost run may be put back when its worker has been silent this long.
const SILENT_MS: i64 = 30_000;

/// As kept in Redis, so that every console shows it, and a restarted one as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    pub key: String,
    pub worker: String,
    pub job: Option<String>,
    pub queue: Option<QueueName>,
    pub class: Option<String>,
    pub attempt: Option<u64>,
    pub started_at: Millis,
    pub wait_ms: Option<i64>,
    pub lost_at: Millis,
    /// Where it waited.
    pub list: Option<(QueueName, Priority)>,
    /// The raw element, when it was seen in time and is UTF-8 of at most 64 kB.
    pub payload: Option<String>,
    pub put_back_at: Option<Millis>,
    /// A later event names the job: somebody runs it again.
    #[serde(default)]
    pub named_again: bool,
}

impl Lost {
    pub fn show(&self, now: Millis) -> Run {
        let reason = if self.put_back_at.is_some() {
            "It was put back already."
        } else if self.payload.is_none() || self.list.is_none() {
            "The console did not see its payload before the worker took it, so there is nothing to put back."
        } else if self.named_again {
            "A worker began a job of this id since: it may be the same one."
        } else if now.0 - self.lost_at.0 < SILENT_MS {
            "The worker may only be busy: wait until it has been silent for 30 s."
        } else {
            ""
        };
        Run {
            key: self.key.clone(),
            worker: self.worker.clone(),
            job: self.job.clone(),
            queue: self.queue.clone(),
            class_name: self.class.clone(),
            attempt: self.attempt,
            started_at: self.started_at,
            wait_ms: self.wait_ms,
            state: RunState::Lost,
            lost_at: Some(self.lost_at),
            put_back: PutBack { possible: reason.is_empty(), reason: reason.into(), done_at: self.put_back_at },
        }
    }
}
