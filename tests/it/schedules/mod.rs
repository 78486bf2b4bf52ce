//! Schedules on a real Redis: recordings, who fires what and how often, missed runs, verbs, tickers beside the console.

mod cron;
mod race;
mod recordings;
mod rest;
mod ticking;
mod verbs;

use crate::support::TestRedis;
use chrono_tz::Tz;
use flux_console::model::time::{Millis, parse_iso};
use flux_console::server::{
    driver::redis::{RedisDriver, keys::Keys},
    tasks::scheduler::{Ticked, Ticker},
};
use redis::AsyncCommands;
use std::collections::HashMap;

pub const JOB: &str = r#"{"id":"nightly","type":"class","className":"Report","data":"{\"class\":\"Report\",\"properties\":{\"queueName\":\"reports\"}}","createdAt":1795432831124,"attempts":0,"priority":"high"}"#;
/// What a tick pushes of it.
pub const PUSHED: &str = r#"{"id":"nightly","type":"class","data":"{\"class\":\"Report\",\"properties\":{\"queueName\":\"reports\"}}","className":"Report","createdAt":1795432831124,"attempts":0}"#;

pub fn driver(redis: &TestRedis) -> RedisDriver {
    RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL of our own")
}

pub fn at(iso: &str) -> Millis {
    parse_iso(iso).unwrap_or_else(|| panic!("{iso}"))
}

/// Registers one as the library does; `fields` overwrite or add.
pub async fn register(redis: &TestRedis, id: &str, cron: &str, next: Millis, fields: &[(&str, &str)]) {
    let (key, next) = (format!("queue:schedule:{id}"), next.0.to_string());
    let mut all = vec![("id", id), ("cron", cron), ("queue", "reports"), ("job", JOB), ("enabled", "true"), ("nextRun", next.as_str())];
    all.extend_from_slice(fields);
    let mut con = redis.con.clone();
    con.hset_multiple::<_, _, _, ()>(&key, &all).await.expect("HSET");
    con.zadd::<_, _, _, ()>("queue:schedules", id, &next).await.expect("ZADD");
}

pub async fn hash(redis: &TestRedis, id: &str) -> HashMap<String, String> {
    redis.con.clone().hgetall(format!("queue:schedule:{id}")).await.expect("HGETALL")
}

pub async fn score(redis: &TestRedis, id: &str) -> Option<i64> {
    redis.con.clone().zscore("queue:schedules", id).await.expect("ZSCORE")
}

/// One tick of a console that knows nothing of earlier ones.
pub async fn tick(driver: &RedisDriver, now: Millis) -> Ticked {
    Ticker::default().tick(driver, Tz::UTC, now).await.expect("a tick")
}
