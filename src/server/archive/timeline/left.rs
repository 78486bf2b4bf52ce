//! Failures that nothing followed: of these alone a job is pushed again together with others.

use super::{
    MOST,
    bulk::{self, Bulk},
    deeds::Deed,
    ended, of_itself, shown,
};
use crate::{
    model::{
        archive::ArchivedRow,
        ids::QueueName,
        job::JobState,
        operation::{Operation, OperationStatus, Verb},
        time::Millis,
    },
    server::archive::{audit, db::Db, error::ArchiveError, record::stored_queue, sql::sql},
};

/// The library keeps so many failed jobs of a queue in Redis, the newest.
pub const KEPT: u64 = 1_000;
/// No more rows are looked at to see whether it had dropped one.
const COUNTED: u64 = 20_000;
/// A row is written moments after its failure, by another clock, and MySQL's times are whole seconds.
const SECOND_MS: i64 = 1_000;
/// The clocks of workers and consoles are taken to be no further apart.
const CLOCKS_MS: i64 = 10 * 60_000;
/// A worker's clock is taken to be no further behind. Each minute more leaves alone what failed in that minute before a retry of all.
const BEHIND_MS: i64 = 60_000;

/// The failure that this row tells of, if it is the newest of its job and nothing is known that came after it: no other end or run, no
/// operator or operation that moved the job by name, and no action on many failed jobs while it may have been among them. `operations`:
/// what Redis tells of those under way and of the last day; their lines may not be written yet. `border`: what failed before may have lost
/// what came after it. `cut`: the queue's list in Redis is no longer than the library lets it be. What cannot be told is not left.
pub async fn left(
    db: &Db,
    queue: &QueueName,
    id: &str,
    row: i64,
    operations: &[Operation],
    border: Millis,
    cut: bool,
) -> Result<Option<ArchivedRow>, ArchiveError> {
    let all = of_itself(db, queue, id).await?;
    let Some(failure) = shown(&all.rows).filter(|newest| newest.row == row && ended::is_last(&all, newest)) else { return Ok(None) };
    let since = since(failure);
    // A job that was deleted does not come back by itself: a deletion counts also where the worker's clock was ahead.
    let counts = |deed: &Deed| deed.at >= since || (deed.verb == "discard" && deed.at.0 + CLOCKS_MS >= since.0);
    if since < border || all.deeds.iter().any(|deed| counts(deed) && deed.moved()) {
        return Ok(None);
    }
    if audit::is_named_alone(db, id).await? {
        return Ok(None);
    }
    let mut bulk = bulk::on_failed(db, queue, since).await?;
    if bulk.len() >= MOST && !bulk.iter().any(|action| action.may_mean(&all.rows)) {
        return Ok(None);
    }
    let lately = || operations.iter().filter(|o| o.queue == *queue && may_have_come_since(o, since) && took(o));
    bulk.extend(lately().map(of_operation));
    bulk.sort_by_key(|action| action.at);
    // What Redis had dropped before the first of them was there for none.
    if let Some(first) = bulk.iter().find(|action| action.may_mean(&all.rows)) {
        // Other producers let their lists grow: who took more than the library keeps met such a list, or one that was restored.
        if !cut || bulk.iter().any(|action| action.jobs > KEPT && action.may_mean(&all.rows)) {
            return Ok(None);
        }
        let lately: u64 = lately().filter(|o| o.started_at < first.at).map(at_most).sum();
        let Some(taken) = bulk::taken(db, queue, since, first.at).await? else { return Ok(None) };
        if !dropped(db, queue, failure, first.at, taken.saturating_add(lately)).await? {
            return Ok(None);
        }
    }
    Ok(Some(failure.clone()))
}

/// By a clock that is behind it began before the failure: one that goes on counts all the same.
fn may_have_come_since(operation: &Operation, since: Millis) -> bool {
    operation.started_at >= since || !operation.status.is_over()
}

/// From when on what was done counts: of a row that a console wrote, a worker's clock that is ahead hides nothing. The library's rows have
/// no other time than the worker's.
pub fn since(failure: &ArchivedRow) -> Millis {
    match (failure.failed_at, failure.archived_at) {
        (Some(failed), Some(archived)) if archived.0 + SECOND_MS < failed.0 => archived,
        (failed, archived) => failed.or(archived).unwrap_or(Millis(0)),
    }
}

/// Whether the operation takes failed jobs out of the list; one that waits for its turn took none.
fn took(operation: &Operation) -> bool {
    let takes = match operation.verb {
        Verb::Retry | Verb::Discard => operation.state == Some(JobState::Failed),
        Verb::ClearFailed | Verb::Purge => true,
        Verb::Promote | Verb::Restore | Verb::RetryArchived => false,
    };
    let may_have = operation.outcome.done > 0 || !operation.status.is_over() || operation.is_unsure();
    takes && operation.status != OperationStatus::Waiting && may_have
}

fn of_operation(operation: &Operation) -> Bulk {
    let (who, result) = (String::new(), String::new());
    Bulk { at: operation.started_at, who, result, filter: operation.filter.clone(), jobs: at_most(operation) }
}

/// Jobs that it can have taken.
fn at_most(operation: &Operation) -> u64 {
    if operation.status.is_over() && !operation.is_unsure() { operation.outcome.done } else { operation.total.max(operation.outcome.done) }
}

/// Whether so many failures of the queue had come behind it by then that Redis did not have it any more, with so many `taken` out of the
/// list meanwhile, each of which made room. A failure may have two rows, the library's and the console's, and some are older than their
/// places say: those of a list that was there before the archive. Where there are twice as many rows, that is no matter, and an index
/// alone tells; else jobs are counted that failed later.
async fn dropped(db: &Db, queue: &QueueName, failure: &ArchivedRow, at: Millis, taken: u64) -> Result<bool, ArchiveError> {
    let most = KEPT.saturating_add(taken);
    let twice = most.saturating_mul(2);
    if twice > COUNTED {
        return Ok(false);
    }
    let until = Millis(at.0.saturating_sub(BEHIND_MS));
    if stood_behind(db, queue, failure.row, twice, until).await? {
        return Ok(true);
    }
    // The library stamps a failure with the time at which it failed.
    let Some(failed_at) = failure.failed_at.or(failure.created_at) else { return Ok(false) };
    if !stood_behind(db, queue, failure.row, most, until).await? {
        return Ok(false);
    }
    let dialect = db.dialect();
    let behind = sql("SELECT COUNT(DISTINCT b.job_id) FROM (SELECT a.job_id, a.created_at, a.archived_at FROM flux_job_archive a \
         WHERE a.status = 'failed' AND a.id > ?")
    .bind(failure.row)
    .and_is(dialect, "a.queue", stored_queue(dialect, queue.as_str()))
    .then(" ORDER BY a.id LIMIT ?")
    .bind(twice);
    let later = format!(") b WHERE b.created_at >= {} AND {} <= ?", dialect.at(), dialect.ms("b.archived_at"));
    let jobs = db.one(behind.then(&later).bind(failed_at.0).bind(until.0), |row| row.count(0)).await?;
    Ok(jobs.unwrap_or(0) >= most)
}

/// Whether so many failed rows of the queue stand behind this one, the last of them archived by then.
async fn stood_behind(db: &Db, queue: &QueueName, row: i64, rows: u64, until: Millis) -> Result<bool, ArchiveError> {
    let dialect = db.dialect();
    let text = format!("SELECT {} FROM flux_job_archive a WHERE a.status = 'failed' AND a.id > ?", dialect.ms("a.archived_at"));
    let asked = sql(text).bind(row).and_is(dialect, "a.queue", stored_queue(dialect, queue.as_str()));
    let last = db.one(asked.then(" ORDER BY a.id LIMIT 1 OFFSET ?").bind(rows.saturating_sub(1)), |row| row.int(0)).await?;
    Ok(last.flatten().is_some_and(|archived| archived <= until.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::{BEFORE_ITS_TURN, Outcome};

    fn operation(verb: Verb, state: Option<JobState>, status: OperationStatus, done: u64) -> Operation {
        Operation {
            id: "1".into(),
            verb,
            queue: QueueName::try_from("mail").expect("a name"),
            state,
            status,
            total: 9,
            outcome: Outcome { done, ..Outcome::default() },
            started_at: Millis(1),
            finished_at: None,
            message: None,
            filter: None,
            who: None,
        }
    }

    #[test]
    fn an_operation_takes_jobs_once_it_runs() {
        let failed = Some(JobState::Failed);
        for (verb, state, status, done, expected) in [
            (Verb::Retry, failed, OperationStatus::Running, 0, true),
            (Verb::Retry, failed, OperationStatus::Waiting, 0, false),
            (Verb::Retry, failed, OperationStatus::Done, 0, false),
            (Verb::Discard, failed, OperationStatus::Cancelled, 3, true),
            (Verb::Discard, Some(JobState::Delayed), OperationStatus::Done, 3, false),
            (Verb::Purge, None, OperationStatus::Done, 3, true),
            (Verb::RetryArchived, None, OperationStatus::Running, 3, false),
        ] {
            assert_eq!(took(&operation(verb, state, status, done)), expected, "{verb:?} {status:?} {done}");
        }
    }

    /// Its console was killed before it wrote anything down.
    #[test]
    fn one_that_was_killed_may_have_taken_all() {
        let killed = operation(Verb::Retry, Some(JobState::Failed), OperationStatus::Interrupted, 0);
        assert!(took(&killed) && at_most(&killed) == 9);
        let stopped = Operation { finished_at: Some(Millis(2)), ..killed.clone() };
        assert!(!took(&stopped) && at_most(&stopped) == 0);
        assert!(!took(&Operation { message: Some(BEFORE_ITS_TURN.into()), ..killed }), "its turn had not come");
    }
}
