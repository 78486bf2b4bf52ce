//! Which delayed jobs are left to the workers.
//!
//! A worker reads the first job of a delayed set and takes it out with a second command, whose answer it ignores: what is moved in
//! between runs twice. So while a worker serves the queue, nobody else touches what is due.

use super::RedisDriver;
use crate::model::{ids::QueueName, time::Millis};
use crate::server::error::DriverError;

/// What comes due within this time counts as due: the clock of a worker may be ahead, and a script runs a little after the time was
/// taken that it is given.
pub const MARGIN_MS: i64 = 2_000;
/// Whether a worker serves the queue is asked again this often while a verb goes on, of the heartbeats that are followed: one may start
/// meanwhile. A worker says so on the event channel when it starts, seconds before its first heartbeat, and is followed then.
const ASK_EVERY_MS: u64 = 3_000;
/// One that beats and is not heard there is found by going over all keys. That is done with the first delayed job, and then again this
/// often, but for a tenth of the time at most: among millions of keys it takes seconds.
const LOOK_EVERY_MS: u64 = 30_000;
const LOOK_SHARE: u64 = 10;

/// Whether a worker serves a queue, as it was last asked. A new one asks with the first delayed job.
#[derive(Default)]
pub struct Served {
    last: Option<(bool, Millis)>,
    /// The last look over all keys that found no worker: when it ended, and for how long it counts.
    looked: Option<(Millis, u64)>,
}

impl Served {
    pub fn asked(yes: bool, at: Millis) -> Self {
        Self { last: Some((yes, at)), looked: None }
    }
}

impl RedisDriver {
    /// Up to which score delayed jobs stay, for a script that is called next; `None`: no worker serves the queue, and none stays.
    pub(super) async fn due_until(
        &self,
        queue: &QueueName,
        served: &mut Served,
        clock: impl Fn() -> Millis,
    ) -> Result<Option<i64>, DriverError> {
        let yes = match served.last {
            Some((yes, at)) if clock().0.abs_diff(at.0) <= ASK_EVERY_MS => yes,
            Some(_) | None => {
                let began = clock();
                let mut yes = self.followed_serves(queue).await?;
                if !yes && served.looked.is_none_or(|(ended, holds)| began.0.abs_diff(ended.0) > holds) {
                    let found = self.find_serving(queue).await?;
                    let ended = clock();
                    yes = found.is_some();
                    match found {
                        // Followed from now on. The look ended there: when this worker is gone, the others are looked for at once.
                        Some(key) => self.known().heartbeat_seen(key, ended),
                        None => served.looked = Some((ended, LOOK_EVERY_MS.max(LOOK_SHARE * ended.0.abs_diff(began.0)))),
                    }
                }
                // From the answer on: among millions of keys the question alone may take longer than that.
                served.last = Some((yes, clock()));
                yes
            }
        };
        Ok(yes.then(|| clock().0 + MARGIN_MS))
    }

    /// How many jobs of a delayed set are left to the workers, which serve its queue: those that are due.
    pub(super) async fn due(&self, key: &str, until: i64) -> Result<u64, DriverError> {
        Ok(redis::cmd("ZCOUNT").arg(key).arg("-inf").arg(until).query_async(&mut self.requests.clone()).await?)
    }
}

/// Up to which score delayed jobs stay, for a script: nothing when none stays.
pub(super) fn argument(until: Option<i64>) -> String {
    until.map_or_else(String::new, |ms| ms.to_string())
}
