//! One tick of the sampler: what it asks is one pipelined round trip of at most [`COMMANDS`] commands.

use super::{RedisDriver, heartbeat, nodes, reply, upcoming};
use crate::model::{
    ids::{Priority, QueueName},
    queue::{ByPriority, Paused},
    run::Upcoming,
    time::Millis,
    worker::Beat,
};
use crate::server::error::DriverError;
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

impl<T> Look<T> {
    fn of(text: String, told: impl FnOnce(String) -> Option<T>) -> Self {
        if text == "?" { Self::NotLooked } else { told(text).map_or(Self::Unknown, Self::Told) }
    }
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

/// Keys that are not UTF-8 are no queues of this protocol.
fn scanned(value: Value) -> Result<Scanned, DriverError> {
    let mut items = reply::array(value)?.into_iter();
    let next = reply::text(reply::next(&mut items)?)?.parse().map_err(|_| DriverError::Protocol("a cursor that is no number".into()))?;
    let mut found = Scanned { next, ..Scanned::default() };
    for key in reply::array(reply::next(&mut items)?)?.into_iter().filter_map(|k| reply::bytes(k).ok()) {
        match String::from_utf8(key) {
            Ok(key) => found.keys.push(key),
            Err(not_text) => found.not_text.push(not_text.into_bytes()),
        }
    }
    Ok(found)
}

fn read(plan: &Plan, values: Vec<Value>) -> Result<Answer, DriverError> {
    let mut values = values.into_iter();
    let v = &mut values;
    let mut answer = Answer { keys: refused(reply::next(v)?)?.as_ref().and_then(reply::length), ..Answer::default() };
    for _ in &plan.scans {
        answer.scans.push(scanned(reply::next(v)?)?);
    }
    // The set of active groups may be of another type: then no group is found, and nothing else suffers.
    answer.active = scanned(reply::next(v)?).unwrap_or_default();
    if plan.info {
        let info = reply::text(reply::next(v)?).unwrap_or_default();
        answer.version = info.lines().find_map(|l| l.strip_prefix("redis_version:")).map(|v| v.trim().to_owned());
    }
    if !plan.heartbeats.is_empty() {
        answer.heartbeats = reply::array(reply::next(v)?)?.iter().map(heartbeat::beat).collect();
    }
    if !plan.nodes.is_empty() {
        // An ACL may keep the console away from these keys: then nothing is known of nodes, and nothing else suffers.
        answer.nodes = reply::array(reply::next(v)?).unwrap_or_default().iter().map(nodes::heard).collect();
    }
    let mut script = |asked: bool, v: &mut std::vec::IntoIter<Value>| -> Result<Vec<String>, DriverError> {
        if !asked {
            return Ok(Vec::new());
        }
        match reply::next(v)? {
            Value::ServerError(error) => {
                answer.scripts_gone |= error.code() == "NOSCRIPT";
                Ok(Vec::new())
            }
            other => reply::array(other)?.into_iter().map(reply::text).collect(),
        }
    };
    let heads = script(!plan.heads.is_empty(), v)?;
    let tails = script(!plan.tails.is_empty(), v)?;
    if plan.asks_coming() {
        match reply::next(v)? {
            Value::ServerError(error) => answer.scripts_gone |= error.code() == "NOSCRIPT",
            found => (answer.coming, answer.coming_looked) = upcoming::read(found, &plan.coming, &plan.coming_due)?,
        }
    }
    answer.heads = heads.into_iter().map(|name| Look::of(name, |n| QueueName::try_from(n).ok())).collect();
    answer.tails = tails.into_iter().map(|ms| Look::of(ms, |n| n.parse().ok())).collect();
    for _ in &plan.flags {
        // An ACL may forbid the question: then nothing is said of the flag.
        answer.flags.push(reply::text(reply::next(v)?).is_ok_and(|kind| kind != "string" && kind != "none"));
    }
    for _ in &plan.groups {
        answer.groups.push(reply::length(&reply::next(v)?));
    }
    for name in &plan.queues {
        answer.queues.push(counted(name, v)?);
    }
    Ok(answer)
}

/// What [`RedisDriver::ask_queue`] asked for.
fn counted(name: &QueueName, v: &mut impl Iterator<Item = Value>) -> Result<Counted, DriverError> {
    let mut waiting = ByPriority::default();
    let mut delayed = ByPriority::default();
    for p in Priority::ALL {
        *waiting.slot(p) = reply::length(&reply::next(v)?);
    }
    for p in Priority::ALL {
        *delayed.slot(p) = reply::length(&reply::next(v)?);
    }
    let failed = reply::length(&reply::next(v)?);
    // What is not there and what holds no text look the same here.
    let texts = reply::array(reply::next(v)?)?.into_iter().map(|f| reply::bytes(f).ok());
    let texts: Vec<(Priority, Vec<u8>)> = Priority::ALL.into_iter().zip(texts).filter_map(|(p, text)| Some((p, text?))).collect();
    let paused = match texts.iter().filter(|(_, text)| text == b"1").count() {
        0 => Paused::No,
        4 => Paused::Yes,
        _ => Paused::Partly,
    };
    let flags = texts.into_iter().map(|(p, _)| p).collect();
    Ok(Counted { name: name.clone(), waiting, delayed, failed, paused, flags })
}

/// The first command's error stands for the connection: NOAUTH, LOADING and the like refuse everything.
fn refused(value: Value) -> Result<Option<Value>, DriverError> {
    match value {
        Value::ServerError(error) if error.code() == "NOPERM" => Ok(None),
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        other => Ok(Some(other)),
    }
}
