//! Whether a job that the archive knows is in Redis.

use super::{RedisDriver, SEARCHED, STEP, id_texts, lists, met, payload, ways_to_write};
use crate::model::{
    archive::ArchivedRow,
    ids::{QueueName, Source},
    job::{JobState, JobSummary},
    past::is_failure,
};
use crate::server::error::DriverError;
use std::collections::BTreeSet;

/// Of each list so many jobs that run next are looked at for one that is asked for with many others.
const SOON: u64 = 1_000;
/// A script that looks for many of them reads about so many bytes: it looks at every one of them.
const NAMED_BYTES: usize = 1024 * 1024;

impl RedisDriver {
    /// Whether the very failure that this payload tells of lies among the failed jobs, as far as a search by id looks: twenty times what
    /// the library keeps.
    ///
    /// A push of an archived failure asks this first, in a step of its own: a script that reads the whole list would be a long one. No
    /// failure comes in between. It was in the list before it was archived (the library writes both at once), and it leaves by retry,
    /// deletion or the cap; only somebody who restores it from the trash in that very moment brings it back.
    pub async fn has_failure(&self, queue: &QueueName, id: &str, raw: &[u8]) -> Result<bool, DriverError> {
        let told = payload::read(&payload::Element::of(raw));
        let last = self.length(&self.source_key(queue, &Source::Failed), "LLEN").await?.min(SEARCHED);
        let (texts, mut at) = (id_texts(id), 0);
        while at < last {
            let (met, next) = self.search_step(queue, &Source::Failed, id, &texts, (at, last)).await?;
            if met.iter().any(|job| is_failure(job, told.created_at, told.attempts)) {
                return Ok(true);
            }
            at = next;
        }
        Ok(false)
    }

    /// Which of these failures of the queue are in Redis: the very failure among the failed jobs, as far as a search by id looks, or a job
    /// with its id among the [`SOON`] that run next of a list, or among the first behind its group. Each list is read once, however many
    /// are asked for.
    pub async fn are_here(&self, queue: &QueueName, failures: &[&ArchivedRow]) -> Result<Vec<bool>, DriverError> {
        let begins: BTreeSet<String> = failures.iter().flat_map(|failure| beginnings(&failure.id)).collect();
        let begins: Vec<String> = begins.into_iter().collect();
        let groups: BTreeSet<&String> = failures.iter().filter_map(|failure| failure.group_id.as_ref()).collect();
        let mut sources = lists();
        sources.extend(groups.into_iter().cloned().map(Source::Grouped));
        let places: Vec<(&QueueName, &Source)> = sources.iter().map(|source| (queue, source)).collect();
        let lengths = self.lengths(&places).await?;
        let mut here = vec![false; failures.len()];
        for (source, length) in sources.iter().zip(lengths) {
            let most = if matches!(source, Source::Failed) { SEARCHED } else { SOON };
            let (mut at, last) = (0, length.unwrap_or(0).min(most));
            while at < last {
                let (met, next) = self.named_step(queue, source, &begins, (at, last)).await?;
                for (here, failure) in here.iter_mut().zip(failures) {
                    *here |= met
                        .iter()
                        .filter(|job| job.id.as_deref() == Some(failure.id.as_str()))
                        .any(|job| job.state != JobState::Failed || may_be(job, failure));
                }
                at = next;
            }
        }
        Ok(here)
    }

    /// Jobs that may have one of many ids among the next elements of a list, from one place on and before another, and the place to go
    /// on from.
    async fn named_step(
        &self,
        queue: &QueueName,
        source: &Source,
        begins: &[String],
        (at, last): (u64, u64),
    ) -> Result<(Vec<JobSummary>, u64), DriverError> {
        let order = match source {
            Source::Delayed(_) => "scored",
            Source::Grouped(_) => "head",
            Source::Waiting(_) | Source::Failed => "tail",
        };
        let mut call = self.scripts.find_ids.key(self.source_key(queue, source));
        call.arg(at).arg((at + STEP * 2).min(last) - 1).arg(NAMED_BYTES).arg(order).arg(begins);
        met(queue, source, at, call.invoke_async(&mut self.requests.clone()).await?)
    }
}

/// Whether a failed job may be this failure: not if both say when they were created, and in which attempt they failed, and that differs.
fn may_be(job: &JobSummary, failure: &ArchivedRow) -> bool {
    let told = job.created_at.is_some() && failure.created_at.is_some() && job.attempts.is_some() && failure.attempt.is_some();
    !told || is_failure(job, failure.created_at, failure.attempt)
}

/// How a payload may begin to write this id, up to the first character that can be written in more than one way.
fn beginnings(id: &str) -> Vec<String> {
    let mut begins = Vec::new();
    for text in ways_to_write(id) {
        let Some(inner) = text.strip_prefix('"') else {
            begins.push(text);
            continue;
        };
        // PHP writes the slash as an escape, others do not.
        for stops in [&['"', '\\'][..], &['"', '\\', '/'][..]] {
            let begin = format!("\"{}", inner.split(stops).next().unwrap_or_default());
            if !begins.contains(&begin) {
                begins.push(begin);
            }
        }
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_in_each_way_of_writing_it() {
        assert_eq!(beginnings("job-1"), ["\"job-1"]);
        assert_eq!(beginnings("17"), ["\"17", "17"]);
        assert_eq!(beginnings("a/é"), ["\"a/é", "\"a", "\"a/"]);
        assert_eq!(beginnings("odd \"d\""), ["\"odd "]);
    }
}
