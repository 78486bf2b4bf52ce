//! Whether a job that the archive knows is in Redis.

use super::{RedisDriver, SEARCHED, id_texts, payload};
use crate::model::{
    ids::{Priority, QueueName, Source},
    past::is_failure,
    time::Millis,
};
use crate::server::error::DriverError;

/// Of each list so many jobs that run next are looked at for one that is asked for with many others.
const SOON: u64 = 1_000;

impl RedisDriver {
    /// Whether the very failure that this payload tells of lies among the failed jobs, as far as a search by id looks: twenty times what
    /// the library keeps.
    ///
    /// A push of an archived failure asks this first, in a step of its own: a script that reads the whole list would be a long one. No
    /// failure comes in between. It was in the list before it was archived (the library writes both at once), and it leaves by retry,
    /// deletion or the cap; only somebody who restores it from the trash in that very moment brings it back.
    pub async fn has_failure(&self, queue: &QueueName, id: &str, raw: &[u8]) -> Result<bool, DriverError> {
        let told = payload::read(&payload::Element::of(raw));
        self.has_failure_of(queue, id, told.created_at, told.attempts).await
    }

    /// The same of a failure of which only that is at hand.
    pub async fn has_failure_of(
        &self,
        queue: &QueueName,
        id: &str,
        created_at: Option<Millis>,
        attempts: Option<u64>,
    ) -> Result<bool, DriverError> {
        let last = self.length(&self.source_key(queue, &Source::Failed), "LLEN").await?.min(SEARCHED);
        let (texts, mut at) = (id_texts(id), 0);
        while at < last {
            let (met, next) = self.search_step(queue, &Source::Failed, id, &texts, (at, last)).await?;
            if met.iter().any(|job| is_failure(job, created_at, attempts)) {
                return Ok(true);
            }
            at = next;
        }
        Ok(false)
    }

    /// Whether a job with this id is among the [`SOON`] that run next of a list of the queue, or among the first behind its group.
    pub async fn runs_soon(&self, queue: &QueueName, id: &str, group: Option<&str>) -> Result<bool, DriverError> {
        let mut sources: Vec<Source> = Priority::ALL.map(Source::Waiting).into();
        sources.extend(Priority::ALL.map(Source::Delayed));
        sources.extend(group.map(|group| Source::Grouped(group.to_owned())));
        let places: Vec<(&QueueName, &Source)> = sources.iter().map(|source| (queue, source)).collect();
        let (lengths, texts) = (self.lengths(&places).await?, id_texts(id));
        for (source, length) in sources.iter().zip(lengths) {
            let (mut at, last) = (0, length.unwrap_or(0).min(SOON));
            while at < last {
                let (met, next) = self.search_step(queue, source, id, &texts, (at, last)).await?;
                if !met.is_empty() {
                    return Ok(true);
                }
                at = next;
            }
        }
        Ok(false)
    }
}
