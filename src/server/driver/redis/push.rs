//! A job that is in no list of Redis any more (or stays where it is) is pushed again.

use super::{
    RedisDriver,
    payload::{self, Target},
};
use crate::model::{
    ids::{Priority, QueueName},
    past::Pushed,
    time::Millis,
};
use crate::server::error::DriverError;
use redis::AsyncCommands;

/// A click that is sent again within this time is the same click.
pub const REMEMBERED_S: u64 = 60;
/// A failure of the archive that was pushed is remembered for so long: until the archive surely says so itself.
pub const FAILURE_REMEMBERED_S: u64 = 24 * 60 * 60;

/// What pushes once, however often it is sent.
pub enum Once<'a> {
    /// A click, by its name. `failure`: its name, and when the page was made that told of it, by the clock of Redis; `None`: a few
    /// seconds ago. If it was pushed since, the click is stale; one on a page that was made later is meant. What asks for the same failure by itself finds that it was pushed.
    Click { request: &'a str, failure: Option<(&'a str, Option<Millis>)> },
    /// A failure of the archive, by its name: one of many that an operation pushes. The id of its job goes among those that the
    /// operation pushed, in the same script.
    Failure { name: &'a str, operation: &'a str, job: &'a str },
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
        let (asked, seconds, fifth) = match push.once {
            Once::Click { request, failure } => (request, REMEMBERED_S, failure.map(|(name, _)| self.keys.request(name))),
            Once::Failure { name, operation, .. } => (name, FAILURE_REMEMBERED_S, Some(self.keys.pushed(operation))),
        };
        let (seen, job, kind) = match push.once {
            Once::Click { failure, .. } => (failure.and_then(|(_, seen)| seen), "", "click"),
            Once::Failure { job, .. } => (None, job, "many"),
        };
        let seen = seen.map_or_else(String::new, |seen| seen.0.to_string());
        call.key(self.keys.request(asked)).key(self.keys.waiting(queue, priority)).key(self.keys.active()).key(self.keys.pending(&group));
        if let Some(fifth) = fifth {
            call.key(fifth);
        }
        call.arg(&ready.payload).arg(&group).arg(seconds).arg(FAILURE_REMEMBERED_S).arg(seen).arg(job).arg(kind);
        let code: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(match code {
            1 => (Pushed::Done, Some(ready.payload)),
            2 => (Pushed::Since, None),
            _ => (Pushed::Before, None),
        })
    }

    /// Ids of jobs that an operation pushed and that the archive does not name yet.
    pub async fn pushed(&self, operation: &str) -> Result<Vec<String>, DriverError> {
        let mut ids: Vec<String> = self.requests.clone().smembers(self.keys.pushed(operation)).await?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// These are named now; another console may be naming them as well.
    pub async fn named(&self, operation: &str, ids: &[String]) -> Result<(), DriverError> {
        if ids.is_empty() {
            return Ok(());
        }
        Ok(self.requests.clone().srem(self.keys.pushed(operation), ids).await?)
    }

    /// When this failure was pushed, if that was within a day, and what time it is: both by the clock of Redis.
    pub async fn pushed_at(&self, failure: &str) -> Result<(Option<Millis>, Millis), DriverError> {
        let mut pipe = redis::pipe();
        pipe.get(self.keys.request(failure)).cmd("TIME");
        let (pushed, (s, us)): (Option<String>, (i64, i64)) = pipe.query_async(&mut self.requests.clone()).await?;
        Ok((pushed.and_then(|at| at.parse().ok()).map(Millis), Millis(s * 1_000 + us / 1_000)))
    }

    /// Which of these failures, by their names, were pushed within a day.
    pub async fn were_pushed(&self, failures: &[String]) -> Result<Vec<bool>, DriverError> {
        if failures.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for failure in failures {
            pipe.exists(self.keys.request(failure));
        }
        Ok(pipe.query_async(&mut self.requests.clone()).await?)
    }
}
