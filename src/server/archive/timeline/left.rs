//! Failures that nothing followed: of these alone a job is pushed again together with others.

use super::{
    deeds::{self, Bulk},
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
    server::archive::{db::Db, error::ArchiveError, record::stored_queue, sql::sql},
};

/// The library keeps so many failed jobs of a queue in Redis, the newest.
const KEPT: u64 = 1_000;
/// A row is written moments after its failure, by another clock, and MySQL's times are whole seconds.
const SECOND_MS: i64 = 1_000;

/// The failure that this row tells of, if it is the newest of its job and nothing is known that came after it: no other end or run, no
/// operator who moved the job by name, and no action on many failed jobs while it may have been among them. `operations`: what Redis
/// tells of those under way and of the last day; their lines may not be written yet.
pub async fn left(db: &Db, queue: &QueueName, id: &str, row: i64, operations: &[Operation]) -> Result<Option<ArchivedRow>, ArchiveError> {
    let all = of_itself(db, queue, id).await?;
    let Some(failure) = shown(&all.rows).filter(|newest| newest.row == row && ended::is_last(&all, newest)) else { return Ok(None) };
    let since = since(failure);
    if all.deeds.iter().any(|deed| deed.at >= since && deed.moved()) {
        return Ok(None);
    }
    let lately = || operations.iter().filter(|o| o.queue == *queue && o.started_at >= since && took(o));
    let mut bulk = deeds::on_failed(db, queue, since).await?;
    bulk.extend(lately().map(of_operation));
    bulk.sort_by_key(|action| action.at);
    // What Redis had dropped before the first of them was there for none.
    if let Some(first) = bulk.iter().find(|action| action.may_mean(&all.rows)) {
        let lately: u64 = lately().filter(|o| o.started_at < first.at).map(|o| o.outcome.done).sum();
        let taken = deeds::taken(db, queue, since, first.at).await?.saturating_add(lately);
        if !dropped(db, queue, row, first.at, taken).await? {
            return Ok(None);
        }
    }
    Ok(Some(failure.clone()))
}

/// From when on what was done counts. A worker's clock that is ahead hides nothing.
fn since(failure: &ArchivedRow) -> Millis {
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
    takes && operation.status != OperationStatus::Waiting && (operation.outcome.done > 0 || !operation.status.is_over())
}

fn of_operation(operation: &Operation) -> Bulk {
    Bulk { at: operation.started_at, who: String::new(), result: String::new(), filter: operation.filter.clone() }
}

/// Whether so many failures of the queue had come behind it by then that Redis did not have it any more, with so many `taken` out of the
/// list meanwhile, each of which made room.
async fn dropped(db: &Db, queue: &QueueName, row: i64, at: Millis, taken: u64) -> Result<bool, ArchiveError> {
    let (dialect, most) = (db.dialect(), KEPT.saturating_add(taken));
    let text = format!(
        "SELECT COUNT(*) FROM (SELECT a.id FROM flux_job_archive a WHERE a.status = 'failed' AND a.id > ? AND a.archived_at <= {}",
        dialect.at()
    );
    let asked = sql(text).bind(row).bind(at.0).and_is(dialect, "a.queue", stored_queue(dialect, queue.as_str()));
    let behind = db.one(asked.then(" LIMIT ?) behind").bind(most), |row| row.count(0)).await?;
    Ok(behind.is_some_and(|rows| rows >= most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::Outcome;

    #[test]
    fn an_operation_takes_jobs_once_it_runs() {
        let operation = |verb, state, status, done| Operation {
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
        };
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
}
