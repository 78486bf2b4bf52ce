//! The fields that every job in a list has, wherever it is.

use crate::model::{ids::QueueName, job::JobState, time::Millis};
use serde::Serialize;

/// A job that no element in Redis stands for (it runs, or is past), so no fingerprint names it. What its source does not tell is `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub id: Option<String>,
    pub fingerprint: Option<String>,
    pub queue: QueueName,
    /// `None`: a row of the archive that says so, and is not one.
    pub state: Option<JobState>,
    pub priority: Option<String>,
    pub class_name: Option<String>,
    pub attempts: Option<u64>,
    pub max_attempts: Option<u64>,
    pub created_at: Option<Millis>,
    pub run_at: Option<Millis>,
    pub failed_at: Option<Millis>,
    pub error: Option<String>,
    pub group_id: Option<String>,
}

impl Listed {
    pub fn new(queue: QueueName, state: JobState) -> Self {
        Self {
            id: None,
            fingerprint: None,
            queue,
            state: Some(state),
            priority: None,
            class_name: None,
            attempts: None,
            max_attempts: None,
            created_at: None,
            run_at: None,
            failed_at: None,
            error: None,
            group_id: None,
        }
    }
}
