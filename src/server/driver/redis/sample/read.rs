//! What Redis answered to a tick, in the order in which it was asked.

use super::{Answer, Counted, Look, Plan, Scanned};
use crate::{
    model::{
        ids::{Priority, QueueName},
        queue::{ByPriority, Paused},
    },
    server::{
        driver::redis::{heartbeat, nodes, reply, upcoming},
        error::DriverError,
    },
};
use redis::Value;

impl<T> Look<T> {
    fn of(text: String, told: impl FnOnce(String) -> Option<T>) -> Self {
        if text == "?" { Self::NotLooked } else { told(text).map_or(Self::Unknown, Self::Told) }
    }
}

/// Keys that are not UTF-8 are no queues of this protocol.
pub(super) fn scanned(value: Value) -> Result<Scanned, DriverError> {
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

pub(super) fn read(plan: &Plan, values: Vec<Value>) -> Result<Answer, DriverError> {
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

/// What [`super::RedisDriver::ask_queue`] asked for.
pub(super) fn counted(name: &QueueName, v: &mut impl Iterator<Item = Value>) -> Result<Counted, DriverError> {
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
pub(super) fn refused(value: Value) -> Result<Option<Value>, DriverError> {
    match value {
        Value::ServerError(error) if error.code() == "NOPERM" => Ok(None),
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        other => Ok(Some(other)),
    }
}
