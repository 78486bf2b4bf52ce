//! Verbs on jobs and queues, and the bulk operations that run them in the background.

use super::{ids::QueueName, job::JobState, time::Millis};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Failed jobs back to their waiting list, attempts 0.
    Retry,
    /// Delayed jobs to their waiting list, now.
    Promote,
    /// Into the trash.
    Discard,
    Purge,
    ClearFailed,
    Restore,
    /// Failed jobs that only the archive remembers to their waiting list, attempts 0.
    RetryArchived,
}

impl Verb {
    pub const ALL: [Self; 7] =
        [Self::Retry, Self::Promote, Self::Discard, Self::Purge, Self::ClearFailed, Self::Restore, Self::RetryArchived];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Promote => "promote",
            Self::Discard => "discard",
            Self::Purge => "purge",
            Self::ClearFailed => "clear-failed",
            Self::Restore => "restore",
            Self::RetryArchived => "retry-archived",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == text)
    }
}

/// What a verb on a list of jobs did. A stale or doubled click is `gone`, never an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub done: u64,
    /// No longer where the page saw them; nothing was pushed.
    pub gone: u64,
    /// Payloads that are not a JSON object; left where they are.
    pub corrupt: u64,
    /// Delayed jobs that are due: a worker takes them next, so they were left alone.
    #[serde(default, skip_serializing_if = "zero")]
    pub due: u64,
    /// Failed jobs of a priority that no worker reads; left where they are unless sent to the base list.
    #[serde(default, skip_serializing_if = "zero")]
    pub unread_priority: u64,
    /// Where the discarded jobs can be restored from, for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<String>,
}

fn zero(n: &u64) -> bool {
    *n == 0
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.gone += other.gone;
        self.corrupt += other.corrupt;
        self.due += other.due;
        self.unread_priority += other.unread_priority;
        if other.trash.is_some() {
            self.trash.clone_from(&other.trash);
        }
    }
}

/// A list holds so many operations, those under way first.
pub const LISTED: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationStatus {
    /// Asked for together with others; it begins when there is a place for it.
    Waiting,
    Running,
    Done,
    Cancelled,
    /// Stopped by an error; `message` says which.
    Failed,
    /// The console that ran it, or was to run it, is gone; what it had done stays done.
    Interrupted,
}

impl OperationStatus {
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Running, Self::Done, Self::Cancelled, Self::Failed, Self::Interrupted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Nothing more comes of it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done | Self::Cancelled | Self::Failed | Self::Interrupted => true,
        }
    }
}

/// What is said of one whose console was gone before its turn came.
pub const BEFORE_ITS_TURN: &str = "The console that was to run it stopped before its turn came. Nothing of it was done; start it again.";

/// How the message begins of one that was without Redis for a while: an answer may have been lost.
pub const LOST_REDIS: &str =
    "The connection to Redis was lost in between. No job is lost; some that were moved just then may be counted as gone.";

/// A bulk action; kept in Redis for a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Flat")]
pub struct Operation {
    pub id: String,
    pub verb: Verb,
    pub queue: QueueName,
    pub state: Option<JobState>,
    pub status: OperationStatus,
    /// Jobs that were there at the start: the most it will touch.
    pub total: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When it began; of one that waits, when it was asked for.
    pub started_at: Millis,
    pub finished_at: Option<Millis>,
    pub message: Option<String>,
    /// Only the jobs that this search finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// On whose behalf, as in the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

impl Operation {
    /// It may have done more than it could write down: its console is gone, or an answer of Redis was lost on the way.
    pub fn is_unsure(&self) -> bool {
        let killed = self.finished_at.is_none() && self.message.as_deref() != Some(BEFORE_ITS_TURN);
        // Of what was pushed out of the archive Redis tells again.
        let lost = self.verb != Verb::RetryArchived && self.message.as_ref().is_some_and(|said| said.starts_with(LOST_REDIS));
        match self.status {
            OperationStatus::Waiting | OperationStatus::Running => false,
            OperationStatus::Done => lost && self.outcome.gone > 0,
            OperationStatus::Cancelled | OperationStatus::Failed => lost,
            OperationStatus::Interrupted => killed || lost,
        }
    }
}

/// The same as plain fields: to read what is flattened takes the browser much more code.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flat {
    id: String,
    verb: Verb,
    queue: QueueName,
    state: Option<JobState>,
    status: OperationStatus,
    total: u64,
    done: u64,
    gone: u64,
    corrupt: u64,
    #[serde(default)]
    due: u64,
    #[serde(default)]
    unread_priority: u64,
    trash: Option<String>,
    started_at: Millis,
    finished_at: Option<Millis>,
    message: Option<String>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    who: Option<String>,
}

impl From<Flat> for Operation {
    fn from(flat: Flat) -> Self {
        let Flat { id, verb, queue, state, status, total, done, gone, corrupt, due, unread_priority, trash, .. } = flat;
        let outcome = Outcome { done, gone, corrupt, due, unread_priority, trash };
        let Flat { started_at, finished_at, message, filter, who, .. } = flat;
        Self { id, verb, queue, state, status, total, outcome, started_at, finished_at, message, filter, who }
    }
}

/// Something deleted that can still be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrashEntry {
    pub id: String,
    pub queue: QueueName,
    pub verb: Verb,
    pub jobs: u64,
    pub deleted_at: Millis,
    /// After this it is emptied.
    pub expires_at: Millis,
}

/// Above this many bytes the dialog offers deleting without undo.
pub const TRASH_OFFER_BYTES: u64 = 256 * 1024 * 1024;

/// Counted when a dialog opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurgePreview {
    pub waiting: u64,
    pub grouped: u64,
    pub delayed: u64,
    pub failed: u64,
    /// Of all of it. Estimated by Redis from samples; `None` when it would not say.
    pub bytes: Option<u64>,
    /// More groups than are weighed have pending jobs: `bytes` is a lower bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bytes_partial: bool,
    pub waiting_bytes: Option<u64>,
    pub delayed_bytes: Option<u64>,
    pub failed_bytes: Option<u64>,
}
