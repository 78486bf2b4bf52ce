//! One tick of the sampler: what it asks is one pipelined round trip of at most [`COMMANDS`] commands.

mod read;

use super::{RedisDriver, nodes, reply, upcoming};
use crate::model::{
    ids::{Priority, QueueName},
    queue::{ByPriority, Paused},
    run::Upcoming,
    time::Millis,
    worker::Beat,
};
use crate::server::error::DriverError;
use read::{counted, read, refused, scanned};
use redis::Value;

/// Commands of one tick at most.
pub const COMMANDS: usize = 5_000;
/// Commands that one queue costs: four lengths, four delayed lengths, failed, pause flags.
pub const PER_QUEUE: usize = 10;
/// Steps of the first pass over the keys of nodes that go before a tick, once queues are found.
pub const NODE_STEPS: usize = 40;
/// Pause flags whose type is asked for: those that a scan met and that were not read as text.
pub const FLAGS: usize = 10;
/// Commands besides queues and groups: SCANs, SSCAN, DBSIZE, INFO, two MGET, three scripts; those steps, and types of flags.
pub const FIXED: usize = 20 + NODE_STEPS + FLAGS;
pub const GROUPS: usize = 1_000;
pub const TAILS: usize = 200;
/// Bytes that one of the two small scripts looks at, so that huge payloads cannot make it long.
const LOOK_BYTES: usize = 256 * 1024;

/// A queue's list, or its delayed set.
pub type List = (QueueName, Priority);

/// What to ask.
#[derive(Default)]
pub struct Plan {
    pub queues: Vec<QueueName>,
    /// Groups whose pending lists are counted, at most [`GROUPS`].
    pub groups: Vec<String>,
    /// Of those, the ones whose first job is asked for its queue, at most [`TAILS`].
    pub heads: Vec<String>,
    /// Lists whose oldest job is asked for its age, at most [`TAILS`].
    pub tails: Vec<(QueueName, Priority)>,
    /// SCAN pattern and cursor.
    pub scans: Vec<(String, u64)>,
    pub scan_count: usize,
    pub active_cursor: u64,
    pub heartbeats: Vec<String>,
    /// Keys of Quasar agents.
    pub nodes: Vec<String>,
    /// Lists and delayed sets whose next payloads are read, together at most [`upcoming::LISTS`].
    pub coming: Vec<List>,
    pub coming_due: Vec<List>,
    /// Pause flags whose type is asked for, at most [`FLAGS`].
    pub flags: Vec<List>,
    pub info: bool,
}

/// One queue as counted; `None`: the key holds something else.
pub struct Counted {
    pub name: QueueName,
    pub waiting: ByPriority,
    pub delayed: ByPriority,
    pub failed: Option<u64>,
    pub paused: Paused,
    /// Pause flags that were read as text, whatever they say.
    pub flags: Vec<Priority>,
}

/// What looking at an element told.
pub enum Look<T> {
    Told(T),
    /// It does not say, or cannot be read.
    Unknown,
    /// The script's budget was spent before it came to this one.
    NotLooked,
}

impl Plan {
    fn asks_coming(&self) -> bool {
        !(self.coming.is_empty() && self.coming_due.is_empty())
    }
}

/// What one step of a SCAN found.
#[derive(Default)]
pub struct Scanned {
    /// Where to go on; 0 at the end of a pass.
    pub next: u64,
    pub keys: Vec<String>,
    /// Keys that are not UTF-8.
    pub not_text: Vec<Vec<u8>>,
}

#[derive(Default)]
pub struct Answer {
    pub queues: Vec<Counted>,
    /// In the order of [`Plan::groups`].
    pub groups: Vec<Option<u64>>,
    /// In the order of [`Plan::heads`].
    pub heads: Vec<Look<QueueName>>,
    /// createdAt, epoch ms, in the order of [`Plan::tails`].
    pub tails: Vec<Look<i64>>,
    /// In the order of [`Plan::scans`].
    pub scans: Vec<Scanned>,
    pub active: Scanned,
    /// `None`: gone.
    pub heartbeats: Vec<Option<Beat>>,
    /// In the order of [`Plan::nodes`]; `None`: gone.
    pub nodes: Vec<Option<nodes::Heard>>,
    /// Payloads that run next, by id.
    pub coming: Vec<(String, Upcoming)>,
    /// How many of the lists and sets the script came to.
    pub coming_looked: usize,
    /// Whether they hold something else than text, in the order of [`Plan::flags`].
    pub flags: Vec<bool>,
    pub keys: Option<u64>,
    pub version: Option<String>,
    /// Redis forgot the scripts (it restarted): load them before the next tick.
    pub scripts_gone: bool,
}

impl RedisDriver {
    pub async fn sample(&self, plan: &Plan, now: Millis) -> Result<Answer, DriverError> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        pipe.cmd("DBSIZE");
        for (pattern, cursor) in &plan.scans {
            pipe.cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(plan.scan_count);
        }
        pipe.cmd("SSCAN").arg(self.keys.active()).arg(plan.active_cursor).arg("COUNT").arg(500);
        if plan.info {
            pipe.cmd("INFO").arg("server");
        }
        if !plan.heartbeats.is_empty() {
            pipe.cmd("MGET").arg(&plan.heartbeats);
        }
        if !plan.nodes.is_empty() {
            pipe.cmd("MGET").arg(&plan.nodes);
        }
        self.ask_script(&mut pipe, &self.scripts.heads, plan.heads.iter().map(|g| self.keys.pending(g)).collect());
        self.ask_script(&mut pipe, &self.scripts.oldest, plan.tails.iter().map(|(q, p)| self.keys.waiting(q, *p)).collect());
        if plan.asks_coming() {
            let lists = plan.coming.iter().map(|(q, p)| self.keys.waiting(q, *p));
            let keys: Vec<String> = lists.chain(plan.coming_due.iter().map(|(q, p)| self.keys.delayed(q, *p))).collect();
            let call = pipe.cmd("EVALSHA").arg(self.scripts.upcoming.get_hash()).arg(keys.len()).arg(keys);
            call.arg(plan.coming.len()).arg(upcoming::OF_EACH).arg(now.0 + upcoming::SOON_MS).arg(upcoming::BYTES);
        }
        for (queue, p) in &plan.flags {
            pipe.cmd("TYPE").arg(self.keys.paused(queue, *p));
        }
        for group in &plan.groups {
            pipe.cmd("LLEN").arg(self.keys.pending(group));
        }
        for queue in &plan.queues {
            self.ask_queue(&mut pipe, queue);
        }
        let values: Vec<Value> = pipe.query_async(&mut self.sampler.clone()).await?;
        read(plan, values)
    }

    /// One queue alone, outside of the ticks: one round trip.
    pub async fn count_queue(&self, queue: &QueueName) -> Result<Counted, DriverError> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        pipe.cmd("DBSIZE");
        self.ask_queue(&mut pipe, queue);
        let values: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        let mut values = values.into_iter();
        refused(reply::next(&mut values)?)?;
        counted(queue, &mut values)
    }

    /// [`PER_QUEUE`] commands.
    fn ask_queue(&self, pipe: &mut redis::Pipeline, queue: &QueueName) {
        for p in Priority::ALL {
            pipe.cmd("LLEN").arg(self.keys.waiting(queue, p));
        }
        for p in Priority::ALL {
            pipe.cmd("ZCARD").arg(self.keys.delayed(queue, p));
        }
        pipe.cmd("LLEN").arg(self.keys.failed(queue));
        let flags: Vec<_> = Priority::ALL.iter().map(|p| self.keys.paused(queue, *p)).collect();
        pipe.cmd("MGET").arg(flags);
    }

    fn ask_script(&self, pipe: &mut redis::Pipeline, script: &redis::Script, keys: Vec<String>) {
        if !keys.is_empty() {
            pipe.cmd("EVALSHA").arg(script.get_hash()).arg(keys.len()).arg(keys).arg(LOOK_BYTES);
        }
    }

    /// One step of the first pass over the keyspace.
    pub async fn scan(&self, pattern: &str, cursor: u64, count: usize) -> Result<Scanned, DriverError> {
        let value: Value =
            redis::cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count).query_async(&mut self.sampler.clone()).await?;
        scanned(value)
    }
}
