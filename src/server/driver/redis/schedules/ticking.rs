//! Who ticks the schedules, and what was missed.

use crate::model::{schedule::Missed, time::Millis};
use crate::server::{driver::redis::RedisDriver, error::DriverError};
use redis::AsyncCommands;
use std::collections::HashMap;

/// Missed runs that are remembered, of all schedules together.
pub const KEPT_MISSED: usize = 100;

/// What Redis knows of tickers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// A console holds the lease.
    pub console: bool,
    /// Since when consoles tick without a pause.
    pub since: Option<Millis>,
    /// When a ticker that is no console was met last, and which schedule told so.
    pub foreign: Option<(Millis, String)>,
    /// When consoles fired which schedule last, as they wrote it; of the ids that were asked for.
    pub fired: HashMap<Vec<u8>, String>,
}

/// The lease of the one console that ticks.
pub const LEASE: &str = "scheduler";

impl RedisDriver {
    /// A console begins to tick: what was fired before tells nothing of others.
    pub async fn ticking_since(&self, now: Millis) -> Result<(), DriverError> {
        Ok(self.requests.clone().hset(self.keys.schedules.ticking(), "since", now.0).await?)
    }

    pub async fn who_ticks(&self, ids: &[Vec<u8>]) -> Result<Who, DriverError> {
        let keys = &self.keys.schedules;
        let mut pipe = redis::pipe();
        pipe.exists(self.keys.lease(LEASE)).cmd("HMGET").arg(keys.ticking()).arg(&["since", "foreignAt", "foreignId"]);
        // HMGET wants one field at least.
        pipe.cmd("HMGET").arg(keys.fired()).arg("").arg(ids);
        type Row = (bool, (Option<i64>, Option<i64>, Option<String>), Vec<Option<String>>);
        let (console, (since, at, id), fired): Row = pipe.query_async(&mut self.requests.clone()).await?;
        let fired = ids.iter().cloned().zip(fired.into_iter().skip(1)).filter_map(|(id, at)| Some((id, at?))).collect();
        Ok(Who { console, since: since.map(Millis), foreign: at.map(Millis).zip(id), fired })
    }

    /// Newest first.
    pub async fn missed_runs(&self) -> Result<Vec<Missed>, DriverError> {
        let texts: Vec<Vec<u8>> = self.requests.clone().lrange(self.keys.schedules.missed(), 0, KEPT_MISSED as isize - 1).await?;
        Ok(texts.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect())
    }
}
