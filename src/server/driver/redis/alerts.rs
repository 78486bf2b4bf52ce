//! Alerts in Redis. The rules are the original console's `gravito:zenith:alerts:rules`, global as there (stream-protocol.md, 3);
//! everything else is under `flux_console:{hash of the prefix}:alerts:…`: `states` (a hash: rule and subject → state as JSON),
//! `history` (entries as JSON, newest at the head), `seq`, and `outbox` (messages as JSON; taken from the tail by who delivers).

pub mod stored;

use super::RedisDriver;
use crate::model::time::Millis;
use crate::server::error::DriverError;
use redis::{AsyncCommands, FromRedisValue, Value};
use sha1::{Digest, Sha1};

/// Global, as the original has it: not under a hash of the prefix.
pub const RULES: &str = "gravito:zenith:alerts:rules";
/// Name of the lease of whoever evaluates the rules.
pub const LEASE: &str = "alerts";
/// States that are kept: one for every alert that fires, waits to fire or is silent after it fired.
const STATES: usize = 5_000;
/// Beside the states: some worker was seen once.
const WORKERS_SEEN: &str = "workers";
/// Beside the states: when the evaluator last measured while something had a time to hold, epoch ms.
const MEASURED: &str = "measured";
/// A longer text is nobody's list of rules.
const RULES_BYTES: usize = 1024 * 1024;

/// What the key of the rules holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    Absent,
    Text(String),
    /// Bytes that are no UTF-8 or too many, or a key of this type.
    Odd {
        kind: String,
        bytes: Vec<u8>,
        what: String,
    },
}

impl Raw {
    /// Changes with what is stored.
    pub fn version(&self) -> String {
        let (kind, bytes) = self.parts();
        // Of one that is too long only this much is always read.
        let bytes = bytes.get(..=RULES_BYTES).unwrap_or(bytes);
        let digest = Sha1::new().chain_update(kind.as_bytes()).chain_update(b"\n").chain_update(bytes).finalize();
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    fn parts(&self) -> (&str, &[u8]) {
        match self {
            Self::Absent => ("none", b""),
            Self::Text(text) => ("string", text.as_bytes()),
            Self::Odd { kind, bytes, .. } => (kind, bytes),
        }
    }
}

/// Everything that alerts have in Redis, from one moment.
pub struct Look {
    pub rules: Raw,
    /// Field and state.
    pub states: Vec<(String, String)>,
    pub workers_seen: bool,
    /// When whoever evaluated last measured, as far as a time to hold depended on it.
    pub measured: Option<Millis>,
    /// Entries, newest first.
    pub history: Vec<String>,
    pub history_len: u64,
    pub seq: u64,
}

/// A state that changes.
pub struct Turn<'a> {
    pub field: &'a str,
    pub before: &'a str,
    pub after: &'a str,
    /// JSON of a `model::alert::message::Message`; empty: nothing is said.
    pub message: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    Done,
    /// Somebody else changed it, or this very change was made already.
    Otherwise,
    NotHolder,
    /// Too many states: this alert cannot be followed.
    Full,
}

fn read_rules(kind: String, value: Option<Value>) -> Result<Raw, DriverError> {
    match (kind.as_str(), value) {
        ("none", _) => Ok(Raw::Absent),
        ("string", Some(value)) => {
            let bytes = super::reply::bytes(value)?;
            if bytes.len() > RULES_BYTES {
                let what = format!("is a text of more than {RULES_BYTES} bytes");
                return Ok(Raw::Odd { kind, bytes, what });
            }
            Ok(match String::from_utf8(bytes) {
                Ok(text) => Raw::Text(text),
                Err(error) => Raw::Odd { kind, bytes: error.into_bytes(), what: "is no UTF-8 text".into() },
            })
        }
        _ => Ok(Raw::Odd { what: format!("is a {kind}"), kind, bytes: Vec::new() }),
    }
}

impl RedisDriver {
    /// One round trip of four to six commands, however many rules there are. `skip` and `count` say which part of the history;
    /// without a count it is left out.
    pub async fn alerts(&self, skip: u64, count: u64) -> Result<Look, DriverError> {
        let history = self.keys.alert_history();
        let mut pipe = redis::pipe();
        pipe.cmd("TYPE").arg(RULES);
        // Refused, and that is all, when the key is of another type. A part of it is enough to see that it is too long.
        pipe.cmd("GETRANGE").arg(RULES).arg(0).arg(RULES_BYTES);
        pipe.cmd("HGETALL").arg(self.keys.alert_states());
        pipe.cmd("GET").arg(self.keys.alert_seq());
        if count > 0 {
            pipe.cmd("LRANGE").arg(&history).arg(skip).arg((skip + count).cast_signed() - 1);
            pipe.cmd("LLEN").arg(&history);
        }
        pipe.ignore_errors();
        let values: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        let mut values = values.into_iter();
        let mut next = || super::reply::next(&mut values);
        let kind = super::reply::text(next()?)?;
        let rules = read_rules(kind, Some(next()?))?;
        let mut states: Vec<(String, String)> = from(next()?)?;
        let mut beside = |name: &str| states.iter().position(|(field, _)| field == name).map(|at| states.swap_remove(at).1);
        let (workers_seen, measured) = (beside(WORKERS_SEEN).is_some(), beside(MEASURED));
        let measured = measured.and_then(|at| at.parse().ok()).and_then(Millis::checked);
        let seq = from::<Option<u64>>(next()?)?.unwrap_or(0);
        let (history, history_len) = if count > 0 { (from(next()?)?, from(next()?)?) } else { (Vec::new(), 0) };
        Ok(Look { rules, workers_seen, measured, states, history, history_len, seq })
    }

    /// Changes one alert and says so, when `token` holds the lease and the state is the one that is believed.
    pub async fn turn_alert(&self, token: &str, turn: &Turn<'_>) -> Result<Turned, DriverError> {
        let keys = &self.keys;
        let mut call = self.scripts.alert_turn.prepare_invoke();
        call.key(keys.lease(LEASE)).key(keys.alert_states()).key(keys.alert_history()).key(keys.alert_outbox()).key(keys.alert_seq());
        call.arg(token).arg(turn.field).arg(turn.before).arg(turn.after).arg(turn.message).arg(STATES);
        let answer: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(match answer {
            1 => Turned::Done,
            0 => Turned::Otherwise,
            -2 => Turned::Full,
            _ => Turned::NotHolder,
        })
    }

    /// Writes messages of a time without Redis into the history, once for `id`; those with `true` go to the channels as well.
    /// `states`: field and state of the rules that they are of.
    pub async fn note_alerts(&self, id: &str, states: &[(String, String)], messages: &[(String, bool)]) -> Result<(), DriverError> {
        let mut call = self.scripts.alert_note.prepare_invoke();
        call.key(self.keys.alert_history()).key(self.keys.alert_outbox()).key(self.keys.alert_seq()).key(self.keys.request(id));
        call.key(self.keys.alert_states()).arg(states.len());
        for (field, state) in states {
            call.arg(field).arg(state);
        }
        for (message, to_channels) in messages {
            call.arg(message).arg(if *to_channels { "1" } else { "0" });
        }
        let _: u64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(())
    }

    /// A time to hold goes on for whoever evaluates next.
    pub async fn note_measured(&self, at: Millis) -> Result<(), DriverError> {
        let _: i64 = self.requests.clone().hset(self.keys.alert_states(), MEASURED, at.0).await?;
        Ok(())
    }

    /// Without a worker ever seen, none is no news.
    pub async fn note_workers_seen(&self) -> Result<(), DriverError> {
        let _: i64 = self.requests.clone().hset(self.keys.alert_states(), WORKERS_SEEN, "seen").await?;
        Ok(())
    }

    pub async fn alert_rules(&self) -> Result<Raw, DriverError> {
        let mut pipe = redis::pipe();
        pipe.cmd("TYPE").arg(RULES).cmd("GET").arg(RULES).ignore_errors();
        let values: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        let mut values = values.into_iter();
        let kind = super::reply::text(super::reply::next(&mut values)?)?;
        read_rules(kind, values.next())
    }

    /// Writes the rules over exactly what was read; `false`: somebody else was faster. What cannot be read is kept beside.
    pub async fn swap_alert_rules(&self, before: &Raw, after: &str, keep: bool, now: Millis) -> Result<bool, DriverError> {
        let (kind, bytes) = before.parts();
        let mut call = self.scripts.alert_rules.prepare_invoke();
        call.key(RULES).key(self.keys.alert_backup(now)).arg(kind).arg(bytes).arg(after).arg(if keep { "1" } else { "0" });
        Ok(call.invoke_async(&mut self.requests.clone()).await?)
    }

    /// The original's counts of a minute (`failed`, `workers`, …) from a minute on; `None` where there is none.
    pub async fn gauges(&self, name: &str, from: i64, minutes: i64) -> Result<Vec<Option<u64>>, DriverError> {
        let keys: Vec<String> = (from..from + minutes).map(|minute| format!("flux_console:metrics:{name}:{minute}")).collect();
        let values: Vec<Value> = redis::cmd("MGET").arg(keys).query_async(&mut self.requests.clone()).await?;
        Ok(values.into_iter().map(|value| super::reply::text(value).ok()?.parse().ok()).collect())
    }
}

fn from<T: FromRedisValue>(value: Value) -> Result<T, DriverError> {
    T::from_redis_value(value).map_err(|error| DriverError::Protocol(error.to_string()))
}
