//! Pages of jobs that were just read, and names that were just looked for: twenty browsers on one list cost Redis what one costs.

use crate::model::{ids::QueueName, job::JobsPage, query::JobsQuery, queue::Sought, time::Millis};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// More different pages than this are rarely looked at in one second; the rest is read as if this were not here.
const KEPT: usize = 32;
/// One tick while somebody looks, however slowly the sampler ticks.
const KEPT_MS: i64 = 1_000;

#[derive(Default)]
pub struct RecentPages(Mutex<HashMap<JobsQuery, Recent>>);

struct Recent {
    since: Since,
    /// Filled by whoever asked first; the others wait for it.
    page: Arc<OnceCell<JobsPage>>,
}

/// What a page is as new as: nothing that this console knows to have changed since is missing on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The sampler's last tick.
    pub sampled_at: Option<Millis>,
    /// Changes that this console made.
    pub changes: u64,
    pub at: Millis,
}

impl Since {
    fn holds(&self, now: Self) -> bool {
        self.sampled_at == now.sampled_at && self.changes == now.changes && (0..KEPT_MS).contains(&(now.at.0 - self.at.0))
    }
}

impl RecentPages {
    /// The page as somebody read it since, or what `read` reads. A failed reading is nobody else's.
    pub async fn get<E>(&self, query: &JobsQuery, since: Since, read: impl Future<Output = Result<JobsPage, E>>) -> Result<JobsPage, E> {
        match self.cell(query, since) {
            Some(cell) => cell.get_or_try_init(|| read).await.cloned(),
            None => read.await,
        }
    }

    fn cell(&self, query: &JobsQuery, since: Since) -> Option<Arc<OnceCell<JobsPage>>> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|_, recent| recent.since.holds(since));
        if let Some(recent) = pages.get(query) {
            return Some(recent.page.clone());
        }
        if pages.len() >= KEPT {
            return None;
        }
        let page = Arc::default();
        pages.insert(query.clone(), Recent { since, page: Arc::clone(&page) });
        Some(page)
    }
}

/// Names that were just looked for; beyond so many, each is asked for anew.
const LOOKS: usize = 1_000;

/// Queues that no scan found yet and that were just looked for.
#[derive(Default)]
pub struct RecentLooks(Mutex<HashMap<QueueName, RecentLook>>);

/// When it began, and what it found.
type RecentLook = (Millis, Arc<OnceCell<Sought>>);

impl RecentLooks {
    /// What somebody saw in the last second, or what `look` sees.
    pub async fn get(&self, name: &QueueName, now: Millis, look: impl Future<Output = Sought>) -> Sought {
        match self.cell(name, now) {
            Some(cell) => cell.get_or_init(|| look).await.clone(),
            None => look.await,
        }
    }

    fn cell(&self, name: &QueueName, now: Millis) -> Option<Arc<OnceCell<Sought>>> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|_, (at, _)| (0..KEPT_MS).contains(&(now.0 - at.0)));
        if looks.len() >= LOOKS && !looks.contains_key(name) {
            return None;
        }
        Some(looks.entry(name.clone()).or_insert_with(|| (now, Arc::default())).1.clone())
    }
}
