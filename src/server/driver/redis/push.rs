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
/// A failure of the archive that was pushed is remembered for so long: until the archive surely says so itself.
pub const FAILURE_REMEMBERED_S: u64 = 24 * 60 * 60;

/// What pushes once, however often it is sent.
pub enum Once<'a> {
    /// A click, by its name. What asks for the same failure by itself finds that it was pushed; a later click is meant.
    Click { request: &'a str, failure: Option<&'a str> },
    /// A failure of the archive, by its name.
    Failure(&'a str),
}

/// How a payload is pushed.
pub struct Push<'a> {
    pub raw: &'a [u8],
    pub once: Once<'a>,
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
        let (asked, seconds, noted) = match push.once {
            Once::Click { request, failure } => (request, REMEMBERED_S, failure),
            Once::Failure(name) => (name, FAILURE_REMEMBERED_S, None),
        };
        call.key(self.keys.request(asked)).key(self.keys.waiting(queue, priority)).key(self.keys.active()).key(self.keys.pending(&group));
        if let Some(failure) = noted {
            call.key(self.keys.request(failure));
        }
        call.arg(&ready.payload).arg(&group).arg(seconds).arg(FAILURE_REMEMBERED_S);
        let code: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(if code == 1 { (Pushed::Done, Some(ready.payload)) } else { (Pushed::Before, None) })
    }
}
