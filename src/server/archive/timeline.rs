//! One job's past as a story: its rows, the runs that the event channel told of, and what operators did, in one order.
//!
//! Rows keep the order in which they were written: MySQL's times are whole seconds. What else is known is put between them by
//! its time, or added to the row that tells of the same run.

use super::{
    db::Db,
    error::ArchiveError,
    jobs,
    record::{key, stored_queue},
    sql::sql,
};
use crate::{
    model::{
        archive::{ArchivedJob, ArchivedRow, Attempt, Status, Verdict},
        ids::QueueName,
        job::TimelineEntry,
        time::{Millis, span},
    },
    server::reading,
};

/// Runs and lines of one job that are looked at.
const MOST: u64 = 200;
/// A run and the row that tells of its end may be so far apart: two clocks, and a busy database.
const APART_MS: i64 = 15_000;
const REASON: usize = 160;

/// What an operator did to the job.
pub struct Deed {
    pub at: Millis,
    pub who: String,
    pub verb: String,
    pub result: String,
}

/// A run with what only its own table says.
struct Told {
    attempt: Attempt,
    class: Option<String>,
}

/// Everything that the archive holds of a job.
struct All {
    rows: Vec<ArchivedRow>,
    count: u64,
    runs: Vec<Told>,
    deeds: Vec<Deed>,
}

async fn all(db: &Db, queue: &QueueName, id: &str) -> Result<All, ArchiveError> {
    let runs = sql(format!(
        "SELECT worker, attempt, started_ms, ended_ms, wait_ms, outcome, error, class FROM flux_console_attempts \
         WHERE job_id = ? AND (queue = ? OR queue IS NULL) ORDER BY id DESC LIMIT {MOST}"
    ));
    let runs = db.rows(runs.bind(key(id)).bind(queue.as_str()), |row| Told {
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
    });
    let (rows, runs, deeds) = tokio::try_join!(jobs::of_job(db, queue, id), runs, deeds(db, queue, id))?;
    let mut runs = runs;
    runs.sort_by_key(|r| r.attempt.ended_at);
    Ok(All { rows: rows.0, count: rows.1, runs, deeds })
}

/// The audit line of an action on one job names it like a search would.
pub fn deed_filter(id: &str) -> String {
    use crate::model::search::{Filter, Name, Query, Test};
    let filter = Filter { test: Test::Id(Name { text: id.into(), prefix: false }), negated: false };
    Query { filters: vec![filter], ..Query::default() }.to_string()
}

async fn deeds(db: &Db, queue: &QueueName, id: &str) -> Result<Vec<Deed>, ArchiveError> {
    let asked = sql(format!(
        "SELECT at_ms, who, verb, result FROM flux_console_audit WHERE queue = ? AND filter = ? ORDER BY at_ms DESC LIMIT {MOST}"
    ))
    .bind(stored_queue(db.dialect(), queue.as_str()))
    .bind(deed_filter(id));
    let mut deeds = db
        .rows(asked, |row| Deed {
            at: Millis(row.int(0).unwrap_or_default()),
            who: row.text(1).unwrap_or_default(),
            verb: row.text(2).unwrap_or_default(),
            result: row.text(3).unwrap_or_default(),
        })
        .await?;
    deeds.reverse();
    Ok(deeds)
}

/// What happened to a job, and how many rows there are of it.
pub async fn past(db: &Db, queue: &QueueName, id: &str) -> Result<(Vec<TimelineEntry>, u64), ArchiveError> {
    let all = all(db, queue, id).await?;
    Ok((tell(&all), all.count))
}

/// The job as its newest row (or the one asked for) shows it; `most`: bytes of the payload. `None`: nothing is known of it.
pub async fn job(db: &Db, queue: &QueueName, id: &str, row: Option<i64>, most: usize) -> Result<Option<ArchivedJob>, ArchiveError> {
    let all = all(db, queue, id).await?;
    let timeline = tell(&all);
    let last = all.runs.last().map(|told| told.attempt.clone());
    let chosen = row.and_then(|n| all.rows.iter().find(|r| r.row == n)).or_else(|| shown(&all.rows));
    let Some(chosen) = chosen.cloned() else {
        let Some(told) = all.runs.last() else { return Ok(None) };
        // It ran, and nobody wrote its payload down.
        let row = heard(queue, id, told);
        let error = told.attempt.error.clone();
        let unknown = ArchivedJob {
            row,
            payload: String::new(),
            truncated: false,
            payload_unknown: true,
            data: None,
            stack: None,
            timeline,
            rows: 0,
            error,
            last,
        };
        return Ok(Some(unknown));
    };
    let (raw, error) = tokio::try_join!(jobs::payload(db, chosen.row), jobs::error(db, chosen.row))?;
    let text = String::from_utf8_lossy(&raw.unwrap_or_default()).into_owned();
    let inside = reading::inside(&text).unwrap_or_default();
    let truncated = text.len() > most;
    Ok(Some(ArchivedJob {
        payload: text[..text.floor_char_boundary(most.min(text.len()))].to_owned(),
        truncated,
        payload_unknown: false,
        data: inside.data,
        stack: inside.stack,
        timeline,
        rows: all.count,
        error: error.or(inside.error).or_else(|| chosen.error.clone()),
        last,
        row: chosen,
    }))
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

/// How a run ended, as far as a line says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Completed,
    Failed,
}

struct Line {
    entry: TimelineEntry,
    /// Which run it tells of.
    run: Option<(u64, End)>,
    taken: bool,
}

fn line(at: Option<Millis>, kind: &str, title: String, detail: Option<String>, run: Option<(u64, End)>) -> Line {
    Line { entry: TimelineEntry { at, kind: kind.into(), title, detail }, run, taken: false }
}

fn tell(all: &All) -> Vec<TimelineEntry> {
    let mut lines = of_rows(&all.rows);
    for told in &all.runs {
        add_run(&mut lines, &told.attempt);
    }
    for deed in &all.deeds {
        let title = format!("{} by {}", deed.verb, deed.who);
        insert(&mut lines, line(Some(deed.at), "action", title, Some(deed.result.clone()).filter(|r| !r.is_empty()), None));
    }
    lines.into_iter().map(|l| l.entry).collect()
}

/// What the rows say, in their order, each thing once.
fn of_rows(rows: &[ArchivedRow]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // Where the life under way begins in `lines`, and the completed rows that it has by attempt.
    let (mut begun, mut completed) = (0, Vec::<u64>::new());
    for row in rows.iter().filter(|r| r.verdict != Verdict::Again) {
        let k = row.attempt.unwrap_or(0).max(1);
        let tells = |lines: &[Line], n: u64| lines.iter().any(|l| l.run.is_some_and(|(run, _)| run == n));
        let over = lines[begun..].iter().any(|l| matches!(l.run, Some((_, End::Completed))));
        let afresh = row.status == Status::Waiting && row.attempt.unwrap_or(0) == 0;
        let first = row.status == Status::Failed && k == 1 && tells(&lines[begun..], 1);
        if (over || afresh || first) && lines.len() > begun {
            (begun, completed) = (lines.len(), Vec::new());
        }
        let life = &lines[begun..];
        let reason = || row.error.as_deref().and_then(|e| e.lines().next()).map(|l| l.chars().take(REASON).collect::<String>());
        let written = row.archived_at.or(row.created_at);
        match (row.status, row.verdict) {
            (Status::Waiting, _) if k > 1 => {
                let after =
                    row.delay_s.map_or_else(String::new, |s| format!(", retry after {}", span(s.cast_signed().saturating_mul(1_000))));
                lines.push(line(
                    row.created_at.or(written),
                    "retry",
                    format!("Attempt {} failed{after}", k - 1),
                    None,
                    Some((k - 1, End::Failed)),
                ));
            }
            (Status::Waiting, _) => {
                let title = if begun > 0 { "Enqueued again" } else { "Enqueued" };
                let delay = row.delay_s.filter(|s| *s > 0).map(|s| format!(", delayed by {}", span(s.cast_signed().saturating_mul(1_000))));
                let detail = format!("{}{}", row.queue, delay.unwrap_or_default());
                lines.push(line(row.created_at.or(written), "enqueued", title.into(), Some(detail), None));
            }
            (Status::Failed, _) if tells(life, k) => {}
            (Status::Failed, _) => {
                let title = format!("Attempt {k} failed, no attempts left");
                lines.push(line(row.failed_at.or(written), "failed", title, reason(), Some((k, End::Failed))));
            }
            (Status::Completed, Verdict::Sure) => {
                completed.push(k);
                lines.push(line(written, "completed", format!("Attempt {k} completed"), None, Some((k, End::Completed))));
            }
            (Status::Completed, Verdict::FailedAttempt) => {
                // The first one of a later attempt is of the attempt before, unless this one had failed by then.
                let of = if k == 1 || completed.contains(&k) || tells(life, k) { k } else { k - 1 };
                completed.push(k);
                if !tells(life, of) {
                    let note = "The library wrote this attempt down as completed.".to_owned();
                    lines.push(line(written, "failed", format!("Attempt {of} failed"), Some(note), Some((of, End::Failed))));
                }
            }
            (Status::Completed | Status::Other, _) => {
                let note = "The rows that are there do not tell how it ended.".to_owned();
                lines.push(line(written, "note", format!("Attempt {k}: completed or failed, unknown"), Some(note), None));
            }
        }
    }
    lines
}

/// Adds what the channel told of a run to the line that tells of it, else as a line of its own.
fn add_run(lines: &mut Vec<Line>, run: &Attempt) {
    let end = if run.outcome == "completed" { End::Completed } else { End::Failed };
    let near = |l: &Line| l.entry.at.is_none_or(|at| (at.0 - run.ended_at.0).abs() <= APART_MS);
    let same = |l: &&mut Line| {
        !l.taken && near(l) && l.run.is_some_and(|(n, e)| e == end && run.attempt.is_none_or(|attempt| attempt.max(1) == n))
    };
    let waited = run.wait_ms.map_or_else(String::new, |ms| format!(", waited {}", took(ms)));
    let facts = format!("ran {} on {}{waited}", took(run.ended_at.0 - run.started_at.0), run.worker);
    let reason = run.error.as_deref().and_then(|e| e.lines().next()).map(|l| l.chars().take(REASON).collect::<String>());
    if let Some(line) = lines.iter_mut().find(same) {
        line.taken = true;
        let note = line.entry.detail.take().or(reason);
        line.entry.detail = Some(note.map_or_else(|| facts.clone(), |note| format!("{note} · {facts}")));
        return;
    }
    let attempt = run.attempt.map_or_else(|| "An attempt".to_owned(), |n| format!("Attempt {}", n.max(1)));
    let (kind, title) = match run.outcome.as_str() {
        "completed" => ("completed", format!("{attempt} completed")),
        "retried" => ("retry", format!("{attempt} failed, retried")),
        "dead" => ("failed", format!("{attempt} failed, no attempts left")),
        "lost" => ("lost", format!("{attempt} lost with its worker")),
        _ => ("failed", format!("{attempt} failed")),
    };
    let detail = reason.map_or_else(|| facts.clone(), |reason| format!("{reason} · {facts}"));
    let mut own = line(Some(run.ended_at), kind, title, Some(detail), None);
    own.taken = true;
    insert(lines, own);
}

fn took(ms: i64) -> String {
    if (0..1_000).contains(&ms) { format!("{ms} ms") } else { span(ms) }
}

/// Behind the last line that is not later.
fn insert(lines: &mut Vec<Line>, new: Line) {
    let at = lines.iter().rposition(|l| l.entry.at.zip(new.entry.at).is_some_and(|(a, b)| a <= b)).map_or(0, |i| i + 1);
    lines.insert(at, new);
}
