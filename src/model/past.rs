//! A job's page when the job has left Redis, and what can be done with it from there.

use super::{
    archive::{ArchivedJob, ArchivedRow, Attempt, Status, Verdict},
    ids::QueueName,
    job::{Found, JobState, JobSummary, TimelineEntry},
    time::Millis,
};
use serde::{Deserialize, Serialize};

/// What the job page is given: the job in Redis, else what the archive remembers of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobAnswer {
    /// `None`: a row of the archive was asked for, and Redis could not be asked.
    pub found: Option<Found>,
    pub past: Option<Box<ArchivedJob>>,
    /// What the archive adds to a job in Redis, where that was asked for with it.
    pub told: Option<Past>,
    /// Why the archive could not be asked, as a sentence.
    pub unavailable: Option<String>,
    /// Otherwise a job that never failed leaves nothing.
    pub completed_kept: bool,
    /// Of one that is found nowhere in its queue: the newest of this id in each other queue that the archive knows it in.
    pub elsewhere: Vec<ArchivedRow>,
    /// When it was asked, of a failure by the clock of Redis, and 0 where that could not be asked: what came later the page does not show.
    pub answered_at: Millis,
    /// When the failure that is shown was pushed again, as far as Redis knows: what came of it the archive may not tell yet.
    pub pushed_at: Option<Millis>,
}

impl JobAnswer {
    /// Before anything was found.
    pub fn empty(completed_kept: bool, answered_at: Millis) -> Self {
        Self { found: None, past: None, told: None, unavailable: None, completed_kept, elsewhere: Vec::new(), answered_at, pushed_at: None }
    }

    /// This answer, or the one before where nothing but its time is new.
    #[must_use]
    pub fn unless_known(self, before: Option<&Self>) -> Self {
        match before {
            Some(before) if (Self { answered_at: before.answered_at, found: self.still(before), ..self.clone() }) == *before => {
                before.clone()
            }
            _ => self,
        }
    }

    /// Of a job that is nowhere in Redis it is not news among how many it was looked for.
    fn still(&self, before: &Self) -> Option<Found> {
        match (&self.found, &before.found) {
            (Some(Found::Gone { .. }), Some(gone @ Found::Gone { .. })) => Some(gone.clone()),
            (found, _) => found.clone(),
        }
    }
}

/// What the archive adds to what Redis tells of a job that is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
    /// Rows of this job; more than the newest 200 are not looked at.
    pub rows: u64,
    /// The newest run that was heard.
    pub last: Option<Attempt>,
    /// Why the archive could not be asked, as a sentence.
    pub unavailable: Option<String>,
}

/// What became of pushing a job again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pushed {
    Done,
    /// The same click came before; nothing was pushed this time.
    Before,
    /// The failure was pushed since the page was made; nothing was pushed now.
    Since,
    /// No worker reads the priority that the payload names; nothing was pushed.
    UnreadPriority,
    /// The payload is no JSON object, or nobody wrote it down; nothing was pushed.
    Unreadable,
}

/// How a job is pushed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushAsk {
    /// Under an id of its own.
    pub copy: bool,
    /// A priority that no worker reads: to the base list.
    pub base: bool,
    /// Names the click; the same one within a minute pushes once.
    pub request: String,
    /// When that was read which is acted on (`answeredAt`): a failure that was pushed since is not pushed again. `None`: some seconds ago.
    #[serde(default)]
    pub seen_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushDone {
    pub pushed: Pushed,
    pub queue: QueueName,
    /// Under which it was pushed.
    pub id: String,
}

/// Rows and payload times may be whole seconds apart from what Redis says of the same moment.
const SAME_MS: i64 = 2_000;

/// The timeline of a job in Redis with what the archive knows besides; what both say stands once.
pub fn together(live: &[TimelineEntry], past: &[TimelineEntry]) -> Vec<TimelineEntry> {
    let mut all = past.to_vec();
    for entry in live {
        let same = |p: &TimelineEntry| p.kind == entry.kind && p.at.zip(entry.at).is_some_and(|(a, b)| (a.0 - b.0).abs() <= SAME_MS);
        // `Written for attempt 2` is the failure of attempt 1, which the archive tells as such.
        let retry = |p: &TimelineEntry| entry.title == "Written" && p.at.zip(entry.at).is_some_and(|(a, b)| (a.0 - b.0).abs() <= SAME_MS);
        if past.iter().any(|p| same(p) || retry(p)) {
            continue;
        }
        let at = all.iter().rposition(|p| p.at.zip(entry.at).is_none_or(|(a, b)| a <= b)).map_or(0, |i| i + 1);
        all.insert(at, entry.clone());
    }
    all
}

/// Whether a job in Redis is the failure with this stamp: one failure is one job, creation and attempt.
pub fn is_failure(job: &JobSummary, created_at: Option<Millis>, attempts: Option<u64>) -> bool {
    // A payload that no worker touched yet says 0; the first run makes it 1.
    let run = |attempts: Option<u64>| attempts.unwrap_or(0).max(1);
    job.state == JobState::Failed && job.created_at == created_at && run(job.attempts) == run(attempts)
}

/// What a row says in two words, and whether that is good (`Some(true)`), bad or neither.
pub fn said(row: &ArchivedRow) -> (&'static str, Option<bool>) {
    match (row.status, row.verdict) {
        (_, Verdict::Unknown) => ("Unknown", None),
        (Status::Completed, Verdict::FailedAttempt) => ("Failed attempt", Some(false)),
        (Status::Completed, Verdict::Sure | Verdict::Again) => ("Completed", Some(true)),
        (Status::Failed, _) => ("Failed", Some(false)),
        (Status::Waiting, _) if row.attempt.unwrap_or(0) > 1 => ("Retried", None),
        (Status::Waiting, _) => ("Enqueued", None),
        (Status::Other, _) => ("Unknown", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, kind: &str, title: &str) -> TimelineEntry {
        TimelineEntry { at: Some(Millis(at)), kind: kind.into(), title: title.into(), detail: None }
    }

    #[test]
    fn a_page_is_as_old_as_what_it_shows() {
        let answer = |at, completed_kept| JobAnswer::empty(completed_kept, Millis(at));
        assert_eq!(answer(9, true).unless_known(Some(&answer(5, true))).answered_at, Millis(5));
        assert_eq!(answer(9, true).unless_known(Some(&answer(5, false))).answered_at, Millis(9));
        assert_eq!(answer(9, true).unless_known(None).answered_at, Millis(9));
    }

    #[test]
    fn what_both_say_stands_once() {
        let live = [entry(30_000, "enqueued", "Written"), entry(60_500, "failed", "Attempt 2 failed"), entry(99_000, "delayed", "Due")];
        let past = [
            entry(1_000, "enqueued", "Enqueued"),
            entry(30_400, "failed", "Attempt 1 failed"),
            entry(60_000, "failed", "Attempt 2 failed, no attempts left"),
        ];
        let titles: Vec<String> = together(&live, &past).into_iter().map(|e| e.title).collect();
        assert_eq!(titles, ["Enqueued", "Attempt 1 failed", "Attempt 2 failed, no attempts left", "Due"]);
        assert_eq!(together(&live, &[]), live);
        let early = [entry(1_000, "enqueued", "Enqueued")];
        assert_eq!(together(&early, &past[1..]).first().map(|e| e.title.as_str()), Some("Enqueued"));
    }
}
