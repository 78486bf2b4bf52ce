//! Puts rows, runs and deeds into one order, each thing once; no I/O.
//!
//! Rows keep the order in which they were written: MySQL's times are whole seconds. What else is known is put between them by
//! its time, or added to the row that tells of the same run.

use super::{All, MOST, bulk::Bulk, deeds::name};
use crate::{
    model::{
        archive::{ArchivedRow, Attempt, Status, Verdict},
        job::TimelineEntry,
        number::thousands,
        time::{Millis, span},
    },
    server::archive::{jobs::ROWS_OF_A_JOB, record::SAME_MS},
};

/// A run and the row that tells of its end may be so far apart: two clocks, and a busy database.
pub const APART_MS: i64 = 15_000;
const REASON: usize = 160;

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
    /// From then on it lay among the failed jobs.
    dead: bool,
}

fn line(at: Option<Millis>, kind: &str, title: String, detail: Option<String>, run: Option<(u64, End)>) -> Line {
    Line { entry: TimelineEntry { at, kind: kind.into(), title, detail }, run, taken: false, dead: false }
}

pub fn tell(all: &All) -> Vec<TimelineEntry> {
    let mut lines = of_rows(&all.rows);
    for told in &all.runs {
        add_run(&mut lines, &told.attempt);
    }
    enqueued(&mut lines, all);
    // Told by what came before and after, so before anything else stands between.
    let bulk: Vec<Line> = all.bulk.iter().filter(|bulk| may_be_of(&lines, all, bulk)).map(of_many).collect();
    for cut in &all.said.cut {
        insert(&mut lines, line(cut.at, "note", cut.title.into(), Some(cut.why.into()), None));
    }
    for said in &all.said.lines {
        let title = said.message.lines().next().unwrap_or_default().chars().take(REASON).collect();
        insert(&mut lines, line(Some(said.at), "note", title, Some(format!("log of {}", said.worker)), None));
    }
    for deed in &all.deeds {
        insert(&mut lines, line(Some(deed.at), "action", deed.title(), deed.detail(), None));
    }
    for action in bulk {
        insert(&mut lines, action);
    }
    for title in left_out(all) {
        insert(&mut lines, line(None, "note", title, Some("What happened before these is not told here.".into()), None));
    }
    lines.into_iter().map(|l| l.entry).collect()
}

/// What there is more of than is looked at.
fn left_out(all: &All) -> Vec<String> {
    let mut left = Vec::new();
    if all.older_runs {
        left.push(format!("Of its runs the newest {MOST} are told"));
    }
    if all.count > ROWS_OF_A_JOB {
        left.push(format!("Of its {} rows the newest {ROWS_OF_A_JOB} are told", thousands(all.count)));
    }
    // As many are asked for.
    if all.deeds.len() >= MOST {
        left.push("Of what operators did to it the newest is told".to_owned());
    }
    left
}

/// Whether a retry of many jobs may have been what brought this one back: it lay among the failed ones, it was seen again, and nobody
/// retried it by name in between.
fn may_be_of(story: &[Line], all: &All, bulk: &Bulk) -> bool {
    // A whole second may be any moment of it: MySQL's times.
    let latest = |at: Millis| if at.0 % 1_000 == 0 { at.0 + 999 } else { at.0 };
    let Some(before) = story.iter().rposition(|l| l.entry.at.is_some_and(|at| latest(at) <= bulk.at.0)) else { return false };
    let failed = &story[before];
    let named = |verb: &str, result: &str| verb == "retry" && result.contains("done");
    let between = |at: Millis| failed.entry.at.is_some_and(|from| from <= at) && at <= bulk.at;
    failed.dead
        && (all.here || before + 1 < story.len())
        && !all.deeds.iter().any(|deed| named(&deed.verb, &deed.result) && between(deed.at))
        && bulk.may_mean(&all.rows)
}

fn of_many(bulk: &Bulk) -> Line {
    let which = match &bulk.filter {
        None => "All failed jobs".to_owned(),
        Some(filter) => format!("Failed jobs matching {}", filter.chars().take(REASON).collect::<String>()),
    };
    let note = "a bulk action on the queue, after this job had failed and before it was seen again; which jobs it took is not written down";
    line(Some(bulk.at), "action", format!("{which} retried by {}", name(&bulk.who)), Some(format!("{} · {note}", bulk.result)), None)
}

/// Nobody wrote down that it was pushed: the payload that was seen before the first run told how long it had waited.
fn enqueued(lines: &mut Vec<Line>, all: &All) {
    let Some(first) = all.runs.first().map(|told| &told.attempt).filter(|_| !all.older_runs) else { return };
    let waiting = all.rows.iter().any(|row| row.status == Status::Waiting);
    if let Some(waited) = first.wait_ms.filter(|_| !waiting && first.attempt.unwrap_or(1) <= 1) {
        insert(lines, line(Some(Millis(first.started_at.0 - waited)), "enqueued", "Enqueued".into(), None, None));
    }
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
                // The library stamps what it pushes; a schedule's run, a copy and a retry from the archive keep the stamp of their job.
                let pushed = row.created_at.filter(|at| written.is_none_or(|written| (written.0 - at.0).abs() <= SAME_MS)).or(written);
                lines.push(line(pushed, "enqueued", title.into(), Some(detail), None));
            }
            (Status::Failed, _) if tells(life, k) => {
                lines[begun..].iter_mut().filter(|l| l.run == Some((k, End::Failed))).for_each(|l| l.dead = true);
            }
            (Status::Failed, _) => {
                let title = format!("Attempt {k} failed, no attempts left");
                let failed = line(row.failed_at.or(written), "failed", title, reason(row.error.as_deref()), Some((k, End::Failed)));
                lines.push(Line { dead: true, ..failed });
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
    let reason = reason(run.error.as_deref());
    if let Some(line) = lines.iter_mut().find(same) {
        line.taken = true;
        line.dead |= run.outcome == "dead";
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
    let own = line(Some(run.ended_at), kind, title, Some(detail), None);
    insert(lines, Line { taken: true, dead: run.outcome == "dead", ..own });
}

/// The first line of an error, as far as a line shows it.
fn reason(error: Option<&str>) -> Option<String> {
    Some(error?.lines().next()?.chars().take(REASON).collect())
}

fn took(ms: i64) -> String {
    if (0..1_000).contains(&ms) { format!("{ms} ms") } else { span(ms) }
}

/// Behind the last line that is not later.
fn insert(lines: &mut Vec<Line>, new: Line) {
    let at = lines.iter().rposition(|l| l.entry.at.zip(new.entry.at).is_some_and(|(a, b)| a <= b)).map_or(0, |i| i + 1);
    lines.insert(at, new);
}
