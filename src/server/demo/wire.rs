//! The library's own conversation with Redis, command by command: push, pop, complete, fail, events, heartbeats.
//! Where the library is careless (a delayed head that two workers take), so is this.

use super::job::Job;
use crate::model::{ids::Priority, log::Level, time::Millis};
use redis::{AsyncCommands, RedisResult, Script, aio::ConnectionManager};
use serde::Serialize;
use std::sync::LazyLock;

/// Every failure trims the dead letters to this many.
const DEAD_LETTERS: isize = 1000;
const HISTORY: isize = 100;
/// A heartbeat outlives its worker by at most this many seconds.
pub const HEARTBEAT_TTL_S: u64 = 10;

/// KEYS: active set, pending list, waiting list. ARGV: group id, payload.
static PUSH_GROUPED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return redis.call('RPUSH', KEYS[2], ARGV[2]) end
         redis.call('SADD', KEYS[1], ARGV[1])
         return redis.call('LPUSH', KEYS[3], ARGV[2])",
    )
});

/// KEYS: active set, pending list, base list of the completed job's queue. ARGV: group id.
static COMPLETE_GROUP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local next = redis.call('LPOP', KEYS[2])
         if next then return redis.call('LPUSH', KEYS[3], next) end
         return redis.call('SREM', KEYS[1], ARGV[1])",
    )
});

pub struct Wire {
    con: ConnectionManager,
    prefix: String,
    monitor: String,
}

pub struct Popped {
    pub raw: Vec<u8>,
    /// Another worker took the same delayed element: the library does not look, and both run it.
    pub doubled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    level: Level,
    message: &'a str,
    worker_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<&'a str>,
    timestamp: Millis,
}

impl Wire {
    pub async fn connect(url: &str, prefix: &str, monitor: &str) -> RedisResult<Self> {
        let con = redis::Client::open(url)?.get_connection_manager().await?;
        Ok(Self { con, prefix: prefix.to_owned(), monitor: monitor.to_owned() })
    }

    /// Another user of the same connection.
    pub fn share(&self) -> Self {
        Self { con: self.con.clone(), prefix: self.prefix.clone(), monitor: self.monitor.clone() }
    }

    /// For what the library does not do: seeding.
    pub fn connection(&mut self) -> &mut ConnectionManager {
        &mut self.con
    }

    pub fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }

    pub fn list(&self, queue: &str, priority: Priority) -> String {
        format!("{}{queue}{}", self.prefix, priority.suffix())
    }

    /// `group` wins over a delay, as in the library.
    pub async fn push(&mut self, job: &Job, group: Option<&str>, now: Millis) -> RedisResult<()> {
        let payload = job.pushed(group, now);
        let list = self.list(job.queue.as_deref().unwrap_or("default"), job.list());
        match (group, job.delay_seconds) {
            (Some(group), _) => {
                let mut call = PUSH_GROUPED.prepare_invoke();
                call.key(self.key("active")).key(self.key(&format!("pending:{group}"))).key(list).arg(group).arg(payload);
                call.invoke_async(&mut self.con).await
            }
            (None, Some(seconds)) if seconds > 0 => {
                let due = now.0 + i64::try_from(seconds).unwrap_or(0) * 1000;
                self.con.zadd(format!("{list}:delayed"), payload, due).await
            }
            (None, _) => self.con.lpush(list, payload).await,
        }
    }

    /// One poll of a queue's four lists.
    pub async fn pop(&mut self, queue: &str, now: Millis) -> RedisResult<Option<Popped>> {
        for priority in Priority::ALL {
            let list = self.list(queue, priority);
            let delayed = format!("{list}:delayed");
            let head: Vec<(Vec<u8>, f64)> = self.con.zrange_withscores(&delayed, 0, 0).await?;
            #[expect(clippy::cast_precision_loss, reason = "epoch milliseconds are far below 2^53")]
            if let Some((raw, score)) = head.into_iter().next()
                && score <= now.0 as f64
            {
                let removed: u64 = self.con.zrem(&delayed, &raw).await?;
                return Ok(Some(Popped { raw, doubled: removed == 0 }));
            }
            let paused: Option<String> = self.con.get(format!("{list}:paused")).await?;
            if paused.as_deref() == Some("1") {
                continue;
            }
            let raw: Option<Vec<u8>> = self.con.rpop(&list, None).await?;
            if let Some(raw) = raw {
                return Ok(Some(Popped { raw, doubled: false }));
            }
        }
        Ok(None)
    }

    pub async fn complete(&mut self, job: &Job) -> RedisResult<()> {
        let Some(group) = &job.group else { return Ok(()) };
        let base = self.list(job.queue.as_deref().unwrap_or("default"), Priority::Base);
        let mut call = COMPLETE_GROUP.prepare_invoke();
        call.key(self.key("active")).key(self.key(&format!("pending:{group}"))).key(base).arg(group);
        call.invoke_async(&mut self.con).await
    }

    pub async fn fail(&mut self, job: &Job, error: &str, now: Millis) -> RedisResult<()> {
        let failed = format!("{}:failed", self.list(job.queue.as_deref().unwrap_or("default"), Priority::Base));
        let _: u64 = self.con.lpush(&failed, job.dead(error, now)).await?;
        self.con.ltrim(&failed, 0, DEAD_LETTERS - 1).await
    }

    pub async fn waiting(&mut self, queue: &str) -> RedisResult<u64> {
        self.con.llen(self.list(queue, Priority::Base)).await
    }

    /// Publishes and keeps one event; the answer is the time it carries.
    pub async fn event(&mut self, level: Level, message: &str, worker: &str, job: Option<&str>, now: Millis) -> RedisResult<()> {
        let event = Event { level, message, worker_id: worker, job_id: job, timestamp: now };
        let text = serde_json::to_string(&event).unwrap_or_default();
        let (channel, history) = (format!("{}logs", self.monitor), format!("{}logs:history", self.monitor));
        redis::pipe()
            .publish(channel, &text)
            .ignore()
            .lpush(&history, &text)
            .ignore()
            .ltrim(&history, 0, HISTORY - 1)
            .ignore()
            .query_async(&mut self.con)
            .await
    }

    pub async fn heartbeat(&mut self, worker: &str, text: &str) -> RedisResult<()> {
        self.con.set_ex(format!("{}worker:{worker}", self.monitor), text, HEARTBEAT_TTL_S).await
    }
}
