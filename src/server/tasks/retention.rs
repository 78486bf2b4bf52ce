//! Deletes what is older than the settings say: every night, and when an operator asks. One console at a time, under a lease in
//! Redis; were there two for a moment, they would delete the same rows once. Whatever ends a run, the next one does the rest.

pub mod pace;
mod work;

use crate::model::{
    error::ApiError,
    settings::{RetentionRun, RunStatus},
    time::Millis,
};
use crate::server::{
    actions::now,
    archive::retention::{Old, before},
    driver::redis::maintenance::{CONFIG, RETENTION},
    state::AppState,
};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(30);
const DAY_MS: i64 = 86_400_000;
/// At night, UTC. A console that was off then does it until the morning, or lets it be.
const FROM_MS: i64 = 3 * 3_600_000;
const UNTIL_MS: i64 = 6 * 3_600_000;

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = sleep(LOOK_EVERY) => {}
        }
        nightly(&state, now()).await;
    }
}

/// Begins tonight's run when it is wanted and nobody has begun it; whether this console did.
pub async fn nightly(state: &AppState, at: Millis) -> bool {
    if state.archive.db().is_err() {
        return false;
    }
    // Redis down is the sampler's to report.
    let Ok(view) = state.driver.retention(at).await else { return false };
    // Another console was faster: fine.
    view.auto_cleanup && view.problem.is_none() && due(view.last_run, at) && begin_at(state, Some(at)).await.is_ok()
}

/// Whether tonight's run has still to be done.
fn due(last: Option<Millis>, now: Millis) -> bool {
    let midnight = now.0 - now.0.rem_euclid(DAY_MS);
    (FROM_MS..UNTIL_MS).contains(&(now.0 - midnight)) && last.is_none_or(|last| last.0 < midnight + FROM_MS)
}

/// Begins a run with the stored settings and answers at once; refused while one goes on anywhere.
pub async fn begin(state: &AppState) -> Result<RetentionRun, ApiError> {
    begin_at(state, None).await
}

async fn begin_at(state: &AppState, night: Option<Millis>) -> Result<RetentionRun, ApiError> {
    let db = state.archive.db()?;
    let id = uuid::Uuid::now_v7().simple().to_string();
    if state.driver.take_lease(RETENTION, &id, now()).await?.is_none() {
        return Err(ApiError::Conflict {
            detail: "Old rows are being deleted already. Nothing was started: its progress is on the settings page.".into(),
        });
    }
    // Under the lease: another console may have run and ended since it was last looked.
    let view = match state.driver.retention(now()).await {
        Ok(view) if night.is_none_or(|at| due(view.last_run, at)) => view,
        other => {
            let _ = state.driver.drop_lease(RETENTION, &id).await;
            other?;
            return Err(ApiError::Conflict { detail: "Tonight's run was done by another console.".into() });
        }
    };
    // What would be deleted then, nobody has asked for; and the time of the run would be written over what is stored.
    if view.problem.is_some() {
        let _ = state.driver.drop_lease(RETENTION, &id).await;
        return Err(ApiError::Conflict {
            detail: format!("What is stored in {CONFIG} cannot be read. Nothing was deleted: save how long rows are kept first."),
        });
    }
    let keep = view.settings();
    let started_at = night.unwrap_or_else(now);
    let torn_before = view.run.as_ref().and_then(|run| run.torn_before).max(Some(before(Old::Jobs, &keep, started_at)));
    let run = RetentionRun {
        id,
        status: RunStatus::Running,
        started_at,
        finished_at: None,
        parts: Vec::new(),
        longest_ms: 0,
        message: None,
        torn_before,
    };
    let begun = async {
        state.driver.save_retention_run(&run).await?;
        // Now, not at the end: a run that is killed is not begun again by itself a moment later.
        state.driver.set_last_run(run.started_at).await
    };
    if let Err(error) = begun.await {
        let _ = state.driver.drop_lease(RETENTION, &run.id).await;
        return Err(error.into());
    }
    tokio::spawn(work::work(state.clone(), db, keep, run.clone()));
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_night() {
        const HOUR: i64 = 3_600_000;
        let at = |hours: i64| Millis(20_000 * DAY_MS + hours * HOUR);
        assert!(!due(None, at(2)) && due(None, at(3)) && due(None, at(5)) && !due(None, at(6)) && !due(None, at(14)));
        assert!(due(Some(at(2)), at(3)), "a run by hand in the evening is not tonight's");
        assert!(!due(Some(at(3)), at(4)));
        assert!(due(Some(at(3 - 24)), at(3)));
    }
}
