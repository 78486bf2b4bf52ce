//! Which queues have failed jobs at this moment. Redis is asked: the last sample of a queue may be a second old, or ten when nobody looked.

use crate::model::{error::ApiError, ids::QueueName, time::Millis};
use crate::server::{driver::redis::dead::LENGTHS, state::AppState};
use std::collections::BTreeMap;

/// Queues whose lists are measured for a page: four scripts, each well below a millisecond. Of more, the last sample tells.
pub const OF_A_PAGE: usize = 1_000;
/// A queue that no scan found yet is asked about for so long after a failure in it was heard.
const HEARD_MS: i64 = 60_000;

/// How many failed jobs each queue has that has any; at most so many lists are measured, those first where there may be some.
pub async fn failing(state: &AppState, most: usize, at: Millis) -> Result<BTreeMap<QueueName, u64>, ApiError> {
    let sampled = |(name, failed): (&QueueName, Option<u64>)| Some((name.clone(), failed.filter(|n| *n > 0)?));
    let mut failing: BTreeMap<QueueName, u64> = state.snapshot().queues.iter().map(|q| (&q.name, q.failed)).filter_map(sampled).collect();
    let heard = state.ledger.lock().failing_since(Millis(at.0 - HEARD_MS));
    let mut asked: Vec<QueueName> = heard.iter().filter(|queue| state.driver.keys().is_queue(queue)).cloned().collect();
    asked.extend(failing.keys().filter(|queue| !heard.contains(*queue)).cloned());
    let room = most.saturating_sub(asked.len());
    let rest = |queue: &&QueueName| !heard.contains(*queue) && !failing.contains_key(*queue);
    asked.extend(state.driver.known().queues.keys().filter(rest).take(room).cloned());
    asked.truncate(most);
    for part in asked.chunks(LENGTHS) {
        for (queue, length) in part.iter().zip(state.driver.failed_lengths(part).await?) {
            match length.filter(|n| *n > 0) {
                Some(n) => failing.insert(queue.clone(), n),
                None => failing.remove(queue),
            };
        }
    }
    Ok(failing)
}
