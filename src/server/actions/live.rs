//! What runs, who works, how fast: from the ledger, which costs Redis nothing. Putting a lost job back is the one write.

use super::{
    audit::{Came, asked},
    now,
};
use crate::model::{
    error::ApiError,
    ids::QueueName,
    log::{LogQuery, LogTail},
    metrics::{Charts, ClassFigures, Window},
    run::{Lost, Run},
    worker::WorkerList,
};
use crate::server::{driver::redis::PutBack, state::AppState};

/// Workers, runs and lines that one answer lists.
pub const WORKERS: usize = 500;
pub const RUNS: usize = 200;
pub const LINES: usize = 200;
const CLASSES: usize = 100;

pub fn workers(state: &AppState) -> WorkerList {
    state.watching.request(now());
    state.ledger.lock().workers(now(), WORKERS)
}

pub fn runs(state: &AppState, queue: &QueueName) -> Vec<Run> {
    state.watching.request(now());
    state.ledger.lock().runs(Some(queue), now(), RUNS)
}

pub fn logs(state: &AppState, query: &LogQuery) -> LogTail {
    state.watching.request(now());
    state.ledger.lock().tail().since(0, query, LINES)
}

pub fn charts(state: &AppState, queue: Option<&QueueName>, class: Option<&str>, window: Window) -> Charts {
    state.watching.request(now());
    state.ledger.lock().charts(queue, class, window)
}

pub fn classes(state: &AppState, window: Window) -> Vec<ClassFigures> {
    state.watching.request(now());
    state.ledger.lock().meter().classes(window, CLASSES)
}

impl Came for Run {
    fn jobs(&self) -> Option<u64> {
        Some(1)
    }
}

/// Pushes the payload of a lost run to the list it came from, directly: the dead job still holds its group. Once, whoever asks.
pub async fn put_back(state: &AppState, key: &str) -> Result<Run, ApiError> {
    let gone = || ApiError::NotFound {
        detail: "This run is not among the lost ones any more: its worker spoke again, or an hour is over. Nothing was changed.".into(),
    };
    let lost: Option<Lost> = state.ledger.lock().lost(key).cloned();
    let queue = lost.as_ref().and_then(|lost| lost.list.as_ref()).map(|(queue, _)| queue.clone());
    let asked = asked(state, "put-back", queue.as_ref()).of(lost.as_ref().and_then(|l| l.job.as_deref()).unwrap_or(key));
    let act = async {
        let lost = lost.ok_or_else(gone)?;
        let shown = lost.show(now());
        if !(shown.put_back.possible && lost.list.is_some()) {
            return Err(ApiError::Conflict {
                detail: format!("The job cannot be put back. {} Nothing was changed.", shown.put_back.reason),
            });
        }
        let done = state.driver.put_back(&lost, now()).await?;
        let all = state.driver.lost().await?;
        state.ledger.lock().noted(all, now());
        match done {
            PutBack::Done => state.ledger.lock().run(key, now()).ok_or_else(gone),
            PutBack::Already => {
                Err(ApiError::Conflict { detail: "The job was put back already, or its worker spoke again. Nothing was changed.".into() })
            }
        }
    };
    let run = act.await;
    if let Some(queue) = &queue {
        state.watching.nudge_queue(queue);
    }
    asked.answered(state, run).await
}
