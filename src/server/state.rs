//! What every request can reach.

use super::{
    archive::Archive, config::Config, driver::redis::RedisDriver, inbox::Inbox, ledger::Ledger, recent_pages::RecentPages,
    snapshot::Snapshot, tasks::watching::Watching,
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
    /// What events and heartbeats say, put together.
    pub ledger: Ledger,
    /// Who looks: decides the sampler's pace.
    pub watching: Arc<Watching>,
    /// Pages of jobs that several browsers look at.
    pub pages: RecentPages,
    /// Failed jobs in Redis by kind of error.
    pub inbox: Inbox,
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
