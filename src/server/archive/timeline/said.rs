//! Lines of the log that name a job. The shared table has no column for the job, so lines are looked for around the moments at
//! which something is known to have happened to it.

use super::{All, tell::APART_MS};
use crate::{
    model::{archive::Status, shorten::shortened, time::Millis},
    server::archive::{
        db::Db,
        dialect::containing,
        error::ArchiveError,
        sql::{clean, sql},
    },
};
use std::collections::HashSet;

/// Around a row: its run began before it, the worker says the rest just after.
const BEFORE_MS: i64 = 60_000;
const AFTER_MS: i64 = 3_000;
/// Stretches of time that are looked at, the newest; and of each so many lines, the last ones.
const STRETCHES: usize = 8;
const LINES: usize = 50;
/// Lines that hold the id are read so many at a time, and no more than so many of one stretch: it may be a part of other ids.
const TOGETHER: usize = 250;
const LOOKED_AT: usize = 1_000;
/// Of a message a timeline shows so many characters.
const SHOWN: usize = 2_000;
/// A shorter id stands in words and numbers that have nothing to do with it.
const SHORT: usize = 3;

pub struct Said {
    pub at: Millis,
    pub worker: String,
    pub message: String,
}

/// Lines that name the job, those of a stretch in their order.
#[derive(Default)]
pub struct Heard {
    pub lines: Vec<Said>,
    pub cut: Vec<Cut>,
}

/// What is not shown, in plain words.
pub struct Cut {
    /// Before this moment; `None`: of all times.
    pub at: Option<Millis>,
    pub title: &'static str,
    pub why: &'static str,
}

const EARLIER: &str = "Earlier lines of the log are not shown here";

/// A time in which lines are looked for.
struct Stretch {
    from: i64,
    until: i64,
    /// Nobody told when the run began of whose end the row tells with which it begins.
    blind: bool,
}

pub async fn of_job(db: &Db, id: &str, all: &All) -> Result<Heard, ArchiveError> {
    let mut heard = Heard::default();
    let mut stretches = stretches(all);
    if stretches.is_empty() {
        return Ok(heard);
    }
    if id.len() < SHORT {
        let why = "Too many others hold so short an id. The archived log has all of them.";
        heard.cut.push(Cut { at: None, title: "Lines of the log are not shown here", why });
        return Ok(heard);
    }
    let older = stretches.len().saturating_sub(STRETCHES);
    stretches.drain(..older);
    if let Some(first) = stretches.first().filter(|_| older > 0) {
        let why = "They are looked for around the newest runs alone. The archived log has all of them.";
        heard.cut.push(Cut { at: Some(Millis(first.from)), title: EARLIER, why });
    }
    if let Some(blind) = stretches.iter().find(|stretch| stretch.blind) {
        let why = "Of a run whose end alone is known, they are looked for from a minute before it. The archived log has all of them.";
        heard.cut.push(Cut { at: Some(Millis(blind.from)), title: "Lines of the log may be missing here", why });
    }
    for stretch in stretches {
        stretch_of(db, id, all, &stretch, &mut heard).await?;
    }
    Ok(heard)
}

/// The last lines of one stretch. What holds the id without naming the job takes nobody's place: more is read until there are enough.
async fn stretch_of(db: &Db, id: &str, all: &All, stretch: &Stretch, heard: &mut Heard) -> Result<(), ArchiveError> {
    let Stretch { from, until, .. } = *stretch;
    let dialect = db.dialect();
    let text = format!(
        "SELECT a.id, {}, a.worker_id, a.message FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at} AND {} \
         ORDER BY a.timestamp DESC, a.id DESC LIMIT {TOGETHER} OFFSET ",
        dialect.ms("a.timestamp"),
        dialect.like("a.message"),
        at = dialect.at()
    );
    let (mut found, mut met, mut oldest) = (Vec::new(), HashSet::new(), Millis(until));
    let mut more = true;
    'parts: for offset in (0..LOOKED_AT).step_by(TOGETHER) {
        let asked = sql(format!("{text}{offset}")).bind(from).bind(until).bind(containing(&clean(id)));
        let part = db.rows(asked, |row| {
            let (at, worker) = (Millis(row.int(1).unwrap_or_default()), row.text(2).unwrap_or_default());
            (row.int(0), Said { at, worker, message: row.text(3).unwrap_or_default() })
        });
        let part = part.await?;
        let last = part.len() < TOGETHER;
        for (number, line) in part {
            // A line that was written meanwhile moves the others.
            if !met.insert(number) {
                continue;
            }
            let own = names(&line.message, id) && !told(&line, all);
            if own && found.len() == LINES {
                break 'parts;
            }
            oldest = line.at;
            if own {
                found.push(Said { message: shortened(line.message, SHOWN), ..line });
            }
        }
        if last {
            more = false;
            break;
        }
    }
    if more {
        heard.cut.push(Cut { at: Some(oldest), title: EARLIER, why: "The archived log has all of them." });
    }
    heard.lines.extend(found.into_iter().rev());
    Ok(())
}

/// Oldest first, none twice.
fn stretches(all: &All) -> Vec<Stretch> {
    let of_runs = all.runs.iter().map(|told| {
        let run = &told.attempt;
        Stretch { from: run.started_at.0 - AFTER_MS, until: run.ended_at.0 + AFTER_MS, blind: false }
    });
    let of_rows = all.rows.iter().filter_map(|row| {
        let at = row.archived_at?;
        let ran = all.runs.iter().any(|told| (told.attempt.ended_at.0 - at.0).abs() <= APART_MS);
        Some(Stretch { from: at.0 - BEFORE_MS, until: at.0 + AFTER_MS, blind: row.status != Status::Waiting && !ran })
    });
    let mut all: Vec<Stretch> = of_runs.chain(of_rows).collect();
    all.sort_by_key(|stretch| (stretch.from, stretch.until));
    let mut merged: Vec<Stretch> = Vec::new();
    for stretch in all {
        match merged.last_mut() {
            Some(last) if stretch.from <= last.until => last.until = last.until.max(stretch.until),
            _ => merged.push(stretch),
        }
    }
    merged
}

/// Whether a text names the job, and not one whose id only begins or ends like it.
fn names(message: &str, id: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    message.match_indices(id).any(|(at, _)| !part(message[..at].chars().next_back()) && !part(message[at + id.len()..].chars().next()))
}

/// What a run says already: that it began, completed or failed; or a row, how it ended.
fn told(line: &Said, all: &All) -> bool {
    let ended = ["Completed job: ", "Job failed: "].iter().any(|begin| line.message.starts_with(begin));
    let of_run = ended || line.message.starts_with("Processing job: ");
    if ended && all.rows.iter().filter_map(|r| r.archived_at).any(|at| (at.0 - line.at.0).abs() <= AFTER_MS) {
        return true;
    }
    let near = |from: Millis, until: Millis| (from.0 - AFTER_MS..=until.0 + AFTER_MS).contains(&line.at.0);
    of_run && all.runs.iter().any(|r| r.attempt.worker == line.worker && near(r.attempt.started_at, r.attempt.ended_at))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_id_is_a_whole_word() {
        assert!(names("Processing job: ok-1", "ok-1") && names("Job failed: ok-1 - no", "ok-1") && names("(ok-1)", "ok-1"));
        assert!(!names("Processing job: ok-10", "ok-1") && !names("Completed job: book-1", "ok-1") && !names("ok", "ok-1"));
    }
}
