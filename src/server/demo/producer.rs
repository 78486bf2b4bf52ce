//! The half of the simulated application that pushes jobs.

use super::{
    catalogue::Kind,
    chance::Chance,
    job::{Job, quoted},
    ledger::Ledger,
    load::{Load, QueueLoad},
    wire::Wire,
};
use crate::{model::time::Millis, server::actions::now};
use redis::RedisResult;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_millis(40);
/// How often a producer looks whether its queue has grown too long.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Pushes every queue's jobs at its rate until told to stop.
pub async fn run(load: Arc<Load>, ledger: Arc<Ledger>, mut wire: Wire, mut chance: Chance, stop: CancellationToken) {
    let began = Instant::now();
    // What each queue is owed, in jobs; starts apart so that rates below 1/s do not all push in the same tick.
    let mut owed: Vec<f64> = load.queues.iter().map(|_| chance.unit()).collect();
    let mut full = vec![false; load.queues.len()];
    let (mut last, mut looked) = (began, began);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let (passed, swing) = (last.elapsed().as_secs_f64(), swing(&load, began.elapsed()));
        last = Instant::now();
        if looked.elapsed() >= LOOK_EVERY {
            looked = last;
            for (queue, full) in load.queues.iter().zip(&mut full) {
                *full = wire.waiting(&queue.name).await.is_ok_and(|n| n >= queue.max_waiting);
            }
        }
        for ((queue, owed), full) in load.queues.iter().zip(&mut owed).zip(&full) {
            *owed += queue.per_second * passed * swing;
            while *owed >= 1.0 {
                *owed -= 1.0;
                if *full || stop.is_cancelled() {
                    continue;
                }
                if let Err(problem) = push(queue, &mut wire, &ledger, &mut chance).await {
                    tracing::debug!(queue.name = queue.name, error = %problem, "the simulated producer lost Redis");
                }
            }
        }
    }
}

/// Between 0.5 and 1.5, slowly, so that charts live.
fn swing(load: &Load, since: Duration) -> f64 {
    if load.rhythm.is_zero() {
        return 1.0;
    }
    1.0 + 0.5 * (std::f64::consts::TAU * since.as_secs_f64() / load.rhythm.as_secs_f64()).sin()
}

async fn push(queue: &QueueLoad, wire: &mut Wire, ledger: &Ledger, chance: &mut Chance) -> RedisResult<()> {
    let at = now();
    let mut job = make(queue, chance, at);
    let group = (queue.groups > 0).then(|| format!("customer-{}", chance.between(1, queue.groups)));
    if group.is_none() && chance.is(queue.delayed) {
        job.delay_seconds = Some(chance.between(queue.delay_s.0, queue.delay_s.1));
    }
    wire.push(&job, group.as_deref(), at).await?;
    ledger.pushed(&job.id);
    Ok(())
}

/// A fresh job of the queue: class, id, properties and priority as its load says.
pub fn make(queue: &QueueLoad, chance: &mut Chance, at: Millis) -> Job {
    let kind = pick(queue.kinds, chance);
    let (id, class, own) = kind.map_or_else(
        || (None, "NoJob", String::new()),
        |k| (k.id.map(|stem| format!("{stem}-{}", chance.between(100_000, 999_999_999))), k.class, (k.own)(chance)),
    );
    let [critical, high, low] = queue.priorities;
    let draw = chance.unit();
    let priority = match () {
        () if draw < critical => Some("critical"),
        () if draw < critical + high => Some("high"),
        () if draw < critical + high + low => Some("low"),
        () => None,
    };
    Job {
        id_in_properties: id.is_some(),
        id: id.unwrap_or_else(|| made_up_id(at, chance)),
        class: class.into(),
        queue: Some(queue.name.clone()),
        max_attempts: queue.max_attempts,
        priority: priority.map(quoted),
        retry_after_seconds: queue.backoff.map(|(after, _)| after),
        retry_multiplier: queue.backoff.map(|(_, multiplier)| multiplier),
        own,
        ..Job::default()
    }
}

/// `1795432803074-1pvjqtn`
pub fn made_up_id(at: Millis, chance: &mut Chance) -> String {
    format!("{}-{}", at.0, chance.base36(7))
}

/// The first kind is the most common one.
fn pick(kinds: &'static [Kind], chance: &mut Chance) -> Option<&'static Kind> {
    let last = u64::try_from(kinds.len()).ok()?.checked_sub(1)?;
    let at = chance.between(0, last).min(chance.between(0, last));
    kinds.get(usize::try_from(at).ok()?)
}
