//! New dead letters, for the archive.

use super::{RedisDriver, payload::Element, reply};
use crate::{model::ids::QueueName, server::error::DriverError};

/// Lists that one script looks at, and about how many bytes it hands out.
pub const LISTS: usize = 20;
/// Lists whose lengths one script tells: well below a millisecond.
pub const LENGTHS: usize = 250;
const BYTES: usize = 512 * 1024;
const MOST: usize = 200;

/// What is at the head of a failed list.
pub struct Dead {
    /// All elements of the list; the library keeps 1,000. `None`: the key holds no list.
    pub length: Option<u64>,
    /// Newest first.
    pub raws: Vec<Vec<u8>>,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Down to an element that is known.
    Known,
    /// Down to the end of the list: none of it is known.
    List,
    /// There is more.
    More,
}

/// What tells an element from others, for the next look.
pub fn digest(raw: &[u8]) -> String {
    Element::of(raw).digest()
}

impl RedisDriver {
    /// How many elements the failed lists of these queues have, at most [`LENGTHS`], in one script; `None`: the key holds no list.
    pub async fn failed_lengths(&self, queues: &[QueueName]) -> Result<Vec<Option<u64>>, DriverError> {
        if queues.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.scripts.lengths.prepare_invoke();
        for queue in queues {
            call.key(self.keys.failed(queue));
        }
        let lengths = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?;
        lengths.iter().map(|length| Ok(u64::try_from(reply::int(length)?).ok())).collect()
    }

    /// What came to the failed lists of these queues, at most [`LISTS`], in one script; `from` positions are left out.
    pub async fn new_dead(&self, queues: &[QueueName], known: &[&str], from: usize) -> Result<Vec<Dead>, DriverError> {
        let mut call = self.scripts.new_dead.prepare_invoke();
        for queue in queues {
            call.key(self.keys.failed(queue));
        }
        call.arg(BYTES).arg(MOST).arg(from);
        for digest in known {
            call.arg(*digest);
        }
        let rows = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?;
        rows.into_iter()
            .map(|row| {
                let mut row = reply::array(row)?.into_iter();
                let length = u64::try_from(reply::int(&reply::next(&mut row)?)?).ok();
                let end = match reply::int(&reply::next(&mut row)?)? {
                    0 => End::More,
                    1 => End::Known,
                    _ => End::List,
                };
                let raws = row.map(reply::bytes).collect::<Result<_, _>>()?;
                Ok(Dead { length, raws, end })
            })
            .collect()
    }
}
