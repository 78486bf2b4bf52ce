//! What an operation has left to do, and one bounded step of it.

use super::matching::{self, Matching};
use crate::model::{
    ids::{Priority, QueueName},
    operation::{Outcome, TrashEntry},
};
use crate::server::{
    actions::now,
    driver::redis::{OneByOne, Step, Sweep, trash::Keep},
    error::DriverError,
    state::AppState,
};
use std::collections::VecDeque;

/// What is left to do.
pub(super) enum Work {
    Retry(Sweep),
    Promote(Sweep),
    Remove { trash: String, keep: Keep, parts: VecDeque<Part>, served: bool },
    Restore(TrashEntry),
    Matching(Matching),
}

/// One list of a deletion. `left`: how many were in it at the start, when it goes one by one.
pub(super) enum Part {
    /// Groups that may have pending jobs, and how many at the end of the first one's list stay.
    Grouped {
        groups: VecDeque<String>,
        from: u64,
    },
    Waiting(Priority, u64),
    WaitingOneByOne(OneByOne),
    Delayed(Priority, u64),
    DelayedOneByOne(Priority, u64),
    Failed,
}

pub(super) async fn waiting_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    let mut parts = VecDeque::new();
    // The base list first: groups that are completed on the way release jobs into it, behind those that were there.
    for p in [Priority::Base, Priority::Critical, Priority::High, Priority::Low] {
        parts.push_back(Part::Waiting(p, state.driver.length(&state.driver.keys().waiting(queue, p), "LLEN").await?));
    }
    Ok(parts)
}

pub(super) async fn delayed_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    let mut parts = VecDeque::new();
    for p in Priority::ALL {
        parts.push_back(Part::Delayed(p, state.driver.length(&state.driver.keys().delayed(queue, p), "ZCARD").await?));
    }
    Ok(parts)
}

impl Work {
    /// The trash entry that it fills, and whether that is kept.
    pub(super) fn fills(&self) -> Option<(&str, Keep)> {
        match self {
            Self::Remove { trash, keep, .. } => Some((trash, *keep)),
            Self::Matching(matching) => matching.trash.as_deref().map(|trash| (trash, Keep::AnHour)),
            Self::Retry(_) | Self::Promote(_) | Self::Restore(_) => None,
        }
    }

    /// The trash entry that is not to expire meanwhile.
    pub(super) fn holds(&self) -> Option<&str> {
        match self {
            Self::Restore(entry) => Some(&entry.id),
            _ => self.fills().map(|(trash, _)| trash),
        }
    }
}

/// One bounded step, added to `outcome`; true when it was the last.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Work, outcome: &mut Outcome) -> Result<bool, DriverError> {
    let driver = &state.driver;
    let swept = match work {
        Work::Retry(sweep) => driver.retry_step(sweep).await?,
        Work::Promote(sweep) => driver.promote_step(sweep, now()).await?,
        Work::Matching(matching) => matching::step(state, queue, matching, outcome).await?,
        Work::Restore(entry) => match driver.restore_step(queue, &entry.id).await? {
            Some(outcome) => Step { outcome, finished: false },
            None => Step { outcome: Outcome::default(), finished: true },
        },
        Work::Remove { trash, parts, served, .. } => {
            let Some(part) = parts.front_mut() else { return Ok(true) };
            // On an error the part stays in front, with what it has learned.
            if !remove_step(state, queue, trash, part, *served, outcome).await? {
                parts.pop_front();
            }
            return Ok(parts.is_empty());
        }
    };
    outcome.add(&swept.outcome);
    Ok(swept.finished)
}

/// Removes a piece of a part; false when nothing of it is left.
async fn remove_step(
    state: &AppState,
    queue: &QueueName,
    trash: &str,
    part: &mut Part,
    served: bool,
    outcome: &mut Outcome,
) -> Result<bool, DriverError> {
    let driver = &state.driver;
    match part {
        Part::Grouped { groups, from } => {
            let Some(group) = groups.front() else { return Ok(false) };
            match driver.discard_grouped(queue, group, *from, trash, now(), outcome).await? {
                Some(next) => *from = next,
                None => {
                    groups.pop_front();
                    *from = 0;
                }
            }
            Ok(!groups.is_empty())
        }
        Part::Failed => driver.trash_failed(queue, trash, outcome).await.map(|()| false),
        Part::Waiting(p, left) => {
            if driver.trash_waiting(queue, *p, trash, outcome).await? {
                return Ok(false);
            }
            *part = Part::WaitingOneByOne(OneByOne::new(*p, *left, now()));
            Ok(true)
        }
        Part::WaitingOneByOne(list) => driver.discard_step(queue, list, trash, now(), outcome).await,
        Part::Delayed(p, left) => {
            if driver.trash_delayed(queue, *p, trash, served, now(), outcome).await? {
                return Ok(false);
            }
            *part = Part::DelayedOneByOne(*p, *left);
            Ok(true)
        }
        Part::DelayedOneByOne(p, left) => {
            let seen = driver.discard_delayed_step(queue, *p, trash, *left, now(), outcome).await?;
            *left = left.saturating_sub(seen);
            Ok(seen > 0 && *left > 0)
        }
    }
}
