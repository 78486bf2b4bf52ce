//! Figures over time: closes the seconds, and keeps them in Redis. Every console counts; the one that holds the lease writes
//! each second once, in a script that checks its token and moves the mark. A successor goes on behind the mark with what
//! it heard itself, so nothing is counted twice and nothing that somebody heard is lost.

use super::leader::Leader;
use crate::server::{
    actions::now,
    driver::redis::metrics::{LEASE, Originals, Written, Wrote},
    error::DriverError,
    ledger::{
        frame::Frame,
        meter::{Backlog, TIERS},
    },
    state::AppState,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_secs(1);
/// Without events the lease is renewed, and silence written down, every so many ticks.
const QUIET_TICKS: u32 = 3;
/// Seconds written by one script.
const AT_ONCE: i64 = 20;
/// Who does not hold the lease asks for it this often.
const APPLY_TICKS: u32 = 3;
/// Lost runs of other consoles are read again this often.
const LOST_TICKS: u32 = 15;

struct Writer {
    state: AppState,
    leader: Leader,
    /// The last second that is written; `None` while another console writes.
    mark: Option<i64>,
    quiet: u32,
    /// What other consoles wrote was read.
    loaded: bool,
    ticks: u32,
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let leader = Leader::new(&state.driver, LEASE);
    let mut writer = Writer { state, leader, mark: None, quiet: 0, loaded: false, ticks: 0 };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => {
                if writer.mark.is_some() {
                    writer.leader.leave().await;
                }
                return Ok(());
            }
            _ = tick.tick() => {}
        }
        writer.close();
        if let Err(error) = writer.turn().await {
            tracing::debug!(%error, "figures are not written");
            // The lease may be over before Redis answers again.
            writer.mark = None;
        }
    }
}

impl Writer {
    fn close(&self) {
        let snapshot = self.state.snapshot();
        let backlog = || Backlog {
            all: snapshot.sampled_at.and(snapshot.totals.waiting),
            queues: snapshot.queues.iter().filter_map(|q| Some((q.name.clone(), q.waiting.filter(|n| *n > 0)?))).collect(),
        };
        self.state.ledger.lock().tick(now(), &backlog);
    }

    async fn turn(&mut self) -> Result<(), DriverError> {
        self.ticks += 1;
        self.lost().await?;
        let Some(mark) = self.mark else {
            // With the lease's own time this is less than 10 s after a writer's end.
            if self.ticks % APPLY_TICKS == 1 {
                self.apply().await?;
            }
            if !self.loaded {
                self.load().await?;
            }
            return Ok(());
        };
        let (last, frames) = self.state.ledger.lock().meter().since(mark, AT_ONCE);
        let busy = frames.iter().any(|(tier, f)| *tier == 0 && f.all.started + f.all.ended() > 0);
        self.quiet = if busy { 0 } else { self.quiet + 1 };
        if !busy && self.quiet < QUIET_TICKS {
            return Ok(());
        }
        self.quiet = 0;
        self.write(mark, last, &frames).await
    }

    /// Tries to become the writer.
    async fn apply(&mut self) -> Result<(), DriverError> {
        if self.leader.lead().await?.is_none() {
            return Ok(());
        }
        let mark = self.state.driver.mark().await?;
        let closed = self.state.ledger.lock().meter().closed();
        let mark = mark.unwrap_or(closed).min(closed);
        // What the one before wrote, where it heard more than this console.
        self.load().await?;
        self.state.ledger.lock().meter().again(mark);
        tracing::info!(mark, "this console writes the figures");
        self.mark = Some(mark);
        Ok(())
    }

    async fn write(&mut self, mark: i64, last: i64, frames: &[(usize, Frame)]) -> Result<(), DriverError> {
        let written: Vec<Written> = frames
            .iter()
            .map(|(tier, frame)| {
                let (step, kept) = TIERS[*tier];
                Written { step, at: frame.at, json: serde_json::to_string(frame).unwrap_or_default(), ttl: step * kept + 60 }
            })
            .collect();
        let mut originals = Originals::default();
        for (_, frame) in frames.iter().filter(|(tier, f)| *tier == 0 && f.all.ended() > 0) {
            let minute = frame.at.div_euclid(60);
            match originals.throughput.last_mut().filter(|(m, _)| *m == minute) {
                Some((_, n)) => *n += frame.all.ended(),
                None => originals.throughput.push((minute, frame.all.ended())),
            }
        }
        // Counts as they are now belong to the minute that has just ended.
        if let Some((_, frame)) = frames.iter().rfind(|(tier, _)| TIERS[*tier].0 == 60) {
            let snapshot = self.state.snapshot();
            let t = &snapshot.totals;
            let all = [("waiting", t.waiting), ("delayed", t.delayed), ("failed", t.failed), ("workers", snapshot.workers)];
            originals.gauges = all.into_iter().filter_map(|(name, n)| Some((name, frame.at.div_euclid(60), n?))).collect();
        }
        self.mark = match self.state.driver.write_frames(self.leader.token(), mark, last, &written, &originals).await? {
            Wrote::Done => Some(last),
            Wrote::MarkIs(elsewhere) => Some(elsewhere),
            Wrote::NotHolder => None,
        };
        Ok(())
    }

    /// Frames that consoles before this one, or beside it, have written.
    async fn load(&mut self) -> Result<(), DriverError> {
        let second = now().0.div_euclid(1_000);
        for (tier, (step, kept)) in TIERS.into_iter().enumerate() {
            let newest = second.div_euclid(step) * step;
            let starts: Vec<i64> = (0..kept).map(|back| newest - back * step).collect();
            let frames = self.state.driver.frames(step, &starts).await?;
            let mut ledger = self.state.ledger.lock();
            for frame in frames.iter().filter_map(|text| serde_json::from_slice::<Frame>(text).ok()) {
                ledger.meter().adopt(tier, frame);
            }
        }
        self.loaded = true;
        Ok(())
    }

    /// Notes lost runs, and learns of those that other consoles noted or put back.
    async fn lost(&self) -> Result<(), DriverError> {
        let (found, alive) = self.state.ledger.lock().to_note();
        if !(found.is_empty() && alive.is_empty()) {
            self.state.driver.note_lost(&found, &alive).await?;
        }
        if self.ticks % LOST_TICKS == 1 || !found.is_empty() {
            let all = self.state.driver.lost().await?;
            self.state.ledger.lock().noted(all, now());
        }
        Ok(())
    }
}
