//! What an operation has left to do, and one bounded step of it.

use super::{
    archived::{self, Archived},
    matching::{self, Matching},
    named::Named,
};
use crate::model::{
    ids::{Priority, QueueName},
    job::JobState,
    operation::{Outcome, TrashEntry},
    time::Millis,
};
use crate::server::{
    actions::{errors::remembered::Halt, now},
    driver::redis::{
        DelayedOneByOne, OneByOne, Promotion, Step, Sweep,
        due::Served,
        search::Top,
        trash::{Keep, Stays},
    },
    error::DriverError,
    state::AppState,
};
use std::collections::VecDeque;

/// What is left to do.
pub(super) enum Work {
    Retry(Sweep),
    Promote(Promotion),
    Remove(Removal),
    Restore(TrashEntry, Stays),
    Matching(Matching),
    Archived(Archived),
}

/// A deletion under way.
pub(super) struct Removal {
    pub trash: String,
    pub keep: Keep,
    pub parts: VecDeque<Part>,
    pub served: Served,
    /// Jobs that came later stay.
    pub started: Millis,
}

/// One list of a deletion. `left`: how many were in it at the start, when it goes one by one.
pub(super) enum Part {
    /// Groups that may have pending jobs, and how many at the end of the first one's list stay.
    Grouped {
        groups: VecDeque<String>,
        from: u64,
    },
    /// And its newest elements at the start.
    Waiting(Priority, u64, Option<Top>),
    WaitingOneByOne(OneByOne),
    Delayed(Priority, u64),
    DelayedOneByOne(DelayedOneByOne),
    /// And its newest elements at the start.
    Failed(Option<Top>),
}

/// The newest dead letters: what fails later than this is left alone.
pub(super) async fn newest_failed(state: &AppState, queue: &QueueName) -> Result<Option<Top>, DriverError> {
    Ok(state.driver.tops(queue, JobState::Failed).await?.into_iter().flatten().next())
}

pub(super) async fn waiting_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    let mut parts = Vec::new();
    for (p, top) in Priority::ALL.into_iter().zip(state.driver.tops(queue, JobState::Waiting).await?) {
        parts.push(Part::Waiting(p, state.driver.length(&state.driver.keys().waiting(queue, p), "LLEN").await?, top));
    }
    // The base list first: groups that are completed on the way release jobs into it, behind those that were there.
    parts.sort_by_key(|part| !matches!(part, Part::Waiting(Priority::Base, ..)));
    Ok(parts.into())
}

pub(super) async fn delayed_parts(state: &AppState, queue: &QueueName) -> Result<VecDeque<Part>, DriverError> {
    Ok(state.driver.delayed_sets(queue).await?.into_iter().map(|(p, left)| Part::Delayed(p, left)).collect())
}

impl Work {
    /// The trash entry that it fills, and whether that is kept.
    pub(super) fn fills(&self) -> Option<(&str, Keep)> {
        match self {
            Self::Remove(removal) => Some((&removal.trash, removal.keep)),
            Self::Matching(matching) => matching.trash.as_deref().map(|trash| (trash, Keep::AnHour)),
            Self::Retry(_) | Self::Promote(_) | Self::Restore(..) | Self::Archived(_) => None,
        }
    }

    /// What is to be said at the end.
    pub(super) fn remark(&self) -> Option<String> {
        match self {
            Self::Restore(_, stays) if stays.jobs() > 0 => Some(format!(
                "{} stay in the trash: jobs equal to them byte for byte are delayed already, and Redis keeps one of two equal ones.",
                stays.jobs()
            )),
            Self::Matching(matching) if matching.lost() => Some(
                "Others took jobs out of the list, and its place there was lost: some of those that are told as gone may be there still. \
                 Count them again for the rest."
                    .into(),
            ),
            Self::Matching(matching) => matching.named.remark(),
            _ => None,
        }
    }

    /// Which jobs it moved, where that is written down.
    pub(super) fn named(&mut self) -> Option<&mut Named> {
        match self {
            Self::Matching(matching) => Some(&mut matching.named),
            _ => None,
        }
    }

    /// The trash entry that is not to expire meanwhile.
    pub(super) fn holds(&self) -> Option<&str> {
        match self {
            Self::Restore(entry, _) => Some(&entry.id),
            _ => self.fills().map(|(trash, _)| trash),
        }
    }
}

/// One bounded step, added to `outcome`; true when it was the last.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Work, outcome: &mut Outcome) -> Result<bool, Halt> {
    let driver = &state.driver;
    let swept = match work {
        Work::Retry(sweep) => driver.retry_step(sweep).await?,
        Work::Promote(promotion) => driver.promote_step(promotion, now).await?,
        Work::Matching(matching) => matching::step(state, queue, matching, outcome).await?,
        Work::Archived(archived) => return archived::step(state, queue, archived, outcome).await,
        Work::Restore(entry, stays) => match driver.restore_step(queue, &entry.id, stays).await? {
            Some(outcome) => Step { outcome, finished: false },
            None => Step { outcome: Outcome::default(), finished: true },
        },
        Work::Remove(removal) => {
            let Some(mut part) = removal.parts.pop_front() else { return Ok(true) };
            match remove_step(state, queue, removal, &mut part, outcome).await {
                Ok(Stepped::More) => removal.parts.push_front(part),
                // What goes as a whole goes first, before more can come.
                Ok(Stepped::OneByOne(rest)) => removal.parts.push_back(rest),
                Ok(Stepped::Through) => {}
                // The part stays in front, with what it has learned.
                Err(error) => {
                    removal.parts.push_front(part);
                    return Err(error.into());
                }
            }
            return Ok(removal.parts.is_empty());
        }
    };
    outcome.add(&swept.outcome);
    Ok(swept.finished)
}

/// What is to be done with a part after a step.
enum Stepped {
    More,
    Through,
    /// It cannot go whole.
    OneByOne(Part),
}

impl From<bool> for Stepped {
    fn from(more: bool) -> Self {
        if more { Self::More } else { Self::Through }
    }
}

/// Removes a piece of a part.
async fn remove_step(
    state: &AppState,
    queue: &QueueName,
    removal: &mut Removal,
    part: &mut Part,
    outcome: &mut Outcome,
) -> Result<Stepped, DriverError> {
    let (driver, trash, started) = (&state.driver, &removal.trash, removal.started);
    Ok(match part {
        Part::Grouped { groups, from } => {
            let Some(group) = groups.front() else { return Ok(Stepped::Through) };
            match driver.discard_grouped(queue, group, *from, started, trash, outcome).await? {
                Some(next) => *from = next,
                None => {
                    groups.pop_front();
                    *from = 0;
                }
            }
            (!groups.is_empty()).into()
        }
        Part::Failed(top) => {
            driver.trash_failed(queue, top.as_ref(), trash, outcome).await?;
            Stepped::Through
        }
        Part::Waiting(p, left, top) => match driver.trash_waiting(queue, *p, top.as_ref(), trash, outcome).await? {
            true => Stepped::Through,
            false => Stepped::OneByOne(Part::WaitingOneByOne(OneByOne::new(*p, *left, top.take(), started))),
        },
        Part::WaitingOneByOne(list) => driver.discard_step(queue, list, trash, outcome).await?.into(),
        Part::Delayed(p, left) => match driver.trash_delayed(queue, *p, trash, &mut removal.served, now, outcome).await? {
            true => Stepped::Through,
            false => Stepped::OneByOne(Part::DelayedOneByOne(DelayedOneByOne::new(*p, *left, started))),
        },
        Part::DelayedOneByOne(set) => driver.discard_delayed_step(queue, set, trash, &mut removal.served, now, outcome).await?.into(),
    })
}
