//! What was deleted, for an hour.
//!
//! `…trash` is a sorted set of ids by expiry (epoch ms). For each id `…trash:{id}` is a hash (`queue`, `verb`, `jobs`,
//! `deletedAt`, `expiresAt`, `beat`, and `list:{n}` = source key of a list that was renamed whole to `…trash:{id}:list:{n}`), and
//! `…trash:{id}:items` a list of single elements, newest at the head. An item is `[score]\n{bytes of the key}:{key}{raw}`, so
//! any key and any payload survive byte for byte.

mod restore;

pub use restore::Stays;

use super::RedisDriver;
use crate::model::{
    ids::QueueName,
    operation::{TrashEntry, Verb},
    time::Millis,
};
use crate::server::error::DriverError;
use redis::AsyncCommands;
use std::collections::BTreeMap;

/// Whether a deletion can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    AnHour,
    Nothing,
}

/// How long deleted jobs can be restored.
pub const KEPT_MS: i64 = 3_600_000;
/// A deletion gives a sign of life more often than this; silent for longer, its console is gone and the entry is as it is.
const FILLING_MS: i64 = 15_000;
/// Entries that are looked at together when their hour is over.
const EMPTIED: u64 = 20;
/// Redis itself drops what no console emptied.
pub const BACKSTOP_S: u64 = 7_200;

/// A single element of a list.
pub fn item(key: &str, raw: &[u8]) -> Vec<u8> {
    let mut item = b"\n".to_vec();
    item.extend(delayed_item(key, raw));
    item
}

/// The part behind the score and its line end, which the script puts before it.
pub fn delayed_item(key: &str, raw: &[u8]) -> Vec<u8> {
    let mut item = format!("{}:{key}", key.len()).into_bytes();
    item.extend_from_slice(raw);
    item
}

struct Item {
    score: Option<String>,
    key: String,
    raw: Vec<u8>,
}

fn parse_item(bytes: &[u8]) -> Option<Item> {
    let line = bytes.iter().position(|b| *b == b'\n')?;
    let score = std::str::from_utf8(&bytes[..line]).ok()?;
    let rest = &bytes[line + 1..];
    let colon = rest.iter().position(|b| *b == b':')?;
    let length: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
    let key = std::str::from_utf8(rest.get(colon + 1..colon + 1 + length)?).ok()?;
    Some(Item { score: (!score.is_empty()).then(|| score.to_owned()), key: key.to_owned(), raw: rest[colon + 1 + length..].to_vec() })
}

impl RedisDriver {
    /// Registers an entry before anything moves into it: should the console die in between, an empty entry is all that is left.
    pub async fn open_trash(&self, queue: &QueueName, verb: Verb, now: Millis) -> Result<String, DriverError> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let key = self.keys.trash_entry(&id);
        let expires = now.0 + KEPT_MS;
        let mut pipe = redis::pipe();
        pipe.atomic()
            .hset_multiple(
                &key,
                &[
                    ("queue", queue.as_str()),
                    ("verb", verb.as_str()),
                    ("jobs", "0"),
                    ("deletedAt", &now.0.to_string()),
                    ("expiresAt", &expires.to_string()),
                    ("beat", &now.0.to_string()),
                ],
            )
            .ignore();
        pipe.expire(&key, BACKSTOP_S as i64).ignore().zadd(self.keys.trash(), &id, expires).ignore();
        pipe.query_async::<()>(&mut self.requests.clone()).await?;
        Ok(id)
    }

    /// Ends a deletion: writes down how many jobs are in the entry, counted, not told. An empty entry disappears.
    pub async fn close_trash(&self, id: &str) -> Result<u64, DriverError> {
        let mut conn = self.requests.clone();
        let fields: BTreeMap<String, String> = conn.hgetall(self.keys.trash_entry(id)).await?;
        if fields.is_empty() {
            return Ok(0);
        }
        let jobs = self.count_trash(id, &fields).await?;
        if jobs == 0 {
            self.drop_trash(id, &fields).await?;
        } else {
            conn.hset::<_, _, _, ()>(self.keys.trash_entry(id), "jobs", jobs).await?;
        }
        Ok(jobs)
    }

    /// A sign of life while a deletion fills the entry or a restore empties it: its hour begins anew.
    pub async fn touch_trash(&self, id: &str, now: Millis) -> Result<(), DriverError> {
        let mut conn = self.requests.clone();
        let key = self.keys.trash_entry(id);
        let fields: BTreeMap<String, String> = conn.hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(());
        }
        let expires = now.0 + KEPT_MS;
        let mut pipe = redis::pipe();
        pipe.atomic()
            .hset_multiple(&key, &[("beat", now.0), ("expiresAt", expires)])
            .ignore()
            .zadd(self.keys.trash(), id, expires)
            .ignore();
        for held in lists(&fields).map(|(n, _)| self.keys.trash_list(id, n)).chain([key, self.keys.trash_items(id)]) {
            pipe.expire(held, BACKSTOP_S as i64).ignore();
        }
        Ok(pipe.query_async::<()>(&mut conn).await?)
    }

    /// Remembers where the n-th renamed list came from. Called before the rename.
    pub(super) async fn note_list(&self, id: &str, n: usize, source: &str) -> Result<(), DriverError> {
        Ok(self.requests.clone().hset(self.keys.trash_entry(id), format!("list:{n}"), source).await?)
    }

    pub async fn trash(&self, now: Millis) -> Result<Vec<TrashEntry>, DriverError> {
        let ids: Vec<String> = redis::cmd("ZREVRANGEBYSCORE")
            .arg(self.keys.trash())
            .arg("+inf")
            .arg(now.0)
            .arg("LIMIT")
            .arg(0)
            .arg(100)
            .query_async(&mut self.requests.clone())
            .await?;
        let mut entries = Vec::new();
        for id in ids {
            entries.extend(self.trash_entry(&id, now).await?.filter(|e| e.jobs > 0));
        }
        Ok(entries)
    }

    /// `None`: restored, expired, or never there.
    pub async fn trash_entry(&self, id: &str, now: Millis) -> Result<Option<TrashEntry>, DriverError> {
        let fields: BTreeMap<String, String> = self.requests.clone().hgetall(self.keys.trash_entry(id)).await?;
        let number = |name: &str| fields.get(name).and_then(|n| n.parse::<i64>().ok());
        let (Some(queue), Some(verb)) =
            (fields.get("queue").and_then(|q| QueueName::try_from(q.as_str()).ok()), fields.get("verb").and_then(|v| Verb::parse(v)))
        else {
            return Ok(None);
        };
        let (Some(deleted), Some(expires)) = (number("deletedAt"), number("expiresAt")) else { return Ok(None) };
        // The hash is written when the jobs are in; a console that died before leaves 0 there, so count what is really in it.
        let jobs = match number("jobs").unwrap_or(0) {
            // A deletion is still filling it.
            0 if now.0 - number("beat").unwrap_or(0) < FILLING_MS => return Ok(None),
            1 => 1,
            // A restore that was cancelled or killed has put some of them back.
            _ => self.count_trash(id, &fields).await?,
        };
        let entry = TrashEntry { id: id.into(), queue, verb, jobs, deleted_at: Millis(deleted), expires_at: Millis(expires) };
        Ok((expires > now.0).then_some(entry))
    }

    async fn count_trash(&self, id: &str, fields: &BTreeMap<String, String>) -> Result<u64, DriverError> {
        let mut conn = self.requests.clone();
        let mut jobs: u64 = conn.llen(self.keys.trash_items(id)).await?;
        for n in lists(fields).map(|(n, _)| n) {
            let key = self.keys.trash_list(id, n);
            let length: Result<u64, _> = conn.llen(&key).await;
            jobs += match length {
                Ok(n) => n,
                Err(_) => conn.zcard(&key).await?,
            };
        }
        Ok(jobs)
    }

    /// Forgets an entry, unless something is (again) in it.
    async fn drop_trash(&self, id: &str, fields: &BTreeMap<String, String>) -> Result<bool, DriverError> {
        let mut call = self.scripts.drop_trash.prepare_invoke();
        call.key(self.keys.trash()).key(self.keys.trash_entry(id)).key(self.keys.trash_items(id));
        for (n, _) in lists(fields) {
            call.key(self.keys.trash_list(id, n));
        }
        Ok(call.arg(id).invoke_async(&mut self.requests.clone()).await?)
    }

    /// Empties entries whose hour is over, a few at a time; UNLINK frees big lists beside the main thread.
    pub async fn empty_trash(&self, now: Millis) -> Result<u64, DriverError> {
        let (mut emptied, mut stay) = (0, 0);
        loop {
            let (looked, dropped) = self.empty_some(now, stay).await?;
            emptied += dropped;
            // What is restored just now stays.
            stay += looked - dropped;
            if looked < EMPTIED {
                return Ok(emptied);
            }
        }
    }

    /// How many entries were looked at, and how many of them are gone.
    async fn empty_some(&self, now: Millis, skip: u64) -> Result<(u64, u64), DriverError> {
        let mut conn = self.requests.clone();
        let due = redis::cmd("ZRANGEBYSCORE").arg(self.keys.trash()).arg("-inf").arg(now.0).arg("LIMIT").arg(skip).arg(EMPTIED).clone();
        let ids: Vec<String> = due.query_async(&mut conn).await?;
        let mut dropped = 0;
        for id in &ids {
            let fields: BTreeMap<String, String> = conn.hgetall(self.keys.trash_entry(id)).await?;
            let mut call = self.scripts.empty_trash.prepare_invoke();
            call.key(self.keys.trash()).key(self.keys.trash_entry(id)).key(self.keys.trash_items(id));
            for (n, _) in lists(&fields) {
                call.key(self.keys.trash_list(id, n));
            }
            dropped += u64::from(call.arg(id).arg(now.0).invoke_async::<bool>(&mut conn).await?);
        }
        Ok((ids.len() as u64, dropped))
    }

    /// Ends a deletion; deletes for good when nothing is to be kept. Returns the entry to restore from.
    pub async fn finish_trash(&self, id: &str, keep: Keep) -> Result<Option<String>, DriverError> {
        let jobs = self.close_trash(id).await?;
        if jobs == 0 {
            return Ok(None);
        }
        match keep {
            Keep::AnHour => Ok(Some(id.to_owned())),
            Keep::Nothing => self.empty_now(id).await.map(|()| None),
        }
    }

    async fn empty_now(&self, id: &str) -> Result<(), DriverError> {
        self.requests.clone().zadd::<_, _, _, ()>(self.keys.trash(), id, 0).await?;
        self.empty_trash(Millis(0)).await.map(drop)
    }
}

/// `list:{n}` fields: number and source key.
fn lists(fields: &BTreeMap<String, String>) -> impl Iterator<Item = (usize, &String)> {
    fields.iter().filter_map(|(name, source)| Some((name.strip_prefix("list:")?.parse().ok()?, source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_survive_any_key_and_payload() {
        for (key, raw) in [("queue:a:failed", &b"{\"x\":1}"[..]), ("queue:3:a\nb:", b"\n\xff\x00:"), ("queue:emoji\u{1f600}", b"")] {
            let back = parse_item(&item(key, raw)).expect("an item");
            assert_eq!((back.score, back.key.as_str(), back.raw.as_slice()), (None, key, raw));
        }
        let mut scored = b"1795432802759\n".to_vec();
        scored.extend(delayed_item("queue:a:delayed", b"raw"));
        assert_eq!(parse_item(&scored).and_then(|i| i.score).as_deref(), Some("1795432802759"));
    }
}
