//! Frames of seconds, added up to 10 s, a minute and ten minutes: what charts and rates are read from.
//!
//! A second is closed a little after it has ended, so that events which arrive late still count where they belong. Which
//! seconds were heard whole is remembered, so that silence and a gap are two things.

mod failures;
mod read;

pub use failures::{Failures, Spike};

use super::frame::{Frame, Tally};
use crate::model::ids::QueueName;
use std::collections::BTreeMap;

/// An event may arrive this much later than its time says; later ones count in the oldest second that is still open.
pub const LATE_MS: i64 = 1_500;

/// Length of a frame in seconds and how many are kept.
pub const TIERS: [(i64, i64); 4] = [(1, 180), (10, 120), (60, 75), (600, 150)];

/// Waiting jobs of everything and by queue; `None`: unknown.
#[derive(Default)]
pub struct Backlog {
    pub all: Option<u64>,
    pub queues: Vec<(QueueName, u64)>,
}

pub struct Meter {
    open: BTreeMap<i64, Frame>,
    tiers: [BTreeMap<i64, Frame>; 4],
    /// The last second that is closed.
    closed: i64,
    /// Times in which the channel was not heard, epoch ms; the last may still go on.
    unheard: Vec<(i64, Option<i64>)>,
}

impl Meter {
    /// Nothing is heard until [`Meter::heard`].
    pub fn new(now_ms: i64) -> Self {
        Self {
            open: BTreeMap::new(),
            tiers: Default::default(),
            closed: (now_ms - LATE_MS).div_euclid(1_000) - 1,
            unheard: vec![(i64::MIN, None)],
        }
    }

    pub fn heard(&mut self, now_ms: i64) {
        if let Some((_, to @ None)) = self.unheard.last_mut() {
            *to = Some(now_ms);
        }
    }

    /// Not heard since `from_ms`.
    pub fn lost(&mut self, from_ms: i64) {
        if self.unheard.last().is_none_or(|(_, to)| to.is_some()) {
            self.unheard.push((from_ms, None));
        }
        let extra = self.unheard.len().saturating_sub(50);
        self.unheard.drain(..extra);
    }

    /// What was said in the last gap is known after all.
    pub fn recovered(&mut self) {
        if self.unheard.len() > 1 {
            self.unheard.pop();
        }
    }

    /// How many ms of a second were heard.
    fn heard_of(&self, second: i64) -> u32 {
        let (from, to) = (second * 1_000, second * 1_000 + 1_000);
        let missed: i64 = self.unheard.iter().map(|(a, b)| (b.unwrap_or(to).min(to) - (*a).max(from)).max(0)).sum();
        u32::try_from(1_000 - missed).unwrap_or(0)
    }

    pub fn count(&mut self, at_ms: i64, now_ms: i64, queue: Option<&QueueName>, class: Option<&str>, what: impl Fn(&mut Tally)) {
        let last = now_ms.div_euclid(1_000).max(self.closed + 1);
        let second = at_ms.div_euclid(1_000).clamp(self.closed + 1, last);
        self.open.entry(second).or_insert_with(|| Frame::new(second)).count(queue, class, what);
    }

    /// Closes the seconds that are over, and the longer frames that end with them.
    pub fn close(&mut self, now_ms: i64, backlog: &dyn Fn() -> Backlog) {
        let until = (now_ms - LATE_MS).div_euclid(1_000) - 1;
        // After a long sleep of the machine there is nothing to tell about the time between.
        if until - self.closed > 3_600 {
            self.open.clear();
            self.closed = until - 1;
        }
        while self.closed < until {
            let second = self.closed + 1;
            let mut frame = self.open.remove(&second).unwrap_or_else(|| Frame::new(second));
            frame.heard = self.heard_of(second);
            self.closed = second;
            self.keep(0, frame);
            for (tier, (step, _)) in TIERS.into_iter().enumerate().skip(1) {
                if (second + 1) % step == 0 {
                    let mut frame = self.rolled(tier, second + 1 - step);
                    if tier == 1 {
                        let now = backlog();
                        frame.all.waiting = now.all;
                        for (queue, waiting) in now.queues {
                            frame.queues.entry(queue).or_default().waiting = Some(waiting);
                        }
                    }
                    self.keep(tier, frame);
                }
            }
        }
    }

    /// The frame of a tier from those of the tier below.
    fn rolled(&self, tier: usize, at: i64) -> Frame {
        let mut frame = Frame::new(at);
        for (_, part) in self.tiers[tier - 1].range(at..at + TIERS[tier].0) {
            frame.merge(part);
        }
        frame
    }

    fn keep(&mut self, tier: usize, frame: Frame) {
        let (step, most) = TIERS[tier];
        let oldest = frame.at - step * most;
        self.tiers[tier].insert(frame.at, frame);
        while self.tiers[tier].first_key_value().is_some_and(|(at, _)| *at < oldest) {
            self.tiers[tier].pop_first();
        }
    }

    /// Takes frames that another console wrote, where it heard more; frames that are not whole yet are made again of their parts.
    pub fn adopt(&mut self, tier: usize, frame: Frame) {
        let known = self.tiers[tier].get(&frame.at).map_or(0, |f| f.heard);
        if frame.heard > known && frame.at + TIERS[tier].0 <= self.closed + 1 {
            self.tiers[tier].insert(frame.at, frame);
        }
    }

    /// After frames were adopted: longer frames that end behind `mark` are added up again.
    pub fn again(&mut self, mark: i64) {
        for (tier, (step, _)) in TIERS.into_iter().enumerate().skip(1) {
            let late: Vec<i64> = self.tiers[tier].keys().copied().filter(|at| at + step > mark + 1).collect();
            for at in late {
                let (rolled, known) = (self.rolled(tier, at), &self.tiers[tier][&at]);
                if rolled.heard > known.heard {
                    let mut rolled = rolled;
                    rolled.all.waiting = known.all.waiting.or(rolled.all.waiting);
                    self.tiers[tier].insert(at, rolled);
                }
            }
        }
    }

    pub fn closed(&self) -> i64 {
        self.closed
    }

    /// What is to be written behind `mark`: up to `most` seconds and the longer frames that end with them. The first is the last second of it.
    pub fn since(&self, mark: i64, most: i64) -> (i64, Vec<(usize, Frame)>) {
        if mark >= self.closed {
            return (mark, Vec::new());
        }
        let from = self.tiers[0].range(mark + 1..).next().map_or(self.closed, |(at, _)| *at);
        let last = (from + most - 1).min(self.closed);
        let mut frames: Vec<(usize, Frame)> = self.tiers[0]
            .range(mark + 1..=last)
            .filter(|(_, f)| f.heard > 0 || f.all.started + f.all.ended() > 0)
            .map(|(_, f)| (0, f.clone()))
            .collect();
        for (tier, (step, _)) in TIERS.iter().enumerate().skip(1) {
            let ending = self.tiers[tier].range(..=last).filter(|(at, f)| **at + step > mark + 1 && **at + step <= last + 1 && f.heard > 0);
            frames.extend(ending.map(|(_, f)| (tier, f.clone())));
        }
        (last, frames)
    }

    /// Everything from `at` on that is known by now, in one frame.
    fn rest(&self, tier: usize, at: i64) -> Frame {
        if tier == 0 {
            return self.tiers[0].get(&at).or_else(|| self.open.get(&at)).cloned().unwrap_or_else(|| Frame::new(at));
        }
        let below = TIERS[tier - 1].0;
        let mut frame = self.rolled(tier, at);
        // The one below that still fills as well.
        let filling = self.closed.div_euclid(below) * below;
        if tier > 1 && filling >= at && !self.tiers[tier - 1].contains_key(&filling) {
            frame.merge(&self.rest(tier - 1, filling));
        }
        frame
    }
}

#[cfg(test)]
mod tests;
