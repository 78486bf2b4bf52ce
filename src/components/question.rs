//! What a dialog asks before an action, and the words it asks with.

use super::{
    icon::Glyph,
    number::{count, jobs as jobs_of},
};
use crate::model::{
    ids::{Fingerprint, QueueName},
    job::JobState,
    operation::Verb,
    time::Millis,
};

/// What a dialog asks before it acts. `count` is what the page knew when it was asked.
#[derive(Clone, PartialEq)]
pub enum Question {
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

pub(super) fn words(question: &Question, now: Millis) -> Words {
    let some = |n: Option<u64>, one: &str, many: &str| n.map_or_else(|| format!("all {many}"), |n| count(n, one, many));
    let again = "It runs in the background and can be cancelled. Jobs that fail meanwhile are not included.";
    match question {
        Question::RetryAll { queue, count: n, base } => Words {
            title: format!("Retry {} of {queue}?", some(*n, "failed job", "failed jobs")),
            text: if *base {
                format!("They go back to waiting with attempts set to 0. Those of a priority that no worker reads go to the base list. {again}")
            } else {
                format!("They go back to their waiting lists with attempts set to 0. {again}")
            },
            primary: format!("Retry {}", some(*n, "job", "jobs")),
            glyph: Glyph::Retry,
            danger: false,
        },
        Question::PromoteAll { queue, count: n } => Words {
            title: format!("Run {} of {queue} now?", some(*n, "delayed job", "delayed jobs")),
            text: "They go to their waiting lists without waiting for their time. Jobs that are due already are left to the workers. It runs in the background and can be cancelled.".into(),
            primary: format!("Run {} now", some(*n, "job", "jobs")),
            glyph: Glyph::Play,
            danger: false,
        },
        Question::Retry { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 { "It goes back to its waiting list with attempts set to 0." } else { "They go back to their waiting lists with attempts set to 0." };
            Words { title: format!("Retry {} of {queue}?", count(n, "failed job", "failed jobs")), text: text.into(), primary: format!("Retry {}", jobs_of(n)), glyph: Glyph::Retry, danger: false }
        }
        Question::Promote { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 { "It goes to its waiting list without waiting for its time." } else { "They go to their waiting lists without waiting for their time." };
            Words {
                title: format!("Run {} of {queue} now?", count(n, "delayed job", "delayed jobs")),
                text: format!("{text} What is due already is left to the workers."),
                primary: format!("Run {} now", jobs_of(n)),
                glyph: Glyph::Play,
                danger: false,
            }
        }
        Question::Discard { queue, state, jobs, name } => {
            let n = jobs.len() as u64;
            let what = name.clone().unwrap_or_else(|| count(n, &format!("{} job", state.as_str()), &format!("{} jobs", state.as_str())));
            let (they, them) = if n == 1 { ("It", "it") } else { ("They", "them") };
            let group = if *state == JobState::Waiting { " Where it held a group, the next job of that group starts." } else { "" };
            Words {
                title: format!("Delete {what} from {queue}?"),
                text: format!("{they} will not run. {}{group}", restorable(now).replace("them", them)),
                primary: format!("Delete {}", jobs_of(n)),
                glyph: Glyph::Trash,
                danger: true,
            }
        }
        Question::ToBase { queue, jobs } => Words {
            title: format!("Retry to the base list of {queue}?"),
            text: if jobs.len() == 1 {
                "No worker reads the priority that this job names: in a list of that priority it would never run. It can go to the base list instead, with attempts set to 0.".into()
            } else {
                "No worker reads the priority that some of these jobs name: in a list of that priority they would never run. They can go to the base list instead, with attempts set to 0.".into()
            },
            primary: "Retry to base list".into(),
            glyph: Glyph::Retry,
            danger: false,
        },
        Question::PutBack { name, queue, worker, since, .. } => Words {
            title: match queue {
                Some(queue) => format!("Put {name} back in {queue}?"),
                None => format!("Put {name} back in its queue?"),
            },
            text: format!(
                "{worker} has been silent{}. The job goes to the end of its waiting list with its payload as it was, and does not ask its group. It may run twice: the worker may have finished it unheard, or may still run it.",
                since.map_or(String::new(), |at| format!(" since {} UTC", at.near(now).trim_end_matches(" UTC")))
            ),
            primary: "Put job back".into(),
            glyph: Glyph::Retry,
            danger: false,
        },
        // These have dialogs of their own: `Destroy`, `AllMatching`, `EditRetry`.
        Question::ClearFailed { queue }
        | Question::Purge { queue }
        | Question::DiscardAll { queue, .. }
        | Question::EditRetry { queue, .. }
        | Question::Matching { queue, .. } => {
            Words { title: format!("Delete jobs of {queue}?"), text: String::new(), primary: "Delete".into(), glyph: Glyph::Purge, danger: true }
        }
    }
}
