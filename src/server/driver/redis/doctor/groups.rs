//! What the doctor asks of Redis about groups: which are marked active, which have a job waiting, and what is behind them.

use super::{Cost, LISTS, LOOK_BYTES};
use crate::model::{ids::Priority, ids::QueueName, json};
use crate::server::{
    driver::redis::{RedisDriver, reply, sample::GROUPS},
    error::DriverError,
};
use redis::Value;
use std::collections::BTreeSet;

/// Calls of the script that reads waiting lists for groups: 20 MB, or 50,000 small jobs.
const HOLDER_CALLS: u64 = 40;
/// Steps of 500 members of the set of active groups.
const MEMBERS: u64 = 20;

#[derive(Debug, Default)]
pub struct Members {
    pub groups: BTreeSet<String>,
    pub complete: bool,
}

/// A JSON text or number as a group id reads it.
fn group_id(json: &str) -> Option<String> {
    json::decode(json).or_else(|| json.parse::<f64>().is_ok().then(|| json.to_owned()))
}

impl RedisDriver {
    /// Group ids that are marked active; an error when the key is no set.
    pub async fn active_groups(&self, cost: &mut Cost) -> Result<Members, DriverError> {
        let (mut members, mut cursor) = (Members::default(), 0u64);
        for _ in 0..MEMBERS {
            let (next, found): (u64, Vec<Vec<u8>>) = redis::cmd("SSCAN")
                .arg(self.keys.active())
                .arg(cursor)
                .arg("COUNT")
                .arg(500)
                .query_async(&mut self.requests.clone())
                .await?;
            cost.0 += 1;
            members.groups.extend(found.into_iter().filter_map(|g| String::from_utf8(g).ok()));
            cursor = next;
            if cursor == 0 {
                members.complete = true;
                break;
            }
        }
        Ok(members)
    }

    /// Every waiting list of these queues.
    pub fn waiting_lists<'a>(&self, queues: impl IntoIterator<Item = &'a QueueName>) -> Vec<String> {
        queues.into_iter().flat_map(|q| Priority::ALL.map(|p| self.keys.waiting(q, p))).collect()
    }

    /// Groups that have a job in these lists.
    pub async fn holders(&self, lists: &[String], cost: &mut Cost) -> Result<Members, DriverError> {
        let (mut members, mut calls) = (Members { complete: true, ..Members::default() }, 0);
        for part in lists.chunks(LISTS) {
            let (mut index, mut position) = (1u64, 0u64);
            while index > 0 {
                if calls >= HOLDER_CALLS {
                    members.complete = false;
                    return Ok(members);
                }
                calls += 1;
                cost.0 += 1;
                let mut call = self.scripts.holders.prepare_invoke();
                for list in part {
                    call.key(list);
                }
                call.arg(index).arg(position).arg(LOOK_BYTES);
                let mut answer = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?.into_iter();
                index = reply::length(&reply::next(&mut answer)?).unwrap_or(0);
                position = reply::length(&reply::next(&mut answer)?).unwrap_or(0);
                reply::next(&mut answer)?;
                members.groups.extend(answer.filter_map(|id| group_id(&reply::text(id).ok()?)));
            }
        }
        Ok(members)
    }

    /// Which of these groups are marked active, and how many jobs are behind each; at most 1,000.
    pub async fn groups_now(&self, groups: &[String], cost: &mut Cost) -> Result<Vec<(bool, Option<u64>)>, DriverError> {
        let groups = &groups[..groups.len().min(GROUPS)];
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for group in groups {
            pipe.cmd("SISMEMBER").arg(self.keys.active()).arg(group).cmd("LLEN").arg(self.keys.pending(group));
        }
        cost.0 += 2 * groups.len() as u64;
        let values: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(values.chunks(2).map(|v| (v[0] == Value::Int(1), v.get(1).and_then(reply::length))).collect())
    }

    /// The queue that the first job behind each group names; at most 200 groups.
    pub async fn group_queues(&self, groups: &[String], cost: &mut Cost) -> Result<Vec<Option<QueueName>>, DriverError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.scripts.heads.prepare_invoke();
        for group in groups.iter().take(LISTS) {
            call.key(self.keys.pending(group));
        }
        call.arg(LOOK_BYTES);
        cost.0 += 1;
        let names: Vec<String> = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(names.into_iter().map(|name| QueueName::try_from(name).ok().filter(|q| self.keys.is_queue(q))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_ids_are_texts_or_numbers() {
        assert_eq!(group_id(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(group_id("42").as_deref(), Some("42"));
        assert_eq!(group_id("x"), None);
    }
}
