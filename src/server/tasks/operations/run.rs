//! The life of an operation in the background.

use super::{
    Operations,
    work::{Work, step},
};
use crate::model::operation::{LOST_REDIS, Operation, OperationStatus, Verb};
use crate::server::{
    actions::{audit, errors::remembered::Halt, now},
    error::{ASK_THE_PRIMARY, DriverError, MAKE_ROOM},
    state::AppState,
};
use std::time::{Duration, Instant};

/// Progress is written this often; every write also asks whether to stop.
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// A step that found Redis or the archive away is tried again for half a minute.
const TRIES: u32 = 60;
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Steps until the work is done, cancelled, impossible, or the console stops.
pub(super) async fn run(operations: Operations, state: AppState, mut operation: Operation, mut work: Work) {
    // The first step is written down at once: were the console killed, it would look as if nothing had been done.
    let mut saved = None::<Instant>;
    let mut failures = 0u32;
    let mut lost = false;
    operation.status = loop {
        if state.shutdown.is_cancelled() {
            operation.message = Some("The console was stopped. What was done stays done; start it again for the rest.".into());
            break OperationStatus::Interrupted;
        }
        let stepped = step(&state, &operation.queue.clone(), &mut work, &mut operation.outcome).await;
        operations.put(&operation);
        if let Some(named) = work.named() {
            named.write_down(&state, &operation.id).await;
        }
        match stepped {
            Ok(true) => break OperationStatus::Done,
            Ok(false) => failures = 0,
            // A lost connection comes back; a step that is repeated finds what is still to do.
            Err(Halt::Redis(DriverError::Unavailable(_) | DriverError::LockedOut(_))) if failures < TRIES => {
                failures += 1;
                lost = true;
                operation.message = Some(LOST_REDIS.into());
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            Err(Halt::Archive(_)) if failures < TRIES => {
                failures += 1;
                operation.message = Some("The archive could not be asked in between. No job was pushed twice.".into());
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            Err(Halt::Lines) if failures < TRIES => {
                failures += 1;
                operation.message =
                    Some("It waited in between, until the archive knew what was done lately. No job was pushed twice.".into());
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            Err(Halt::Redis(error)) => {
                operation.message = Some(stopped(error));
                break OperationStatus::Failed;
            }
            Err(Halt::Archive(error)) => {
                tracing::warn!(problem = error.problem(), "operation stopped");
                operation.message = Some("The archive could not be asked for half a minute.".into());
                break OperationStatus::Failed;
            }
            Err(Halt::Lines) => {
                let message = "For half a minute the archive did not know what was done lately: many audit lines wait in Redis.";
                operation.message = Some(message.into());
                break OperationStatus::Failed;
            }
        }
        if saved.is_none_or(|at| at.elapsed() >= SAVE_EVERY) {
            saved = Some(Instant::now());
            if let Some(id) = work.holds()
                && let Err(error) = state.driver.touch_trash(id, now()).await
            {
                tracing::warn!(%error, "the trash entry could not be renewed");
            }
            if state.driver.save_operation(&operation, now()).await.unwrap_or(false) {
                break OperationStatus::Cancelled;
            }
            state.watching.nudge_queue(&operation.queue);
        }
    };
    if let Some((trash, keep)) = work.fills() {
        match state.driver.finish_trash(trash, keep).await {
            Ok(id) => operation.outcome.trash = id,
            Err(error) => tracing::warn!(%error, "the trash entry could not be finished"),
        }
    }
    let moved = work.named().map_or_else(Vec::new, |named| named.rest(&operation));
    operation.message = operation.message.or_else(|| work.remark());
    // Whatever else is said in the end: what was done is not known for sure.
    if lost {
        let said = operation.message.take().filter(|said| said != LOST_REDIS);
        operation.message = Some(said.map_or_else(|| LOST_REDIS.into(), |said| format!("{LOST_REDIS} {said}")));
    }
    end_naming(&operations, &state, operation, moved).await;
}

/// The end of one that did not begin.
pub(super) async fn end(operations: &Operations, state: &AppState, operation: Operation) {
    end_naming(operations, state, operation, Vec::new()).await;
}

/// Writes an end down wherever it is looked for. `moved`: jobs that its line is to name.
async fn end_naming(operations: &Operations, state: &AppState, mut operation: Operation, moved: Vec<String>) {
    operation.finished_at = Some(now());
    // Before anybody sees the end and loads the list again; and below, so that the next tick tells of the end.
    state.watching.nudge_queue(&operation.queue);
    operations.put(&operation);
    if let Err(error) = state.driver.save_operation(&operation, now()).await {
        tracing::warn!(%error, operation.id, "the end of an operation could not be written down");
    }
    // What the archive could not be told, the line takes along. Redis away: another console names them.
    let pushed = match operation.verb {
        Verb::RetryArchived => state.driver.pushed(&operation.id).await.unwrap_or_default(),
        Verb::Retry | Verb::Promote | Verb::Discard | Verb::Purge | Verb::ClearFailed | Verb::Restore => moved,
    };
    audit::operation(state, &operation, &pushed);
    state.watching.nudge_queue(&operation.queue);
}

/// Why an operation ended early. Unlike a single action it may have done a part: how much, its outcome says.
pub(super) fn stopped(error: DriverError) -> String {
    let why = match &error {
        DriverError::Full(_) => format!("Redis is out of memory: it takes nothing new. {MAKE_ROOM}"),
        DriverError::ReadOnly(_) => format!("This Redis is a read-only replica. {ASK_THE_PRIMARY}"),
        DriverError::Refused(cause) => format!("Redis answered {}.", cause.code().unwrap_or("with an error")),
        DriverError::Corrupt { key, found } => format!("The key {key} holds {found}."),
        DriverError::LockedOut(_) => "Redis refuses the user or the password in the console's URL.".into(),
        DriverError::Unavailable(_) => "Redis could not be reached for half a minute.".into(),
        DriverError::Unsteady(why) => (*why).to_owned(),
        DriverError::Protocol(_) | DriverError::Partly { .. } => "Redis answered something unexpected.".into(),
    };
    tracing::warn!(%error, "operation stopped");
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_others_change_is_told_as_such() {
        assert_eq!(stopped(DriverError::Unsteady("The list changes.")), "The list changes.");
    }
}
