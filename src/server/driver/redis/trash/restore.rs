//! Putting back what was deleted, in bounded steps.

use super::{Item, lists, parse_item};
use crate::model::{
    ids::{Priority, QueueName},
    operation::Outcome,
};
use crate::server::{
    driver::redis::{RedisDriver, SCRIPT_BYTES, payload, verbs::mark},
    error::DriverError,
};
use redis::AsyncCommands;
use std::collections::BTreeMap;

/// Of an entry that is put back: how many at the beginning of its items and of its sets stay, because jobs equal to them are
/// delayed already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stays {
    items: u64,
    lists: BTreeMap<usize, u64>,
}

impl Stays {
    pub fn jobs(&self) -> u64 {
        self.items + self.lists.values().sum::<u64>()
    }
}

impl RedisDriver {
    /// One bounded step of putting an entry back. `None` when nothing more of it can be.
    pub async fn restore_step(&self, queue: &QueueName, id: &str, stays: &mut Stays) -> Result<Option<Outcome>, DriverError> {
        let mut conn = self.requests.clone();
        let fields: BTreeMap<String, String> = conn.hgetall(self.keys.trash_entry(id)).await?;
        for (n, source) in lists(&fields) {
            let key = self.keys.trash_list(id, n);
            let stay = stays.lists.entry(n).or_default();
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut conn).await?;
            let left = match kind.as_str() {
                "list" => true,
                "zset" => conn.zcard::<_, u64>(&key).await? > *stay,
                _ => false,
            };
            if !left {
                continue;
            }
            let mut call = self.scripts.restore_list.prepare_invoke();
            call.key(&key).key(source).arg(kind).arg(500).arg(SCRIPT_BYTES).arg(*stay);
            let (went, stay_now): (u64, u64) = call.invoke_async(&mut conn).await?;
            *stay = stay_now;
            return Ok(Some(Outcome { done: went, ..Outcome::default() }));
        }
        let items = self.keys.trash_items(id);
        let (mut outcome, mut left) = (Outcome::default(), false);
        for _ in 0..100 {
            let Some(bytes) = conn.lindex::<_, Option<Vec<u8>>>(&items, stays.items as isize).await? else { break };
            left = true;
            let Some(item) = parse_item(&bytes) else {
                return Err(DriverError::Corrupt { key: items, found: "something that the console did not write".into() });
            };
            match self.restore_item(queue, &items, &bytes, &item, stays.items).await? {
                1 => outcome.done += 1,
                2 => stays.items += 1,
                _ => {}
            }
        }
        if left {
            return Ok(Some(outcome));
        }
        // What stays, stays for its hour.
        self.close_trash(id).await?;
        self.drop_trash(id, &fields).await?;
        Ok(None)
    }

    async fn restore_item(&self, queue: &QueueName, items: &str, bytes: &[u8], item: &Item, stay: u64) -> Result<i64, DriverError> {
        let behind = item.key.strip_prefix(self.keys.pending("").as_str());
        let dead = item.key == self.keys.failed(queue);
        let group = match behind {
            Some(group) => Some(group.to_owned()),
            None if dead || item.score.is_some() => None,
            None => payload::group_of(&item.raw),
        };
        // A grouped job asks its group again, as a push would: the group may have ended meanwhile.
        let target = if behind.is_some() { self.keys.waiting(queue, Priority::Base) } else { item.key.clone() };
        let (place, extra) = match (&item.score, group) {
            (Some(score), _) => ("delayed", score.clone()),
            (None, Some(group)) => ("group", group),
            // At the tail it would be the first dead letter that the cap of 1,000 drops.
            (None, None) if dead => ("head", String::new()),
            // It waited longest: it runs next.
            (None, None) => ("tail", String::new()),
        };
        let pending = self.keys.pending(if place == "group" { &extra } else { "" });
        let mut call = self.scripts.restore_item.prepare_invoke();
        // The handle that deleted it names it again.
        let note = self.keys.acted(&payload::Element::of(&item.raw).digest());
        call.key(items).key(target).key(self.keys.active()).key(pending).key(note);
        call.arg(bytes).arg(&item.raw).arg(place).arg(&extra);
        Ok(call.arg(stay).arg(mark()).invoke_async(&mut self.requests.clone()).await?)
    }
}
