//! Operations of the last day on the queues of failures that are judged. What is over stays as it is, so it is read once.

use super::Operations;
use crate::model::{ids::QueueName, operation::Operation, time::Millis};
use crate::server::{driver::redis::RedisDriver, error::DriverError};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// By id.
#[derive(Clone, Default)]
pub(super) struct Over(Arc<Mutex<HashMap<String, Operation>>>);

impl Over {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Operation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations {
    /// What any console did in these queues, or is doing: of the newest `most` operations.
    pub async fn lately(
        &self,
        driver: &RedisDriver,
        queues: &HashSet<&QueueName>,
        most: usize,
        at: Millis,
    ) -> Result<Vec<Operation>, DriverError> {
        let ids = driver.operation_ids(most).await?;
        let new: Vec<String> = {
            let there: HashSet<&String> = ids.iter().collect();
            let mut over = self.over.lock();
            over.retain(|id, _| there.contains(id));
            ids.iter().filter(|id| !over.contains_key(*id)).cloned().collect()
        };
        let read = driver.operations_of(&new, at).await?;
        let mut over = self.over.lock();
        // One without an end may only have been silent.
        let ended = read.iter().filter(|o| o.status.is_over() && o.finished_at.is_some());
        over.extend(ended.map(|o| (o.id.clone(), o.clone())));
        let goes_on = read.into_iter().filter(|o| !over.contains_key(&o.id));
        let all: Vec<Operation> = goes_on.filter(|o| queues.contains(&o.queue)).collect();
        Ok(all.into_iter().chain(ids.iter().filter_map(|id| over.get(id)).filter(|o| queues.contains(&o.queue)).cloned()).collect())
    }
}
