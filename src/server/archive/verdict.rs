//! Which rows mean what they say.
//!
//! The library completes every job in a `finally`: a failed attempt leaves a `completed` row as well, and a retried one carries
//! the number of the coming attempt by then. Rows of one job are cut into lives (a life begins when the job is pushed afresh),
//! and judged life by life (stream-protocol.md §5).

use crate::model::{
    archive::{Status, Verdict},
    time::Millis,
};
use std::collections::HashSet;

/// What judging needs of a row.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: Status,
    /// Number of the run that the payload names; 0 or absent: never run.
    pub attempt: Option<u64>,
    pub created_at: Option<Millis>,
    /// When it was written down.
    pub at: Option<Millis>,
}

impl Seen {
    fn run(&self) -> u64 {
        self.attempt.unwrap_or(0).max(1)
    }

    fn same(&self, other: &Self) -> bool {
        let created = self.created_at.is_some() && self.created_at == other.created_at;
        let told = match (self.status, self.at.zip(other.at)) {
            // The library stamps a job anew before it writes that it completed; a schedule pushes the same one again and again.
            (Status::Completed, Some((a, b))) => (a.0 - b.0).abs() <= super::record::SAME_MS,
            _ => created,
        };
        self.status == other.status && self.run() == other.run() && told
    }
}

/// `rows` are one job's, oldest first, all of them. `succeeded` are attempts of which the event channel said that they completed.
pub fn judge(rows: &[Seen], succeeded: &HashSet<u64>) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(rows.len());
    for life in lives(rows) {
        verdicts.extend(judge_life(life, succeeded));
    }
    verdicts
}

fn lives(rows: &[Seen]) -> impl Iterator<Item = &[Seen]> {
    let mut starts = vec![0];
    for at in 1..rows.len() {
        let begun = starts.last().copied().unwrap_or(0);
        if begins(&rows[begun..at], &rows[at]) {
            starts.push(at);
        }
    }
    starts.push(rows.len());
    starts.windows(2).map(|pair| &rows[pair[0]..pair[1]]).collect::<Vec<_>>().into_iter()
}

/// Whether `next` begins another life after these rows.
fn begins(life: &[Seen], next: &Seen) -> bool {
    if life.iter().any(|row| row.same(next)) {
        return false;
    }
    if next.status == Status::Waiting {
        return next.attempt.unwrap_or(0) == 0;
    }
    let failed = |k: u64| life.iter().any(|r| r.status == Status::Failed && r.run() == k);
    let completed = |k: u64| life.iter().filter(|r| r.status == Status::Completed && r.run() == k).count();
    // A dead letter with its false completion, or a true completion: what comes with a first attempt after it was pushed afresh.
    let over = (1..=life.iter().map(Seen::run).max().unwrap_or(1)).any(|k| {
        let own = if k == 1 { 1 } else { 2 };
        if failed(k) {
            completed(k) >= own
        } else {
            completed(k) >= own && k > 1 || completed(1) >= 1 && !failed(1) && life.iter().all(|r| r.run() <= 1)
        }
    });
    over && next.run() == 1 && (next.status == Status::Completed || next.status == Status::Failed)
}

fn judge_life<'a>(life: &'a [Seen], succeeded: &'a HashSet<u64>) -> impl Iterator<Item = Verdict> + 'a {
    life.iter().enumerate().map(move |(at, row)| {
        let before = &life[..at];
        if row.status != Status::Waiting && before.iter().any(|r| r.same(row)) && !twice(before, row) {
            return Verdict::Again;
        }
        let k = row.run();
        let failed = life.iter().any(|r| r.status == Status::Failed && r.run() == k);
        match row.status {
            Status::Waiting | Status::Failed => Verdict::Sure,
            Status::Other => Verdict::Unknown,
            Status::Completed if k == 1 => {
                if failed {
                    Verdict::FailedAttempt
                } else {
                    Verdict::Sure
                }
            }
            Status::Completed => {
                let (earlier, all) = (completed(before, k), completed(life, k));
                match earlier {
                    // The only one: of the attempt before, unless the channel said that this one completed.
                    0 if all == 1 && succeeded.contains(&k) && !failed => Verdict::Sure,
                    0 => Verdict::FailedAttempt,
                    1 if failed => Verdict::FailedAttempt,
                    1 => Verdict::Sure,
                    _ => Verdict::Again,
                }
            }
        }
    })
}

fn completed(rows: &[Seen], k: u64) -> usize {
    rows.iter().filter(|r| r.status == Status::Completed && r.run() == k).count()
}

/// The second `completed` row of a later attempt looks like the first and is another statement.
fn twice(before: &[Seen], row: &Seen) -> bool {
    row.status == Status::Completed && row.run() > 1 && completed(before, row.run()) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Completed, Failed, Waiting};
    use Verdict::{Again, FailedAttempt, Sure};

    fn judged(rows: &[(Status, u64, i64)]) -> Vec<Verdict> {
        told(rows, &[])
    }

    fn told(rows: &[(Status, u64, i64)], succeeded: &[u64]) -> Vec<Verdict> {
        let rows: Vec<Seen> = rows
            .iter()
            .map(|(status, k, at)| Seen {
                status: *status,
                attempt: Some(*k),
                created_at: Some(Millis(*at)),
                at: Some(Millis(*at * 10_000)),
            })
            .collect();
        judge(&rows, &succeeded.iter().copied().collect())
    }

    #[test]
    fn the_lives_of_the_recording() {
        assert_eq!(judged(&[(Waiting, 0, 1), (Completed, 1, 1)]), [Sure, Sure], "ok-0");
        assert_eq!(judged(&[(Waiting, 0, 1), (Failed, 1, 1), (Completed, 1, 1)]), [Sure, Sure, FailedAttempt], "dead-1");
        assert_eq!(
            judged(&[(Waiting, 0, 1), (Waiting, 2, 2), (Completed, 2, 1), (Failed, 2, 3), (Completed, 2, 3)]),
            [Sure, Sure, FailedAttempt, Sure, FailedAttempt],
            "dead-2"
        );
        assert_eq!(
            judged(&[(Waiting, 0, 1), (Waiting, 2, 2), (Completed, 2, 1), (Completed, 2, 2)]),
            [Sure, Sure, FailedAttempt, Sure],
            "flaky-1"
        );
    }

    #[test]
    fn without_waiting_rows_the_order_still_tells() {
        assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1)]), [Sure, FailedAttempt]);
        assert_eq!(judged(&[(Completed, 2, 1), (Completed, 2, 2)]), [FailedAttempt, Sure]);
        assert_eq!(judged(&[(Completed, 2, 1)]), [FailedAttempt], "one alone is of the attempt before");
        assert_eq!(told(&[(Completed, 2, 1)], &[2]), [Sure], "unless the channel said that attempt 2 completed");
    }

    #[test]
    fn an_operators_retry_begins_another_life() {
        assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1), (Waiting, 0, 9), (Completed, 1, 9)]), [Sure, FailedAttempt, Sure, Sure]);
        assert_eq!(judged(&[(Failed, 1, 1), (Completed, 1, 1), (Completed, 1, 9)]), [Sure, FailedAttempt, Sure]);
        assert_eq!(
            judged(&[(Failed, 1, 1), (Completed, 1, 1), (Failed, 1, 9), (Completed, 1, 9)]),
            [Sure, FailedAttempt, Sure, FailedAttempt]
        );
    }

    #[test]
    fn what_two_programs_wrote_counts_once() {
        assert_eq!(judged(&[(Failed, 1, 1), (Failed, 1, 1), (Completed, 1, 1)]), [Sure, Again, FailedAttempt]);
        assert_eq!(judged(&[(Completed, 1, 1), (Completed, 1, 1)]), [Sure, Again]);
    }
}
