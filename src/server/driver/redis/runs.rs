//! Raw elements for bulk steps, read by plain commands in short runs. Not by a script: Lua hashes every byte it is handed,
//! so reading in one cost Redis as much as a third of the moving itself.

use super::{RedisDriver, reply};
use crate::server::error::DriverError;
use redis::{Cmd, Value, aio::ConnectionLike};
use std::collections::HashSet;

/// Never more at once, however small the last ones were: small elements may be followed by huge ones.
const MOST: u64 = 64;
/// What one run may bring, if its elements are no larger than the largest of the run before.
const RUN_BYTES: usize = 256 * 1024;

/// How many elements the next command asks for; kept from step to step, so that only the first one starts small.
pub struct Run(u64);

impl Default for Run {
    fn default() -> Self {
        Self(1)
    }
}

impl Run {
    fn learn(&mut self, part: &[Vec<u8>]) {
        let largest = part.iter().map(Vec::len).max().unwrap_or(0).max(1);
        self.0 = (self.0 * 2).min(MOST).min((RUN_BYTES / largest) as u64).max(1);
    }
}

impl RedisDriver {
    /// Members of a delayed set with scores above `low` (exclusive; `None`: all), latest first, as many as fit into `bytes`; and
    /// whether these were the last ones.
    pub(super) async fn read_latest(
        &self,
        key: &str,
        low: Option<i64>,
        skip: u64,
        count: u64,
        bytes: usize,
        run: &mut Run,
    ) -> Result<(Vec<Vec<u8>>, bool), DriverError> {
        let low = low.map_or_else(|| "-inf".to_owned(), |ms| format!("({ms}"));
        let (mut raws, mut seen, mut read, mut at) = (Vec::new(), HashSet::new(), 0, skip);
        while (raws.len() as u64) < count && read < bytes {
            let n = run.0.min(count - raws.len() as u64);
            let asked = redis::cmd("ZREVRANGEBYSCORE").arg(key).arg("+inf").arg(&low).arg("LIMIT").arg(at).arg(n).to_owned();
            let part = part(&mut self.requests.clone(), &asked).await?;
            at += part.len() as u64;
            read += part.iter().map(Vec::len).sum::<usize>();
            run.learn(&part);
            let end = (part.len() as u64) < n;
            // A job delayed between two runs moves the others by one: none is to be told twice.
            raws.extend(part.into_iter().filter(|raw| seen.insert(raw.clone())));
            if end {
                return Ok((raws, true));
            }
        }
        Ok((raws, false))
    }
}

/// Elements of a list from a position on, counted from the tail, the last one first; as many as fit into `bytes` (the one
/// that no longer does is the last). They may have shifted between two runs: whoever moves them compares first.
pub(super) async fn read_tail(
    conn: &mut impl ConnectionLike,
    key: &str,
    from: u64,
    count: u64,
    bytes: usize,
    run: &mut Run,
) -> Result<Vec<Vec<u8>>, DriverError> {
    let (mut raws, mut read) = (Vec::new(), 0);
    while (raws.len() as u64) < count && read < bytes {
        let (at, n) = (from + raws.len() as u64, run.0.min(count - raws.len() as u64));
        let mut part = part(conn, redis::cmd("LRANGE").arg(key).arg(-((at + n) as i64)).arg(-(at as i64) - 1)).await?;
        part.reverse();
        read += part.iter().map(Vec::len).sum::<usize>();
        run.learn(&part);
        let end = (part.len() as u64) < n;
        raws.append(&mut part);
        if end {
            break;
        }
    }
    Ok(raws)
}

async fn part(conn: &mut impl ConnectionLike, command: &Cmd) -> Result<Vec<Vec<u8>>, DriverError> {
    let answer: Value = command.query_async(conn).await?;
    reply::array(answer)?.into_iter().map(reply::bytes).collect()
}
