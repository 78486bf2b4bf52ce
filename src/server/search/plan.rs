//! Which lists a search looks through, in which order: queue by queue, dead letters first; then what waits behind groups.

use super::Cursor;
use crate::model::{
    ids::{Fingerprint, QueueName, Source},
    job::{JobState, JobSummary},
    search::{Name, Query, Test},
    time::Millis,
};
use crate::server::{
    driver::redis::{
        RedisDriver,
        search::{AHEAD, Mark, Top, sources},
    },
    error::DriverError,
    snapshot::Snapshot,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Queues (or groups) whose lengths are asked in one round trip.
const TOGETHER: usize = 64;

/// Of each list the newest jobs that match are remembered, so many of them;
pub const NEWEST: usize = 8;
/// of the others that a step finds about so many, spread evenly; and so many in all.
const SPREAD: usize = 8;
const REMEMBERED: usize = 32;

/// A list that is not empty.
pub struct Place {
    pub queue: QueueName,
    pub source: Source,
    pub list: usize,
    /// Elements that are still to be read.
    pub left: u64,
    pub mark: Option<Mark>,
}

impl Place {
    pub fn group(&self) -> Option<String> {
        match &self.source {
            Source::Grouped(group) => Some(group.clone()),
            Source::Waiting(_) | Source::Delayed(_) | Source::Failed => None,
        }
    }
}

/// One tab of a queue.
#[derive(Clone, Debug)]
pub struct Scope {
    pub queue: QueueName,
    pub state: JobState,
    /// Only what was there then.
    pub start: Option<Start>,
}

/// Where a count began: what came later is neither counted nor acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub at: Millis,
    /// The newest element of each list, in the order of [`sources`]; `None` of an empty one.
    pub tops: Vec<Option<Top>>,
}

impl Start {
    /// A delayed set is ordered by due time: only its payload tells that a job came since.
    pub fn came_since(&self, job: &JobSummary) -> bool {
        job.state == JobState::Delayed && job.created_at.is_some_and(|at| at > self.at)
    }

    /// Remembers where some of the jobs stand that a step found, newest first: should others take all that is newest, these tell
    /// what was there. In a delayed set the time tells it.
    pub fn remember(&mut self, state: JobState, found: &[&Fingerprint]) {
        for (source, top) in sources(state).iter().zip(&mut self.tops) {
            let (Some(top), false) = (top, state == JobState::Delayed) else { continue };
            let here: Vec<&Fingerprint> = found.iter().copied().filter(|f| f.source == *source).collect();
            let (newest, others) = here.split_at(NEWEST.saturating_sub(top.matched.len()).min(here.len()));
            let every = others.len().div_ceil(SPREAD).max(1);
            top.matched.extend(newest.iter().chain(others.iter().step_by(every)).map(|f| (f.hint, f.hash.clone())));
            if top.matched.len() > REMEMBERED {
                let mut nth = 0_usize;
                top.matched.retain(|_| {
                    nth += 1;
                    nth <= NEWEST || nth.is_multiple_of(2)
                });
            }
        }
    }

    /// Whether it can be one that a count began with: it comes back from the browser. An older page names fewer elements.
    pub fn is_sound(&self) -> bool {
        const POSITIONS: u64 = 1 << 48;
        self.tops.iter().flatten().all(|top| {
            let lists = top.anchors.len() <= AHEAD && top.above.is_empty() && top.matched.len() <= REMEMBERED;
            lists && top.position < POSITIONS && top.matched.iter().all(|(at, _)| *at < POSITIONS)
        })
    }
}

pub struct Plan {
    queues: Vec<QueueName>,
    states: Vec<JobState>,
    sources: Vec<Source>,
    /// Group, the queue that its first job names, and how many jobs there were at the last tick.
    groups: Vec<(String, QueueName, u64)>,
    /// The next queue and list, then the next group, whose length was not asked yet.
    queue: usize,
    list: usize,
    group: usize,
    /// To be given to the first place.
    mark: Option<Mark>,
    /// What cannot be looked at, as a sentence each.
    pub skipped: BTreeSet<String>,
}

impl Plan {
    pub fn new(driver: &RedisDriver, query: &Query, scope: Option<&Scope>, cursor: &Cursor) -> Self {
        let known = driver.known();
        let mut skipped = BTreeSet::new();
        let queue = |q: &QueueName| query.asks_queue(q.as_str()) && scope.is_none_or(|s| s.queue == *q);
        let state = |s: JobState| query.asks_state(s) && scope.is_none_or(|scope| scope.state == s);
        let mut names: BTreeSet<QueueName> = known.queues.keys().filter(|q| queue(q)).cloned().collect();
        names.extend(scope.map(|s| s.queue.clone()).filter(queue));
        // A queue that is named may not have been discovered yet.
        names.extend(query.filters.iter().filter_map(|f| match &f.test {
            Test::Queue(Name { text, prefix: false }) if !f.negated => {
                QueueName::try_from(text.as_str()).ok().filter(|q| queue(q) && driver.keys().is_queue(q))
            }
            _ => None,
        }));
        let states: Vec<JobState> = [JobState::Failed, JobState::Waiting, JobState::Delayed].into_iter().filter(|s| state(*s)).collect();
        let mut groups = Vec::new();
        if state(JobState::Grouped) {
            for (group, pending) in &known.groups {
                match &pending.queue {
                    Some(Some(name)) if queue(name) => groups.push((group.clone(), name.clone(), pending.jobs.unwrap_or(0))),
                    Some(Some(_)) => {}
                    Some(None) | None if pending.jobs == Some(0) => {}
                    Some(None) | None if scope.is_some() => {}
                    Some(None) | None => {
                        skipped.insert("Jobs behind groups whose first job names no queue were left out.".to_owned());
                    }
                }
            }
        }
        if !known.scanned && scope.is_none() {
            skipped.insert("The console has not seen all keys of this Redis yet: there may be more queues.".into());
        }
        if (known.more_queues() || known.more_groups()) && scope.is_none() {
            skipped.insert("There are more queues or groups than the console follows.".into());
        }
        if query.asks_state(JobState::Active) && states.is_empty() && groups.is_empty() {
            skipped.insert("Redis does not store running jobs: the tab “active” of a queue shows them.".into());
        }
        let queues: Vec<QueueName> = names.into_iter().collect();
        let sources = states.iter().flat_map(|s| sources(*s)).collect();
        let queue = match (&cursor.group, &cursor.queue) {
            (Some(_), _) => queues.len(),
            (None, Some(at)) => queues.partition_point(|q| q < at),
            (None, None) => 0,
        };
        let same = cursor.group.is_some() || queues.get(queue) == cursor.queue.as_ref();
        let group = cursor.group.as_ref().map_or(0, |at| groups.partition_point(|(g, ..)| g < at));
        let same = same && cursor.group.as_ref().is_none_or(|at| groups.get(group).is_some_and(|(g, ..)| g == at));
        // A queue that is gone has nothing left to go on with.
        let (list, mark) = if same { (cursor.list, cursor.mark.clone()) } else { (0, None) };
        Self { queues, states, sources, groups, queue, list, group, mark, skipped }
    }

    /// The next lists that are not empty; `None` when there are no more.
    pub async fn next(&mut self, driver: &RedisDriver) -> Result<Option<VecDeque<Place>>, DriverError> {
        let mut places = Vec::new();
        if self.queue < self.queues.len() && !self.sources.is_empty() {
            let end = (self.queue + TOGETHER).min(self.queues.len());
            for (i, queue) in self.queues[self.queue..end].iter().enumerate() {
                let from = if i == 0 { self.list.min(self.sources.len()) } else { 0 };
                let lists = self.sources.iter().enumerate().skip(from);
                places.extend(lists.map(|(list, source)| Place {
                    queue: queue.clone(),
                    source: source.clone(),
                    list,
                    left: 0,
                    mark: None,
                }));
            }
            (self.queue, self.list) = (end, 0);
        } else if self.group < self.groups.len() {
            let end = (self.group + TOGETHER).min(self.groups.len());
            places.extend(self.groups[self.group..end].iter().map(|(group, queue, _)| Place {
                queue: queue.clone(),
                source: Source::Grouped(group.clone()),
                list: 0,
                left: 0,
                mark: None,
            }));
            self.group = end;
        } else {
            return Ok(None);
        }
        if let Some(first) = places.first_mut() {
            first.mark = self.mark.take();
        }
        let asked: Vec<_> = places.iter().map(|p| (&p.queue, &p.source)).collect();
        let lengths = driver.lengths(&asked).await?;
        let mut found = VecDeque::new();
        for (mut place, length) in places.into_iter().zip(lengths) {
            place.left = length.unwrap_or(0);
            if let Some(mark) = &place.mark
                && mark.score.is_none()
            {
                place.left = place.left.min(mark.at);
            }
            if length.is_none() {
                self.skipped.insert(format!("A key of {} holds something else than jobs.", place.queue));
            }
            if place.left > 0 {
                found.push_back(place);
            }
        }
        Ok(Some(found))
    }

    /// What was not asked yet, by the last tick; `None` when a part of it is not known.
    pub fn rest(&self, snapshot: &Snapshot) -> Option<u64> {
        let mut rest: u64 = self.groups[self.group..].iter().map(|(.., jobs)| jobs).sum();
        for name in &self.queues[self.queue..] {
            let Some(sample) = snapshot.queue(name) else { continue };
            for state in &self.states {
                rest += match state {
                    JobState::Failed => sample.failed?,
                    JobState::Delayed => sample.delayed?,
                    _ => sample.by_priority.sum()?,
                };
            }
        }
        Some(rest)
    }

    /// Where a later step begins when this one ends between two lists.
    pub fn next_place(&self) -> Option<(Option<QueueName>, Option<String>)> {
        match (self.queues.get(self.queue).filter(|_| !self.sources.is_empty()), self.groups.get(self.group)) {
            (Some(queue), _) => Some((Some(queue.clone()), None)),
            (None, Some((group, queue, _))) => Some((Some(queue.clone()), Some(group.clone()))),
            (None, None) => None,
        }
    }
}
