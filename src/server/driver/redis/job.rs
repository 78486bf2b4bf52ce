//! One job: by the handle under which a list showed it, else by its id.

use super::{
    RedisDriver, SCRIPT_BYTES,
    pages::element,
    payload::{self, Element},
    reply,
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    job::{Found, JobDetail, JobState, JobSummary, PAYLOAD_SHOWN, TimelineEntry},
    time::Millis,
};
use crate::server::{error::DriverError, reading};
use redis::{Script, Value};

/// How far from its hint an element is looked for.
const AROUND: u64 = 1_000;
/// How many elements of one list a search by id looks at.
const SEARCHED: u64 = 20_000;
/// One locating script looks at this many elements, and at about this many bytes: it hashes them.
const STEP: u64 = 250;
const LOCATE_BYTES: usize = 512 * 1024;

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

    /// The element with this fingerprint, at its hint or within ±1,000 of it; in a delayed set also where its score begins.
    pub async fn locate(&self, queue: &QueueName, f: &Fingerprint) -> Result<Option<Located>, DriverError> {
        let key = self.source_key(queue, &f.source);
        let around = |at: u64, reach: u64| (at.saturating_sub(reach), at + reach);
        if let Some(score) = &f.score {
            let sooner = format!("({score}");
            let begins: u64 = redis::cmd("ZCOUNT").arg(&key).arg("-inf").arg(sooner).query_async(&mut self.requests.clone()).await?;
            let ranges = [around(f.hint, 0), (begins, begins + AROUND), around(f.hint, AROUND)];
            return self.look(&self.scripts.locate_delayed, &key, f, score, &ranges).await;
        }
        // Pops at the tail move elements to lower positions: after the hint itself, the places before it are likelier.
        let before = (f.hint.saturating_sub(AROUND), f.hint.saturating_sub(1));
        let ranges = [around(f.hint, 0), around(f.hint, 50), before, (f.hint + 1, f.hint + AROUND)];
        let end = if matches!(f.source, Source::Grouped(_)) { "head" } else { "tail" };
        self.look(&self.scripts.locate, &key, f, end, &ranges).await
    }

    /// Asks one of the two locating scripts range by range, a bounded step at a time.
    async fn look(
        &self,
        script: &Script,
        key: &str,
        f: &Fingerprint,
        by: &str,
        ranges: &[(u64, u64)],
    ) -> Result<Option<Located>, DriverError> {
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
        let found = self.locate(queue, f).await?;
        Ok(found.and_then(|found| reading::Reading::of(std::str::from_utf8(&found.raw).ok()?).id))
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

    /// Jobs with this id, and how many elements were looked at of how many.
    async fn search_id(&self, queue: &QueueName, id: &str) -> Result<(Vec<JobSummary>, u64, u64), DriverError> {
        // The id as it stands in the payload, quoted; inside the nested `data` its quotes are escaped, so that does not match.
        let needle = serde_json::to_string(id).unwrap_or_default();
        let mut sources = vec![Source::Failed];
        sources.extend(Priority::ALL.map(Source::Waiting));
        sources.extend(Priority::ALL.map(Source::Delayed));
        sources.extend(self.groups_of(queue).into_iter().take(100).map(Source::Grouped));
        let (mut jobs, mut scanned, mut of) = (Vec::new(), 0, 0);
        for source in sources {
            let key = self.source_key(queue, &source);
            let command = if matches!(source, Source::Delayed(_)) { "ZCARD" } else { "LLEN" };
            let length = self.length(&key, command).await?;
            of += length;
            let last = length.min(SEARCHED);
            scanned += last;
            let mut at = 0;
            while at < last && jobs.len() < 20 {
                let scored = matches!(source, Source::Delayed(_));
                let script = if scored { &self.scripts.find_delayed } else { &self.scripts.find };
                let mut call = script.key(&key);
                call.arg(&needle).arg(at).arg((at + STEP * 2).min(last) - 1);
                if !scored {
                    call.arg(if matches!(source, Source::Grouped(_)) { "head" } else { "tail" });
                }
                let mut answer = reply::array(call.arg(SCRIPT_BYTES).invoke_async(&mut self.requests.clone()).await?)?.into_iter();
                at = reply::int(&reply::next(&mut answer)?)?.unsigned_abs().max(at + 1);
                for row in answer {
                    let mut row = reply::array(row)?.into_iter();
                    let hint = reply::int(&reply::next(&mut row)?)?.unsigned_abs();
                    let score = if scored { Some(reply::text(reply::next(&mut row)?)?) } else { None };
                    let summary = summarise(queue, source.clone(), hint, score, &element(&mut row)?);
                    if summary.id.as_deref() == Some(id) {
                        jobs.push(summary);
                    }
                }
            }
        }
        Ok((jobs, scanned, of))
    }
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

fn summarise(queue: &QueueName, source: Source, hint: u64, score: Option<String>, element: &Element) -> JobSummary {
    let (state, priority) = match &source {
        Source::Waiting(p) => (JobState::Waiting, Some(*p)),
        Source::Delayed(p) => (JobState::Delayed, Some(*p)),
        Source::Failed => (JobState::Failed, None),
        Source::Grouped(_) => (JobState::Grouped, None),
    };
    payload::summary(queue, state, priority, Fingerprint { hash: element.digest(), source, hint, score }, element)
}

fn detail(queue: &QueueName, found: Located, now: Millis) -> JobDetail {
    let Located { raw, fingerprint } = found;
    let ahead = matches!(fingerprint.source, Source::Waiting(_)).then_some(fingerprint.hint);
    let mut summary = summarise(queue, fingerprint.source, fingerprint.hint, fingerprint.score, &Element::of(&raw));
    let text = String::from_utf8_lossy(&raw);
    let (mut data, mut stack) = (None, None);
    match reading::inside(&text) {
        Ok(inside) => {
            // The page shows the error in full, a list only its beginning.
            summary.error = inside.error.or(summary.error);
            (data, stack) = (inside.data, inside.stack);
        }
        Err(error) => summary.problem = summary.problem.or(Some(format!("The payload is {error}."))),
    }
    let truncated = text.len() > PAYLOAD_SHOWN;
    let payload = if truncated { text[..text.floor_char_boundary(PAYLOAD_SHOWN)].to_owned() } else { text.into_owned() };
    let timeline = timeline(&summary, now);
    JobDetail { summary, payload, truncated, data, stack, ahead, timeline }
}

/// What the payload itself tells of the job's life; the archive and the events will tell the rest.
fn timeline(job: &JobSummary, now: Millis) -> Vec<TimelineEntry> {
    let mut entries = Vec::new();
    let entry = |at, kind: &str, title: &str, detail: Option<String>| TimelineEntry { at, kind: kind.into(), title: title.into(), detail };
    if job.created_at.is_some() {
        // The library stamps createdAt at every serialization: only a job that never ran shows its true start.
        let (title, detail) = match job.attempts {
            None | Some(0) => (
                "Enqueued",
                format!(
                    "{}{}",
                    job.queue,
                    job.priority.filter(|p| *p != Priority::Base).map(|p| format!(", {} priority", p.as_str())).unwrap_or_default()
                ),
            ),
            Some(n) => ("Written", format!("for attempt {n}; when it was first enqueued is not in Redis")),
        };
        entries.push(entry(job.created_at, "enqueued", title, Some(detail)));
    }
    if job.failed_at.is_some() {
        let title = match (job.attempts, job.max_attempts) {
            (Some(n), Some(max)) if n >= max => format!("Attempt {n} failed, no attempts left"),
            (Some(n), _) => format!("Attempt {n} failed, no attempts left"),
            _ => "Failed".into(),
        };
        let reason = job.error.as_deref().and_then(|e| e.lines().next()).map(|line| line.chars().take(120).collect());
        entries.push(entry(job.failed_at, "failed", &title, reason));
    }
    if let Some(at) = job.run_at {
        entries.push(entry(
            Some(at),
            "delayed",
            if at <= now { "Due" } else { "Due then" },
            Some("a worker takes it at its next poll".into()),
        ));
    }
    entries
}
