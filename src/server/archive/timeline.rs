//! One job's past as a story: its rows, the runs that the event channel told of, what the log said, and what operators did to it, or to
//! many jobs of its queue at once. How they become one story: `tell`.

mod bulk;
mod deeds;
mod ended;
mod left;
mod said;
mod tell;

use super::{
    db::Db,
    error::ArchiveError,
    jobs,
    record::key,
    sql::{Row, sql},
};
use crate::{
    model::{
        archive::{ArchivedJob, ArchivedRow, Attempt, Status, Verdict},
        ids::QueueName,
        past::Past,
        time::Millis,
    },
    server::reading,
};
use bulk::Bulk;
use deeds::Deed;
pub use left::{KEPT, left, since};
use said::Heard;
use tell::tell;

/// Runs and lines of one job that are looked at.
const MOST: usize = 200;

/// A run with what only its own table says.
struct Told {
    attempt: Attempt,
    class: Option<String>,
    /// A run that was heard later has a higher one, whatever the clocks of workers say.
    number: i64,
}

const RUN: &str = "worker, attempt, started_ms, ended_ms, wait_ms, outcome, error, class, id";

fn told(row: &Row<'_>) -> Told {
    Told {
        attempt: Attempt {
            worker: row.text(0).unwrap_or_default(),
            attempt: row.int(1).and_then(|n| u64::try_from(n).ok()),
            started_at: Millis(row.int(2).unwrap_or_default()),
            ended_at: Millis(row.int(3).unwrap_or_default()),
            wait_ms: row.int(4),
            outcome: row.text(5).unwrap_or_default(),
            error: row.text(6),
        },
        class: row.text(7),
        number: row.int(8).unwrap_or_default(),
    }
}

/// Everything that the archive holds of a job.
struct All {
    rows: Vec<ArchivedRow>,
    count: u64,
    runs: Vec<Told>,
    /// Older ones were left out.
    older_runs: bool,
    deeds: Vec<Deed>,
    /// What was done to many jobs of the queue, while this one may have been among them.
    bulk: Vec<Bulk>,
    said: Heard,
    /// It lies in Redis, and not among the failed ones: whatever became of its last failure, it was seen since.
    here: bool,
}

/// Rows, runs, and what operators did to it by name.
async fn of_itself(db: &Db, queue: &QueueName, id: &str) -> Result<All, ArchiveError> {
    let runs = sql(format!(
        "SELECT {RUN} FROM flux_console_attempts WHERE job_id = ? AND (queue = ? OR queue IS NULL) ORDER BY id DESC LIMIT {}",
        MOST + 1
    ));
    let runs = db.rows(runs.bind(key(id)).bind(queue.as_str()), told);
    let (rows, runs, deeds) = tokio::try_join!(jobs::of_job(db, queue, id), runs, deeds::of_job(db, queue, id))?;
    let mut runs = runs;
    let older_runs = runs.len() > MOST;
    runs.truncate(MOST);
    runs.sort_by_key(|r| r.attempt.ended_at);
    Ok(All { rows: rows.0, count: rows.1, runs, older_runs, deeds, bulk: Vec::new(), said: Heard::default(), here: false })
}

async fn all(db: &Db, queue: &QueueName, id: &str, here: bool) -> Result<All, ArchiveError> {
    let mut all = All { here, ..of_itself(db, queue, id).await? };
    let (said, bulk) = tokio::try_join!(said::of_job(db, id, &all), bulk::of_many(db, queue, &all))?;
    (all.said, all.bulk) = (said, bulk);
    Ok(all)
}

/// The audit line of an action on one job names it like a search would.
pub fn deed_filter(id: &str) -> String {
    use crate::model::search::{Filter, Name, Query, Test};
    let filter = Filter { test: Test::Id(Name { text: id.into(), prefix: false }), negated: false };
    Query { filters: vec![filter], ..Query::default() }.to_string()
}

/// What happened to a job, and who ran it last. `here`: it lies in Redis, and not among the failed ones.
pub async fn past(db: &Db, queue: &QueueName, id: &str, here: bool) -> Result<Past, ArchiveError> {
    let all = all(db, queue, id, here).await?;
    Ok(Past { entries: tell(&all), rows: all.count, last: all.runs.last().map(|told| told.attempt.clone()), unavailable: None })
}

/// The job as its newest row (or the one asked for) shows it; `most`: bytes of the payload. `None`: nothing is known of it, or it
/// has no such row.
pub async fn job(db: &Db, queue: &QueueName, id: &str, row: Option<i64>, most: usize) -> Result<Option<ArchivedJob>, ArchiveError> {
    let all = all(db, queue, id, false).await?;
    let timeline = tell(&all);
    let last = all.runs.last().map(|told| told.attempt.clone());
    let chosen = match row {
        Some(number) => match numbered(db, queue, id, number, &all.rows).await? {
            Some(row) => Some(row),
            None => return Ok(None),
        },
        None => shown(&all.rows).cloned(),
    };
    let Some(chosen) = chosen else {
        let Some(told) = all.runs.last() else { return Ok(None) };
        // It ran, and nobody wrote its payload down.
        let row = heard(queue, id, told);
        let error = told.attempt.error.clone();
        let unknown = ArchivedJob {
            row,
            stamped_at: None,
            payload: String::new(),
            truncated: false,
            payload_unknown: true,
            data: None,
            stack: None,
            timeline,
            rows: 0,
            error,
            ran: last.clone(),
            last,
            later: None,
        };
        return Ok(Some(unknown));
    };
    let (raw, error, failure) =
        tokio::try_join!(jobs::payload(db, chosen.row), jobs::error(db, chosen.row), jobs::failure_of(db, &chosen))?;
    let text = String::from_utf8_lossy(&raw.unwrap_or_default()).into_owned();
    let inside = reading::inside(&text).unwrap_or_default();
    let truncated = text.len() > most;
    let later = ended::later(&all, &chosen, row.is_some());
    let failed = last.as_ref().filter(|_| later == Some(Status::Failed)).and_then(|run| run.error.clone());
    Ok(Some(ArchivedJob {
        payload: text[..text.floor_char_boundary(most.min(text.len()))].to_owned(),
        truncated,
        payload_unknown: false,
        data: inside.data,
        stack: inside.stack,
        timeline,
        rows: all.count,
        error: error.or(inside.error).or_else(|| chosen.error.clone()).or(failed),
        ran: ended::run_of(&all, &chosen),
        last,
        later,
        stamped_at: failure.map_or(chosen.created_at, |failure| failure.created_at),
        row: chosen,
    }))
}

/// The row of this number, if it is one of the job; it may be older than `rows`.
async fn numbered(db: &Db, queue: &QueueName, id: &str, number: i64, rows: &[ArchivedRow]) -> Result<Option<ArchivedRow>, ArchiveError> {
    if let Some(row) = rows.iter().find(|row| row.row == number) {
        return Ok(Some(row.clone()));
    }
    let found = jobs::by_ids(db, vec![number]).await?;
    Ok(found.into_iter().find(|row| row.id == id && row.queue == *queue))
}

/// The newest that is known of this id in each queue, newest first: of one that nobody wrote down, its run.
pub async fn by_queue(db: &Db, id: &str) -> Result<Vec<ArchivedRow>, ArchiveError> {
    let runs =
        sql(format!("SELECT {RUN}, queue FROM flux_console_attempts WHERE job_id = ? AND queue IS NOT NULL ORDER BY id DESC LIMIT {MOST}"));
    let runs = db.rows(runs.bind(key(id)), |row| (told(row), row.text(9).unwrap_or_default()));
    let (mut found, runs) = tokio::try_join!(jobs::by_queue(db, id), runs)?;
    for (told, queue) in runs {
        if let Ok(queue) = QueueName::try_from(queue)
            && !found.iter().any(|row| row.queue == queue)
        {
            found.push(heard(&queue, id, &told));
        }
    }
    found.sort_by_key(|row| std::cmp::Reverse(row.archived_at));
    found.truncate(jobs::QUEUES);
    Ok(found)
}

/// The row that tells how it ended: of a failed attempt that was written down as completed too, the failure.
fn shown(rows: &[ArchivedRow]) -> Option<&ArchivedRow> {
    let last = rows.iter().rev().find(|r| r.verdict != Verdict::Again)?;
    if last.verdict != Verdict::FailedAttempt {
        return Some(last);
    }
    let failure = rows.iter().rev().take_while(|r| r.attempt == last.attempt).find(|r| r.status == Status::Failed);
    Some(failure.unwrap_or(last))
}

fn heard(queue: &QueueName, id: &str, told: &Told) -> ArchivedRow {
    let status = match told.attempt.outcome.as_str() {
        "completed" => Status::Completed,
        "dead" | "failed" => Status::Failed,
        _ => Status::Other,
    };
    ArchivedRow {
        row: 0,
        id: id.into(),
        queue: queue.clone(),
        status,
        verdict: Verdict::Sure,
        class_name: told.class.clone(),
        attempt: told.attempt.attempt,
        max_attempts: None,
        delay_s: None,
        created_at: None,
        archived_at: Some(told.attempt.ended_at),
        failed_at: None,
        error: told.attempt.error.clone(),
        group_id: None,
        bytes: 0,
    }
}
