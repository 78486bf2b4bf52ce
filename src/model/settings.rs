//! What can be set, and what the console says of itself: connections, the archive's size, how long it keeps what.

use super::{
    archive::{ArchiveStatus, Archiver, Archiving, Gap},
    live::Connection,
    time::Millis,
};
use serde::{Deserialize, Serialize};

/// The longest time that can be set: ten years.
pub const MOST_DAYS: u32 = 3_650;

/// How long the archive keeps what. Stored as the original console stores it (stream-protocol.md, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Every night at 03:00 UTC.
    pub auto_cleanup: bool,
    /// Jobs, with their runs and everything that was read in them.
    pub retention_days: u32,
    pub logs_retention_days: u32,
}

impl Default for Retention {
    /// The original's.
    fn default() -> Self {
        Self { auto_cleanup: false, retention_days: 30, logs_retention_days: 30 }
    }
}

impl Retention {
    /// # Errors
    /// The field that is wrong, and a sentence.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (field, what, days) in
            [("retentionDays", "Jobs", self.retention_days), ("logsRetentionDays", "Log lines", self.logs_retention_days)]
        {
            if !(1..=MOST_DAYS).contains(&days) {
                return Err((field, format!("{what} can be kept for 1 to {MOST_DAYS} days.")));
            }
        }
        Ok(())
    }
}

/// The settings as they are stored, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionView {
    pub auto_cleanup: bool,
    pub retention_days: u32,
    pub logs_retention_days: u32,
    pub last_run: Option<Millis>,
    /// Why the stored settings cannot be read; the defaults are shown then.
    pub problem: Option<String>,
    /// The newest run, also one that goes on.
    pub run: Option<RetentionRun>,
}

impl RetentionView {
    pub fn settings(&self) -> Retention {
        let Self { auto_cleanup, retention_days, logs_retention_days, .. } = *self;
        Retention { auto_cleanup, retention_days, logs_retention_days }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Done,
    /// An error ended it, or the console stopped; `message` says which. The next run does the rest.
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRun {
    pub id: String,
    pub status: RunStatus,
    pub started_at: Millis,
    pub finished_at: Option<Millis>,
    pub parts: Vec<RunPart>,
    /// The longest that one step held the database's lock, ms.
    pub longest_ms: u64,
    pub message: Option<String>,
    /// Of what is older a part may be gone: by this run, until it is done, or by one before it that kept less and was left half done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn_before: Option<Millis>,
}

impl RetentionRun {
    pub fn deleted(&self) -> u64 {
        self.parts.iter().map(|p| p.deleted).sum()
    }

    pub fn goes_on(&self) -> bool {
        self.status == RunStatus::Running
    }
}

/// What went from one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunPart {
    /// `jobs`, `runs of jobs`, `log lines`, …
    pub what: String,
    pub deleted: u64,
}

/// What a run would delete, table by table, in the order of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    pub parts: Vec<PreviewPart>,
    /// The end of what is kept.
    pub jobs_before: Millis,
    pub logs_before: Millis,
}

impl Preview {
    /// Everything was counted, and nothing is old enough.
    pub fn nothing(&self) -> bool {
        !self.parts.iter().any(|part| part.rows > 0 || part.partial)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewPart {
    pub what: String,
    pub rows: u64,
    /// Counting took too long: `rows` is a lower bound.
    pub partial: bool,
}

/// How many rows a table has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableSize {
    pub table: String,
    /// `None`: it could not even be estimated in time.
    pub rows: Option<u64>,
    /// Counting took too long: this is the database's own estimate.
    pub estimated: bool,
}

/// The archive in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveFacts {
    pub status: ArchiveStatus,
    /// `SQLite 3.50.2`
    pub version: Option<String>,
    /// On disk, bytes.
    pub bytes: Option<u64>,
    /// Of these, bytes that deleted rows left free for new ones.
    pub free_bytes: Option<u64>,
    /// The index of words comes on top of that: the database does not tell this user how large it is.
    pub without_words: bool,
    pub tables: Vec<TableSize>,
    pub oldest_job: Option<Millis>,
    pub oldest_line: Option<Millis>,
    /// Which console writes into it.
    pub archiver: Archiver,
    /// What that one has done; `None`: nobody's figures are known.
    pub archiving: Option<Archiving>,
    /// Of another console: when it said so.
    pub archiving_at: Option<Millis>,
    /// Of this console, when it is not the one any more and has still something to write, or has lost something.
    pub left: Option<Archiving>,
    /// The newest ones, newest first.
    pub gaps: Vec<Gap>,
    /// Older ones.
    pub more_gaps: u64,
}

/// What the settings page shows at once: it costs one Redis command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub connection: Connection,
    /// Host, port and database of Redis, without user and password.
    pub redis: String,
    pub prefix: String,
    /// Of the console.
    pub version: String,
    pub archive: ArchiveStatus,
    /// `None`: Redis could not be asked.
    pub retention: Option<RetentionView>,
}
