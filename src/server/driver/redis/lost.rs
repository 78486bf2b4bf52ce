//! Lost runs, noted in the hash `…lost` (field = key of the run, value = model::run::Lost as JSON), so that every console shows
//! the same ones and a job is put back once. Noting is idempotent: any console may do it.

use super::RedisDriver;
use crate::model::{run::Lost, time::Millis};
use crate::server::error::DriverError;
use redis::AsyncCommands;
use std::collections::HashMap;

/// Notes that are kept; each holds at most 64 kB of payload.
const MOST: usize = 1_000;
const KEPT_S: i64 = 2 * 3_600;

/// What became of the wish to put a job back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    Done,
    /// Somebody was faster, or the worker spoke again.
    Already,
}

fn json(lost: &Lost) -> Result<String, DriverError> {
    serde_json::to_string(lost).map_err(|e| DriverError::Protocol(e.to_string()))
}

impl RedisDriver {
    /// Notes lost runs that are not noted yet, and takes out those that are not lost after all.
    pub async fn note_lost(&self, found: &[Lost], alive: &[String]) -> Result<(), DriverError> {
        let key = self.keys.lost();
        let mut pipe = redis::pipe();
        for lost in found {
            pipe.hset_nx(&key, &lost.key, json(lost)?).ignore();
        }
        if !alive.is_empty() {
            pipe.hdel(&key, alive).ignore();
        }
        pipe.expire(&key, KEPT_S).ignore();
        Ok(pipe.query_async(&mut self.requests.clone()).await?)
    }

    /// All that are noted, without those older than an hour.
    pub async fn lost(&self) -> Result<Vec<Lost>, DriverError> {
        let (key, mut con) = (self.keys.lost(), self.requests.clone());
        if con.hlen::<_, usize>(&key).await? > 2 * MOST {
            // Never read without bound; the TTL empties it.
            return Ok(Vec::new());
        }
        let all: HashMap<String, String> = con.hgetall(&key).await?;
        let mut runs: Vec<Lost> = all.values().filter_map(|text| serde_json::from_str(text).ok()).collect();
        runs.sort_by_key(|l: &Lost| std::cmp::Reverse(l.lost_at));
        let old: Vec<String> = runs.iter().skip(MOST).map(|l| l.key.clone()).collect();
        if !old.is_empty() {
            let _: () = con.hdel(&key, &old).await?;
            runs.truncate(MOST);
        }
        Ok(runs)
    }

    /// Pushes the payload of a lost run to its list and notes when.
    pub async fn put_back(&self, lost: &Lost, now: Millis) -> Result<PutBack, DriverError> {
        let (Some((queue, priority)), Some(payload)) = (&lost.list, &lost.payload) else { return Ok(PutBack::Already) };
        let before: Option<String> = self.requests.clone().hget(self.keys.lost(), &lost.key).await?;
        let Some(before) = before else { return Ok(PutBack::Already) };
        // The note decides, not what this console remembers.
        if serde_json::from_str::<Lost>(&before).ok().is_none_or(|noted| noted.put_back_at.is_some()) {
            return Ok(PutBack::Already);
        }
        let after = json(&Lost { put_back_at: Some(now), ..lost.clone() })?;
        let mut call = self.scripts.put_back.prepare_invoke();
        call.key(self.keys.lost()).key(self.keys.waiting(queue, *priority));
        call.arg(&lost.key).arg(before).arg(after).arg(payload);
        let pushed: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(if pushed == 1 { PutBack::Done } else { PutBack::Already })
    }
}
