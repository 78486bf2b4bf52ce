//! What operators did to many jobs of a queue at once.

use super::{All, MOST};
use crate::{
    model::{
        archive::{ArchivedRow, Status, Verdict},
        audit::{ALL_FAILED, AT_LEAST, FAILED_MATCHING, UNSURE, at_most},
        ids::QueueName,
        job::JobState,
        search::{Candidate, Query, Test, text::LazyText},
        time::Millis,
    },
    server::archive::{
        audit::ALL,
        db::Db,
        error::ArchiveError,
        sql::{Row, clean, sql},
    },
};

/// MySQL's times of rows are whole seconds.
const SECOND_MS: i64 = 1_000;
/// Of an error, a row has at most so many characters: beyond, the rest of it may be what a filter asks for.
const ERROR_CHARS: usize = 2_000;

/// A retry or deletion of many jobs of the queue. Which ones they were is written down nowhere.
pub struct Bulk {
    pub at: Millis,
    pub who: String,
    pub result: String,
    /// `None`: all failed jobs.
    pub filter: Option<String>,
    /// As many as it took, or may have.
    pub jobs: u64,
}

/// Holds for the line of what took jobs, or may have: a killed console could not say. Not where it names them all; its `?` is [`ALL`].
fn took() -> String {
    format!(
        "(jobs > 0 OR result LIKE '{AT_LEAST}%') AND NOT EXISTS \
         (SELECT 1 FROM flux_console_audit_jobs j WHERE j.job_id = ? AND j.identity = flux_console_audit.identity)"
    )
}

/// Such retries while the job had failed, the newest of them, oldest first.
pub async fn of_many(db: &Db, queue: &QueueName, all: &All) -> Result<Vec<Bulk>, ArchiveError> {
    let Some((from, until)) = failed_and_seen(all) else { return Ok(Vec::new()) };
    let text = format!(
        "SELECT at_ms, who, result, filter, jobs FROM flux_console_audit WHERE queue = ? AND verb = 'retry' AND at_ms > ? AND at_ms <= ? \
         AND {took} AND (filter = '{ALL_FAILED}' OR filter LIKE '{FAILED_MATCHING}%') ORDER BY at_ms DESC LIMIT {MOST}",
        took = took()
    );
    let asked = sql(text).bind(clean(queue.as_str())).bind(from).bind(until).bind(ALL);
    let mut found = db.rows(asked, bulk).await?;
    found.reverse();
    Ok(found)
}

fn bulk(row: &Row<'_>) -> Bulk {
    let result = row.text(2).unwrap_or_default();
    Bulk {
        at: Millis(row.int(0).unwrap_or_default()),
        who: row.text(1).unwrap_or_default(),
        jobs: at_most(&result).unwrap_or_else(|| row.count(4)),
        result,
        filter: row.text(3).and_then(|filter| filter.strip_prefix(FAILED_MATCHING).map(str::to_owned)),
    }
}

/// What was done to many failed jobs of the queue since a moment, retries and deletions; the first of them.
pub async fn on_failed(db: &Db, queue: &QueueName, since: Millis) -> Result<Vec<Bulk>, ArchiveError> {
    let text = format!(
        "SELECT at_ms, who, result, filter, jobs FROM flux_console_audit WHERE queue = ? \
         AND verb IN ('retry', 'discard', 'clear-failed', 'purge') AND at_ms >= ? \
         AND {took} AND (verb = 'purge' OR filter = '{ALL_FAILED}' OR filter LIKE '{FAILED_MATCHING}%') ORDER BY at_ms LIMIT {MOST}",
        took = took()
    );
    db.rows(sql(text).bind(clean(queue.as_str())).bind(since.0).bind(ALL), bulk).await
}

/// How many jobs of the queue were retried or deleted in that time, from whichever list; `None`: nobody knows.
pub async fn taken(db: &Db, queue: &QueueName, from: Millis, until: Millis) -> Result<Option<u64>, ArchiveError> {
    let unsure = format!("CASE WHEN result LIKE '{AT_LEAST}%' THEN 1 ELSE 0 END");
    // Of such a line one more may have been taken.
    let one_more = format!("CASE WHEN result LIKE '{UNSURE}%' THEN 1 ELSE 0 END");
    let text = format!(
        "SELECT {}, {}, {} FROM flux_console_audit WHERE queue = ? AND verb IN ('retry', 'discard', 'clear-failed', 'purge') \
         AND at_ms >= ? AND at_ms < ?",
        db.dialect().sum("jobs"),
        db.dialect().sum(&unsure),
        db.dialect().sum(&one_more)
    );
    let asked = sql(text).bind(clean(queue.as_str())).bind(from.0).bind(until.0);
    let read = |row: &Row<'_>| (row.count(0).saturating_add(row.count(2)), row.count(1));
    let (jobs, unsure) = db.one(asked, read).await?.unwrap_or_default();
    Ok((unsure == 0).then_some(jobs))
}

/// When it failed first, and when it was seen last; `None`: it was not seen after a failure.
fn failed_and_seen(all: &All) -> Option<(i64, i64)> {
    let rows = all.rows.iter().filter(|row| row.status == Status::Failed).filter_map(|row| row.failed_at.or(row.archived_at));
    let runs = all.runs.iter().map(|told| &told.attempt);
    let from = rows.chain(runs.clone().filter(|run| run.outcome == "dead").map(|run| run.ended_at)).min()?.0;
    if all.here {
        return Some((from, i64::MAX));
    }
    let seen = all.rows.iter().filter_map(|row| row.archived_at).map(|at| at.0 + SECOND_MS);
    let until = seen.chain(runs.map(|run| run.ended_at.0)).max()?;
    (until > from).then_some((from, until))
}

impl Bulk {
    /// Whether the job may have been meant: not where its last failure is surely none of those that the filter asks for.
    pub fn may_mean(&self, rows: &[ArchivedRow]) -> bool {
        let Some(filter) = &self.filter else { return true };
        let failed = |row: &&ArchivedRow| row.status == Status::Failed && row.verdict != Verdict::Again;
        let before = |row: &&ArchivedRow| row.failed_at.or(row.archived_at).is_some_and(|at| at <= self.at);
        let Some(row) = rows.iter().rev().filter(failed).find(before) else { return true };
        let query = Query::parse(filter, self.at);
        // Lines of an older version end the beginning of a name with a star, which means itself by now.
        let cut =
            filter.ends_with('…') || filter.contains('*') || row.error.as_ref().is_some_and(|error| error.chars().count() >= ERROR_CHARS);
        // Free words are looked for in the whole payload, which is not read here.
        // A time so long ago was that of the count, a moment before the operation began.
        let moves = query.filters.iter().any(|filter| matches!(&filter.test, Test::Since(bound) | Test::Until(bound) if bound.moves()));
        if cut || moves || !query.terms.is_empty() || !query.problems.is_empty() {
            return true;
        }
        let text = LazyText::new("");
        let job = Candidate {
            queue: row.queue.as_str(),
            state: JobState::Failed,
            id: Some(&row.id),
            class: row.class_name.as_deref(),
            error: row.error.as_deref(),
            group: row.group_id.as_deref(),
            at: row.failed_at.or(row.archived_at),
            text: &text,
        };
        query.matches(&job).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operation began a moment after the count, of which the span was meant.
    #[test]
    fn a_filter_with_a_span_may_mean_what_failed_at_its_edge() {
        let failed = Millis(1_795_432_801_819);
        let row = ArchivedRow {
            row: 1,
            id: "a".into(),
            queue: QueueName::try_from("mail").expect("a name"),
            status: Status::Failed,
            verdict: Verdict::Sure,
            class_name: None,
            attempt: Some(3),
            max_attempts: Some(3),
            delay_s: None,
            created_at: Some(failed),
            archived_at: Some(failed),
            failed_at: Some(failed),
            error: Some("no answer".into()),
            group_id: None,
            bytes: 9,
        };
        let means = |filter: &str| {
            let at = Millis(failed.0 + 15 * 60_000 + 5);
            let bulk = Bulk { at, who: "Olga".into(), result: "1 done".into(), filter: Some(filter.into()), jobs: 1 };
            bulk.may_mean(std::slice::from_ref(&row))
        };
        assert!(means("since:15m") && means("until:15m") && means("since:2026-01-02"));
        assert!(!means("since:2026-12-31") && !means("error:declined"));
    }
}
