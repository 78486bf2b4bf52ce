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
/// Whether a worker serves the queue is asked again this often while a verb goes on: one may start meanwhile.
const ASK_EVERY_MS: u64 = 3_000;

/// Whether a worker serves a queue, as it was last asked. A new one asks with the first delayed job.
#[derive(Default)]
pub struct Served(Option<(bool, Millis)>);

impl Served {
    pub fn asked(yes: bool, at: Millis) -> Self {
        Self(Some((yes, at)))
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
        let yes = match served.0 {
            Some((yes, at)) if clock().0.abs_diff(at.0) <= ASK_EVERY_MS => yes,
            Some(_) | None => {
                let yes = self.served(queue).await?;
                // From the answer on: among millions of keys the question alone may take longer than that.
                *served = Served::asked(yes, clock());
                yes
            }
        };
        Ok(yes.then(|| clock().0 + MARGIN_MS))
    }
}

/// The same for a script: nothing when none stays.
pub(super) fn argument(until: Option<i64>) -> String {
    until.map_or_else(String::new, |ms| ms.to_string())
}
