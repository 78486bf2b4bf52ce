//! Audit lines while there is no archive, or none that answers: `flux_console:{hash of the prefix}:audit`, a list with the newest
//! line at the head, cut at 10,000. A line is JSON (`model::audit::AuditLine`), a text to this module.

use super::{RedisDriver, reply};
use crate::server::error::DriverError;
use redis::{AsyncCommands, Value};

/// More are dropped, oldest first.
const KEPT: isize = 10_000;

impl RedisDriver {
    /// Adds lines, oldest first.
    pub async fn push_audit(&self, lines: &[String]) -> Result<(), DriverError> {
        if lines.is_empty() {
            return Ok(());
        }
        let key = self.keys.audit();
        let mut pipe = redis::pipe();
        pipe.atomic().lpush(&key, lines).ignore().ltrim(&key, 0, KEPT - 1).ignore();
        Ok(pipe.query_async(&mut self.requests.clone()).await?)
    }

    /// Lines from a position on, newest first.
    pub async fn audit(&self, from: u64, count: u64) -> Result<Vec<Vec<u8>>, DriverError> {
        let last = (from + count).cast_signed() - 1;
        self.audit_range(from.cast_signed(), last).await
    }

    /// The oldest lines, oldest first.
    pub async fn oldest_audit(&self, count: u64) -> Result<Vec<Vec<u8>>, DriverError> {
        let mut lines = self.audit_range(-count.cast_signed(), -1).await?;
        lines.reverse();
        Ok(lines)
    }

    async fn audit_range(&self, from: i64, to: i64) -> Result<Vec<Vec<u8>>, DriverError> {
        let answer: Value = redis::cmd("LRANGE").arg(self.keys.audit()).arg(from).arg(to).query_async(&mut self.requests.clone()).await?;
        reply::array(answer)?.into_iter().map(reply::bytes).collect()
    }

    pub async fn audit_waiting(&self) -> Result<u64, DriverError> {
        Ok(self.requests.clone().llen(self.keys.audit()).await?)
    }

    /// Takes exactly these lines out, once each: another console may be moving the same ones, or others.
    pub async fn drop_audit(&self, lines: &[Vec<u8>]) -> Result<(), DriverError> {
        let key = self.keys.audit();
        let mut pipe = redis::pipe();
        for line in lines {
            // From the tail, where the oldest are.
            pipe.cmd("LREM").arg(&key).arg(-1).arg(line).ignore();
        }
        Ok(pipe.query_async(&mut self.requests.clone()).await?)
    }
}
