//! How the parts of a bulk retry go over. Most are of jobs for one waiting list, none of them in a group and none left behind: these
//! go by a transaction that watches the failed list (`lua/carry_chunk.lua`), so that Lua, which hashes every byte it is handed, gets
//! to see none of them. Whatever else there is, and what changed under the transaction, one script compares and moves
//! (`lua/retry_chunk.lua`).

use super::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT, RedisDriver, verbs};
use crate::model::ids::{Priority, QueueName};
use crate::server::error::DriverError;
use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection};

/// A connection of one operation alone: what others send over a shared one would end the watch. It does not come back by itself, as
/// a new one watches nothing.
#[derive(Default)]
pub(super) enum Carrier {
    #[default]
    NotAsked,
    Ready(MultiplexedConnection),
    /// With a transaction that waits for its commands.
    Open(MultiplexedConnection),
    /// This Redis or this user cannot: everything goes by the script.
    Cannot,
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

impl Part<'_> {
    /// The one waiting list that all of them go to; `None`: it is not as simple.
    fn plain(&self) -> Option<Priority> {
        let first = self.letters.first()?;
        let p = Priority::ALL.into_iter().find(|p| letter(*p, false) == *first)?;
        (self.stay == 0 && self.letters.iter().all(|l| l == first)).then_some(p)
    }
}

/// What `retry_chunk.lua` is told of a job that goes.
pub(super) fn letter(p: Priority, grouped: bool) -> u8 {
    if grouped { b'C' + p as u8 } else { b'3' + p as u8 }
}

impl RedisDriver {
    /// Opens a transaction that only goes through as long as nobody changes the list; without one everything goes by the script. It
    /// is opened before anything is sent: a Redis that refuses to would carry out what follows one by one.
    pub(super) async fn watch(&self, carrier: &mut Carrier, key: &str) {
        let mut pipe = redis::pipe();
        let mut conn = match std::mem::replace(carrier, Carrier::Cannot) {
            Carrier::NotAsked => {
                let config =
                    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(Some(RESPONSE_TIMEOUT));
                let Ok(made) = self.client.get_multiplexed_async_connection_with_config(&config).await else { return };
                made
            }
            Carrier::Ready(conn) => conn,
            Carrier::Open(conn) => {
                pipe.cmd("DISCARD").ignore();
                conn
            }
            Carrier::Cannot => return,
        };
        pipe.cmd("WATCH").arg(key).ignore().cmd("MULTI").ignore();
        if pipe.query_async::<()>(&mut conn).await.is_ok() {
            *carrier = Carrier::Open(conn);
        }
    }

    /// Moves a part, or nothing of it: false when the failed list is no longer what was read. What was read since [`Self::watch`].
    pub(super) async fn move_part(&self, queue: &QueueName, part: &Part<'_>, carrier: &mut Carrier) -> Result<bool, DriverError> {
        if let (Some(p), Carrier::Open(_)) = (part.plain(), &*carrier)
            && let Carrier::Open(mut conn) = std::mem::replace(carrier, Carrier::Cannot)
        {
            match self.carry(queue, p, part.payloads, &mut conn).await {
                Ok(moved) => {
                    *carrier = Carrier::Ready(conn);
                    if moved {
                        return Ok(true);
                    }
                }
                // It was carried out, or not: as with any command whose answer was lost.
                Err(error) if !is_answer(&error) => {
                    *carrier = Carrier::NotAsked;
                    return Err(error.into());
                }
                Err(error) if forgot(&error) => {
                    *carrier = Carrier::NotAsked;
                    self.load_scripts().await?;
                }
                // A refusal changed nothing, and ends the use of transactions. If it is not of their making, the script meets it, too.
                Err(_) => {}
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
        p: Priority,
        payloads: &[Vec<u8>],
        conn: &mut MultiplexedConnection,
    ) -> Result<bool, RedisError> {
        let (mark, n) = (verbs::mark(), payloads.len());
        let in_hand = self.keys.in_hand(&mark);
        let call = |step: &str| {
            let mut call = self.scripts.carry_chunk.prepare_invoke();
            call.key(self.keys.failed(queue)).key(self.keys.waiting(queue, p)).key(&in_hand);
            call.arg(step).arg(&mark).arg(n);
            call
        };
        let mut pipe = redis::pipe();
        pipe.invoke_script(&call("lift")).ignore();
        pipe.cmd("LPUSHX").arg(&in_hand).arg(payloads).ignore();
        pipe.invoke_script(&call("land")).ignore().cmd("EXEC");
        let (done,): (Option<(i64, u64, i64)>,) = pipe.query_async(conn).await?;
        Ok(done.is_some_and(|(_, _, landed)| landed == 1))
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
