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
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
};

/// Two rows of one push may be so far apart; two runs of a schedule are about a second apart at least.
const ONE_PUSH_MS: i64 = 500;

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

    /// A push with an old stamp: of a schedule, a copy or a retry from the archive. The library stamps what it pushes.
    fn keeps_its_stamp(&self) -> bool {
        self.at.is_some_and(|at| self.created_at.is_none_or(|created| (at.0 - created.0).abs() > SAME_MS))
    }

    /// When it came, beside this push. MySQL's times are whole seconds: what came in the second of a push may be on either side of it.
    fn beside(&self, push: &Self) -> Option<Ordering> {
        let own = if self.status == Status::Failed { self.failed_at.or(self.at) } else { self.at };
        let (own, at) = own.zip(push.at)?;
        let own = if push.in_a_whole_second() { own.0 - own.0.rem_euclid(1_000) } else { own.0 };
        Some(own.cmp(&at.0))
    }

    fn in_a_whole_second(&self) -> bool {
        self.at.is_some_and(|at| at.0 % 1_000 == 0)
    }

    /// Whether this push is a retry of what the row tells of: it has that stamp, and a failure and its false completion are stamped moments
    /// apart. Whatever a worker's clock says, the row came before.
    fn is_again(&self, row: &Self) -> bool {
        self.created_at.zip(row.created_at).is_some_and(|(a, b)| (a.0 - b.0).abs() <= SAME_MS)
    }

    fn same(&self, other: &Self) -> bool {
        let created = self.created_at.is_some() && self.created_at == other.created_at;
        let told = match (self.status, self.at.zip(other.at)) {
            // The library stamps a job anew before it writes that it completed; a schedule pushes the same one again and again.
            (Status::Completed, Some((a, b))) => (a.0 - b.0).abs() <= SAME_MS,
            (Status::Waiting, Some((a, b))) => created && (a.0 - b.0).abs() < ONE_PUSH_MS,
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
/// a push that a console wrote down late before what came of it.
pub fn order(rows: &[Seen]) -> Vec<usize> {
    ordered(rows, &denied(rows))
}

/// A console writes its pushes down when there is time for it, and a worker may have run the job by then. The library writes its own in
/// their order, so these stay where they are: a worker's clock, and the whole seconds of MySQL, tell less than that.
fn pushes_first(rows: &[Seen]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let over = if row.pushed() && row.keeps_its_stamp() { came_of(row, rows, &order) } else { 0 };
        order.insert(order.len() - over, at);
    }
    order
}

/// How many of the last ones in `order` came of this push.
fn came_of(push: &Seen, rows: &[Seen], order: &[usize]) -> usize {
    let last = |order: &[usize], when: Ordering| {
        let came = |row: &Seen| !row.pushed() && !push.is_again(row) && row.beside(push) == Some(when);
        order.iter().rev().take_while(|at| came(&rows[**at])).count()
    };
    let later = last(order, Ordering::Greater);
    let order = &order[..order.len() - later];
    let beside = if push.in_a_whole_second() { last(order, Ordering::Equal) } else { 0 };
    let order = &order[..order.len() - beside];
    // What ends in this second may be of the push before, if nothing else ended that.
    let before = order.iter().rposition(|at| rows[*at].pushed()).filter(|_| beside > 0);
    let ended = before.is_none_or(|from| {
        let life: Vec<Seen> = order[from..].iter().map(|at| rows[*at].clone()).collect();
        life.iter().any(|row| row.status == Status::Failed) || over(&life)
    });
    if ended { later + beside } else { later }
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
    over(life) && next.run() == 1 && (next.status == Status::Completed || next.status == Status::Failed)
}

/// A dead letter with its false completion, or a true completion: what comes with a first attempt after it was pushed afresh.
fn over(life: &[Seen]) -> bool {
    let failed = |k: u64| life.iter().any(|r| r.status == Status::Failed && r.run() == k);
    let completed = |k: u64| life.iter().filter(|r| r.status == Status::Completed && r.run() == k).count();
    (1..=life.iter().map(Seen::run).max().unwrap_or(1)).any(|k| {
        let own = if k == 1 { 1 } else { 2 };
        if failed(k) {
            completed(k) >= own
        } else {
            completed(k) >= own && k > 1 || completed(1) >= 1 && !failed(1) && life.iter().all(|r| r.run() <= 1)
        }
    })
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
mod tests;
