//! Deletes what is older than the settings say: every night, and when an operator asks. One console at a time, under a lease in
//! Redis; were there two for a moment, they would delete the same rows once. Whatever ends a run, the next one does the rest.

use crate::model::{
    audit::AuditLine,
    error::ApiError,
    settings::{Retention, RetentionRun, RunPart, RunStatus},
    time::Millis,
};
use crate::server::{
    actions::now,
    archive::{
        db::{Db, again},
        error::ArchiveError,
        retention::{
            OLD, Old, Side, any_gone, before, delete, forget, forget_hours, identity_of_raw, mark_orphans, next, old_hours, sweep,
        },
    },
    driver::redis::maintenance::RETENTION,
    state::AppState,
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(30);
const DAY_MS: i64 = 86_400_000;
/// At night, UTC. A console that was off then does it until the morning, or lets it be.
const FROM_MS: i64 = 3 * 3_600_000;
const UNTIL_MS: i64 = 6 * 3_600_000;
/// Nobody waits longer than 100 ms for a batch: they grow while they take less than this, which leaves room for a slow moment.
const AIM: Duration = Duration::from_millis(30);
const FIRST: usize = 25;
const MOST: usize = 1_000;
const SAVE_EVERY: Duration = Duration::from_millis(300);

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
    let keep = view.settings();
    let run = RetentionRun {
        id,
        status: RunStatus::Running,
        started_at: night.unwrap_or_else(now),
        finished_at: None,
        parts: Vec::new(),
        longest_ms: 0,
        message: None,
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
    tokio::spawn(work(state.clone(), db, keep, run.clone()));
    Ok(run)
}

struct Worker {
    state: AppState,
    db: Db,
    keep: Retention,
    run: RetentionRun,
    saved: Instant,
    most: usize,
}

/// Why a run ended early.
enum Stop {
    Archive(ArchiveError),
    Lease,
    Shutdown,
}

impl From<ArchiveError> for Stop {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

async fn work(state: AppState, db: Db, keep: Retention, run: RetentionRun) {
    let mut worker = Worker { state, db, keep, run, saved: Instant::now(), most: FIRST };
    let ended = worker.all().await;
    let Worker { state, mut run, keep, .. } = worker;
    let rest = "What was deleted is deleted whole; the next run does the rest.";
    (run.status, run.message) = match ended {
        Ok(()) => (RunStatus::Done, None),
        Err(Stop::Shutdown) => (RunStatus::Stopped, Some(format!("The console was stopped. {rest}"))),
        Err(Stop::Lease) => (RunStatus::Stopped, Some(format!("Another console took over, or Redis cannot be reached. {rest}"))),
        Err(Stop::Archive(error)) => {
            let problem = error.problem();
            let _ = state.archive.noted::<()>(Err(error));
            tracing::warn!(problem, "retention stopped");
            (RunStatus::Stopped, Some(format!("The archive stopped answering as expected: {problem}. {rest}")))
        }
    };
    run.finished_at = Some(now());
    let said: Vec<String> = run.parts.iter().filter(|p| p.deleted > 0).map(|p| format!("{} {}", p.deleted, p.what)).collect();
    let deleted = if said.is_empty() { "nothing was old enough".to_owned() } else { format!("deleted {}", said.join(", ")) };
    state.audit.note(AuditLine {
        id: run.id.clone(),
        at: run.started_at,
        who: state.who().as_str().into(),
        verb: "retention-run".into(),
        queue: None,
        filter: Some(format!("jobs older than {} days, log lines older than {} days", keep.retention_days, keep.logs_retention_days)),
        jobs: None,
        result: run.message.as_ref().map_or_else(|| deleted.clone(), |why| format!("stopped, {deleted}. {why}")),
        took_ms: now().0 - run.started_at.0,
    });
    if let Err(error) = state.driver.save_retention_run(&run).await {
        tracing::warn!(%error, "the end of a retention run could not be written down");
    }
    let _ = state.driver.drop_lease(RETENTION, &run.id).await;
}

impl Worker {
    async fn all(&mut self) -> Result<(), Stop> {
        let started = self.run.started_at;
        for table in &OLD {
            let border = before(table.old, &self.keep, started);
            let (mut place, mut last) = (None::<String>, false);
            self.run.parts.push(RunPart { what: table.what.into(), deleted: 0 });
            // What one table's rows cost says nothing of the next one's.
            self.most = FIRST;
            while !last {
                let batch = next(&self.db, table, border, place.as_deref(), self.most).await?;
                last = batch.last;
                if !batch.is_empty() {
                    let (deleted, held) = again(|| delete(&self.db, table, &batch, now())).await?;
                    self.deleted(deleted);
                    self.paced(batch.len(), held).await;
                }
                place = batch.place.or(place);
                self.go_on().await?;
            }
        }
        self.hours().await?;
        self.orphans().await?;
        self.identities().await
    }

    /// What the inbox counts of failures whose rows are gone.
    async fn hours(&mut self) -> Result<(), Stop> {
        let border = before(Old::Jobs, &self.keep, self.run.started_at);
        self.run.parts.push(RunPart { what: "hours of errors".into(), deleted: 0 });
        self.most = FIRST;
        loop {
            let old = old_hours(&self.db, border, self.most).await?;
            let rows = old.rows;
            if rows == 0 {
                return Ok(());
            }
            let held = again(|| forget_hours(&self.db, &old)).await?;
            self.deleted(rows as u64);
            self.paced(rows, held).await;
            self.go_on().await?;
        }
    }

    /// What was read in rows that the library has deleted.
    async fn orphans(&mut self) -> Result<(), Stop> {
        self.run.parts.push(RunPart { what: "notes of rows that are gone".into(), deleted: 0 });
        for side in [Side::Rows, Side::Whole] {
            let mut after = Some(0);
            while let Some(from) = after {
                let (next, gone, held) = again(|| sweep(&self.db, side, from)).await?;
                after = next;
                self.deleted(gone);
                self.run.longest_ms = self.run.longest_ms.max(u64::try_from(held.as_millis()).unwrap_or(u64::MAX));
                self.go_on().await?;
            }
        }
        Ok(())
    }

    /// Identities of failures that are gone from the archive and from Redis.
    async fn identities(&mut self) -> Result<(), Stop> {
        let mut after = String::new();
        while let Some(last) = again(|| mark_orphans(&self.db, &after, now())).await? {
            after = last;
            self.go_on().await?;
        }
        if !any_gone(&self.db, now()).await? {
            return Ok(());
        }
        // Unless all that is in Redis is known, nothing is forgotten.
        let Some(held) = self.held().await? else { return Ok(()) };
        self.run.parts.push(RunPart { what: "marks of failures".into(), deleted: 0 });
        self.most = FIRST;
        loop {
            let (looked, forgotten, time) = again(|| forget(&self.db, &held, now(), self.most)).await?;
            if looked == 0 {
                return Ok(());
            }
            self.deleted(forgotten);
            self.paced(looked, time).await;
            self.go_on().await?;
        }
    }

    /// Identities of every dead letter in Redis; `None` when not all of them can be read.
    async fn held(&mut self) -> Result<Option<HashSet<String>>, Stop> {
        let snapshot = self.state.snapshot();
        if !snapshot.discovery.complete {
            return Ok(None);
        }
        let mut held = HashSet::new();
        for queue in &snapshot.queues {
            let mut from = 0;
            loop {
                let Ok(part) = self.state.driver.dead_letters(&queue.name, from).await else { return Ok(None) };
                if part.is_empty() {
                    break;
                }
                from += part.len() as u64;
                held.extend(part.iter().map(|raw| identity_of_raw(raw)));
                self.go_on().await?;
            }
        }
        Ok(Some(held))
    }

    fn deleted(&mut self, rows: u64) {
        if let Some(part) = self.run.parts.last_mut() {
            part.deleted += rows;
        }
    }

    /// Learns from how long a batch held the lock, and lets others have it for at least as long.
    async fn paced(&mut self, rows: usize, held: Duration) {
        self.run.longest_ms = self.run.longest_ms.max(u64::try_from(held.as_millis()).unwrap_or(u64::MAX));
        let fit = rows as f64 * AIM.as_secs_f64() / held.as_secs_f64().max(0.000_1);
        self.most = (fit as usize).min(self.most * 2).clamp(1, MOST);
        sleep(held.max(Duration::from_millis(5))).await;
    }

    /// Between two batches: progress, the lease, and whether to stop.
    async fn go_on(&mut self) -> Result<(), Stop> {
        if self.state.shutdown.is_cancelled() {
            return Err(Stop::Shutdown);
        }
        if self.saved.elapsed() < SAVE_EVERY {
            return Ok(());
        }
        self.saved = Instant::now();
        if !matches!(self.state.driver.take_lease(RETENTION, &self.run.id, now()).await, Ok(Some(_))) {
            return Err(Stop::Lease);
        }
        let _ = self.state.driver.save_retention_run(&self.run).await;
        Ok(())
    }
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
