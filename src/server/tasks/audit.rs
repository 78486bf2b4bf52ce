//! Writes down what operators did. The line of a click lies in Redis before the click is answered, so that no kill loses it, and is
//! moved from there into the archive when that is ready. No action waits for the archive, and none fails by this.
//!
//! A line has an identity, and the archive leaves one alone that it has: so a line whose writing was in doubt is written again,
//! and two consoles may move the same lines. What was moved is taken out of Redis by its whole text, not by its place.

use crate::model::{
    audit::AuditLine,
    operation::{Operation, Verb},
    time::Millis,
};
use crate::server::{
    actions::{audit::ended, errors::remembered::Halt, now},
    archive::{audit as archive, db::Db, error::ArchiveError},
    driver::redis::RedisDriver,
    error::DriverError,
    state::AppState,
    tasks::operations::name_pushed,
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
    sync::{Mutex, Notify, mpsc},
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
/// One that gave no sign of life for so long has lost its console, as far as the audit goes. A console that was only held up for less
/// writes the line itself, with what really came of it; there is one line of an operation, the first one.
const GIVEN_UP_MS: i64 = 5 * 60_000;
/// After the console was told to stop, lines of its last requests still come.
const LINGER: Duration = Duration::from_millis(150);
/// A click waits so long for its line to be in Redis.
const KEEP_WITHIN: Duration = Duration::from_secs(1);
/// When the console stops, what lies in Redis is moved if the archive is that quick.
const LAST_MOVE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    sender: mpsc::Sender<AuditLine>,
    receiver: Mutex<mpsc::Receiver<AuditLine>>,
    lost: AtomicU64,
    /// Rung when a line came to lie in Redis.
    kept: Notify,
}

impl Default for Audit {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self(Arc::new(Shared { sender, receiver: Mutex::new(receiver), lost: AtomicU64::new(0), kept: Notify::new() }))
    }
}

impl Audit {
    /// Takes a line on its way, at once: of what is in Redis anyway, or did not come of a click.
    pub fn note(&self, line: AuditLine) {
        log(&line);
        self.send(line);
    }

    /// Takes the line of a click on its way: when this returns, a kill does not lose it any more. What Redis does not take in time goes
    /// the way of [`Self::note`].
    pub async fn keep(&self, driver: &RedisDriver, line: AuditLine) {
        log(&line);
        let (audit, driver) = (self.clone(), driver.clone());
        let keep = async move {
            let text = serde_json::to_string(&line).ok();
            let kept = match text {
                Some(text) => timeout(KEEP_WITHIN, driver.push_audit(&[text])).await.is_ok_and(|pushed| pushed.is_ok()),
                None => false,
            };
            if kept {
                audit.0.kept.notify_one();
            } else {
                audit.send(line);
            }
        };
        // In a task of its own: who asked may go away meanwhile. It does not panic, and were it to, the click is done all the same.
        let _ = tokio::spawn(keep).await;
    }

    fn send(&self, line: AuditLine) {
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

/// In the console's own log in any case.
fn log(line: &AuditLine) {
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
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let audit = state.audit.clone();
    let mut receiver = audit.0.receiver.lock().await;
    let (mut lines, mut written) = (Vec::new(), Written::default());
    let mut looked: Option<Instant> = None;
    loop {
        let stopping = shutdown.is_cancelled();
        tokio::select! {
            _ = receiver.recv_many(&mut lines, WAITING) => {}
            () = audit.0.kept.notified() => {}
            () = sleep(if stopping { LINGER } else { MOVE_EVERY }) => if stopping { return Ok(()) },
            () = shutdown.cancelled(), if !stopping => {}
        }
        put(&state, &mut lines).await;
        let Ok(db) = state.archive.db() else { continue };
        if stopping {
            // What stays in Redis is moved by another console, or by the next one.
            let _ = timeout(LAST_MOVE, moved(&state, &db)).await;
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

/// Operations that are in the archive.
#[derive(Default)]
struct Written {
    ended: HashSet<String>,
    /// Their console is gone, and their line says so. Should they end after all, they are written anew.
    given_up: HashSet<String>,
}

/// Keeps operations that ended longer than Redis does. One whose console was killed, while it ran or just before it wrote the
/// audit line, gets that here; all the others have it. So does the archive get the ids of what it pushed.
async fn operations(state: &AppState, db: &Db, written: &mut Written) -> Result<(), ArchiveError> {
    // All of them: a console that was killed may have left more than a list shows.
    let Ok(ids) = state.driver.operation_ids(OPERATIONS).await else { return Ok(()) };
    let there: HashSet<&String> = ids.iter().collect();
    written.ended.retain(|id| there.contains(id));
    written.given_up.retain(|id| there.contains(id));
    let new: Vec<String> = ids.iter().filter(|id| !written.ended.contains(*id)).cloned().collect();
    // As it was then: what gave a sign of life since goes on.
    let then = Millis(now().0 - GIVEN_UP_MS);
    let Ok(all) = state.driver.operations_of(&new, then).await else { return Ok(()) };
    for goes_on in all.iter().filter(|o| !o.status.is_over()) {
        written.given_up.remove(&goes_on.id);
    }
    let is_new = |o: &Operation| o.status.is_over() && (o.finished_at.is_some() || !written.given_up.contains(&o.id));
    let over: Vec<Operation> = all.into_iter().filter(is_new).collect();
    for operation in over.iter().filter(|o| o.verb == Verb::RetryArchived) {
        match name_pushed(state, db, &operation.id).await {
            Ok(()) => {}
            Err(Halt::Archive(error)) => return Err(error),
            Err(Halt::Redis(DriverError::Unavailable(_) | DriverError::LockedOut(_)) | Halt::Lines) => return Ok(()),
            // It ended all the same, and so did the others.
            Err(Halt::Redis(error)) => tracing::warn!(%error, operation.id, "jobs that an operation pushed cannot be named"),
        }
    }
    archive::put_operations(db, &over).await?;
    let lines: Vec<AuditLine> = over.iter().map(|o| ended(o, now())).collect();
    for some in lines.chunks(500) {
        archive::write(db, some).await?;
    }
    for operation in over {
        let known = if operation.finished_at.is_some() { &mut written.ended } else { &mut written.given_up };
        known.insert(operation.id);
    }
    Ok(())
}
