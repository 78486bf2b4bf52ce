//! Pages of a queue's lists: one script, one round trip, at any depth.

use super::{
    RedisDriver, SCRIPT_BYTES,
    payload::{self, Element},
    reply,
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    job::{Due, JobState, JobSummary, JobsPage, Order},
    query::JobsQuery,
    time::Millis,
};
use crate::server::error::DriverError;
use redis::Value;

/// Due jobs shown ahead of each waiting list; a sentence tells how many more there are.
const DUE_SHOWN: u64 = 20;
/// Groups of a queue whose pending lists one question reads.
pub(super) const GROUPS_OF: usize = 1_000;

impl RedisDriver {
    /// Waiting, delayed or failed jobs of a queue: one command, unless payloads are huge.
    pub async fn jobs(&self, query: &JobsQuery, now: Millis) -> Result<JobsPage, DriverError> {
        match query.state {
            JobState::Delayed => self.delayed_jobs(query, now).await,
            JobState::Failed => {
                let keys = vec![self.keys.failed(&query.queue)];
                self.listed(query, &keys, None, now, |_| (Source::Failed, None)).await
            }
            _ => {
                let keys: Vec<_> = Priority::ALL.iter().map(|p| self.keys.waiting(&query.queue, *p)).collect();
                let delayed: Vec<_> = Priority::ALL.iter().map(|p| self.keys.delayed(&query.queue, *p)).collect();
                self.listed(query, &keys, Some(&delayed), now, |list| (Source::Waiting(Priority::ALL[list]), Some(Priority::ALL[list])))
                    .await
            }
        }
    }

    /// Jobs behind busy groups, group by group, the next to be let go first.
    pub async fn grouped_jobs(&self, query: &JobsQuery, groups: &[String], partial: bool, now: Millis) -> Result<JobsPage, DriverError> {
        let keys: Vec<_> = groups.iter().map(|g| self.keys.pending(g)).collect();
        let mut page = self.listed(query, &keys, None, now, |list| (Source::Grouped(groups[list].clone()), None)).await?;
        page.partial |= partial;
        Ok(page)
    }

    /// Groups whose first pending job names this queue, as the sampler knows them; at most 1,000.
    pub fn groups_of(&self, queue: &QueueName) -> Vec<String> {
        self.known().groups_of(queue).map(|(group, _)| group.clone()).take(GROUPS_OF).collect()
    }

    async fn listed(
        &self,
        query: &JobsQuery,
        keys: &[String],
        delayed: Option<&[String]>,
        now: Millis,
        source: impl Fn(usize) -> (Source, Option<Priority>),
    ) -> Result<JobsPage, DriverError> {
        let grouped = query.state == JobState::Grouped;
        let (mut offset, mut count, mut end) = first(query);
        // They run before the first job of their list: on the page that begins with what runs next, once.
        let mut show_due = if delayed.is_some() && query.page == 1 && query.order == Order::Oldest { DUE_SHOWN } else { 0 };
        let (mut rows, mut lengths, mut due, mut due_jobs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // Usually one call; huge payloads take several short ones instead of one long one.
        while !keys.is_empty() {
            let mut call = self.scripts.page.prepare_invoke();
            keys.iter().chain(delayed.unwrap_or_default()).for_each(|k| {
                call.key(k);
            });
            call.arg(offset)
                .arg(count)
                .arg(if grouped { "head" } else { "tail" })
                .arg(SCRIPT_BYTES)
                .arg(end)
                .arg(if delayed.is_some() { "due" } else { "" })
                .arg(now.0)
                .arg(std::mem::take(&mut show_due));
            let mut answer = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?.into_iter();
            lengths = reply::array(reply::next(&mut answer)?)?.iter().map(reply::length).collect();
            due = reply::array(reply::next(&mut answer)?)?.iter().map(|v| reply::length(v).unwrap_or(0)).collect();
            let found = reply::array(reply::next(&mut answer)?)?;
            // Rows always come in taking order, so what is missing of the page follows them.
            let n = found.len() as u64;
            (offset, count, end) =
                (index(&reply::next(&mut answer)?)? as u64 + n, (index(&reply::next(&mut answer)?)? as u64).saturating_sub(n), "");
            for row in found {
                let mut row = reply::array(row)?.into_iter();
                let list = place(&reply::next(&mut row)?, keys.len())?;
                let position = index(&reply::next(&mut row)?)? as u64;
                let (source, priority) = source(list);
                rows.push(job(query, priority, source, position, element(&mut row)?));
            }
            for row in reply::array(reply::next(&mut answer)?)? {
                let mut row = reply::array(row)?.into_iter();
                let p = Priority::ALL[place(&reply::next(&mut row)?, Priority::ALL.len())?];
                due_jobs.push(delayed_job(query, p, &mut row)?);
            }
            if n == 0 || count == 0 {
                break;
            }
        }
        let problems = keys
            .iter()
            .zip(&lengths)
            .filter(|(_, n)| n.is_none())
            .map(|(key, _)| format!("The key {key} holds something else than a list."))
            .collect();
        let of = |p: Priority| due_jobs.iter().filter(move |job: &&JobSummary| job.priority == Some(p)).cloned().collect();
        let due = Priority::ALL
            .into_iter()
            .zip(due)
            .filter(|(_, count)| *count > 0)
            .map(|(priority, count)| Due { priority, count, jobs: of(priority) })
            .collect();
        Ok(page(query, rows, &lengths, due, problems, now))
    }

    async fn delayed_jobs(&self, query: &JobsQuery, now: Millis) -> Result<JobsPage, DriverError> {
        let keys: Vec<_> = Priority::ALL.iter().map(|p| self.keys.delayed(&query.queue, *p)).collect();
        let (mut offset, mut count, mut end) = first(query);
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        loop {
            let mut call = self.scripts.delayed_page.prepare_invoke();
            keys.iter().for_each(|k| {
                call.key(k);
            });
            call.arg(offset).arg(count).arg(SCRIPT_BYTES).arg(end);
            let mut answer = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?.into_iter();
            lengths.clear();
            lengths.extend(reply::array(reply::next(&mut answer)?)?.iter().map(reply::length));
            let found = reply::array(reply::next(&mut answer)?)?;
            // Rows always come in taking order, so what is missing of the page follows them.
            let n = found.len() as u64;
            (offset, count, end) =
                (index(&reply::next(&mut answer)?)? as u64 + n, (index(&reply::next(&mut answer)?)? as u64).saturating_sub(n), "");
            for row in found {
                let mut row = reply::array(row)?.into_iter();
                let p = Priority::ALL[place(&reply::next(&mut row)?, Priority::ALL.len())?];
                rows.push(delayed_job(query, p, &mut row)?);
            }
            if n == 0 || count == 0 {
                break;
            }
        }
        let problems = keys
            .iter()
            .zip(&lengths)
            .filter(|(_, n)| n.is_none())
            .map(|(key, _)| format!("The key {key} holds something else than a sorted set."))
            .collect();
        Ok(page(query, rows, &lengths, Vec::new(), problems, now))
    }
}

/// Offset, count and from which end they count, for the first call.
fn first(query: &JobsQuery) -> (u64, u64, &'static str) {
    let skipped = (query.page - 1).saturating_mul(query.per_page);
    (skipped, query.per_page, if query.order == Order::Newest { "newest" } else { "" })
}

/// Which key a row is of; Lua counts from 1.
fn place(value: &Value, of: usize) -> Result<usize, DriverError> {
    index(value)?.checked_sub(1).filter(|i| *i < of).ok_or_else(|| DriverError::Protocol("a row of an unknown list".into()))
}

fn index(value: &Value) -> Result<usize, DriverError> {
    usize::try_from(reply::int(value)?).map_err(|_| DriverError::Protocol("a negative position".into()))
}

/// `bytes, head, tail` at the end of a row.
pub(super) fn element(row: &mut impl Iterator<Item = Value>) -> Result<Element, DriverError> {
    let bytes = reply::int(&reply::next(row)?)?.unsigned_abs();
    Ok(Element { bytes, head: reply::bytes(reply::next(row)?)?, tail: reply::bytes(reply::next(row)?)? })
}

/// `rank, score, bytes, head, tail`: a delayed job, whatever list it is shown in.
fn delayed_job(query: &JobsQuery, p: Priority, row: &mut impl Iterator<Item = Value>) -> Result<JobSummary, DriverError> {
    let (rank, score) = (index(&reply::next(row)?)? as u64, reply::text(reply::next(row)?)?);
    let element = element(row)?;
    let fingerprint = Fingerprint { hash: element.digest(), source: Source::Delayed(p), hint: rank, score: Some(score) };
    Ok(payload::summary(&query.queue, JobState::Delayed, Some(p), fingerprint, &element))
}

fn job(query: &JobsQuery, priority: Option<Priority>, source: Source, hint: u64, element: Element) -> JobSummary {
    let fingerprint = Fingerprint { hash: element.digest(), source, hint, score: None };
    payload::summary(&query.queue, query.state, priority, fingerprint, &element)
}

fn page(
    query: &JobsQuery,
    mut jobs: Vec<JobSummary>,
    lengths: &[Option<u64>],
    due: Vec<Due>,
    problems: Vec<String>,
    now: Millis,
) -> JobsPage {
    if query.order == Order::Newest {
        jobs.reverse();
    }
    let (counted, partial) = (lengths.iter().flatten().sum::<u64>(), lengths.iter().any(Option::is_none));
    // A lower bound of 0 says nothing.
    let total = (counted > 0 || !partial).then_some(counted);
    JobsPage {
        jobs,
        total,
        partial: partial && total.is_some(),
        page: query.page,
        per_page: query.per_page,
        due,
        problems,
        sampled_at: now,
    }
}
