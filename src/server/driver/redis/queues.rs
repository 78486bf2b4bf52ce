//! Verbs and questions about a whole queue.

use super::{RedisDriver, groups::MAX_HEARTBEATS, heartbeat, pages::GROUPS_OF};
use crate::model::{
    ids::{Priority, QueueName},
    operation::PurgePreview,
};
use crate::server::error::DriverError;
use redis::{Script, Value};

/// COUNT of a SCAN, as the sampler's: no step of it is long.
const SCAN: usize = 1_000;

impl RedisDriver {
    /// `1` under all four pause keys at once.
    pub async fn pause(&self, queue: &QueueName) -> Result<(), DriverError> {
        self.flags(&self.scripts.pause, queue).await
    }

    pub async fn resume(&self, queue: &QueueName) -> Result<(), DriverError> {
        self.flags(&self.scripts.resume, queue).await
    }

    /// Hands all four pause keys to one script.
    async fn flags(&self, script: &Script, queue: &QueueName) -> Result<(), DriverError> {
        let mut call = script.prepare_invoke();
        Priority::ALL.iter().for_each(|p| {
            call.key(self.keys.paused(queue, *p));
        });
        Ok(call.invoke_async::<()>(&mut self.requests.clone()).await?)
    }

    /// Whether a worker reports that it serves the queue, asked of the heartbeats themselves.
    ///
    /// Those that the console follows come first, in one question. A worker that started a moment ago and has said nothing on the
    /// event channel yet is not followed, and a wrong "no" would run a job twice: so before it says no, this goes over the keys. In
    /// doubt the answer is yes: then due jobs are left to the workers.
    pub async fn served(&self, queue: &QueueName) -> Result<bool, DriverError> {
        Ok(self.followed_serves(queue).await? || self.find_serving(queue).await?.is_some())
    }

    /// The same of the followed heartbeats alone, for a sentence: no key is gone over because somebody reads one. `None`: not known,
    /// before the first pass over the keys has ended, or with more workers than are followed.
    pub async fn served_as_known(&self, queue: &QueueName) -> Result<Option<bool>, DriverError> {
        let (followed, scanned) = {
            let known = self.known();
            (known.heartbeats.keys().cloned().collect::<Vec<_>>(), known.scanned)
        };
        let yes = self.serving(&followed, queue).await?.is_some();
        Ok((yes || scanned && followed.len() < MAX_HEARTBEATS).then_some(yes))
    }

    pub(super) async fn followed_serves(&self, queue: &QueueName) -> Result<bool, DriverError> {
        let followed: Vec<String> = self.known().heartbeats.keys().cloned().collect();
        // With more workers than are followed, one of the others may serve it.
        Ok(followed.len() >= MAX_HEARTBEATS || self.serving(&followed, queue).await?.is_some())
    }

    /// Goes over all keys, in the sampler's short steps, up to a heartbeat of a worker that serves the queue.
    pub(super) async fn find_serving(&self, queue: &QueueName) -> Result<Option<String>, DriverError> {
        for pattern in self.keys.heartbeat_patterns() {
            let mut cursor = 0;
            loop {
                let step = self.scan(&pattern, cursor, SCAN).await?;
                let found = self.serving(&step.keys, queue).await?;
                if found.is_some() {
                    return Ok(found);
                }
                cursor = step.next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// One of these heartbeats whose worker serves the queue. At most as many as are followed, or as one step of a scan finds.
    async fn serving(&self, keys: &[String], queue: &QueueName) -> Result<Option<String>, DriverError> {
        if keys.is_empty() {
            return Ok(None);
        }
        let beats: Vec<Value> = redis::cmd("MGET").arg(keys).query_async(&mut self.requests.clone()).await?;
        let serves = |value: &Value| heartbeat::beat(value).is_some_and(|beat| beat.queues.iter().any(|q| q == queue.as_str()));
        Ok(keys.iter().zip(&beats).find(|(_, beat)| serves(beat)).map(|(key, _)| key.clone()))
    }

    /// Counted now, with the bytes that the trash would keep.
    pub async fn purge_preview(&self, queue: &QueueName) -> Result<PurgePreview, DriverError> {
        let waiting: Vec<_> = Priority::ALL.iter().map(|p| self.keys.waiting(queue, *p)).collect();
        let delayed: Vec<_> = Priority::ALL.iter().map(|p| self.keys.delayed(queue, *p)).collect();
        let failed = self.keys.failed(queue);
        let groups = self.groups_of(queue);
        // Jobs of other queues in them stay, so this is a little more than what goes.
        let pending: Vec<_> = groups.iter().map(|group| self.keys.pending(group)).collect();
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        waiting.iter().chain([&failed]).for_each(|k| {
            pipe.cmd("LLEN").arg(k);
        });
        delayed.iter().for_each(|k| {
            pipe.cmd("ZCARD").arg(k);
        });
        waiting.iter().chain(&delayed).chain([&failed]).chain(&pending).for_each(|k| {
            pipe.cmd("MEMORY").arg("USAGE").arg(k);
        });
        let answer: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        let count =
            |range: std::ops::Range<usize>| answer.get(range).unwrap_or_default().iter().filter_map(super::reply::length).sum::<u64>();
        // A key that is not there answers nil and weighs nothing; a refusal (ACL, old Redis) makes the sum unknown.
        let weigh = |range: std::ops::Range<usize>| {
            answer.get(range)?.iter().map(|v| if *v == Value::Nil { Some(0) } else { super::reply::length(v) }).sum::<Option<u64>>()
        };
        let grouped = self.known().grouped().0.get(queue).copied().unwrap_or(0);
        Ok(PurgePreview {
            waiting: count(0..4),
            grouped,
            delayed: count(5..9),
            failed: count(4..5),
            bytes: weigh(9..18 + pending.len()),
            bytes_partial: groups.len() >= GROUPS_OF,
            waiting_bytes: weigh(9..13),
            delayed_bytes: weigh(13..17),
            failed_bytes: weigh(17..18),
        })
    }
}
