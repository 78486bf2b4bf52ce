//! What a dialog asks before an action, and the words it asks with.

mod pausing;
mod wording;

pub(super) use wording::words;

use super::{icon::Glyph, number::bytes as bytes_of};
use crate::model::{
    ids::{Fingerprint, QueueName},
    job::JobState,
    operation::Verb,
    time::Millis,
};

/// What a dialog asks before it acts. `count` is what the page knew when it was asked.
#[derive(Clone, PartialEq)]
pub enum Question {
    /// `partial`: at least so many wait; `partly`: some of the four lists are paused already.
    Pause {
        queue: QueueName,
        waiting: Option<u64>,
        partial: bool,
        partly: bool,
    },
    Resume {
        queue: QueueName,
        waiting: Option<u64>,
        partial: bool,
    },
    RetryAll {
        queue: QueueName,
        count: Option<u64>,
        base: bool,
    },
    PromoteAll {
        queue: QueueName,
        count: Option<u64>,
    },
    /// Waiting or delayed ones.
    DiscardAll {
        queue: QueueName,
        state: JobState,
    },
    ClearFailed {
        queue: QueueName,
    },
    Purge {
        queue: QueueName,
    },
    Retry {
        queue: QueueName,
        jobs: Vec<Fingerprint>,
    },
    Promote {
        queue: QueueName,
        jobs: Vec<Fingerprint>,
    },
    /// `name` says which, where it is one.
    Discard {
        queue: QueueName,
        state: JobState,
        jobs: Vec<Fingerprint>,
        /// Of their payloads.
        bytes: u64,
        name: Option<String>,
    },
    /// A job whose worker is gone; `key` names its run.
    PutBack {
        key: String,
        /// Its id or class.
        name: String,
        queue: Option<QueueName>,
        worker: String,
        since: Option<Millis>,
    },
    /// All jobs that a filter finds; `start` and `total` come from the count.
    Matching {
        queue: QueueName,
        state: JobState,
        verb: Verb,
        q: String,
        start: String,
        total: u64,
        /// Jobs of a priority that no worker reads go to the base list.
        base: bool,
    },
    /// A failed job whose payload is changed first.
    EditRetry {
        queue: QueueName,
        job: Fingerprint,
        /// Its id or class.
        name: String,
        payload: String,
    },
    /// Failed jobs of a priority that no worker reads.
    ToBase {
        queue: QueueName,
        jobs: Vec<Fingerprint>,
    },
}

impl Question {
    /// The queue, where some of the jobs may be delayed ones that are due.
    pub(super) fn of_delayed(&self) -> Option<&QueueName> {
        let (Self::PromoteAll { queue, .. } | Self::Promote { queue, .. } | Self::Discard { queue, state: JobState::Delayed, .. }) = self
        else {
            return None;
        };
        Some(queue)
    }

    /// The bytes that the trash would keep.
    pub(super) fn keeps(&self) -> u64 {
        if let Self::Discard { bytes, .. } = self { *bytes } else { 0 }
    }
}

/// What a dialog learns while it is open.
#[derive(Clone, Copy, Default)]
pub(super) struct Learned {
    /// Whether a worker serves the queue.
    pub served: Option<bool>,
    /// It is to be deleted without undo.
    pub forget: bool,
}

/// What the dialog says.
pub(super) struct Words {
    pub title: String,
    pub text: String,
    pub primary: String,
    pub glyph: Glyph,
    pub danger: bool,
}

/// Deleted jobs can be restored for an hour.
pub fn restorable(now: Millis) -> String {
    format!("You can restore them for an hour, until {} UTC.", Millis(now.0 + 3_600_000).minute())
}

/// What can be done about a deletion afterwards, and what that costs.
pub(super) fn way_back(now: Millis, bytes: u64, forget: bool) -> String {
    if forget {
        return "They cannot be restored.".into();
    }
    format!("{} The trash keeps about {}.", restorable(now), bytes_of(bytes))
}
