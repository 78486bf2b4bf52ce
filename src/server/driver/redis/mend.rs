//! What the doctor mends: each step one script that looks again before it changes anything.

use super::{RedisDriver, doctor::Cost, reply};
use crate::model::ids::{Priority, QueueName};
use crate::server::error::DriverError;
use redis::Value;

/// Jobs of one script, and of one click.
const CHUNK: u64 = 200;
pub const CLICK: u64 = 10_000;
const CHUNK_BYTES: usize = 512 * 1024;
/// All waiting lists are looked at in one step, or the group may be taken between two: about 5 ms at most.
const RELEASE_BYTES: usize = 2 * 1024 * 1024;
/// More waiting lists than this are too much for one script.
pub const RELEASE_LISTS: usize = 2_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub waiting: u64,
    pub delayed: u64,
    /// Delayed jobs of which the base set has an equal one: they stay.
    pub equal: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The first job behind the group waits now, and the group is active.
    Next,
    /// Nothing was behind it: it is not active any more.
    Released,
    /// It is not as it was any more.
    Changed,
    /// A job of it waits.
    Held,
    /// Too much waits to look at all of it in one step.
    TooMuch,
    /// The first job behind it names no queue.
    NoQueue,
}

impl RedisDriver {
    /// Jobs of the list `from` to the end of the base list of `to`, at most `most`: waiting ones first, then delayed ones. Killed
    /// in between, each job is in one of the two.
    pub async fn move_to_base(&self, from: &QueueName, to: &QueueName, most: u64) -> Result<Moved, DriverError> {
        let (mut moved, mut left) = (Moved::default(), most.min(CLICK));
        while left > 0 {
            let mut call = self.scripts.move_list.prepare_invoke();
            call.key(self.keys.waiting(from, Priority::Base)).key(self.keys.waiting(to, Priority::Base));
            let n: u64 = call.arg(left.min(CHUNK)).arg(CHUNK_BYTES).invoke_async(&mut self.requests.clone()).await?;
            if n == 0 {
                break;
            }
            (moved.waiting, left) = (moved.waiting + n, left.saturating_sub(n));
        }
        while left > 0 {
            let mut call = self.scripts.move_delayed.prepare_invoke();
            call.key(self.keys.delayed(from, Priority::Base)).key(self.keys.delayed(to, Priority::Base));
            let (n, equal): (u64, u64) = call.arg(left.min(CHUNK)).arg(CHUNK_BYTES).invoke_async(&mut self.requests.clone()).await?;
            moved.equal = equal;
            if n == 0 {
                break;
            }
            (moved.delayed, left) = (moved.delayed + n, left.saturating_sub(n));
        }
        Ok(moved)
    }

    /// Lets a group go on. `active`: it is marked active, and nothing seems to hold it; else jobs are behind it although it is
    /// not. `lists`: every waiting list, for a last look in the same step.
    pub async fn release_group(&self, group: &str, active: bool, lists: &[String]) -> Result<Release, DriverError> {
        if active && lists.len() > RELEASE_LISTS {
            return Ok(Release::TooMuch);
        }
        let pending = self.keys.pending(group);
        let mut read = redis::pipe();
        read.ignore_errors().cmd("LINDEX").arg(&pending).arg(0);
        let first: Vec<Value> = read.query_async(&mut self.requests.clone()).await?;
        let first = first.into_iter().next().and_then(|v| reply::bytes(v).ok()).unwrap_or_default();
        let queue = self.group_queues(&[group.to_owned()], &mut Cost::default()).await?.pop().flatten();
        let to = match (&queue, first.is_empty()) {
            (Some(queue), _) => self.keys.waiting(queue, Priority::Base),
            // Nothing is pushed then.
            (None, true) => pending.clone(),
            (None, false) => return Ok(Release::NoQueue),
        };
        let mut call = self.scripts.release_group.prepare_invoke();
        call.key(self.keys.active()).key(&pending).key(to);
        if active {
            for list in lists {
                call.key(list);
            }
        }
        call.arg(group).arg(u8::from(active)).arg(&first).arg(RELEASE_BYTES);
        for text in ways_to_write(group) {
            call.arg(text);
        }
        let code: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(match code {
            1 => Release::Next,
            2 => Release::Released,
            -1 => Release::Held,
            -2 => Release::TooMuch,
            _ => Release::Changed,
        })
    }
}

/// How a payload may write an id: as JSON text, with everything beyond ASCII escaped, and as a number.
pub(super) fn ways_to_write(group: &str) -> Vec<String> {
    let json = serde_json::to_string(group).unwrap_or_default();
    let mut escaped = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        }
    }
    let mut ways = vec![json];
    if !ways.contains(&escaped) {
        ways.push(escaped);
    }
    if group.parse::<f64>().is_ok() {
        ways.push(group.to_owned());
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_id_is_looked_for_in_each_way_of_writing_it() {
        assert_eq!(ways_to_write("customer-1"), ["\"customer-1\""]);
        assert_eq!(ways_to_write("42"), ["\"42\"", "42"]);
        assert_eq!(ways_to_write("заказ"), ["\"заказ\"", "\"\\u0437\\u0430\\u043a\\u0430\\u0437\""]);
        assert_eq!(ways_to_write("a\"b"), ["\"a\\\"b\""]);
    }
}
