//! Jobs of the past, as the SQL archive holds them.

use super::{
    ids::{QueueName, segment},
    job::TimelineEntry,
    time::Millis,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchiveState {
    /// `--archive off`
    #[default]
    Off,
    /// Connecting, or bringing the tables up to date.
    Starting,
    Ready,
    Unavailable,
}

/// The archive as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveStatus {
    pub state: ArchiveState,
    /// Which database, without user and password.
    pub name: String,
    /// When it became what it is.
    pub since: Option<Millis>,
    /// Why it is unavailable, in the database's words.
    pub problem: Option<String>,
}

/// Which console writes into the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Archiver {
    This,
    Other,
    /// None does at the moment.
    Nobody,
    /// Redis could not be asked.
    #[default]
    Unknown,
}

/// Who archives, and what that console says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiverReport {
    pub who: Archiver,
    /// Of another console: when it said so.
    pub at: Option<Millis>,
    /// `None`: nobody's figures are known.
    pub archiving: Option<Archiving>,
}

/// What a console wrote into the archive since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Archiving {
    /// This one archives; of several consoles one does.
    pub leading: bool,
    /// Dead letters, completed jobs, runs, log lines and indexed rows.
    pub dead: u64,
    pub completed: u64,
    pub runs: u64,
    pub lines: u64,
    pub indexed: u64,
    /// Dead letters that were read and wait for the database.
    pub spooled: u64,
    /// Dead letters that did not fit the spool, and news of the event channel that did not fit theirs: lost.
    pub lost: u64,
    pub untold: u64,
    /// Log lines that the database refused one by one: lost.
    #[serde(default)]
    pub lines_refused: u64,
    /// Times when dead letters were dropped from Redis before they could be read.
    pub gaps: u64,
    /// While the database takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusing: Option<Refusing>,
}

/// Dead letters of a queue that nobody copied: Redis dropped them before they could be read, or the archive was away too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    pub queue: QueueName,
    /// `None`: not looked at before.
    pub from: Option<Millis>,
    pub until: Millis,
    /// There may be so many; `None`: nobody knows.
    pub up_to: Option<u64>,
}

/// The database answers, and does not take what there is to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusing {
    pub since: Millis,
    /// Its answer.
    pub problem: String,
}

/// Why the archive is not what it should be, for every page: what is live does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveTrouble {
    pub kind: TroubleKind,
    pub since: Millis,
    /// Of [`TroubleKind::Refusing`]: the beginning of the database's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TroubleKind {
    /// For longer than a start takes: a large one is brought up to date.
    Opening,
    Unavailable,
    /// It answers, and takes nothing.
    Refusing,
}

/// What this console could not archive since it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotArchived {
    /// Failed jobs that did not fit the spool.
    pub failed: u64,
    /// Times when failed jobs were dropped before they could be archived, and failed jobs that the database refused.
    pub gaps: u64,
    /// Runs and log lines.
    pub lines: u64,
}

/// What a row of the archive says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Pushed, or pushed again by a retry.
    Waiting,
    Completed,
    Failed,
    /// A word that neither the library nor this console writes.
    Other,
}

impl Status {
    pub fn parse(text: &str) -> Self {
        match text {
            "waiting" => Self::Waiting,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            _ => Self::Other,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Other => "other",
        }
    }
}

/// Whether a row means what it says: the library writes a `completed` row after every attempt, failed ones too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is so.
    Sure,
    /// `completed`, but the attempt failed.
    FailedAttempt,
    /// The same failure stands in an earlier row: two programs archived it.
    Again,
    /// The rows that are there do not decide it.
    Unknown,
}

/// One row of `flux_job_archive`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedRow {
    /// Its number in the archive.
    pub row: i64,
    pub id: String,
    pub queue: QueueName,
    pub status: Status,
    pub verdict: Verdict,
    pub class_name: Option<String>,
    pub attempt: Option<u64>,
    pub max_attempts: Option<u64>,
    /// Of a delayed job, or of one that waits for its retry, seconds.
    pub delay_s: Option<u64>,
    pub created_at: Option<Millis>,
    pub archived_at: Option<Millis>,
    /// Of a dead letter, as its payload says.
    pub failed_at: Option<Millis>,
    pub error: Option<String>,
    pub group_id: Option<String>,
    /// Size of the payload in bytes.
    pub bytes: u64,
}

impl ArchivedRow {
    pub fn href(&self) -> String {
        format!("{}/jobs/{}?row={}", self.queue.href(), segment(&self.id), self.row)
    }

    /// Which run of the job it is about, or will be, from 1: the payload of a job that never ran says 0.
    pub fn run(&self) -> Option<u64> {
        self.attempt.map(|n| n.max(1))
    }

    /// Completed and not merely a failed attempt.
    pub fn succeeded(&self) -> bool {
        self.status == Status::Completed && self.verdict == Verdict::Sure
    }
}

/// A page of the archive, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivePage {
    pub rows: Vec<ArchivedRow>,
    /// The newest gaps of the queue, newest first.
    pub gaps: Vec<Gap>,
    /// Older ones.
    pub more_gaps: u64,
    /// Rows, not jobs: a failed attempt leaves one that says `completed`.
    pub total: u64,
    pub page: u64,
    pub per_page: u64,
    /// While the database takes nothing, so that the newest rows are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusing: Option<Refusing>,
}

/// One run as the event channel told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub worker: String,
    pub attempt: Option<u64>,
    pub started_at: Millis,
    pub ended_at: Millis,
    pub wait_ms: Option<i64>,
    /// `completed`, `retried`, `dead`, `failed` (what came of it was not heard), `lost`
    pub outcome: String,
    pub error: Option<String>,
}

/// A job that is no longer in Redis, or whose past is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedJob {
    /// The newest row, or the one asked for: what the page shows.
    pub row: ArchivedRow,
    /// The stamp of what the row tells of: of a failed attempt that was written down as completed too, that of the failure.
    pub stamped_at: Option<Millis>,
    /// The payload of that row, cut at [`super::job::PAYLOAD_SHOWN`] on the page, whole in REST.
    pub payload: String,
    pub truncated: bool,
    /// The console knows that the job ran, but nobody wrote its payload down.
    pub payload_unknown: bool,
    pub data: Option<String>,
    pub stack: Option<String>,
    /// Everything that happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Rows of this job; more than the newest 200 are not looked at.
    pub rows: u64,
    /// The text of the error in full.
    pub error: Option<String>,
    /// Run and wait time of the newest attempt, ms, and who ran it.
    pub last: Option<Attempt>,
    /// The run that the row tells of, where it was heard.
    pub ran: Option<Attempt>,
    /// How the job ended after what the row tells, where that is another end; REST has it as `status` too.
    pub later: Option<Status>,
}

impl ArchivedJob {
    /// Its last end, as far as rows and runs tell, is a success.
    pub fn succeeded(&self) -> bool {
        self.later.map_or_else(|| self.row.succeeded(), |later| later == Status::Completed)
    }
}
