//! Whether a job that the archive knows is in Redis.

mod walk;

use super::{RedisDriver, SEARCHED, met, payload, sources, ways_to_write};
use crate::model::{
    archive::ArchivedRow,
    ids::{Fingerprint, QueueName, Source},
    job::{JobState, JobSummary},
    past::is_failure,
};
use crate::server::error::DriverError;
use std::collections::BTreeSet;
use walk::{LOOKED, Walk};

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
        let length = self.length(&self.source_key(queue, &Source::Failed), "LLEN").await?;
        let is = |job: &JobSummary| job.id.as_deref() == Some(id) && is_failure(job, told.created_at, told.attempts);
        let mut found = false;
        self.look_through(queue, &Source::Failed, length, &beginnings(id), |met| {
            found |= met.iter().any(is);
            found
        })
        .await?;
        Ok(found)
    }

    /// Whether these bytes lie among the failed jobs, where they say no id: nothing else tells which job that is.
    pub async fn has_nameless(&self, queue: &QueueName, raw: &[u8]) -> Result<bool, DriverError> {
        if payload::id_of(raw).is_some() {
            return Ok(false);
        }
        let place = Fingerprint { hash: payload::Element::of(raw).digest(), source: Source::Failed, hint: 0, score: None };
        // Twice: what fails meanwhile may have moved it out of sight.
        Ok(self.locate(queue, &place).await?.is_some() || self.locate(queue, &place).await?.is_some())
    }

    /// Which of these failures of the queue are in Redis: a job with its id among the failed ones, as far as a search by id looks, among
    /// those that run next of a list, or among the first behind its group. Each list is read once, however many are asked for. A failed
    /// job counts also with another stamp: it failed anew, and the archive need not know that yet. Of a list of failed jobs that is longer
    /// than is looked at nothing can be told, so each of them may be in it.
    pub async fn are_here(&self, queue: &QueueName, failures: &[&ArchivedRow]) -> Result<Vec<bool>, DriverError> {
        let begins: BTreeSet<String> = failures.iter().flat_map(|failure| beginnings(&failure.id)).collect();
        let begins: Vec<String> = begins.into_iter().collect();
        let groups: BTreeSet<&String> = failures.iter().filter_map(|failure| failure.group_id.as_ref()).collect();
        let mut later = sources(JobState::Delayed);
        later.extend(groups.into_iter().cloned().map(Source::Grouped));
        let mut here = vec![false; failures.len()];
        // In the order in which jobs go from list to list, so that one that goes on meanwhile is met where it comes to. How long a list is
        // is asked when those before were looked at: what left them by then has come.
        for lists in [sources(JobState::Failed), later, sources(JobState::Waiting)] {
            let places: Vec<(&QueueName, &Source)> = lists.iter().map(|source| (queue, source)).collect();
            let lengths = self.lengths(&places).await?;
            for (source, length) in lists.iter().zip(lengths) {
                let length = length.unwrap_or(0);
                // A retry of those in Redis goes through all of the list.
                if *source == Source::Failed && length > SEARCHED {
                    return Ok(vec![true; failures.len()]);
                }
                self.look_through(queue, source, length, &begins, |met| {
                    for (here, failure) in here.iter_mut().zip(failures) {
                        *here |= met.iter().any(|job| job.id.as_deref() == Some(failure.id.as_str()));
                    }
                    false
                })
                .await?;
            }
        }
        Ok(here)
    }

    /// Goes through a list of that length, as far as is looked. `met`: jobs of a look that may have one of the ids; whether that is enough.
    async fn look_through(
        &self,
        queue: &QueueName,
        source: &Source,
        length: u64,
        begins: &[String],
        mut met: impl FnMut(&[JobSummary]) -> bool,
    ) -> Result<(), DriverError> {
        let mut walk = Walk::of(source, length);
        while let Some(part) = walk.ahead() {
            let (jobs, next) = self.named_step(queue, source, begins, part).await?;
            if met(&jobs) {
                break;
            }
            walk.came_to(next);
        }
        Ok(())
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
            // Failures that come meanwhile stand before what is still to be looked at.
            Source::Grouped(_) | Source::Failed => "head",
            Source::Waiting(_) => "tail",
        };
        let mut call = self.scripts.find_ids.key(self.source_key(queue, source));
        call.arg(at).arg((at + LOOKED).min(last) - 1).arg(NAMED_BYTES).arg(order).arg(begins);
        met(queue, source, at, call.invoke_async(&mut self.requests.clone()).await?)
    }
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
