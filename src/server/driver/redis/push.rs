//! A job that is in no list of Redis any more (or stays where it is) is pushed again.

use super::{
    RedisDriver,
    payload::{self, Target},
};
use crate::model::{
    ids::{Priority, QueueName},
    past::Pushed,
};
use crate::server::error::DriverError;

/// A click that is sent again within this time is the same click.
pub const REMEMBERED_S: u64 = 60;

/// How a payload is pushed.
pub struct Push<'a> {
    pub raw: &'a [u8],
    /// Names the click: the same one pushes once.
    pub request: &'a str,
    /// A copy gets an id of its own; a retry keeps the job's.
    pub id: Option<&'a str>,
    /// A priority that no worker reads: to the base list.
    pub base: bool,
}

impl RedisDriver {
    /// As the library's own retry pushes it: `attempts` 0, priority and group as the payload says. With what lies in Redis now, when this
    /// call pushed it.
    pub async fn push(&self, queue: &QueueName, push: &Push<'_>) -> Result<(Pushed, Option<Vec<u8>>), DriverError> {
        let Some(mut ready) = payload::retried(push.raw) else { return Ok((Pushed::Unreadable, None)) };
        if let Some(id) = push.id {
            let Some(copy) = payload::renamed(&ready.payload, id) else { return Ok((Pushed::Unreadable, None)) };
            ready.payload = copy;
        }
        let priority = match ready.target {
            Target::List(p) => p,
            Target::Unread(_) if push.base => Priority::Base,
            Target::Unread(_) => return Ok((Pushed::UnreadPriority, None)),
        };
        let group = ready.group.unwrap_or_default();
        let mut call = self.scripts.push.prepare_invoke();
        call.key(self.keys.request(push.request))
            .key(self.keys.waiting(queue, priority))
            .key(self.keys.active())
            .key(self.keys.pending(&group));
        call.arg(&ready.payload).arg(&group).arg(REMEMBERED_S);
        let code: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(if code == 1 { (Pushed::Done, Some(ready.payload)) } else { (Pushed::Before, None) })
    }
}
