//! One queue that no tick counted yet, looked at now because somebody asks for it.

use super::learn::sample;
use crate::model::{ids::QueueName, queue::Sought};
use crate::server::{actions::now, state::AppState};

/// Only a name of which there is something in Redis is followed from now on: anybody can ask for any.
pub async fn look(state: &AppState, name: &QueueName) -> Sought {
    let counted = match state.driver.count_queue(name).await {
        Ok(counted) if counted.anything() => counted,
        Ok(_) => return Sought::Absent,
        Err(error) => {
            tracing::debug!(queue.name = %name, %error, "a queue that is not known yet cannot be looked at");
            return Sought::Unknown;
        }
    };
    // Beyond the most that are followed it would not be counted.
    if !state.snapshot().discovery.truncated {
        state.watching.look_at(name);
    }
    let mut sample = sample(counted, Vec::new(), now(), &state.driver);
    sample.grouped_partial = state.snapshot().totals.grouped_partial;
    sample.workers = state.driver.known().workers().map(|w| w.get(name.as_str()).copied().unwrap_or(0));
    Sought::Found(Box::new(sample))
}
