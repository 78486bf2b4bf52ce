//! Which rows mean what they say.
//!
//! The library completes every job in a `finally`: a failed attempt leaves a `completed` row as well, and a retried one carries
//! the number of the coming attempt by then. Rows of one job are cut into lives (a life begins when the job is pushed afresh),
//! and judged life by life (stream-protocol.md §5).

use super::record::SAME_MS;
use crate::model::{
    archive::{Status, Verdict},
    time::Millis,
};
use std::collections::{BTreeMap, HashSet};

/// What judging needs of a row.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: Status,
    /// Number of the run that the payload names; 0 or absent: never run.
    pub attempt: Option<u64>,
    pub created_at: Option<Millis>,
    /// When it was written down.
    pub at: Option<Millis>,
    /// Of a dead letter, as its payload says.
    pub failed_at: Option<Millis>,
}

impl Seen {
    fn run(&self) -> u64 {
        self.attempt.unwrap_or(0).max(1)
    }

    /// The job was put into its queue, not by a worker that retries it.
    fn pushed(&self) -> bool {
        self.status == Status::Waiting && self.attempt.unwrap_or(0) == 0
    }

    /// Whether it tells of something that came after this push. MySQL's times are whole seconds: what a run leaves in the second of a push is
    /// of that push.
    fn comes_after(&self, push: &Self) -> bool {
        let own = if self.status == Status::Failed { self.failed_at.or(self.at) } else { self.at };
        own.zip(push.at).is_some_and(|(own, push)| own > push || own == push && push.0 % 1_000 == 0)
    }

    fn same(&self, other: &Self) -> bool {
        let created = self.created_at.is_some() && self.created_at == other.created_at;
        let told = match (self.status, self.at.zip(other.at)) {
            // The library stamps a job anew before it writes that it completed; a schedule pushes the same one again and again.
            (Status::Completed, Some((a, b))) => (a.0 - b.0).abs() <= SAME_MS,
            (Status::Waiting, Some((a, b))) => created && (a.0 - b.0).abs() <= SAME_MS,
            _ => created,
        };
        self.status == other.status && self.run() == other.run() && told
    }
}

/// `rows` are one job's, oldest first, all of them. `succeeded` are attempts of which the event channel said that they completed.
pub fn judge(rows: &[Seen], succeeded: &HashSet<u64>) -> Vec<Verdict> {
    let denied = denied(rows);
    let order = ordered(rows, &denied);
    let told: Vec<Seen> = order.iter().map(|at| rows[*at].clone()).collect();
    let judged = lives(&told).flat_map(|life| judge_life(life, succeeded));
    let mut verdicts = vec![Verdict::Unknown; rows.len()];
    for (at, verdict) in order.into_iter().zip(judged) {
        verdicts[at] = if verdict == Verdict::Sure && denied.contains_key(&at) { Verdict::FailedAttempt } else { verdict };
    }
    verdicts
}

/// The places of the rows in the order of what they tell: a failure that was copied late comes before the completion that it denies, and
/// a push that was written down late before what came of it.
pub fn order(rows: &[Seen]) -> Vec<usize> {
    ordered(rows, &denied(rows))
}

/// A console writes its pushes down when there is time for it, and a worker may have run the job by then.
fn pushes_first(rows: &[Seen]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let came = |before: &&usize| !rows[**before].pushed() && rows[**before].comes_after(row);
        let over = if row.pushed() { order.iter().rev().take_while(came).count() } else { 0 };
        order.insert(order.len() - over, at);
    }
    order
}

fn ordered(rows: &[Seen], denied: &BTreeMap<usize, usize>) -> Vec<usize> {
    let late = |completed: usize| denied.get(&completed).copied().filter(|failed| *failed > completed);
    let moved: HashSet<usize> = denied.keys().filter_map(|completed| late(*completed)).collect();
    pushes_first(rows).into_iter().filter(|at| !moved.contains(at)).flat_map(|at| late(at).into_iter().chain([at])).collect()
}

/// Completions of attempts that failed, each with the failure that says so, by place. The library stamps a job anew for either row,
/// moments apart. A failure denies one completion, however many fit: a schedule may push the same job with the same stamp for ever.
fn denied(rows: &[Seen]) -> BTreeMap<usize, usize> {
    // What no worker has touched says 0: it is no attempt that failed.
    let stamp = |row: &Seen| Some((row.attempt.filter(|n| *n > 0)?, row.created_at?.0));
    let of = |status: Status| rows.iter().enumerate().filter(move |(_, row)| row.status == status);
    let mut completed: Vec<((u64, i64), usize)> =
        of(Status::Completed).filter_map(|(at, row)| stamp(row).map(|stamp| (stamp, at))).collect();
    completed.sort_unstable();
    let mut denied = BTreeMap::new();
    for (failed, row) in of(Status::Failed) {
        let Some((run, created)) = stamp(row) else { continue };
        let apart = |at: usize| rows[at].at.zip(row.failed_at.or(row.at)).map_or(i64::MAX, |(a, b)| (a.0 - b.0).abs());
        let from = completed.partition_point(|(stamp, _)| *stamp < (run, created - SAME_MS));
        let near: Vec<_> = completed[from..].iter().take_while(|(stamp, _)| *stamp <= (run, created + SAME_MS)).collect();
        let nearest = near.iter().min_by_key(|((_, stamp), at)| ((stamp - created).abs(), apart(*at), *at));
        let Some(nearest) = nearest.map(|(_, at)| *at) else { continue };
        // Two programs may have written it down: the first of them.
        let first = near.iter().map(|(_, at)| *at).filter(|at| *at == nearest || rows[*at].same(&rows[nearest])).min();
        denied.entry(first.unwrap_or(nearest)).or_insert(failed);
    }
    denied
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
            // What no worker has touched is no attempt that failed (see `denied`).
            Status::Completed if k == 1 => {
                if failed && row.attempt.is_some_and(|n| n > 0) {
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
                created_at: Some(Millis(*at * 10_000)),
                at: Some(Millis(*at * 10_000)),
                failed_at: None,
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

    #[test]
    fn a_push_that_is_written_down_late_begins_its_life_all_the_same() {
        let row = |status, attempt, ms| Seen { attempt: Some(attempt), ..seen(status, ms, ms) };
        let push = |ms| Seen { created_at: Some(Millis(5)), ..row(Waiting, 0, ms) };
        // Retried from the archive: the first attempt failed before the push was written down.
        let rows = [row(Completed, 2, 1_011), push(1_004), row(Completed, 2, 3_020)];
        assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2], vec![FailedAttempt, Sure, Sure]));
        // After an earlier life, and after all of its own.
        let rows = [row(Failed, 1, 1_004), row(Completed, 1, 1_005), row(Completed, 2, 60_011), row(Completed, 2, 62_030), push(60_001)];
        assert_eq!((order(&rows), late(&rows)), (vec![0, 1, 4, 2, 3], vec![Sure, FailedAttempt, FailedAttempt, Sure, Sure]));
        // A failure that was copied late happened before the push that follows it.
        let rows = [row(Completed, 1, 1_005), seen(Failed, 1_004, 90_007), push(60_001), row(Completed, 1, 60_011)];
        assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2, 3], vec![FailedAttempt, Sure, Sure, Sure]));
        // Whole seconds, as in MySQL.
        let rows = [row(Completed, 2, 7_000), push(7_000), row(Completed, 2, 9_000)];
        assert_eq!(late(&rows), [FailedAttempt, Sure, Sure]);
        // Two pushes that are written down together.
        let rows = [row(Completed, 1, 8_003), push(8_001), push(68_001), row(Completed, 1, 68_009)];
        assert_eq!((order(&rows), late(&rows)), (vec![1, 0, 2, 3], vec![Sure, Sure, Sure, Sure]));
    }

    #[test]
    fn each_push_of_a_schedule_begins_a_life() {
        // Its job has one stamp for ever; each run fails once and completes then.
        let at = |minute: i64, status: Status, attempt: u64, ms: i64| Seen {
            created_at: Some(Millis(if status == Waiting { 5 } else { minute * 60_000 + ms })),
            ..Seen { attempt: Some(attempt), ..seen(status, 0, minute * 60_000 + ms) }
        };
        let run = |n| [at(n, Waiting, 0, 1), at(n, Completed, 2, 15), at(n, Completed, 2, 2_030)];
        let rows: Vec<Seen> = (1..=3).flat_map(run).collect();
        assert_eq!(late(&rows), [Sure, FailedAttempt, Sure].repeat(3));
    }

    /// A row of attempt 1, stamped and written down then.
    fn seen(status: Status, stamped: i64, written: i64) -> Seen {
        let failed_at = (status == Failed).then_some(Millis(stamped));
        Seen { status, attempt: Some(1), created_at: Some(Millis(stamped)), at: Some(Millis(written)), failed_at }
    }

    fn late(rows: &[Seen]) -> Vec<Verdict> {
        judge(rows, &HashSet::new())
    }

    #[test]
    fn a_failure_that_is_copied_late_denies_its_completion() {
        let (completed, failed) = (seen(Completed, 10_004, 10_004), seen(Failed, 10_000, 500_000));
        assert_eq!(late(&[completed.clone(), failed.clone()]), [FailedAttempt, Sure]);
        assert_eq!(order(&[completed.clone(), failed.clone()]), [1, 0]);
        // Both may have the very same stamp, and two programs may have written the completion.
        assert_eq!(late(&[seen(Completed, 10_000, 10_004), failed.clone()]), [FailedAttempt, Sure]);
        assert_eq!(late(&[completed.clone(), seen(Completed, 10_000, 10_009), failed.clone()]), [FailedAttempt, Again, Sure]);
        // Retried by an operator before the failure was copied.
        let again = seen(Completed, 90_000, 90_000);
        assert_eq!(late(&[completed.clone(), again.clone(), failed.clone()]), [FailedAttempt, Sure, Sure]);
        // And the other way round: pushed afresh before its completion was written.
        let afresh = Seen { attempt: Some(0), ..seen(Waiting, 20_000, 20_000) };
        assert_eq!(late(&[failed.clone(), afresh, completed, again.clone()]), [Sure, Sure, FailedAttempt, Sure]);
        // Another attempt, and what no worker has touched.
        let other = Seen { attempt: Some(2), ..failed.clone() };
        assert_eq!(late(&[seen(Completed, 10_004, 10_004), other])[0], Sure);
        let untouched = Seen { attempt: Some(0), ..seen(Completed, 10_000, 10_004) };
        assert_eq!(late(&[untouched, failed])[0], Sure);
    }

    #[test]
    fn of_a_schedules_runs_one_alone_is_denied() {
        for anew in [true, false] {
            let stamp = |at: i64| if anew { at } else { 5 };
            let mut rows: Vec<Seen> = (1..=4).map(|n| seen(Completed, stamp(n * 60_000), n * 60_000)).collect();
            rows.push(Seen { failed_at: Some(Millis(119_990)), ..seen(Failed, stamp(119_990), 900_000) });
            assert_eq!(late(&rows), [Sure, FailedAttempt, Sure, Sure, Sure], "stamped anew: {anew}");
        }
    }
}
