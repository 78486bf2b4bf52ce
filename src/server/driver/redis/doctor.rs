//! What the doctor asks of Redis: everything bounded, everything counted. Groups are asked about in `groups`; what it mends is in
//! `mend`.

mod groups;

pub use groups::Members;

use super::{RedisDriver, keys::Key, payload::Element, reply};
use crate::model::{ids::Priority, ids::QueueName};
use crate::server::error::DriverError;
use redis::Value;
use serde_json::Value as Json;
use std::{
    collections::BTreeSet,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Keys of one script at most.
const LISTS: usize = 200;
/// Bytes that one script looks at: about a millisecond.
const LOOK_BYTES: usize = 512 * 1024;
/// Elements of each end of a list.
pub const OF_EACH_END: usize = 5;
/// Steps of 1,000 keys that one look for foreign heartbeats makes; the next one goes on there.
pub const SCANS: u64 = 50;
const SCAN: usize = 1_000;
const FOREIGN: usize = 200;
/// Schedules that are asked for: one that is off stays due for ever, and must not hide the others.
pub const OVERDUE: usize = 500;

/// Commands that were asked.
#[derive(Debug, Default)]
pub struct Cost(pub u64);

/// How far the clock of Redis is ahead of ours, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDifference {
    pub ahead_us: i64,
    /// Half of the round trip: the answer was written somewhere within it.
    pub unsure_us: i64,
}

#[derive(Debug, Default)]
pub struct Server {
    pub max_memory: Option<u64>,
    pub used_memory: Option<u64>,
    /// `noeviction`, `allkeys-lru`, …
    pub eviction: Option<String>,
    pub is_replica: bool,
}

/// A heartbeat under a prefix that is not configured.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    pub prefix: String,
    pub worker: String,
    pub queues: Vec<String>,
}

/// A part of the keyspace, looked through.
#[derive(Debug, Default)]
pub struct ForeignPart {
    pub found: Vec<Foreign>,
    /// Where to go on; 0 at the end of a pass.
    pub cursor: u64,
}

/// Some elements of a list or set.
#[derive(Debug)]
pub struct Sampled {
    /// `None`: the key holds something else.
    pub length: Option<u64>,
    pub elements: Vec<Element>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Overdue {
    pub id: String,
    /// Epoch ms.
    pub due: i64,
    /// `None`: it does not say, or is not there.
    pub enabled: Option<bool>,
}

impl RedisDriver {
    /// The best of three: the one with the shortest round trip.
    pub async fn clock_difference(&self, cost: &mut Cost) -> Result<ClockDifference, DriverError> {
        let mut best: Option<ClockDifference> = None;
        for _ in 0..3 {
            let (began, ours) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
            let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.requests.clone()).await?;
            cost.0 += 1;
            let unsure_us = i64::try_from(began.elapsed().as_micros() / 2).unwrap_or(i64::MAX);
            let ours = i64::try_from(ours.as_micros()).unwrap_or(i64::MAX).saturating_add(unsure_us);
            let difference = ClockDifference { ahead_us: seconds * 1_000_000 + micros - ours, unsure_us };
            if best.is_none_or(|b| difference.unsure_us < b.unsure_us) {
                best = Some(difference);
            }
        }
        best.ok_or_else(|| DriverError::Protocol("no answer to TIME".into()))
    }

    pub async fn server(&self, cost: &mut Cost) -> Result<Server, DriverError> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        pipe.cmd("INFO").arg("memory").cmd("INFO").arg("replication");
        cost.0 += 2;
        let values: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        let text: String = values.into_iter().filter_map(|v| reply::text(v).ok()).collect::<Vec<_>>().join("\n");
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        Ok(Server {
            max_memory: field("maxmemory").and_then(|n| n.parse().ok()),
            used_memory: field("used_memory").and_then(|n| n.parse().ok()),
            eviction: field("maxmemory_policy").map(Into::into),
            is_replica: field("role") == Some("slave"),
        })
    }

    /// Looks for heartbeats outside of the configured prefixes, from `cursor` on.
    pub async fn foreign_workers(&self, cursor: u64, cost: &mut Cost) -> Result<ForeignPart, DriverError> {
        let mut part = ForeignPart { cursor, ..ForeignPart::default() };
        let mut keys = BTreeSet::new();
        for _ in 0..SCANS {
            let (next, found): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
                .arg(part.cursor)
                .arg("MATCH")
                .arg("*worker:*")
                .arg("COUNT")
                .arg(SCAN)
                .query_async(&mut self.requests.clone())
                .await?;
            cost.0 += 1;
            let foreign = found.into_iter().filter_map(|k| String::from_utf8(k).ok()).filter(|k| self.is_foreign(k));
            keys.extend(foreign.take(FOREIGN));
            part.cursor = next;
            if next == 0 {
                break;
            }
        }
        let keys: Vec<String> = keys.into_iter().take(FOREIGN).collect();
        if keys.is_empty() {
            return Ok(part);
        }
        let values: Vec<Value> = redis::cmd("MGET").arg(&keys).query_async(&mut self.requests.clone()).await?;
        cost.0 += 1;
        part.found = keys.iter().zip(values).filter_map(|(key, value)| foreign(key, &value)).collect();
        Ok(part)
    }

    fn is_foreign(&self, key: &str) -> bool {
        // A queue may be called `worker:…`; its lists answer nil to MGET in any case.
        !self.keys.is_heartbeat(key)
            && key.rsplit_once("worker:").is_some_and(|(prefix, id)| !id.is_empty() && (prefix.is_empty() || prefix.ends_with(':')))
    }

    /// A few elements of each key; keys that the budget did not reach are missing at the end.
    pub async fn look_at(&self, keys: &[String], cost: &mut Cost) -> Result<Vec<Sampled>, DriverError> {
        let mut all = Vec::new();
        for part in keys.chunks(LISTS) {
            let mut call = self.scripts.look.prepare_invoke();
            for key in part {
                call.key(key);
            }
            call.arg(OF_EACH_END).arg(LOOK_BYTES);
            cost.0 += 1;
            let rows = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?;
            let whole = rows.len() == part.len();
            for row in rows {
                all.push(sampled(row)?);
            }
            if !whole {
                break;
            }
        }
        Ok(all)
    }

    /// Schedules under `prefix` that were due before `before` (epoch ms); an error when the key is no sorted set.
    pub async fn overdue(&self, prefix: &str, before: i64, cost: &mut Cost) -> Result<Vec<Overdue>, DriverError> {
        let due: Vec<(Vec<u8>, f64)> = redis::cmd("ZRANGEBYSCORE")
            .arg(format!("{prefix}schedules"))
            .arg("-inf")
            .arg(before)
            .arg("WITHSCORES")
            .arg("LIMIT")
            .arg(0)
            .arg(OVERDUE)
            .query_async(&mut self.requests.clone())
            .await?;
        cost.0 += 1;
        let due: Vec<(String, f64)> = due.into_iter().filter_map(|(id, at)| Some((String::from_utf8(id).ok()?, at))).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for (id, _) in &due {
            pipe.cmd("HGET").arg(format!("{prefix}schedule:{id}")).arg("enabled");
        }
        cost.0 += due.len() as u64;
        let enabled: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
        let overdue = due.into_iter().zip(enabled).map(|((id, at), enabled)| Overdue {
            id,
            due: at as i64,
            // As the library reads it: whatever else it says is off.
            enabled: reply::text(enabled).ok().map(|text| text == "true"),
        });
        Ok(overdue.collect())
    }

    /// Keys of the prefix that are of another type than the protocol says: key, what it should be, what it is.
    pub async fn wrong_types(&self, cost: &mut Cost) -> Result<Vec<(String, &'static str, String)>, DriverError> {
        let prefix = self.keys.prefix();
        let mut wanted = vec![(self.keys.active(), "set"), (format!("{prefix}schedules"), "zset")];
        wanted.extend(self.keys.monitors().iter().map(|m| (format!("{m}logs:history"), "list")));
        let mut pipe = redis::pipe();
        for (key, _) in &wanted {
            pipe.cmd("TYPE").arg(key);
        }
        cost.0 += wanted.len() as u64;
        let kinds: Vec<String> = pipe.query_async(&mut self.requests.clone()).await?;
        let wrong = wanted.into_iter().zip(kinds).filter(|((_, kind), found)| found != kind && found != "none");
        Ok(wrong.map(|((key, kind), found)| (key, kind, found)).collect())
    }

    /// Whether the console could mean a queue of this prefix by the name.
    pub fn names_queue(&self, name: &str) -> Option<QueueName> {
        let name = QueueName::try_from(name).ok()?;
        matches!(self.keys.classify(&self.keys.waiting(&name, Priority::Base)), Key::Of(q) if q == name).then_some(name)
    }
}

fn sampled(row: Value) -> Result<Sampled, DriverError> {
    let mut row = reply::array(row)?.into_iter();
    let length = reply::length(&reply::next(&mut row)?);
    let mut elements = Vec::new();
    for element in row {
        let mut parts = reply::array(element)?.into_iter();
        let bytes = reply::length(&reply::next(&mut parts)?).unwrap_or(0);
        elements.push(Element { bytes, head: reply::bytes(reply::next(&mut parts)?)?, tail: reply::bytes(reply::next(&mut parts)?)? });
    }
    Ok(Sampled { length, elements })
}

/// A heartbeat says which queues it serves, and where it runs.
fn foreign(key: &str, value: &Value) -> Option<Foreign> {
    let Value::BulkString(bytes) = value else { return None };
    let json: Json = (bytes.len() <= 64 * 1024).then(|| serde_json::from_slice(bytes).ok())??;
    let queues: Vec<String> = json["queues"].as_array()?.iter().filter_map(|q| q.as_str().map(Into::into)).take(50).collect();
    (json["hostname"].is_string() || json["pid"].is_number()).then_some(())?;
    let (prefix, worker) = key.rsplit_once("worker:")?;
    Some(Foreign { prefix: prefix.into(), worker: worker.into(), queues })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_heartbeat_is_one() {
        let of = |text: &str| foreign("apps:worker:w-1", &Value::BulkString(text.into()));
        let found = of(r#"{"id":"w-1","hostname":"h","queues":["mail"]}"#).unwrap();
        assert_eq!((found.prefix.as_str(), found.worker.as_str(), found.queues), ("apps:", "w-1", vec!["mail".to_owned()]));
        for no in ["", "1", "{}", r#"{"queues":["mail"]}"#, r#"{"hostname":"h"}"#] {
            assert_eq!(of(no), None, "{no}");
        }
        assert_eq!(foreign("apps:worker:w-1", &Value::Nil), None);
    }
}
