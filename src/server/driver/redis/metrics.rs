//! Figures over time in Redis: `flux_console:metrics:{hash of the prefix}:{step}:{start}` holds one frame as JSON (a text to this
//! module), `…:mark` the last second that was written. The lease [`LEASE`] says who writes. Beside them the original console's
//! `flux_console:throughput:{minute}` and `flux_console:metrics:{name}:{minute}` (stream-protocol.md, 3).

use super::{RedisDriver, lease::LEASE_MS};
use crate::server::error::DriverError;
use redis::{AsyncCommands, Value};

/// Name of the lease of whoever writes.
pub const LEASE: &str = "metrics";
/// How long the mark stays: as long as the longest frames.
const MARK_S: u64 = 26 * 3_600;
/// The original's counters live an hour.
const ORIGINALS_S: u64 = 3_600;
/// Frames that one MGET fetches.
const AT_ONCE: usize = 60;

/// One frame to write.
pub struct Written {
    /// Seconds that it covers, and the epoch second at which it begins.
    pub step: i64,
    pub at: i64,
    pub json: String,
    /// How long it is kept, s.
    pub ttl: i64,
}

/// What the original console keeps, written beside the frames with its meaning; minutes are epoch seconds / 60.
#[derive(Default)]
pub struct Originals {
    /// Success and error events to add to a minute.
    pub throughput: Vec<(i64, u64)>,
    /// `waiting`, `delayed`, `failed`, `workers` at the end of a minute.
    pub gauges: Vec<(&'static str, i64, u64)>,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// The mark is where the writer wanted it.
    Done,
    /// The lease is somebody else's.
    NotHolder,
    /// The mark was elsewhere: go on from there.
    MarkIs(i64),
}

impl RedisDriver {
    /// The last second that was written, by whichever console.
    pub async fn mark(&self) -> Result<Option<i64>, DriverError> {
        Ok(self.requests.clone().get(self.keys.mark()).await?)
    }

    /// Writes frames behind `mark` and moves it to `to`, in one script that checks the lease first.
    pub async fn write_frames(
        &self,
        token: &str,
        mark: i64,
        to: i64,
        frames: &[Written],
        originals: &Originals,
    ) -> Result<Wrote, DriverError> {
        let mut call = self.scripts.write_frames.prepare_invoke();
        call.key(self.keys.lease(LEASE)).key(self.keys.mark());
        call.arg(token).arg(LEASE_MS).arg(mark).arg(to).arg(frames.len() + originals.gauges.len()).arg(MARK_S);
        for frame in frames {
            call.key(self.keys.frame(frame.step, frame.at)).arg(&frame.json).arg(frame.ttl);
        }
        for (name, minute, value) in &originals.gauges {
            call.key(format!("flux_console:metrics:{name}:{minute}")).arg(value).arg(ORIGINALS_S);
        }
        for (minute, events) in &originals.throughput {
            call.key(format!("flux_console:throughput:{minute}")).arg(events).arg(ORIGINALS_S);
        }
        let now: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(match now {
            -1 => Wrote::NotHolder,
            mark if mark == to => Wrote::Done,
            mark => Wrote::MarkIs(mark),
        })
    }

    /// Frames that begin at these seconds; those that are not there are left out.
    pub async fn frames(&self, step: i64, starts: &[i64]) -> Result<Vec<Vec<u8>>, DriverError> {
        let mut found = Vec::new();
        for part in starts.chunks(AT_ONCE) {
            let keys: Vec<String> = part.iter().map(|at| self.keys.frame(step, *at)).collect();
            let values: Vec<Value> = redis::cmd("MGET").arg(keys).query_async(&mut self.requests.clone()).await?;
            found.extend(values.into_iter().filter_map(|v| super::reply::bytes(v).ok()));
        }
        Ok(found)
    }
}
