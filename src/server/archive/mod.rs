//! The memory of the console: jobs, runs and log lines of the past, in a database that the TypeScript library may write as well.
//!
//! Everything that asks goes through [`Archive`]. While the database cannot be used, every question is answered at once with
//! that, so that no page waits for it; a task connects again.

pub mod audit;
pub mod counts;
pub mod db;
pub mod dialect;
pub mod error;
pub mod gaps;
pub mod index;
pub mod jobs;
pub mod logs;
pub mod migrations;
mod open;
mod place;
pub mod record;
pub mod retention;
pub mod search;
pub mod setting;
pub mod shelf;
pub mod signatures;
pub mod size;
pub mod spare;
pub mod sql;
pub mod timeline;
pub mod totals;
mod trouble;
pub mod verdict;

use crate::{
    model::{
        archive::{ArchiveState, ArchiveStatus, Archiving},
        time::Millis,
    },
    server::clock,
};
use db::Db;
use error::ArchiveError;
use setting::Setting;
use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use totals::Totals;

/// What else an answer has to show, from Redis, does not wait longer for the archive.
pub const BESIDE_WITHIN: Duration = Duration::from_secs(1);
/// Searches under way at the same time: live pages share the processor and the connections with them.
const SEARCHES: usize = 2;

#[derive(Clone)]
pub struct Archive(Arc<Shared>);

struct Shared {
    setting: Setting,
    name: String,
    now: RwLock<Now>,
    progress: Mutex<Archiving>,
    totals: Totals,
    searches: Arc<Semaphore>,
    /// Rung when a connection broke in use.
    broken: tokio::sync::Notify,
}

/// What the archive is at the moment.
enum Now {
    Off,
    Starting { since: Millis },
    Ready { db: Db, since: Millis },
    Unavailable { since: Millis, problem: String },
}

impl Archive {
    pub fn totals(&self) -> &Totals {
        &self.0.totals
    }

    pub fn new(setting: Setting, now: Millis) -> Self {
        let name = setting.name();
        let state = if setting == Setting::Off { Now::Off } else { Now::Starting { since: now } };
        Self(Arc::new(Shared {
            setting,
            name,
            now: RwLock::new(state),
            progress: Mutex::default(),
            totals: Totals::default(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            broken: tokio::sync::Notify::new(),
        }))
    }

    pub fn is_off(&self) -> bool {
        self.0.setting == Setting::Off
    }

    pub fn status(&self) -> ArchiveStatus {
        let (state, since, problem) = match &*self.read() {
            Now::Off => (ArchiveState::Off, None, None),
            Now::Starting { since } => (ArchiveState::Starting, Some(*since), None),
            Now::Ready { since, .. } => (ArchiveState::Ready, Some(*since), None),
            Now::Unavailable { since, problem } => (ArchiveState::Unavailable, Some(*since), Some(problem.clone())),
        };
        ArchiveStatus { state, name: self.0.name.clone(), since, problem }
    }

    /// The database, if it can be used now.
    pub fn db(&self) -> Result<Db, ArchiveError> {
        match &*self.read() {
            Now::Off => Err(ArchiveError::Off),
            Now::Starting { since } => Err(ArchiveError::Unavailable { since: *since, problem: "it is being opened".into() }),
            Now::Ready { db, .. } => Ok(db.clone()),
            Now::Unavailable { since, problem } => Err(ArchiveError::Unavailable { since: *since, problem: problem.clone() }),
        }
    }

    /// Tries once to open it.
    pub async fn open(&self, now: Millis) -> bool {
        match Db::open(&self.0.setting).await {
            Ok(db) => {
                tracing::info!(archive = self.0.name, "the archive is open");
                self.set(Now::Ready { db, since: now });
                true
            }
            Err(error) => {
                self.failed(&error, now);
                false
            }
        }
    }

    /// Whether it still answers; if not, it is unavailable from now on.
    pub async fn check(&self, now: Millis) -> bool {
        let Ok(db) = self.db() else { return false };
        match db.check().await {
            Ok(()) => true,
            // An answer was first to find it away (`noted`).
            Err(error) if error.is_closed() => false,
            Err(error) => {
                self.failed(&error, now);
                // It waits for every connection that is in use, and one may never answer.
                tokio::spawn(async move { db.close().await });
                false
            }
        }
    }

    /// Notes what this console has done for the archive.
    pub fn progress(&self, note: impl FnOnce(&mut Archiving)) {
        note(&mut self.0.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What this console has done; of another one Redis tells (`actions::settings::archiver`).
    pub fn archiving(&self) -> Archiving {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until somebody met a broken connection.
    pub async fn doubted(&self) {
        self.0.broken.notified().await;
    }

    /// Waits for its turn to search, in the order of asking and no longer than for an answer; dropped, it is the next one's.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, ArchiveError> {
        // It is never closed, so all that can go wrong is the time.
        let turn = tokio::time::timeout(db::READ_WITHIN, self.0.searches.clone().acquire_owned());
        turn.await.ok().and_then(Result::ok).ok_or(ArchiveError::Slow)
    }

    /// Notes what an answer says of the connection, and hands it on. One that found the database away says since when it is, as every
    /// later one.
    pub fn noted<T>(&self, answer: Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        let error = match answer {
            Err(error) if error.is_connection() || matches!(error, ArchiveError::Slow | ArchiveError::Away { .. }) => error,
            answer => return answer,
        };
        if matches!(error, ArchiveError::Away { .. })
            && let Ok(db) = self.db()
        {
            // Whoever asks has no time at hand.
            self.failed(&error, clock::now());
            // As in `check`.
            tokio::spawn(async move { db.close().await });
        }
        self.0.broken.notify_one();
        match self.db() {
            Err(unavailable) if !matches!(error, ArchiveError::Slow) => Err(unavailable),
            _ => Err(error),
        }
    }

    /// The same for an answer that has something to show without it: what comes later than that did not come in time.
    pub async fn in_time<T>(&self, limit: Duration, read: impl Future<Output = Result<T, ArchiveError>>) -> Result<T, ArchiveError> {
        self.noted(tokio::time::timeout(limit, read).await.unwrap_or(Err(ArchiveError::Slow)))
    }

    fn failed(&self, error: &ArchiveError, now: Millis) {
        let problem = error.problem();
        let mut state = self.write();
        // The first failure counts: since then it is unavailable.
        let since = match &*state {
            Now::Unavailable { since, problem: known } => {
                if *known == problem {
                    return;
                }
                *since
            }
            Now::Starting { since } => *since,
            _ => now,
        };
        tracing::warn!(archive = self.0.name, problem, "the archive is unavailable");
        *state = Now::Unavailable { since, problem };
    }

    fn set(&self, state: Now) {
        *self.write() = state;
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.0.now.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Now> {
        self.0.now.write().unwrap_or_else(PoisonError::into_inner)
    }
}
