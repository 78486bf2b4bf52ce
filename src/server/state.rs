//! What every request can reach.

use super::{
    archive::Archive,
    config::Config,
    driver::redis::RedisDriver,
    ledger::Ledger,
    recent_pages::RecentPages,
    snapshot::{Snapshot, written::Written},
    tasks::watching::Watching,
};
use std::{ops::Deref, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub struct Inner {
    pub config: Config,
    pub driver: RedisDriver,
    /// Jobs of the past; may be off or unavailable.
    pub archive: Archive,
    /// The latest picture of Redis; a slow reader skips, never delays.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What streams and lists show of it, as JSON.
    pub written: Written,
    /// What events and heartbeats say, put together.
    pub ledger: Ledger,
    /// Who looks: decides the sampler's pace.
    pub watching: Arc<Watching>,
    /// Pages of jobs that several browsers look at.
    pub pages: RecentPages,
    /// Bulk operations that this console runs.
    pub operations: super::tasks::operations::Operations,
    /// Cancelled once when the console stops; streams end on it.
    pub shutdown: CancellationToken,
}

impl AppState {
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
