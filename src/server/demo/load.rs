//! How much the simulated application does, and of what.

use super::catalogue::Kind;
use std::time::Duration;

#[derive(Clone)]
pub struct Load {
    pub prefix: String,
    pub monitor_prefix: String,
    pub queues: Vec<QueueLoad>,
    pub workers: Vec<WorkerLoad>,
    /// The same seed makes the same jobs (not the same interleaving).
    pub seed: u64,
    /// An idle worker looks again after this long.
    pub poll: Duration,
    /// 5 s in the library, which also waits that long before the first one.
    pub heartbeat: Duration,
    pub first_heartbeat: Duration,
    /// Rates swing by half around their mean, once in this time; zero = steady.
    pub rhythm: Duration,
    /// A worker dies in the middle of a job this often; zero = never. A new one replaces it.
    pub kill_every: Duration,
    /// Keep ids and run times in the ledger: memory grows, for tests.
    pub keep_ids: bool,
}

#[derive(Clone)]
pub struct QueueLoad {
    pub name: String,
    pub kinds: &'static [Kind],
    /// Jobs pushed per second, on average.
    pub per_second: f64,
    /// Mean run time; runs take from half to twice as long.
    pub run: Duration,
    /// Part of first attempts that fail.
    pub failure: f64,
    /// Parts of the jobs that are critical, high, low.
    pub priorities: [f64; 3],
    /// Part of the jobs that is pushed with a delay, and its bounds in seconds.
    pub delayed: f64,
    pub delay_s: (u64, u64),
    /// Number of groups `customer-N`; 0 = no groups.
    pub groups: u64,
    pub max_attempts: Option<u32>,
    /// `retryAfterSeconds` and `retryMultiplier` of the job; the library's 1 and 2 when absent.
    pub backoff: Option<(f64, f64)>,
    /// Producers hold back while the base list is longer.
    pub max_waiting: u64,
}

#[derive(Clone)]
pub struct WorkerLoad {
    pub hostname: String,
    pub queues: Vec<String>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            prefix: "queue:".into(),
            monitor_prefix: "flux_console:".into(),
            queues: Vec::new(),
            workers: Vec::new(),
            seed: 1,
            poll: Duration::from_millis(500),
            heartbeat: Duration::from_secs(5),
            first_heartbeat: Duration::from_secs(5),
            rhythm: Duration::ZERO,
            kill_every: Duration::ZERO,
            keep_ids: false,
        }
    }
}

impl QueueLoad {
    pub fn new(name: &str, kinds: &'static [Kind], per_second: f64, run_ms: u64, failure: f64) -> Self {
        Self {
            name: name.into(),
            kinds,
            per_second,
            run: Duration::from_millis(run_ms),
            failure,
            priorities: [0.0; 3],
            delayed: 0.0,
            delay_s: (0, 0),
            groups: 0,
            max_attempts: None,
            backoff: None,
            max_waiting: 25_000,
        }
    }

    pub fn priorities(mut self, critical: f64, high: f64, low: f64) -> Self {
        self.priorities = [critical, high, low];
        self
    }

    pub fn delayed(mut self, part: f64, from_s: u64, to_s: u64) -> Self {
        (self.delayed, self.delay_s) = (part, (from_s, to_s));
        self
    }

    pub fn groups(mut self, groups: u64) -> Self {
        self.groups = groups;
        self
    }

    pub fn attempts(mut self, max: u32) -> Self {
        self.max_attempts = Some(max);
        self
    }

    pub fn backoff(mut self, after_s: f64, multiplier: f64) -> Self {
        self.backoff = Some((after_s, multiplier));
        self
    }

    pub fn at_most(mut self, waiting: u64) -> Self {
        self.max_waiting = waiting;
        self
    }
}

impl WorkerLoad {
    pub fn new(hostname: &str, queues: &[&str]) -> Self {
        Self { hostname: hostname.into(), queues: queues.iter().map(|q| (*q).into()).collect() }
    }
}
