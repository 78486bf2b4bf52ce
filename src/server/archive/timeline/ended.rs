//! How a job ended of which a row is shown; no I/O. Rows and runs that come after it may tell more than the row.

use super::{All, tell::APART_MS};
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

/// How the job ended after this row, where that is not what the row says. A row that was `asked` for and tells of no failure stands
/// for itself: a schedule's job has other runs without end.
pub fn later(all: &All, row: &ArchivedRow, asked: bool) -> Option<Status> {
    let own = end(row);
    if asked && own != Some(Status::Failed) {
        return None;
    }
    // One that is not among these is older than all of them.
    let behind = all.rows.iter().position(|r| r.row == row.row).map_or(0, |place| place + 1);
    let rows = all.rows[behind..].iter().filter(|r| r.verdict != Verdict::Again);
    let (status, since) = rows.filter_map(|r| Some((end(r)?, at(r)))).next_back().map_or((own, at(row)), |(end, at)| (Some(end), at));
    let runs = all.runs.iter().map(|told| &told.attempt).filter(|run| since.is_some_and(|since| run.ended_at > since));
    let last = runs.filter_map(end_of_run).next_back().or(status);
    if last == own { None } else { last }
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
