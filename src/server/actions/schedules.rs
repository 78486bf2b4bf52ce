//! Schedules: what there is, who ticks it, and the verbs on one of them.

mod verbs;

pub use verbs::{add, delete, edit, restore, run, set_enabled};

use super::now;
use crate::model::{
    archive::ArchivedRow,
    error::ApiError,
    ids::QueueName,
    schedule::{
        Broken, Draft, Foreign, Missed, PER_PAGE, Preview, RUNS, Run, ScheduleDetail, ScheduleId, SchedulesHealth, SchedulesPage, Ticking,
        Wrong,
    },
    time::{Millis, span},
};
use crate::server::{
    archive::{BESIDE_WITHIN, jobs},
    driver::redis::schedules::{FIELD_BYTES, Who},
    schedule::{cron::Cron, job, stored::Stored},
    state::AppState,
};
use std::collections::{BTreeMap, BTreeSet};

/// A ticker that was met longer ago is not called one any more.
const FOREIGN_MS: i64 = 86_400_000;
/// Rows of the history.
const HISTORY: usize = 50;
/// Schedules that Doctor looks at.
const LOOKED_AT: u64 = 500;

pub async fn page(state: &AppState, page: u64) -> Result<SchedulesPage, ApiError> {
    if !(1..=1 << 40).contains(&page) {
        return Err(ApiError::invalid("page", "Pages count from 1."));
    }
    let (at, zone) = (now(), state.config.schedule_timezone);
    let read = state.driver.schedules((page - 1) * PER_PAGE, PER_PAGE);
    let ((total, found), missed) = tokio::try_join!(read, state.driver.missed_runs())?;
    let who = state.driver.who_ticks(&found.iter().map(|f| f.id.clone()).collect::<Vec<_>>()).await?;
    let stored: Vec<Stored> = found.into_iter().map(Stored::of).collect();
    Ok(SchedulesPage {
        ticking: ticking(state, &who, &stored, at),
        schedules: stored.iter().map(|s| s.shown(at, zone)).collect(),
        total,
        page,
        per_page: PER_PAGE,
        missed,
        timezone: zone.name().into(),
        prefix: state.driver.keys().schedules.prefix().into(),
        read_at: at,
    })
}

fn ticking(state: &AppState, who: &Who, stored: &[Stored], at: Millis) -> Ticking {
    let noted = who.foreign.clone().map(|(at, id)| Foreign { at, id });
    let met = stored.iter().filter_map(|s| s.fired_by_another(who).map(|at| Foreign { at, id: s.name.clone() }));
    let foreign = noted.into_iter().chain(met).max_by_key(|f| f.at).filter(|f| at.0 - f.at.0 < FOREIGN_MS);
    Ticking { here: state.config.scheduler, console: who.console, foreign }
}

/// The newest sign, within the last day, of a ticker that is no console: beside one that ticks, a run may be fired twice.
pub async fn foreign_ticker(state: &AppState) -> Result<Option<Foreign>, ApiError> {
    Ok(health(state).await?.ticking.foreign)
}

/// What is wrong with schedules as a whole: for Doctor. Looks at those that run next.
pub async fn health(state: &AppState) -> Result<SchedulesHealth, ApiError> {
    let at = now();
    let (total, found) = state.driver.schedules(0, LOOKED_AT).await?;
    let who = state.driver.who_ticks(&found.iter().map(|f| f.id.clone()).collect::<Vec<_>>()).await?;
    let stored: Vec<Stored> = found.into_iter().map(Stored::of).collect();
    let unticked = stored.iter().filter(|s| s.overdue(at)).map(|s| s.name.clone()).collect();
    let broken = stored.iter().filter_map(|s| Some(Broken { id: s.name.clone(), problem: s.sound.as_ref().err()?.clone() })).collect();
    Ok(SchedulesHealth { ticking: ticking(state, &who, &stored, at), total, looked_at: stored.len() as u64, unticked, broken })
}

async fn read(state: &AppState, id: &ScheduleId) -> Result<Stored, ApiError> {
    let found = state.driver.schedule(id.as_str()).await?;
    found.map(Stored::of).ok_or_else(|| ApiError::NotFound { detail: format!("There is no schedule {id}. It may have been deleted.") })
}

pub async fn one(state: &AppState, id: &ScheduleId) -> Result<ScheduleDetail, ApiError> {
    let (at, zone) = (now(), state.config.schedule_timezone);
    let stored = read(state, id).await?;
    let (who, missed) = {
        let ids = [id.as_str().as_bytes().to_vec()];
        tokio::try_join!(state.driver.who_ticks(&ids), state.driver.missed_runs())?
    };
    let schedule = stored.shown(at, zone);
    let runs_in = stored.job.as_deref().and_then(|job| QueueName::try_from(job::own_queue(job)).ok());
    let (history, unavailable) = match &schedule.job_id {
        Some(job) => match history(state, runs_in.iter().chain(&schedule.queue), job).await {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        },
        None => (Vec::new(), None),
    };
    Ok(ScheduleDetail {
        ticking: ticking(state, &who, std::slice::from_ref(&stored), at),
        schedule,
        runs_in,
        job: stored.job.unwrap_or_default(),
        missed: missed.into_iter().filter(|m: &Missed| m.id == id.as_str()).collect(),
        history,
        unavailable,
        completed_kept: state.config.persist.completed,
        timezone: zone.name().into(),
        read_at: at,
    })
}

/// Every run carries the same job id, so the rows of that job are the history; found by an index. The library files a run under
/// the queue that the job names, a console under the one in which it met it. The schedule itself does not wait for it.
async fn history(state: &AppState, queues: impl Iterator<Item = &QueueName>, job: &str) -> Result<Vec<ArchivedRow>, ApiError> {
    let db = state.archive.db()?;
    let queues: BTreeSet<_> = queues.collect();
    let read = async {
        let mut all = BTreeMap::new();
        for queue in queues {
            let (rows, _) = jobs::of_job(&db, queue, job).await?;
            all.extend(rows.into_iter().map(|row| (row.row, row)));
        }
        Ok(all)
    };
    let all = state.archive.in_time(BESIDE_WITHIN, read).await?;
    Ok(all.into_values().rev().take(HISTORY).collect())
}

/// What a draft would do. `fresh`: its id must be one that can be given to a new schedule.
pub fn preview(state: &AppState, draft: &Draft, fresh: bool) -> Preview {
    let (at, zone) = (now(), state.config.schedule_timezone);
    let mut preview = Preview { timezone: zone.name().into(), ..Preview::default() };
    let mut wrong = |field: &str, text: String| preview.problems.push(Wrong { field: field.into(), text });
    if fresh && let Err(text) = new_id(&draft.id) {
        wrong("id", text);
    }
    if let Err(text) = queue(state, &draft.queue) {
        wrong("queue", text);
    }
    match checked_job(&draft.job) {
        Ok(notes) => preview.notes.extend(notes),
        Err(text) => wrong("job", text),
    }
    match Cron::typed(&draft.cron) {
        Ok(cron) => {
            preview.words = Some(cron.words());
            preview.runs = cron.runs_said(at, zone, RUNS);
            preview.notes.extend(overtaken(&draft.job, &preview.runs));
            if preview.runs.is_empty() {
                preview.problems.push(Wrong { field: "cron".into(), text: "No day of the next forty years fits this cron.".into() });
            }
        }
        Err(text) => preview.problems.push(Wrong { field: "cron".into(), text }),
    }
    preview
}

/// A run that waits longer than the next one is away: all carry one id, and several are in the queue at a time.
fn overtaken(job: &str, runs: &[Run]) -> Option<String> {
    let delay = job::pushed(job).ok()?.delay_ms?;
    let shortest = runs.windows(2).map(|pair| pair[1].at.0 - pair[0].at.0).min()?;
    (delay >= shortest).then(|| {
        let (delay, shortest) = (span(delay), span(shortest));
        format!("The job's delaySeconds makes each run wait {delay}, and the next one comes after {shortest}: several wait at a time.")
    })
}

fn new_id(id: &str) -> Result<ScheduleId, String> {
    if id.trim() != id || id.chars().any(char::is_control) {
        return Err("An id neither begins nor ends with a space, and holds no control characters.".into());
    }
    // No page could be reached under these: a browser resolves them away.
    if matches!(id, "." | "..") {
        return Err("An id is more than dots.".into());
    }
    ScheduleId::try_from(id.to_owned())
}

/// A run goes to the list of this name: a queue, or one of its priorities that workers read.
fn queue(state: &AppState, name: &str) -> Result<QueueName, String> {
    let queue = QueueName::try_from(name)?;
    let of = name.rsplit_once(':').filter(|(_, p)| matches!(*p, "critical" | "high" | "low")).map_or(name, |(of, _)| of);
    let known = QueueName::try_from(of).is_ok_and(|of| state.driver.keys().is_queue(&of));
    if known { Ok(queue) } else { Err(format!("{name} is not a queue: the protocol reserves this name for a part of another key.")) }
}

fn checked_job(text: &str) -> Result<Vec<String>, String> {
    if text.len() > FIELD_BYTES {
        return Err("The job is larger than 256 kB.".into());
    }
    job::check(text)
}
