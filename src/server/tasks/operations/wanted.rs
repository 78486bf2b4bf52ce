//! What those that are asked for together are to do.

use super::{
    archived::Remembered,
    matching::{self, Chosen},
    work::Work,
};
use crate::model::{
    ids::QueueName,
    job::JobState,
    operation::{Operation, Verb},
};
use crate::server::{error::DriverError, state::AppState};

pub enum Wanted {
    Matching(Chosen),
    Archived(Remembered),
}

impl Wanted {
    pub(super) fn verb(&self) -> Verb {
        match self {
            Self::Matching(chosen) => chosen.verb,
            Self::Archived(_) => Remembered::VERB,
        }
    }

    pub(super) fn queue(&self) -> &QueueName {
        match self {
            Self::Matching(chosen) => &chosen.queue,
            Self::Archived(remembered) => &remembered.queue,
        }
    }

    pub(super) fn from(&self) -> Option<JobState> {
        match self {
            Self::Matching(chosen) => Some(chosen.from),
            Self::Archived(_) => None,
        }
    }

    pub(super) fn total(&self) -> u64 {
        match self {
            Self::Matching(chosen) => chosen.total,
            Self::Archived(remembered) => remembered.total,
        }
    }

    pub(super) fn filter(&self) -> String {
        match self {
            Self::Matching(chosen) => chosen.query.to_string(),
            Self::Archived(remembered) => remembered.filter(),
        }
    }

    /// What tells it from another one of the same verb.
    pub(super) fn with(&self) -> String {
        match self {
            Self::Matching(chosen) => chosen.with(),
            Self::Archived(remembered) => remembered.with(),
        }
    }

    /// The work of this operation, ready for its first step.
    pub(super) async fn ready(&self, state: &AppState, operation: &Operation) -> Result<Work, DriverError> {
        match self {
            Self::Matching(chosen) => Ok(Work::Matching(matching::ready(state, chosen).await?)),
            Self::Archived(remembered) => Ok(remembered.ready(&operation.id)),
        }
    }
}
