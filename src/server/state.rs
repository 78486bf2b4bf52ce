//! What every request can reach.

use super::{
    archive::Archive,
    config::Config,
    doctor::Doctor,
    driver::redis::RedisDriver,
    inbox::Inbox,
    ledger::Ledger,
    nodes::Nodes,
    notify::LastKnown,
    recent_pages::{RecentLooks, RecentPages},
    snapshot::{Snapshot, written::Written},
    tasks::watching::Watching,
};
use std::{ops::Deref, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Who asks for something, as far as the console knows: a part of every audit line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who(Arc<str>);

impl Who {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cheap to clone; [`AppState::by`] makes the one that a request works with.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
    who: Who,
}

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
    /// Quasar agents.
    pub nodes: Nodes,
    /// The last look for trouble.
    pub doctor: Doctor,
    /// Who looks: decides the sampler's pace.
    pub watching: Arc<Watching>,
    /// Pages of jobs that several browsers look at.
    pub pages: RecentPages,
    /// Names that were just looked for.
    pub looks: RecentLooks,
    /// What this console pushed, on its way to the archive.
    pub enqueued: super::tasks::enqueued::Enqueued,
    /// Lines about what operators did, on their way to the archive.
    pub audit: super::tasks::audit::Audit,
    /// Where alerts go, as it was last read.
    pub channels: LastKnown,
    /// What fires, and what was said lately.
    pub alerts: super::tasks::alerts::Alerts,
    /// Failed jobs in Redis by kind of error.
    pub inbox: Inbox,
    /// Bulk operations that this console runs.
    pub operations: super::tasks::operations::Operations,
    /// Cancelled once when the console stops; streams end on it.
    pub shutdown: CancellationToken,
}

impl AppState {
    pub fn new(inner: Inner) -> Self {
        // What nobody asked for, the console does by itself.
        Self { inner: Arc::new(inner), who: Who::new("the console") }
    }

    /// The same, on behalf of somebody.
    #[must_use]
    pub fn by(&self, who: Who) -> Self {
        Self { inner: self.inner.clone(), who }
    }

    pub fn who(&self) -> &Who {
        &self.who
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}
