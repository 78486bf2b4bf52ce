//! Schedules: jobs that a cron pushes again and again (stream-protocol.md, 1 and Scheduler).

use super::{
    archive::ArchivedRow,
    ids::{QueueName, segment},
    time::Millis,
};
use serde::{Deserialize, Serialize};

/// Schedules of a page.
pub const PER_PAGE: u64 = 50;
/// Next runs that are shown.
pub const RUNS: usize = 5;

/// The id of a schedule: any text that is not empty, at most 512 bytes. May hold `:`, spaces, quotes, markup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScheduleId(String);

impl ScheduleId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `/schedules/{id}` with the id percent-encoded.
    pub fn href(&self) -> String {
        format!("/schedules/{}", segment(&self.0))
    }
}

impl TryFrom<String> for ScheduleId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        match id.len() {
            0 => Err("A schedule needs an id.".into()),
            1..=512 => Ok(Self(id)),
            n => Err(format!("The id of a schedule has at most 512 bytes, this one has {n}.")),
        }
    }
}

impl From<ScheduleId> for String {
    fn from(id: ScheduleId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// `None`: its id is no text, or no id at all; `name` shows it as far as it can.
    pub id: Option<ScheduleId>,
    pub name: String,
    pub cron: Option<String>,
    /// The cron in plain English.
    pub words: Option<String>,
    pub queue: Option<QueueName>,
    pub class_name: Option<String>,
    pub job_id: Option<String>,
    pub enabled: bool,
    /// As it is stored; one that is over is due.
    pub next_run: Option<Millis>,
    /// The next five by the cron, from now on; empty while it is turned off.
    pub runs: Vec<Run>,
    pub last_run: Option<Millis>,
    /// Why it is broken and skipped, as a sentence.
    pub problem: Option<String>,
    /// It is on and should have run more than two minutes ago.
    pub overdue: bool,
    /// The stored next run is none of this cron in the console's time zone: whoever wrote it counts in another one.
    pub other_zone: bool,
    /// What an edit compares: changes with cron, queue and job.
    pub version: String,
}

/// A run to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub at: Millis,
    /// In the console's time zone: `Tue 24 Nov 09:30 CET`.
    pub said: String,
}

/// `/schedules?page=`, what runs next first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchedulesPage {
    pub schedules: Vec<Schedule>,
    pub total: u64,
    pub page: u64,
    pub per_page: u64,
    /// Newest first.
    pub missed: Vec<Missed>,
    pub ticking: Ticking,
    /// In which crons are read: `UTC`, `Europe/Berlin`.
    pub timezone: String,
    /// What stands before the schedules' keys.
    pub prefix: String,
    pub read_at: Millis,
}

/// Runs that came late or not at all, because nobody ticked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missed {
    pub id: String,
    /// When the run was due that was fired late.
    pub due: Millis,
    pub fired_at: Millis,
    /// Runs after that one, up to when it was fired, that were left out.
    pub left_out: u64,
    /// There were more than were counted.
    pub more: bool,
}

/// Who fires what is due.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticking {
    /// This console may tick: it was not started with `--no-scheduler`.
    pub here: bool,
    /// A console ticks.
    pub console: bool,
    /// The newest sign of a ticker that is no console, within the last day.
    pub foreign: Option<Foreign>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    pub at: Millis,
    /// Of the schedule that it fired.
    pub id: String,
}

impl Ticking {
    /// A console and somebody else: a run may be fired twice.
    pub fn both(&self) -> bool {
        self.console && self.foreign.is_some()
    }
}

/// One schedule in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleDetail {
    pub schedule: Schedule,
    /// As it is stored, byte for byte.
    pub job: String,
    /// The queue that the job itself names: there its runs are kept when they are over.
    pub runs_in: Option<QueueName>,
    pub missed: Vec<Missed>,
    /// Runs of its job, newest first, as the archive has them.
    pub history: Vec<ArchivedRow>,
    /// Why the archive could not be asked, as a sentence.
    pub unavailable: Option<String>,
    /// Dead letters alone are archived: a run that completed leaves no row.
    pub completed_kept: bool,
    pub ticking: Ticking,
    pub timezone: String,
    pub read_at: Millis,
}

/// What somebody typed into the form of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub id: String,
    pub cron: String,
    pub queue: String,
    /// The payload as JSON text.
    pub job: String,
}

/// What a draft would do, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    pub words: Option<String>,
    pub runs: Vec<Run>,
    pub timezone: String,
    /// Field (`id`, `cron`, `queue`, `job`) and sentence.
    pub problems: Vec<Wrong>,
    /// What is allowed and perhaps not meant.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wrong {
    pub field: String,
    pub text: String,
}

impl Preview {
    pub fn wrong(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|p| p.field == field).map(|p| p.text.as_str())
    }
}

/// What Doctor asks of schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchedulesHealth {
    pub ticking: Ticking,
    pub total: u64,
    /// Schedules that were looked at: those that run next, at most 500.
    pub looked_at: u64,
    /// On, in order and overdue: nobody ticks them.
    pub unticked: Vec<String>,
    /// Broken ones that are on, with the reason.
    pub broken: Vec<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    pub id: String,
    pub problem: String,
}
