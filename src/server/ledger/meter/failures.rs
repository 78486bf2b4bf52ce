//! Failed attempts of a window, and what was usual before it.

use super::{super::frame::Frame, Meter, TIERS};
use crate::model::{
    alert::rule::{SPIKE_LEAST, USUAL_HOURS},
    ids::QueueName,
};
use std::collections::BTreeMap;

/// The frames of ten minutes that say what is usual.
const TENS: usize = 3;
/// Of the window so much must have been heard, and of each frame before it.
const HEARD: f64 = 0.5;
/// With fewer frames than these nobody knows what is usual: half an hour.
const LEAST_FRAMES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// In the window.
    pub failed: u64,
    pub per_minute: f64,
    /// Half of the stretches of ten minutes in the hours before had at most this many a minute; `None`: too little was heard.
    pub usual: Option<f64>,
}

/// Of the whole and of the queues in which something failed.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    all: Option<Spike>,
    queues: BTreeMap<QueueName, Spike>,
    heard: bool,
}

impl Failures {
    /// `None`: too little of the window was heard.
    pub fn of(&self, queue: Option<&QueueName>) -> Option<Spike> {
        match queue {
            None => self.all,
            Some(_) if !self.heard => None,
            Some(queue) => Some(self.queues.get(queue).copied().unwrap_or(Spike { failed: 0, per_minute: 0.0, usual: Some(0.0) })),
        }
    }

    /// Queues with enough failed attempts to be looked at.
    pub fn failing(&self) -> impl Iterator<Item = &QueueName> {
        self.queues.iter().filter(|(_, spike)| spike.failed >= SPIKE_LEAST).map(|(queue, _)| queue)
    }
}

impl Meter {
    /// Of the window that ends at `end`, epoch s. The further back, the coarser the frames: then the window is one of them.
    pub fn failures(&self, end: i64, window: i64) -> Failures {
        let age = self.closed + 1 - (end - window);
        let tier = TIERS.iter().position(|(step, kept)| age <= step * kept).unwrap_or(TENS);
        let step = TIERS[tier].0;
        let end = end.div_euclid(step) * step;
        let from = end - (window / step).max(1) * step;
        let mut sum = Frame::new(from);
        self.tiers[tier].range(from..end).for_each(|(_, frame)| add(&mut sum, frame));
        let heard = f64::from(sum.heard) / 1_000.0;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        if heard < (end - from) as f64 * HEARD {
            return Failures::default();
        }
        // Whole stretches before the window.
        let ten = TIERS[TENS].0;
        let before: Vec<&Frame> = self.tiers[TENS]
            .range(from - USUAL_HOURS * 3_600..from.saturating_sub(ten - 1))
            .map(|(_, frame)| frame)
            .filter(|frame| f64::from(frame.heard) >= ten as f64 * 1_000.0 * HEARD)
            .collect();
        let spike = |failed: u64, queue: Option<&QueueName>| Spike {
            failed,
            per_minute: a_minute(failed, heard),
            usual: usual(&before, queue).filter(|_| before.len() >= LEAST_FRAMES),
        };
        // What is usual is worked out only where something may be unusual.
        let queues = sum.queues.iter().map(|(queue, tally)| {
            let few = Spike { failed: tally.failed, per_minute: a_minute(tally.failed, heard), usual: Some(0.0) };
            (queue.clone(), if tally.failed >= SPIKE_LEAST { spike(tally.failed, Some(queue)) } else { few })
        });
        Failures { all: Some(spike(sum.all.failed, None)), queues: queues.collect(), heard: true }
    }

    /// Frames of a tier that begin from `from` on, oldest first.
    pub fn frames_from(&self, tier: usize, from: i64) -> impl Iterator<Item = &Frame> {
        self.tiers[tier].range(from..).map(|(_, frame)| frame)
    }
}

/// Counts of failures only: histograms are of no use here.
fn add(sum: &mut Frame, frame: &Frame) {
    sum.heard += frame.heard;
    sum.all.failed += frame.all.failed;
    for (queue, tally) in frame.queues.iter().filter(|(_, tally)| tally.failed > 0) {
        sum.queues.entry(queue.clone()).or_default().failed += tally.failed;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn a_minute(failed: u64, heard_s: f64) -> f64 {
    if heard_s > 0.0 { failed as f64 * 60.0 / heard_s } else { 0.0 }
}

/// The middle one of the rates: a spike of an hour ago does not become the usual.
fn usual(before: &[&Frame], queue: Option<&QueueName>) -> Option<f64> {
    let rate = |frame: &&Frame| a_minute(frame.of(queue, None).map_or(0, |tally| tally.failed), f64::from(frame.heard) / 1_000.0);
    let mut rates: Vec<f64> = before.iter().map(rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
