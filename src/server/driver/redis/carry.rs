//! How the parts of a bulk retry go over. Of most no job is in a group and none is left behind: these
//! go by a transaction that watches the failed list (`lua/carry_chunk.lua`), so that Lua, which hashes every byte it is handed, gets
//! to see none of them. Whatever else there is, and what changed under the transaction, one script compares and moves
//! (`lua/retry_chunk.lua`).

use super::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT, RedisDriver, verbs};
use crate::model::ids::{Priority, QueueName};
use crate::server::error::DriverError;
use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection};

/// A connection of one operation alone: what others send over a shared one would end the watch. It does not come back by itself, as
/// a new one watches nothing.
pub(super) struct Carrier {
    conn: Option<MultiplexedConnection>,
    /// How often it is still tried: a user who may not use transactions is told so each time.
    tries: u8,
}

impl Default for Carrier {
    fn default() -> Self {
        Self { conn: None, tries: 3 }
    }
}

impl Carrier {
    fn give_up(&mut self) {
        self.conn = None;
        self.tries -= self.tries.min(1);
    }
}

/// A part of a failed list, tail first, and what becomes of it.
pub(super) struct Part<'a> {
    /// How many elements stay at the tail, before these.
    pub stay: u64,
    pub raws: &'a [Vec<u8>],
    /// One letter an element, as `retry_chunk.lua` reads them.
    pub letters: &'a [u8],
    /// Of those that go.
    pub payloads: &'a [Vec<u8>],
    /// Of those that go and have one.
    pub groups: &'a [String],
}

/// A waiting list, and the payloads that go there.
type Bound<'a> = (Priority, Vec<&'a [u8]>);

impl Part<'_> {
    /// Payloads by waiting list, where that is all there is to it; `None`: something stays, or has a group.
    fn plain(&self) -> Option<Vec<Bound<'_>>> {
        if self.stay > 0 || self.payloads.len() < self.raws.len() || !self.groups.is_empty() {
            return None;
        }
        let of = |p: Priority| {
            let payloads = self.letters.iter().zip(self.payloads).filter(move |(l, _)| **l == letter(p, false));
            (p, payloads.map(|(_, payload)| payload.as_slice()).collect::<Vec<_>>())
        };
        Some(Priority::ALL.map(of).into_iter().filter(|(_, payloads)| !payloads.is_empty()).collect())
    }
}

/// What `retry_chunk.lua` is told of a job that goes.
pub(super) fn letter(p: Priority, grouped: bool) -> u8 {
    if grouped { b'C' + p as u8 } else { b'3' + p as u8 }
}

impl RedisDriver {
    /// From now on a change of the list is noticed. Returns where it is to be read, so that what is read is what is watched; `None`:
    /// there is no watch, and everything goes by the script.
    pub(super) async fn watch(&self, carrier: &mut Carrier, key: &str) -> Option<MultiplexedConnection> {
        if carrier.tries == 0 {
            return None;
        }
        if carrier.conn.is_none() {
            let limits =
                AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(Some(RESPONSE_TIMEOUT));
            carrier.conn = self.client.get_multiplexed_async_connection_with_config(&limits).await.ok();
        }
        // What was noticed since a watch before is forgotten.
        let mut pipe = redis::pipe();
        pipe.cmd("UNWATCH").ignore().cmd("WATCH").arg(key).ignore();
        if let Some(conn) = &mut carrier.conn
            && pipe.query_async::<()>(conn).await.is_ok()
        {
            return carrier.conn.clone();
        }
        carrier.give_up();
        None
    }

    /// Moves a part, or nothing of it: false when the failed list is no longer what was read. `watched`: since before it was read.
    pub(super) async fn move_part(
        &self,
        queue: &QueueName,
        part: &Part<'_>,
        carrier: &mut Carrier,
        watched: Option<MultiplexedConnection>,
    ) -> Result<bool, DriverError> {
        if let (Some(lists), Some(mut conn)) = (part.plain(), watched) {
            match self.carry(queue, part.raws, &lists, &mut conn).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // It was carried out, or not: as with any command whose answer was lost.
                Err(error) if !is_answer(&error) => {
                    carrier.give_up();
                    return Err(error.into());
                }
                Err(error) if forgot(&error) => self.load_scripts().await?,
                // A refusal changed nothing. If it is not of the transaction's making, the script meets it as well.
                Err(_) => carrier.give_up(),
            }
        }
        let failed = self.keys.failed(queue);
        let mut call = self.scripts.retry_chunk.prepare_invoke();
        call.key(&failed).key(self.keys.active());
        Priority::ALL.iter().for_each(|p| {
            call.key(self.keys.waiting(queue, *p));
        });
        part.groups.iter().for_each(|group| {
            call.key(self.keys.pending(group));
        });
        call.arg(verbs::mark()).arg(part.stay).arg(part.letters).arg(part.raws).arg(part.payloads).arg(part.groups);
        let moved: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(moved == 1)
    }

    /// False: the failed list changed since it is watched, and nothing was moved.
    async fn carry(
        &self,
        queue: &QueueName,
        raws: &[Vec<u8>],
        lists: &[Bound<'_>],
        conn: &mut MultiplexedConnection,
    ) -> Result<bool, RedisError> {
        let mark = verbs::mark();
        let in_hand = |p: Priority| self.keys.in_hand(&mark, p);
        let call = |step: &str| {
            let mut call = self.scripts.carry_chunk.prepare_invoke();
            call.key(self.keys.failed(queue));
            for (p, _) in lists {
                call.key(self.keys.waiting(queue, *p)).key(in_hand(*p));
            }
            call.arg(step).arg(&mark).arg(raws.len());
            call
        };
        // Before anything else is sent: a Redis that refuses to open it would carry out what follows one by one.
        redis::cmd("MULTI").exec_async(conn).await?;
        let (mut pipe, mut land) = (redis::pipe(), call("land"));
        pipe.invoke_script(call("lift").arg(raws.first()).arg(raws.last())).ignore();
        for (p, payloads) in lists {
            pipe.cmd("LPUSHX").arg(in_hand(*p)).arg(payloads).ignore();
            land.arg(payloads.len());
        }
        pipe.invoke_script(&land).ignore().cmd("EXEC");
        let (done,): (Option<Vec<i64>>,) = pipe.query_async(conn).await?;
        Ok(done.is_some_and(|answers| answers.last() == Some(&1)))
    }
}

/// Redis was restarted since the scripts were loaded.
fn forgot(error: &RedisError) -> bool {
    error.clone().into_server_errors().is_some_and(|all| all.iter().any(|(_, error)| error.code() == "NOSCRIPT"))
}

/// Redis answered; else nobody knows what it did.
fn is_answer(error: &RedisError) -> bool {
    error.code().is_some() || error.clone().into_server_errors().is_some()
}
