//! What the console finds wrong with Redis, workers and itself, and what can be done about it.

use super::time::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is so, and costs jobs or time.
    Problem,
    /// It looks so; what would decide it is not known here.
    Possible,
    /// Worth knowing.
    Note,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    UnreadPriority,
    DeadLettersAtCap,
    OrphanGroup,
    IdleGroup,
    OtherMonitorPrefix,
    SilentWorkers,
    UnreadablePayloads,
    Schedules,
    Clock,
    PartlyPaused,
    WrongType,
    UnlistedKeys,
    Settings,
}

impl Check {
    pub const ALL: [Self; 13] = [
        Self::UnreadPriority,
        Self::DeadLettersAtCap,
        Self::OrphanGroup,
        Self::IdleGroup,
        Self::OtherMonitorPrefix,
        Self::SilentWorkers,
        Self::UnreadablePayloads,
        Self::Schedules,
        Self::Clock,
        Self::PartlyPaused,
        Self::WrongType,
        Self::UnlistedKeys,
        Self::Settings,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::UnreadPriority => "Priority lists that nobody reads",
            Self::DeadLettersAtCap => "Dead-letter lists at their cap",
            Self::OrphanGroup => "Groups that nothing holds",
            Self::IdleGroup => "Jobs behind groups that are not active",
            Self::OtherMonitorPrefix => "Workers under another monitor prefix",
            Self::SilentWorkers => "Workers without events",
            Self::UnreadablePayloads => "Unreadable payloads",
            Self::Schedules => "Schedules that nobody ticks",
            Self::Clock => "Clock of Redis",
            Self::PartlyPaused => "Queues paused in part",
            Self::WrongType => "Keys of the wrong type",
            Self::UnlistedKeys => "Keys that no page shows",
            Self::Settings => "Redis and console settings",
        }
    }
}

/// What a fix does; each is one script, or a verb that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixKind {
    /// The jobs of a list that nobody reads to the base list of their queue. `subject`: the list's name, `mail:urgent`.
    MoveToBase,
    /// Completes a group as the library would. `subject`: the group id.
    ReleaseGroup,
    /// Lets the first job behind a group go, and marks the group active. `subject`: the group id.
    StartGroup,
    /// All four lists. `subject`: the queue.
    Pause,
    Resume,
}

impl FixKind {
    /// As the audit log has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MoveToBase => "move-to-base",
            Self::ReleaseGroup => "release-group",
            Self::StartGroup => "start-group",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    pub kind: FixKind,
    pub subject: String,
    /// Jobs that it moves, as far as it is about jobs: never more than were counted.
    pub count: Option<u64>,
    /// `Move 3 jobs to mail`
    pub label: String,
    /// What happens, before it does.
    pub explain: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub check: Check,
    pub level: Level,
    /// What it is about: a queue, a group, a key, a worker.
    pub subject: String,
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// What to do.
    pub advice: String,
    /// Page of what it is about.
    pub href: Option<String>,
    pub fixes: Vec<Fix>,
}

/// How far one check went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub check: Check,
    pub looked: Looked,
    /// `2 groups, none orphaned`, or why it could not be decided.
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Looked {
    Whole,
    /// Something was left out; the note says what.
    Partly,
    /// Nothing can be said.
    Unknown,
}

/// `GET /api/v1/doctor`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    pub at: Millis,
    /// The worst first; at most 100.
    pub findings: Vec<Finding>,
    /// Findings that are not listed.
    pub more: u64,
    pub checks: Vec<Checked>,
    /// What it cost Redis.
    pub commands: u64,
    pub took_ms: u64,
}

/// `POST /api/v1/doctor/fix`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FixAsk {
    pub kind: FixKind,
    pub subject: String,
    /// What the finding counted: not more jobs than that are moved.
    #[serde(default)]
    pub count: Option<u64>,
}

/// What a fix came to. Something that is as it should be by now is no error: nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fixed {
    /// Something was changed.
    pub done: bool,
    /// Jobs that were moved.
    pub jobs: u64,
    /// In a sentence.
    pub said: String,
}
