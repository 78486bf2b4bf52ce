//! Jobs as lists and the job page show them.

use super::{
    ids::{Fingerprint, Priority, QueueName, segment},
    json,
    time::Millis,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Waiting,
    /// Pending behind a busy group.
    Grouped,
    Active,
    Delayed,
    Failed,
    Completed,
}

impl JobState {
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Grouped, Self::Active, Self::Delayed, Self::Failed, Self::Completed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Grouped => "grouped",
            Self::Active => "active",
            Self::Delayed => "delayed",
            Self::Failed => "failed",
            Self::Completed => "completed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// One row of a list of jobs. A field is `None` when the payload does not say it (or cannot be read).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSummary {
    pub id: Option<String>,
    pub fingerprint: Fingerprint,
    pub queue: QueueName,
    pub state: JobState,
    pub priority: Option<Priority>,
    pub class_name: Option<String>,
    /// Number of the coming run, 0 = never run.
    pub attempts: Option<u64>,
    pub max_attempts: Option<u64>,
    pub created_at: Option<Millis>,
    /// When a delayed job is due.
    pub run_at: Option<Millis>,
    pub failed_at: Option<Millis>,
    pub error: Option<String>,
    pub group_id: Option<String>,
    /// Size of the raw payload in bytes.
    pub bytes: u64,
    /// Why the payload cannot be read as a job, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl JobSummary {
    /// The permalink: by id where there is one; the fingerprint finds the very element even among equal ids.
    pub fn href(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/jobs/{}?at={}", self.queue.href(), segment(id), self.fingerprint),
            None => format!("{}/jobs/{}", self.queue.href(), self.fingerprint),
        }
    }

    /// Class name, else what kind of thing it is.
    pub fn title(&self) -> String {
        match (&self.class_name, &self.problem) {
            (Some(name), _) => name.clone(),
            (None, Some(_)) => "Unreadable payload".into(),
            (None, None) => "Job".into(),
        }
    }
}

/// The queue that a payload names, `data.properties.queueName`: the library counts failures and completes groups there, wherever
/// the job waited. `data` is JSON in a string, or an object.
pub fn queue_named(payload: &str) -> Option<String> {
    let field = |text: &str, name: &str| Some(json::field(text, &json::members(text).ok()?, name)?.to_owned());
    let data = field(payload, "data")?;
    let data = json::decode(&data).unwrap_or(data);
    json::decode(&field(&field(&data, "properties")?, "queueName")?)
}

/// What each row of a page is known by while the list is loaded again: the element itself, not its position, which every pop of
/// a worker changes. The second of two equal elements gets a number of its own.
pub fn identities<'a>(jobs: impl Iterator<Item = &'a JobSummary>) -> Vec<String> {
    let mut met = BTreeMap::<String, u32>::new();
    jobs.map(|job| {
        let identity = Fingerprint { hint: 0, ..job.fingerprint.clone() }.to_string();
        let n = met.entry(identity.clone()).or_default();
        *n += 1;
        if *n > 1 { format!("{identity} {n}") } else { identity }
    })
    .collect()
}

/// Which end of the list comes first. `Next` on waiting lists: what runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    Newest,
    Oldest,
}

/// Delayed jobs of one list that are due: a worker takes them before anything that waits in that list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    pub priority: Priority,
    pub count: u64,
    /// The first of them, on the page that shows what runs next and where that list begins; not part of the page's `total`.
    #[serde(default)]
    pub jobs: Vec<JobSummary>,
}

/// `GET /api/v1/queues/{queue}/jobs`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsPage {
    pub jobs: Vec<JobSummary>,
    /// `None`: nothing could be counted.
    pub total: Option<u64>,
    /// `total` is a lower bound (more groups than are counted, or a list that cannot be read).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    pub page: u64,
    pub per_page: u64,
    /// State `waiting` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<Due>,
    /// What could not be read, as a sentence each (a key of the wrong type, …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    pub sampled_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    pub at: Option<Millis>,
    /// `enqueued`, `failed`, `due`, …
    pub kind: String,
    pub title: String,
    pub detail: Option<String>,
}

/// At most this much of a payload is shown; the rest is a download.
pub const PAYLOAD_SHOWN: usize = 64 * 1024;
/// A larger payload has no tree, only its beginning and a download: what a click costs is bounded.
pub const TREE_MOST: usize = 32_000_000;

/// `GET /api/v1/queues/{queue}/jobs/{id or fingerprint}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    #[serde(flatten)]
    pub summary: JobSummary,
    /// The raw element as text (bytes that are not UTF-8 replaced), cut at [`PAYLOAD_SHOWN`] on the page, whole in REST.
    pub payload: String,
    pub truncated: bool,
    /// The `data` field decoded from its string: JSON text (REST sends it as JSON). `None` when absent, not JSON, or cut.
    pub data: Option<String>,
    pub stack: Option<String>,
    /// 0 = runs next; waiting lists only: how many jobs of the same list run before this one.
    pub ahead: Option<u64>,
    pub timeline: Vec<TimelineEntry>,
}

/// What asking for one job finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "camelCase")]
pub enum Found {
    One {
        job: Box<JobDetail>,
    },
    /// The id names several jobs: choose.
    Many {
        jobs: Vec<JobSummary>,
    },
    /// Looked at `scanned` of `of` elements without meeting it.
    Gone {
        scanned: u64,
        of: u64,
    },
}
