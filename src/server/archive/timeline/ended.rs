//! How a job ended of which a row is shown; no I/O. Rows and runs that come after it may tell more than the row.

use super::{All, since, tell::APART_MS};
use crate::model::{
    archive::{ArchivedRow, Attempt, Status, Verdict},
    time::Millis,
};

/// How the attempt ended that a row tells of; `None`: it tells of no end, or does not decide it.
fn end(row: &ArchivedRow) -> Option<Status> {
    match (row.status, row.verdict) {
        (Status::Failed, _) | (Status::Completed, Verdict::FailedAttempt) => Some(Status::Failed),
        (Status::Completed, Verdict::Sure | Verdict::Again) => Some(Status::Completed),
        (Status::Completed, Verdict::Unknown) | (Status::Waiting | Status::Other, _) => None,
    }
}

/// Of one that is put back or was lost it is open how it ends.
fn end_of_run(run: &Attempt) -> Option<Status> {
    match run.outcome.as_str() {
        "completed" => Some(Status::Completed),
        "dead" | "failed" => Some(Status::Failed),
        _ => None,
    }
}

fn at(row: &ArchivedRow) -> Option<Millis> {
    // A whole second may be any moment of it: MySQL's times.
    let latest = |at: Millis| if at.0 % 1_000 == 0 { Millis(at.0 + 999) } else { at };
    row.failed_at.or_else(|| row.archived_at.map(latest))
}

/// Rows of one push: the library stamps a failure and its false completion some milliseconds apart, and a retry keeps the stamp.
const SAME_MS: i64 = 1_500;

/// How the job ended after this row, where that is not what the row says. A schedule's job has other runs without end: a row that was
/// `asked` for and tells of no failure stands for itself, and after a failure only what came of its being retried counts.
pub fn later(all: &All, row: &ArchivedRow, asked: bool) -> Option<Status> {
    let own = end(row);
    if asked && own != Some(Status::Failed) {
        return None;
    }
    // One that is not among these is older than all of them.
    let behind = all.rows.iter().position(|r| r.row == row.row).map_or(0, |place| place + 1);
    let pushed = |r: &ArchivedRow| r.created_at.zip(row.created_at).is_none_or(|(a, b)| (a.0 - b.0).abs() <= SAME_MS);
    let rows = all.rows[behind..].iter().filter(|r| r.verdict != Verdict::Again && (!asked || pushed(r)));
    let (status, since) = rows.filter_map(|r| Some((end(r)?, at(r)))).next_back().map_or((own, at(row)), |(end, at)| (Some(end), at));
    let failed_at = row.failed_at.or(row.archived_at);
    let retried = all.deeds.iter().filter(|deed| deed.verb.starts_with("retry")).map(|deed| deed.at).chain(all.bulk.iter().map(|b| b.at));
    let retried_at = retried.filter(|at| failed_at.is_none_or(|failed| *at >= failed)).min();
    let counts = |run: &Attempt| !asked || retried_at.is_some_and(|at| run.ended_at >= at);
    let runs = all.runs.iter().map(|told| &told.attempt).filter(|run| since.is_some_and(|since| run.ended_at > since) && counts(run));
    let last = runs.filter_map(end_of_run).next_back().or(status);
    if last == own { None } else { last }
}

/// Whether this failure is the last that is known of its job: no other end, and no run since, whatever became of it.
pub fn is_last(all: &All, row: &ArchivedRow) -> bool {
    let failed_at = at(row);
    let ran_since = |run: &Attempt| failed_at.is_none_or(|failed| run.ended_at.0 > failed.0 + APART_MS);
    row.status == Status::Failed
        && later(all, row, false).is_none()
        && !all.runs.iter().any(|told| ran_since(&told.attempt))
        && !completed_since(all, row)
}

/// Whether a run completed after this failure, though a worker's clock may say before: after the row was written, or heard after the run
/// that failed.
fn completed_since(all: &All, row: &ArchivedRow) -> bool {
    let failed_at = row.failed_at.or(row.archived_at);
    let near = |run: &Attempt| failed_at.is_some_and(|failed| (run.ended_at.0 - failed.0).abs() <= APART_MS);
    let failed = |run: &Attempt| end_of_run(run) == Some(Status::Failed) && near(run);
    let heard = all.runs.iter().filter(|told| failed(&told.attempt)).map(|told| told.number).max();
    let written = since(row);
    let mut completed = all.runs.iter().filter(|told| told.attempt.outcome == "completed");
    completed.any(|told| told.attempt.ended_at >= written || heard.is_some_and(|number| told.number > number))
}

/// The run that the row tells of.
pub fn run_of(all: &All, row: &ArchivedRow) -> Option<Attempt> {
    let (own, at) = (end(row)?, row.failed_at.or(row.archived_at)?);
    let apart = |run: &Attempt| (run.ended_at.0 - at.0).abs();
    let runs = all.runs.iter().map(|told| &told.attempt);
    let same = |run: &&Attempt| {
        (run.outcome == "completed") == (own == Status::Completed)
            && apart(run) <= APART_MS
            && run.attempt.is_none_or(|n| Some(n.max(1)) == row.run())
    };
    runs.filter(same).min_by_key(|run| apart(run)).cloned()
}
