//! What happened in one stretch of time: counts and histograms, of all jobs, by queue and by class. Frames add up.

use super::histogram::Histogram;
use crate::model::{
    ids::QueueName,
    metrics::{Point, Summary},
    time::Millis,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, collections::BTreeMap};

/// Queues and classes of one frame that are told apart; more only count in the sum.
const MOST: usize = 2_000;

fn none<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Short names: thousands of these are kept in Redis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    #[serde(rename = "s", skip_serializing_if = "none")]
    pub started: u64,
    #[serde(rename = "c", skip_serializing_if = "none")]
    pub completed: u64,
    #[serde(rename = "f", skip_serializing_if = "none")]
    pub failed: u64,
    #[serde(rename = "r", skip_serializing_if = "none")]
    pub retried: u64,
    #[serde(rename = "d", skip_serializing_if = "none")]
    pub dead: u64,
    /// Run times.
    #[serde(rename = "x", skip_serializing_if = "none")]
    pub run: Histogram,
    /// Times from when a job could run to when it did.
    #[serde(rename = "w", skip_serializing_if = "none")]
    pub wait: Histogram,
    /// Waiting jobs when the frame ended.
    #[serde(rename = "b", skip_serializing_if = "none")]
    pub waiting: Option<u64>,
}

impl Tally {
    /// `later` ends after this one.
    pub fn merge(&mut self, later: &Self) {
        self.started += later.started;
        self.completed += later.completed;
        self.failed += later.failed;
        self.retried += later.retried;
        self.dead += later.dead;
        self.run.merge(&later.run);
        self.wait.merge(&later.wait);
        self.waiting = later.waiting.or(self.waiting);
    }

    pub fn ended(&self) -> u64 {
        self.completed + self.failed
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    /// `heard`: so many ms of the window.
    pub fn summary(&self, window: u64, heard: u64) -> Summary {
        let rate = |n: u64| (heard > 0).then(|| round(n as f64 * 1_000.0 / heard as f64));
        Summary {
            window_seconds: window,
            covered_seconds: heard / 1_000,
            started: self.started,
            completed: self.completed,
            failed: self.failed,
            retried: self.retried,
            dead: self.dead,
            completed_per_second: rate(self.completed),
            failed_per_second: rate(self.failed),
            failure_rate: (self.ended() > 0).then(|| (self.failed as f64 / self.ended() as f64 * 10_000.0).round() / 10_000.0),
            run: self.run.quantiles(),
            wait: self.wait.quantiles(),
        }
    }
}

/// Two decimals: the same value on server and browser, and no noise in what did not change.
pub fn round(rate: f64) -> f64 {
    (rate * 100.0).round() / 100.0
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// Epoch seconds at which it begins.
    pub at: i64,
    /// How many ms of it were heard.
    #[serde(rename = "n", skip_serializing_if = "none")]
    pub heard: u32,
    #[serde(rename = "a", skip_serializing_if = "none")]
    pub all: Tally,
    #[serde(rename = "q", skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<QueueName, Tally>,
    #[serde(rename = "k", skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Tally>,
}

/// The tally of a name, a new one while there are fewer than [`MOST`].
fn slot<'a, K: Ord + Borrow<N>, N: Ord + ToOwned<Owned = K> + ?Sized>(of: &'a mut BTreeMap<K, Tally>, name: &N) -> Option<&'a mut Tally> {
    if !of.contains_key(name) && of.len() < MOST {
        of.insert(name.to_owned(), Tally::default());
    }
    of.get_mut(name)
}

impl Frame {
    pub fn new(at: i64) -> Self {
        Self { at, ..Self::default() }
    }

    pub fn count(&mut self, queue: Option<&QueueName>, class: Option<&str>, what: impl Fn(&mut Tally)) {
        what(&mut self.all);
        queue.and_then(|queue| slot(&mut self.queues, queue)).into_iter().for_each(&what);
        class.and_then(|class| slot(&mut self.classes, class)).into_iter().for_each(&what);
    }

    /// `later` begins where this one ends, or after.
    pub fn merge(&mut self, later: &Self) {
        self.heard += later.heard;
        self.all.merge(&later.all);
        for (queue, later) in &later.queues {
            slot(&mut self.queues, queue).into_iter().for_each(|tally| tally.merge(later));
        }
        for (class, later) in &later.classes {
            slot(&mut self.classes, class.as_str()).into_iter().for_each(|tally| tally.merge(later));
        }
    }

    pub fn of(&self, queue: Option<&QueueName>, class: Option<&str>) -> Option<&Tally> {
        match (queue, class) {
            (Some(queue), _) => self.queues.get(queue),
            (None, Some(class)) => self.classes.get(class),
            (None, None) => Some(&self.all),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small")]
    pub fn point(&self, step: i64, queue: Option<&QueueName>, class: Option<&str>) -> Point {
        let nothing = Tally::default();
        let tally = self.of(queue, class).unwrap_or(&nothing);
        let covered = round(f64::from(self.heard) / (step as f64 * 1_000.0));
        let count = |n: u64| (covered > 0.0 || tally.ended() > 0).then_some(n);
        Point {
            at: Millis(self.at * 1_000),
            covered,
            completed: count(tally.completed),
            failed: count(tally.failed),
            waiting: tally.waiting,
            run: tally.run.quantiles(),
        }
    }
}
