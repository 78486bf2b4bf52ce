//! One job: by the handle under which a list showed it, else by its id. What is said of it is in `detail`.

mod detail;
mod here;

use super::{RedisDriver, SCRIPT_BYTES, mend::ways_to_write, pages::element, payload, reply, search::sources};
use crate::model::{
    ids::{Fingerprint, QueueName, Source},
    job::{Found, JobState, JobSummary},
    time::Millis,
};
use crate::server::error::DriverError;
use detail::{detail, summarise};
use redis::Value;

/// How far from its hint an element is looked for.
pub(super) const AROUND: u64 = 1_000;
/// How many elements of one list a search by id looks at, and one for elements far away from their hints.
pub(super) const SEARCHED: u64 = 20_000;
/// Groups of the queue that a search by id looks into; the jobs behind the others are counted as not looked at.
const SEARCHED_GROUPS: usize = 100;
/// One locating script looks at this many elements, and at about this many bytes: it hashes them.
pub(super) const STEP: u64 = 250;
pub(super) const LOCATE_BYTES: usize = 512 * 1024;

/// An element found: its raw bytes and where it is now.
pub struct Located {
    pub raw: Vec<u8>,
    pub fingerprint: Fingerprint,
}

impl RedisDriver {
    pub(super) fn source_key(&self, queue: &QueueName, source: &Source) -> String {
        match source {
            Source::Waiting(p) => self.keys.waiting(queue, *p),
            Source::Delayed(p) => self.keys.delayed(queue, *p),
            Source::Failed => self.keys.failed(queue),
            Source::Grouped(group) => self.keys.pending(group),
        }
    }

    /// The element with this fingerprint: [`Self::nearby`], else farther away among [`SEARCHED`] elements.
    pub async fn locate(&self, queue: &QueueName, f: &Fingerprint) -> Result<Option<Located>, DriverError> {
        self.locate_within(queue, f, &mut SEARCHED.clone()).await
    }

    /// The same; `far`: how many elements away from their hints may still be looked at, for all jobs of a request together.
    pub(super) async fn locate_within(&self, queue: &QueueName, f: &Fingerprint, far: &mut u64) -> Result<Option<Located>, DriverError> {
        match self.nearby(queue, f).await? {
            None if *far > 0 => self.far_away(queue, f, far).await,
            found => Ok(found),
        }
    }

    /// Beyond ±1,000, or among very many that are due at the same moment.
    async fn far_away(&self, queue: &QueueName, f: &Fingerprint, far: &mut u64) -> Result<Option<Located>, DriverError> {
        let key = self.source_key(queue, &f.source);
        // (from, to), `to` not included; the likelier one first.
        let ranges = if let Some(score) = &f.score {
            let (begins, ends) = self.due_at(&key, score).await?;
            vec![(begins + AROUND + 1, ends)]
        } else {
            // Pops move an element to lower positions.
            let (low, high) = (f.hint.saturating_sub(AROUND), f.hint + AROUND + 1);
            vec![(low.saturating_sub(*far), low), (high, self.length(&key, "LLEN").await?)]
        };
        for (from, to) in ranges {
            let to = to.min(from + *far);
            if from >= to {
                continue;
            }
            *far -= to - from;
            if let Some(found) = self.look(&key, f, &[(from, to - 1)]).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The ranks of the members with this score: the first, and the one behind the last.
    async fn due_at(&self, key: &str, score: &str) -> Result<(u64, u64), DriverError> {
        let mut pipe = redis::pipe();
        pipe.cmd("ZCOUNT").arg(key).arg("-inf").arg(format!("({score}"));
        pipe.cmd("ZCOUNT").arg(key).arg("-inf").arg(score);
        Ok(pipe.query_async(&mut self.requests.clone()).await?)
    }

    /// At its hint or within ±1,000 of it; in a delayed set also where its score begins.
    pub(super) async fn nearby(&self, queue: &QueueName, f: &Fingerprint) -> Result<Option<Located>, DriverError> {
        let key = self.source_key(queue, &f.source);
        let around = |at: u64, reach: u64| (at.saturating_sub(reach), at + reach);
        if let Some(score) = &f.score {
            let (begins, _) = self.due_at(&key, score).await?;
            return self.look(&key, f, &[around(f.hint, 0), (begins, begins + AROUND), around(f.hint, AROUND)]).await;
        }
        // Pops at the tail move elements to lower positions: after the hint itself, the places before it are likelier.
        let before = (f.hint.saturating_sub(AROUND), f.hint.saturating_sub(1));
        self.look(&key, f, &[around(f.hint, 0), around(f.hint, 50), before, (f.hint + 1, f.hint + AROUND)]).await
    }

    /// Asks one of the two locating scripts range by range, a bounded step at a time.
    async fn look(&self, key: &str, f: &Fingerprint, ranges: &[(u64, u64)]) -> Result<Option<Located>, DriverError> {
        let (script, by) = match (&f.score, &f.source) {
            (Some(score), _) => (&self.scripts.locate_delayed, score.as_str()),
            (None, Source::Grouped(_)) => (&self.scripts.locate, "head"),
            (None, _) => (&self.scripts.locate, "tail"),
        };
        for (from, to) in ranges {
            let mut at = *from;
            while at <= *to {
                let last = (at + STEP).min(*to);
                let mut call = script.key(key);
                call.arg(&f.hash).arg(at).arg(last).arg(by).arg(LOCATE_BYTES);
                match located(call.invoke_async(&mut self.requests.clone()).await?, f)? {
                    Ok(found) => return Ok(Some(found)),
                    Err(next) => at = next.max(at + 1),
                }
            }
        }
        Ok(None)
    }

    /// The id that an element's payload says, if it is still there and says one.
    pub async fn id_of(&self, queue: &QueueName, f: &Fingerprint) -> Result<Option<String>, DriverError> {
        Ok(self.locate(queue, f).await?.and_then(|found| payload::id_of(&found.raw)))
    }

    /// The job page: by fingerprint (`at`, or `handle` itself), else by id in every list of the queue.
    pub async fn job(&self, queue: &QueueName, handle: &str, at: Option<&str>, now: Millis) -> Result<Found, DriverError> {
        let handles = at.into_iter().chain([handle]).filter_map(|h| Fingerprint::try_from(h.to_owned()).ok());
        for fingerprint in handles {
            if let Some(found) = self.locate(queue, &fingerprint).await? {
                return Ok(Found::One { job: Box::new(detail(queue, found, now)) });
            }
        }
        let (mut jobs, scanned, of) = self.search_id(queue, handle).await?;
        match jobs.len() {
            0 => Ok(Found::Gone { scanned, of }),
            1 => match self.locate(queue, &jobs.remove(0).fingerprint).await? {
                Some(found) => Ok(Found::One { job: Box::new(detail(queue, found, now)) }),
                None => Ok(Found::Gone { scanned, of }),
            },
            _ => Ok(Found::Many { jobs }),
        }
    }

    /// The raw element, whole.
    pub async fn payload(&self, queue: &QueueName, handle: &str, at: Option<&str>) -> Result<Option<Vec<u8>>, DriverError> {
        for fingerprint in at.into_iter().chain([handle]).filter_map(|h| Fingerprint::try_from(h.to_owned()).ok()) {
            if let Some(found) = self.locate(queue, &fingerprint).await? {
                return Ok(Some(found.raw));
            }
        }
        let (jobs, ..) = self.search_id(queue, handle).await?;
        match jobs.as_slice() {
            [only] => Ok(self.locate(queue, &only.fingerprint).await?.map(|found| found.raw)),
            _ => Ok(None),
        }
    }

    /// Groups that are looked into for a job, and how many jobs stand behind the queue's other ones, as they were last counted.
    fn searched_groups(&self, queue: &QueueName) -> (Vec<String>, u64) {
        let known = self.known();
        let mut groups = known.groups_of(queue);
        let searched = groups.by_ref().take(SEARCHED_GROUPS).map(|(group, _)| group.clone()).collect();
        // One that was not counted holds something: it must not look as if all had been looked at.
        (searched, groups.map(|(_, p)| p.jobs.unwrap_or(1)).sum())
    }

    /// Jobs with this id, and how many elements were looked at of how many.
    async fn search_id(&self, queue: &QueueName, id: &str) -> Result<(Vec<JobSummary>, u64, u64), DriverError> {
        // The id as it stands in the payload, quoted; inside the nested `data` its quotes are escaped, so that does not match.
        let texts = id_texts(id);
        let mut sources = lists();
        let (groups, left_out) = self.searched_groups(queue);
        sources.extend(groups.into_iter().map(Source::Grouped));
        let (mut jobs, mut scanned, mut of) = (Vec::new(), 0, left_out);
        for source in sources {
            let key = self.source_key(queue, &source);
            let command = if matches!(source, Source::Delayed(_)) { "ZCARD" } else { "LLEN" };
            let length = self.length(&key, command).await?;
            of += length;
            let last = length.min(SEARCHED);
            scanned += last;
            let mut at = 0;
            while at < last && jobs.len() < 20 {
                let (met, next) = self.search_step(queue, &source, id, &texts, (at, last)).await?;
                jobs.extend(met);
                at = next;
            }
        }
        Ok((jobs, scanned, of))
    }

    /// Jobs with this id among the next elements of a list, from one place on and before another, and the place to go on from.
    async fn search_step(
        &self,
        queue: &QueueName,
        source: &Source,
        id: &str,
        texts: &[String],
        (at, last): (u64, u64),
    ) -> Result<(Vec<JobSummary>, u64), DriverError> {
        let scored = matches!(source, Source::Delayed(_));
        let script = if scored { &self.scripts.find_delayed } else { &self.scripts.find };
        let mut call = script.key(self.source_key(queue, source));
        call.arg(at).arg((at + STEP * 2).min(last) - 1).arg(SCRIPT_BYTES);
        if !scored {
            call.arg(if matches!(source, Source::Grouped(_)) { "head" } else { "tail" });
        }
        call.arg(texts);
        let (mut jobs, next) = met(queue, source, at, call.invoke_async(&mut self.requests.clone()).await?)?;
        jobs.retain(|job| job.id.as_deref() == Some(id));
        Ok((jobs, next))
    }
}

/// Every list of a queue but those of groups, dead letters first.
fn lists() -> Vec<Source> {
    [JobState::Failed, JobState::Waiting, JobState::Delayed].into_iter().flat_map(sources).collect()
}

/// What a script found from a place on: `{next place, {place, score (of a delayed set alone), bytes, head, tail}…}`.
fn met(queue: &QueueName, source: &Source, at: u64, answer: Value) -> Result<(Vec<JobSummary>, u64), DriverError> {
    let mut answer = reply::array(answer)?.into_iter();
    let next = reply::int(&reply::next(&mut answer)?)?.unsigned_abs().max(at + 1);
    let job = |row: Value| {
        let mut row = reply::array(row)?.into_iter();
        let hint = reply::int(&reply::next(&mut row)?)?.unsigned_abs();
        let score = if matches!(source, Source::Delayed(_)) { Some(reply::text(reply::next(&mut row)?)?) } else { None };
        Ok(summarise(queue, source.clone(), hint, score, &element(&mut row)?))
    };
    Ok((answer.map(job).collect::<Result<_, DriverError>>()?, next))
}

/// How a payload may hold this id: as text in each way of writing it, and as a number. What they find is read closely.
fn id_texts(id: &str) -> Vec<String> {
    let mut texts = ways_to_write(id);
    texts.retain(|text| text.starts_with('"'));
    // PHP writes the slash like this, whatever else it does.
    let slashed: Vec<String> = texts.iter().filter(|text| text.contains('/')).map(|text| text.replace('/', "\\/")).collect();
    texts.extend(slashed);
    if id.parse::<f64>().is_ok() {
        // A number alone would be found in every second payload.
        texts.extend([format!("\"id\":{id}"), format!("\"id\": {id}")]);
    }
    texts
}

/// `{position, raw}` = found, `{position}` = go on there.
fn located(answer: Value, f: &Fingerprint) -> Result<Result<Located, u64>, DriverError> {
    let mut answer = reply::array(answer)?.into_iter();
    let hint = reply::int(&reply::next(&mut answer)?)?.unsigned_abs();
    match answer.next() {
        Some(raw) => Ok(Ok(Located { raw: reply::bytes(raw)?, fingerprint: Fingerprint { hint, ..f.clone() } })),
        None => Ok(Err(hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_looked_for_in_each_way_of_writing_it() {
        assert_eq!(id_texts("job-1"), ["\"job-1\""]);
        assert_eq!(id_texts("17"), ["\"17\"", "\"id\":17", "\"id\": 17"]);
        assert_eq!(id_texts("a/é"), ["\"a/é\"", "\"a/\\u00e9\"", "\"a\\/é\"", "\"a\\/\\u00e9\""]);
    }
}
