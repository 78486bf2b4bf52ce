//! Fires what is due. The lease spares consoles from looking all at once; that each run is fired once rests on
//! `lua/schedule_fire.lua`, which compares, pushes and advances in one step.
//!
//! After a time in which nobody ticked, each schedule is fired once and goes on with its next run from now; what was left out
//! is listed. A burst of old runs would help nobody.

use super::leader::Leader;
use crate::model::{
    ids::QueueName,
    time::{Millis, span},
};
use crate::server::{
    actions::now,
    driver::redis::{
        RedisDriver,
        schedules::{Fired, LEASE},
    },
    error::DriverError,
    schedule::stored::Stored,
    state::AppState,
};
use chrono_tz::Tz;
use std::{collections::HashMap, time::Duration};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_secs(1);
/// The lease lives 6 s: its holder renews it, and others ask for it, every so many ticks.
const LEASE_TICKS: u32 = 2;
/// Due schedules that are fired before the clock is looked at again.
const AT_ONCE: usize = 200;
/// One that is off or broken is due all the same; it is looked at again after this.
const PASS_OVER_MS: i64 = 10_000;
/// Due ones that are passed over and still leave room for others to be seen.
const MOST_PASSED: usize = 5_000;

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    pub fired: usize,
    /// Due ones that somebody else fired, changed or holds the lock of.
    pub lost: usize,
    /// More may be due.
    pub more: bool,
}

/// What a ticker knows from one tick to the next; nothing that matters.
#[derive(Default)]
pub struct Ticker {
    passed: HashMap<Vec<u8>, Passed>,
    /// What was pushed and is not told yet, where it is to be told.
    pushed: Option<Vec<PushedJob>>,
}

/// A run, as it was pushed.
pub struct PushedJob {
    pub queue: QueueName,
    pub payload: Vec<u8>,
    pub at: Millis,
}

/// A due schedule that is off or broken.
struct Passed {
    score: String,
    until: Millis,
    /// Empty when it is off.
    why: String,
}

impl Ticker {
    /// One that can say what it pushed.
    pub fn telling(on: bool) -> Self {
        Self { pushed: on.then(Vec::new), ..Self::default() }
    }

    /// What it pushed since this was asked last.
    pub fn told(&mut self) -> Vec<PushedJob> {
        self.pushed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// One command when nothing is due.
    pub async fn tick(&mut self, driver: &RedisDriver, zone: Tz, now: Millis) -> Result<Ticked, DriverError> {
        let most = AT_ONCE + self.passed.len().min(MOST_PASSED);
        let mut due = driver.due_schedules(now, most).await?;
        let full = due.len() == most;
        if !self.passed.is_empty() {
            self.passed.retain(|id, p| due.iter().any(|(d, score)| d == id && *score == p.score));
            due.retain(|(id, _)| self.passed.get(id).is_none_or(|p| p.until <= now));
        }
        let mut ticked = Ticked::default();
        let before = self.passed.len();
        if due.is_empty() {
            return Ok(ticked);
        }
        for found in driver.read_schedules(due).await? {
            let (id, score) = (found.id.clone(), found.score.clone().unwrap_or_default());
            let stored = Stored::of(found);
            let why = if stored.enabled {
                fire(driver, &stored, zone, now, &mut ticked, self.pushed.as_mut()).await?
            } else {
                Some(String::new())
            };
            let Some(why) = why else {
                self.passed.remove(&id);
                continue;
            };
            // Said once, not every ten seconds.
            let news = self.passed.get(&id).is_none_or(|p| p.why != why);
            if news && !why.is_empty() {
                tracing::warn!(schedule.id = stored.name, reason = why, "a due schedule is passed over");
            }
            self.passed.insert(id, Passed { score, until: Millis(now.0 + PASS_OVER_MS), why });
        }
        // Without progress the next look would find the same.
        ticked.more = full && (ticked.fired > 0 || self.passed.len() > before);
        Ok(ticked)
    }
}

/// Why it was passed over; `None`: it was not.
async fn fire(
    driver: &RedisDriver,
    stored: &Stored,
    zone: Tz,
    now: Millis,
    ticked: &mut Ticked,
    pushed: Option<&mut Vec<PushedJob>>,
) -> Result<Option<String>, DriverError> {
    let fire = match stored.fire(now, zone) {
        Ok(fire) => fire,
        Err(why) => return Ok(Some(why)),
    };
    match driver.fire_schedule(&fire, now).await {
        Ok(Fired::Done) => {
            ticked.fired += 1;
            if let (Some(pushed), Ok(sound)) = (pushed, &stored.sound) {
                pushed.push(PushedJob { queue: sound.queue.clone(), payload: fire.payload.into(), at: now });
            }
            let late = stored.next_run().map_or_else(String::new, |due| span(now.0 - due.0));
            tracing::debug!(schedule.id = stored.name, queue.name = fire.queue, late, "fired a schedule");
            Ok(None)
        }
        Ok(Fired::Changed | Fired::Taken) => {
            ticked.lost += 1;
            Ok(None)
        }
        // Another key of this one schedule is odd: the others go on.
        Err(error @ (DriverError::Corrupt { .. } | DriverError::Protocol(_))) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    if !state.config.scheduler {
        shutdown.cancelled().await;
        return Ok(());
    }
    let leader = Leader::new(&state.driver, LEASE);
    let (mut ticker, mut leads, mut ticks) = (Ticker::telling(state.enqueued.is_on()), false, 0_u32);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => {
                if leads {
                    leader.leave().await;
                }
                return Ok(());
            }
            _ = tick.tick() => {}
        }
        if ticks.is_multiple_of(LEASE_TICKS) {
            leads = lead(&state, &leader, leads).await;
        }
        ticks = ticks.wrapping_add(1);
        if leads && let Err(error) = all_due(&mut ticker, &state).await {
            // Down is the sampler's to report. The lease may be over before Redis answers again.
            tracing::debug!(%error, "schedules are not ticked");
            leads = false;
        }
    }
}

/// Whether this console ticks, by the lease.
async fn lead(state: &AppState, leader: &Leader, led: bool) -> bool {
    let leads = matches!(leader.lead().await, Ok(Some(_)));
    if leads && !led {
        let noted = state.driver.ticking_since(now()).await;
        if let Err(error) = noted {
            tracing::debug!(%error, "since when schedules are ticked is not noted");
        }
    }
    leads
}

async fn all_due(ticker: &mut Ticker, state: &AppState) -> Result<(), DriverError> {
    loop {
        let ticked = ticker.tick(&state.driver, state.config.schedule_timezone, now()).await;
        // Also what was fired before something went wrong.
        for PushedJob { queue, payload, at } in ticker.told() {
            state.enqueued.note(state.driver.keys(), &queue, payload, at);
        }
        if !ticked?.more {
            return Ok(());
        }
    }
}
