//! Bulk operations and the trash: what runs in the background leaves its audit line when it has ended.

use super::{
    audit::{self, Came},
    is_queue, now, wrong_state,
};
use crate::model::{
    error::ApiError,
    ids::QueueName,
    job::JobState,
    operation::{LISTED, Operation, OperationStatus, PurgePreview, TrashEntry, Verb},
};
use crate::server::{archive::audit as past, driver::redis::trash::Keep, state::AppState};
use std::{collections::HashSet, time::Duration};

/// The list is part of live pages: an archive that is slower than this is left out.
const ARCHIVE_WITHIN: Duration = Duration::from_millis(400);

impl Came for Operation {
    fn result(&self) -> String {
        format!("asked for: {} of {}", self.outcome.done, self.total)
    }
}

pub async fn retry_all(state: &AppState, queue: &QueueName, base: bool) -> Result<Operation, ApiError> {
    let begin = async {
        is_queue(state, queue)?;
        state.operations.retry_all(state, queue, base).await
    };
    begun(state, Verb::Retry, queue, Some(JobState::Failed), begin).await
}

pub async fn promote_all(state: &AppState, queue: &QueueName) -> Result<Operation, ApiError> {
    let begin = async {
        is_queue(state, queue)?;
        state.operations.promote_all(state, queue).await
    };
    begun(state, Verb::Promote, queue, Some(JobState::Delayed), begin).await
}

pub async fn discard_all(state: &AppState, queue: &QueueName, from: JobState, keep: bool) -> Result<Operation, ApiError> {
    let begin = async {
        is_queue(state, queue)?;
        match from {
            JobState::Failed => state.operations.clear_failed(state, queue, kept(keep)).await,
            JobState::Waiting | JobState::Delayed => state.operations.discard_all(state, queue, from, kept(keep)).await,
            JobState::Grouped | JobState::Active | JobState::Completed => Err(wrong_state(Verb::Discard, from)),
        }
    };
    begun(state, Verb::Discard, queue, Some(from), begin).await
}

pub async fn clear_failed(state: &AppState, queue: &QueueName, keep: bool) -> Result<Operation, ApiError> {
    let begin = async {
        is_queue(state, queue)?;
        state.operations.clear_failed(state, queue, kept(keep)).await
    };
    begun(state, Verb::ClearFailed, queue, Some(JobState::Failed), begin).await
}

pub async fn purge(state: &AppState, queue: &QueueName, keep: bool) -> Result<Operation, ApiError> {
    let begin = async {
        is_queue(state, queue)?;
        state.operations.purge(state, queue, kept(keep)).await
    };
    begun(state, Verb::Purge, queue, None, begin).await
}

fn kept(keep: bool) -> Keep {
    if keep { Keep::AnHour } else { Keep::Nothing }
}

/// One that could not begin leaves its line here.
async fn begun(
    state: &AppState,
    verb: Verb,
    queue: &QueueName,
    from: Option<JobState>,
    begin: impl Future<Output = Result<Operation, ApiError>>,
) -> Result<Operation, ApiError> {
    let asked = audit::asked(state, verb.as_str(), Some(queue));
    let asked = match from {
        Some(from) => asked.of(format!("all {}", from.as_str())),
        None => asked,
    };
    let operation = begin.await;
    asked.begun(state, operation).await
}

/// Whether a worker serves the queue, as far as the console knows: what is due already is left to it.
pub async fn served(state: &AppState, queue: &QueueName) -> Result<Option<bool>, ApiError> {
    is_queue(state, queue)?;
    Ok(state.driver.served_as_known(queue).await?)
}

pub async fn purge_preview(state: &AppState, queue: &QueueName) -> Result<PurgePreview, ApiError> {
    is_queue(state, queue)?;
    Ok(state.driver.purge_preview(queue).await?)
}

/// Those of the last day from Redis, older ones from the archive: first what runs, then what waits, then what is over; newest first.
pub async fn operations(state: &AppState) -> Result<Vec<Operation>, ApiError> {
    let older = async {
        let db = state.archive.db().ok()?;
        tokio::time::timeout(ARCHIVE_WITHIN, past::operations(&db, LISTED)).await.ok()?.ok()
    };
    let (live, older) = tokio::join!(state.driver.operations(now()), older);
    let mut all = match (live, older) {
        (Ok(live), older) => {
            // Redis knows better how one is that it still has.
            let known: HashSet<String> = live.iter().map(|o| o.id.clone()).collect();
            live.into_iter().chain(older.unwrap_or_default().into_iter().filter(|o| !known.contains(&o.id))).collect::<Vec<_>>()
        }
        (Err(error), _) => return Err(error.into()),
    };
    let rank = |o: &Operation| (o.status.is_over(), o.status == OperationStatus::Waiting);
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.started_at.cmp(&a.started_at)).then_with(|| b.id.cmp(&a.id)));
    all.truncate(LISTED);
    Ok(all)
}

pub async fn operation(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    if let Some(operation) = state.driver.operation(id, now()).await? {
        return Ok(operation);
    }
    let past = match state.archive.db() {
        Ok(db) => past::operation(&db, id).await.ok().flatten(),
        Err(_) => None,
    };
    past.ok_or_else(|| ApiError::NotFound {
        detail: format!("There is no operation {id}. Redis keeps operations for a day, the archive for a year."),
    })
}

pub async fn cancel(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    let found = operation(state, id).await;
    let queue = found.as_ref().ok().map(|found| found.queue.clone());
    let asked = audit::asked(state, "cancel", queue.as_ref()).of(format!("operation {id}"));
    let cancel = async {
        // One that is silent may go on later. What Redis has forgotten by now does not.
        if found?.finished_at.is_none() && state.driver.operation(id, now()).await?.is_some() {
            // Seen by whichever console has it, before its next chunk or before it begins.
            state.driver.cancel_operation(id).await?;
        }
        operation(state, id).await
    };
    let cancelled = cancel.await;
    if let Some(queue) = &queue {
        state.watching.nudge_queue(queue);
    }
    asked.answered(state, cancelled).await
}

pub async fn trash(state: &AppState) -> Result<Vec<TrashEntry>, ApiError> {
    Ok(state.driver.trash(now()).await?)
}

pub async fn restore(state: &AppState, id: &str) -> Result<Operation, ApiError> {
    let entry = state.driver.trash_entry(id, now()).await?;
    let Some(entry) = entry else {
        let detail = "These jobs are no longer in the trash: they were restored, or their hour is over.".into();
        return audit::asked(state, Verb::Restore.as_str(), None).of(id).begun(state, Err(ApiError::NotFound { detail })).await;
    };
    let queue = entry.queue.clone();
    let begin = async {
        // In the last moment of its hour it would be emptied while it is put back.
        state.driver.touch_trash(id, now()).await?;
        state.operations.restore(state, entry).await
    };
    begun(state, Verb::Restore, &queue, None, begin).await
}
