//! One run of retention: a table at a time, in batches that hold no lock for long, each whole or not at all.

use super::pace::Pace;
use crate::model::{
    audit::AuditLine,
    settings::{Retention, RetentionRun, RunPart, RunStatus},
};
use crate::server::{
    actions::now,
    archive::{
        db::{Db, again},
        error::ArchiveError,
        retention::{OLD, Old, Side, any_gone, before, delete, forget, identity_of_raw, mark_orphans, next, sweep},
    },
    driver::redis::maintenance::RETENTION,
    state::AppState,
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const SAVE_EVERY: Duration = Duration::from_millis(300);

struct Worker {
    state: AppState,
    db: Db,
    keep: Retention,
    run: RetentionRun,
    saved: Instant,
    /// Of the table at hand.
    rows: Pace,
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

pub(super) async fn work(state: AppState, db: Db, keep: Retention, run: RetentionRun) {
    let mut worker = Worker { state, db, keep, run, saved: Instant::now(), rows: Pace::default() };
    let ended = worker.all().await;
    let Worker { state, mut run, keep, .. } = worker;
    let rest = "What was deleted is deleted whole; the next run does the rest.";
    (run.status, run.message) = match ended {
        Ok(()) => {
            let whole_from = before(Old::Jobs, &keep, run.started_at);
            run.torn_before = run.torn_before.filter(|torn| *torn > whole_from);
            (RunStatus::Done, None)
        }
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
    state.audit.note(AuditLine {
        id: run.id.clone(),
        at: run.started_at,
        who: state.who().as_str().into(),
        verb: "retention-run".into(),
        queue: None,
        filter: Some(format!("jobs older than {} days, log lines older than {} days", keep.retention_days, keep.logs_retention_days)),
        jobs: None,
        result: result(&run),
        took_ms: now().0 - run.started_at.0,
        ids: Vec::new(),
    });
    if let Err(error) = state.driver.save_retention_run(&run).await {
        tracing::warn!(%error, "the end of a retention run could not be written down");
    }
    let _ = state.driver.drop_lease(RETENTION, &run.id).await;
}

/// What came of it, in words. One that was stopped may not have looked at anything.
fn result(run: &RetentionRun) -> String {
    let deleted: Vec<String> = run.parts.iter().filter(|p| p.deleted > 0).map(|p| format!("{} {}", p.deleted, p.what)).collect();
    match (&run.message, deleted.is_empty()) {
        (None, true) => "nothing was old enough".into(),
        (None, false) => format!("deleted {}", deleted.join(", ")),
        (Some(why), true) => format!("stopped before anything was deleted. {why}"),
        (Some(why), false) => format!("stopped, deleted {}. {why}", deleted.join(", ")),
    }
}

impl Worker {
    async fn all(&mut self) -> Result<(), Stop> {
        let started = self.run.started_at;
        for table in &OLD {
            let border = before(table.old, &self.keep, started);
            let (mut place, mut last) = (None::<String>, false);
            self.run.parts.push(RunPart { what: table.what.into(), deleted: 0 });
            // What one table's rows cost says nothing of the next one's.
            self.rows = Pace::default();
            while !last {
                let batch = next(&self.db, table, border, place.as_deref(), self.rows.most()).await?;
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
        self.orphans().await?;
        self.identities().await
    }

    /// What was read in rows that the library has deleted.
    async fn orphans(&mut self) -> Result<(), Stop> {
        self.run.parts.push(RunPart { what: "notes of rows that are gone".into(), deleted: 0 });
        for side in [Side::Rows, Side::Whole, Side::Lines] {
            self.rows = Pace::default();
            let mut after = Some(0);
            while let Some(from) = after {
                let step = again(|| sweep(&self.db, side, from, self.rows.most())).await?;
                after = step.next;
                self.deleted(step.done as u64);
                if let Some(held) = step.held {
                    self.paced(step.done, held).await;
                }
                self.go_on().await?;
            }
        }
        Ok(())
    }

    /// Identities of failures that are gone from the archive and from Redis.
    async fn identities(&mut self) -> Result<(), Stop> {
        self.rows = Pace::default();
        let mut after = Some(String::new());
        while let Some(from) = after {
            let step = again(|| mark_orphans(&self.db, &from, now(), self.rows.most())).await?;
            after = step.next;
            if let Some(held) = step.held {
                self.paced(step.done, held).await;
            }
            self.go_on().await?;
        }
        if !any_gone(&self.db, now()).await? {
            return Ok(());
        }
        // Unless all that is in Redis is known, nothing is forgotten.
        let Some(held) = self.held().await? else { return Ok(()) };
        self.run.parts.push(RunPart { what: "marks of failures".into(), deleted: 0 });
        self.rows = Pace::default();
        loop {
            let (looked, forgotten, time) = again(|| forget(&self.db, &held, now(), self.rows.most())).await?;
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
        if !snapshot.discovery.whole() {
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

    /// Learns from how long a batch held the lock.
    async fn paced(&mut self, rows: usize, held: Duration) {
        self.rows.learn(rows, held);
        self.rest(held).await;
    }

    /// Lets others have the lock for at least as long as it was held.
    async fn rest(&mut self, held: Duration) {
        self.run.longest_ms = self.run.longest_ms.max(u64::try_from(held.as_millis()).unwrap_or(u64::MAX));
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
    use crate::model::time::Millis;

    #[test]
    fn one_that_was_stopped_does_not_say_what_it_did_not_see() {
        let run = |message: Option<&str>, deleted: u64| RetentionRun {
            id: "r".into(),
            status: if message.is_some() { RunStatus::Stopped } else { RunStatus::Done },
            started_at: Millis(0),
            finished_at: Some(Millis(1)),
            parts: vec![RunPart { what: "job rows".into(), deleted }, RunPart { what: "log lines".into(), deleted: 0 }],
            longest_ms: 0,
            message: message.map(str::to_owned),
            torn_before: None,
        };
        assert_eq!(result(&run(None, 0)), "nothing was old enough");
        assert_eq!(result(&run(None, 3)), "deleted 3 job rows");
        assert_eq!(result(&run(Some("It is locked."), 0)), "stopped before anything was deleted. It is locked.");
        assert_eq!(result(&run(Some("It is locked."), 3)), "stopped, deleted 3 job rows. It is locked.");
    }
}
