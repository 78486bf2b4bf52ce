//! Writes down what operators did: into the archive when it is ready, else into Redis, from where it is moved when the archive is
//! back. No action waits for this, and none fails by it.
//!
//! A line has an identity, and the archive leaves one alone that it has: so a line whose writing was in doubt is written again,
//! and two consoles may move the same lines. What was moved is taken out of Redis by its whole text, not by its place.

use crate::model::{
    audit::AuditLine,
    operation::{Operation, OperationStatus},
};
use crate::server::{
    actions::{audit::ended, now},
    archive::{audit as archive, db::Db, error::ArchiveError},
    state::AppState,
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Lines that wait for being written; more are lost, and counted. As many operations as wait for their turn may end together.
const WAITING: usize = 4_000;
/// A slow archive is no reason to hold lines back: then they go to Redis.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
/// What lies in Redis is moved this often, in parts of so many.
const MOVE_EVERY: Duration = Duration::from_secs(2);
const PART: u64 = 200;
/// Ended operations are looked for this often, for those whose console is gone.
const OPERATIONS_EVERY: Duration = Duration::from_secs(30);
/// Among so many.
const OPERATIONS: usize = 5_000;
/// After the console was told to stop, lines of its last requests still come.
const LINGER: Duration = Duration::from_millis(150);

#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<AuditLine>,
    receiver: Mutex<mpsc::Receiver<AuditLine>>,
    lost: AtomicU64,
}

impl Default for Audit {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self(Arc::new(Shared { sender, receiver: Mutex::new(receiver), lost: AtomicU64::new(0) }))
    }
}

impl Audit {
    /// Takes a line on its way, at once.
    pub fn note(&self, line: AuditLine) {
        // In the console's own log in any case.
        tracing::info!(
            audit = line.verb,
            audit.who = line.who,
            queue.name = line.queue,
            filter = line.filter,
            jobs = line.jobs,
            result = line.result,
            duration_ms = line.took_ms,
            "action"
        );
        if self.0.sender.try_send(line).is_err() {
            self.lose(1);
        }
    }

    /// Lines that could be written nowhere since this console was started.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    fn lose(&self, lines: u64) {
        let all = self.0.lost.fetch_add(lines, Ordering::Relaxed) + lines;
        tracing::warn!(lines, all, "audit lines are lost: neither the archive nor Redis takes them; the lines above have them");
    }
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let audit = state.audit.clone();
    let mut receiver = audit.0.receiver.lock().await;
    let (mut lines, mut written) = (Vec::new(), HashSet::new());
    let mut looked: Option<Instant> = None;
    loop {
        let stopping = shutdown.is_cancelled();
        tokio::select! {
            _ = receiver.recv_many(&mut lines, WAITING) => {}
            () = sleep(if stopping { LINGER } else { MOVE_EVERY }) => if stopping { return Ok(()) },
            () = shutdown.cancelled(), if !stopping => {}
        }
        put(&state, &mut lines).await;
        let Ok(db) = state.archive.db() else { continue };
        if stopping {
            continue;
        }
        let moved = moved(&state, &db).await;
        if state.archive.noted(moved).is_ok() && looked.is_none_or(|at| at.elapsed() > OPERATIONS_EVERY) {
            looked = Some(Instant::now());
            let kept = operations(&state, &db, &mut written).await;
            let _ = state.archive.noted(kept);
        }
    }
}

/// Leaves in `lines` what could be written nowhere and is tried again.
async fn put(state: &AppState, lines: &mut Vec<AuditLine>) {
    if lines.is_empty() {
        return;
    }
    if let Ok(db) = state.archive.db() {
        let wrote = timeout(WRITE_WITHIN, archive::write(&db, lines)).await.unwrap_or(Err(ArchiveError::Slow));
        if state.archive.noted(wrote).is_ok() {
            lines.clear();
            return;
        }
    }
    let texts: Vec<String> = lines.iter().filter_map(|line| serde_json::to_string(line).ok()).collect();
    if state.driver.push_audit(&texts).await.is_ok() {
        lines.clear();
    } else if lines.len() > WAITING {
        let over = lines.len() - WAITING;
        lines.drain(..over);
        state.audit.lose(over as u64);
    }
}

/// Moves what waits in Redis, oldest first.
async fn moved(state: &AppState, db: &Db) -> Result<(), ArchiveError> {
    // Redis down is the sampler's to report.
    while let Ok(texts) = state.driver.oldest_audit(PART).await {
        if texts.is_empty() {
            break;
        }
        let lines: Vec<AuditLine> = texts.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect();
        archive::write(db, &lines).await?;
        if lines.len() < texts.len() {
            tracing::warn!(lines = texts.len() - lines.len(), "what is no audit line was taken out of the list of audit lines");
        }
        // Killed before this, the same lines are moved again, and the archive has them already.
        if state.driver.drop_audit(&texts).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Keeps operations that ended longer than Redis does. One whose console was killed gets its audit line here; nobody knows any
/// more who began it.
async fn operations(state: &AppState, db: &Db, written: &mut HashSet<String>) -> Result<(), ArchiveError> {
    // All of them: a console that was killed may have left more than a list shows.
    let Ok(ids) = state.driver.operation_ids(OPERATIONS).await else { return Ok(()) };
    let there: HashSet<&String> = ids.iter().collect();
    written.retain(|id| there.contains(id));
    let new: Vec<String> = ids.iter().filter(|id| !written.contains(*id)).cloned().collect();
    let Ok(all) = state.driver.operations_of(&new, now()).await else { return Ok(()) };
    let ended_now: Vec<Operation> = all.into_iter().filter(|o| o.status.is_over()).collect();
    archive::put_operations(db, &ended_now).await?;
    let left: Vec<AuditLine> = ended_now
        .iter()
        .filter(|o| o.status == OperationStatus::Interrupted && o.finished_at.is_none())
        .map(|o| ended(o, "not known: the console that ran it is gone", now()))
        .collect();
    for some in left.chunks(500) {
        archive::write(db, some).await?;
    }
    written.extend(ended_now.into_iter().map(|o| o.id));
    Ok(())
}
