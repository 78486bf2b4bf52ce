//! What an operator does to a schedule. Each is one script, and leaves an audit line.

use super::{new_id, now, preview, read};
use crate::model::{
    error::ApiError,
    schedule::{Draft, ScheduleDetail, ScheduleId},
    time::Millis,
};
use crate::server::{
    actions::audit::{Asked, asked},
    driver::redis::schedules::{Save, Set},
    schedule::{
        cron::Cron,
        job,
        stored::{Sound, Stored},
    },
    state::AppState,
};

fn about(state: &AppState, verb: &str, id: &str) -> Asked {
    asked(state, verb, None).of(id)
}

fn gone(id: &str) -> ApiError {
    ApiError::NotFound { detail: format!("There is no schedule {id} any more: somebody deleted it. Nothing was changed.") }
}

fn changed(id: &str) -> ApiError {
    ApiError::Conflict { detail: format!("{id} was changed by somebody else since it was read. Nothing was changed now. Load it again.") }
}

/// The next run by this cron.
fn next(state: &AppState, cron: &Cron) -> Result<Millis, ApiError> {
    let next = cron.next(now(), state.config.schedule_timezone);
    next.ok_or_else(|| ApiError::invalid("cron", "No day of the next forty years fits this cron."))
}

/// The cron of a draft whose fields are all right.
fn sound(state: &AppState, draft: &Draft, fresh: bool) -> Result<Cron, ApiError> {
    if let Some(wrong) = preview(state, draft, fresh).problems.into_iter().next() {
        return Err(ApiError::invalid(&wrong.field, wrong.text));
    }
    Cron::typed(&draft.cron).map_err(|text| ApiError::invalid("cron", text))
}

pub async fn add(state: &AppState, draft: &Draft, enabled: bool) -> Result<ScheduleDetail, ApiError> {
    let asked = about(state, "schedule-add", &format!("{}: {} in {}", draft.id, draft.cron, draft.queue));
    let add = async {
        let cron = sound(state, draft, true)?;
        let id = new_id(&draft.id).map_err(|text| ApiError::invalid("id", text))?;
        let save = Save {
            id: id.as_str(),
            seen: None,
            cron: draft.cron.trim(),
            queue: &draft.queue,
            job: &draft.job,
            next: Some(next(state, &cron)?),
            enabled,
        };
        match state.driver.save_schedule(&save).await? {
            Set::Done | Set::Before => Ok(id),
            Set::Changed | Set::Gone => {
                Err(ApiError::Conflict { detail: format!("There is a schedule {id} already. Nothing was changed. Choose another id.") })
            }
        }
    };
    let added = add.await;
    let id = asked.noted(state, added).await?;
    super::one(state, &id).await
}

/// Changes cron, queue and job. `version`: of the schedule as the form was filled with it.
pub async fn edit(state: &AppState, id: &ScheduleId, draft: &Draft, version: &str) -> Result<ScheduleDetail, ApiError> {
    let asked = about(state, "schedule-edit", &format!("{id}: {} in {}", draft.cron, draft.queue));
    let edit = async {
        let cron = sound(state, draft, false)?;
        let stored = read(state, id).await?;
        if stored.version() != version {
            return Err(changed(id.as_str()));
        }
        // With the same cron the next run stays: it may be due this very moment.
        let same = stored.cron.as_deref().map(str::trim) == Some(draft.cron.trim()) && stored.next_run().is_some();
        let next = if same { None } else { Some(next(state, &cron)?) };
        let save = Save {
            id: id.as_str(),
            seen: Some(stored.seen()),
            cron: draft.cron.trim(),
            queue: &draft.queue,
            job: &draft.job,
            next,
            enabled: false,
        };
        match state.driver.save_schedule(&save).await? {
            Set::Done | Set::Before => Ok(()),
            Set::Changed => Err(changed(id.as_str())),
            Set::Gone => Err(gone(id.as_str())),
        }
    };
    let edited = edit.await;
    asked.noted(state, edited).await?;
    super::one(state, id).await
}

/// One that is turned on runs next by its cron from now, and not for what it slept through.
pub async fn set_enabled(state: &AppState, id: &ScheduleId, on: bool) -> Result<ScheduleDetail, ApiError> {
    let asked = about(state, if on { "schedule-enable" } else { "schedule-disable" }, id.as_str());
    let set = async {
        let stored = read(state, id).await?;
        let next = if on { Some(next(state, &whole(&stored)?.cron)?) } else { None };
        match state.driver.enable_schedule(id.as_str(), stored.seen()[0], next).await? {
            Set::Done | Set::Before => Ok(()),
            Set::Changed => Err(changed(id.as_str())),
            Set::Gone => Err(gone(id.as_str())),
        }
    };
    let set = set.await;
    asked.noted(state, set).await?;
    super::one(state, id).await
}

fn whole(stored: &Stored) -> Result<&Sound, ApiError> {
    stored.sound.as_ref().map_err(|why| ApiError::Conflict { detail: format!("This schedule is broken. {why} Nothing was changed.") })
}

/// Pushes its job now, whether it is on or off; its next run stays. `request` names the click: the same one pushes once.
pub async fn run(state: &AppState, id: &ScheduleId, request: &str) -> Result<(), ApiError> {
    let asked = about(state, "schedule-run", id.as_str());
    let mut queue = None;
    let push = async {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if request.is_empty() || request.len() > 64 || !request.chars().all(fits) {
            return Err(ApiError::invalid("request", "`request` names the click: 1 to 64 letters, digits and dashes."));
        }
        let stored = read(state, id).await?;
        let (at, sound) = (now(), whole(&stored)?);
        queue = Some(sound.queue.clone());
        let payload = job::by_hand(&sound.pushed.payload, at);
        let delayed = sound.pushed.delay_ms.map(|ms| Millis(at.0.saturating_add(ms)));
        let job = stored.job.as_deref().unwrap_or_default();
        match state.driver.run_schedule(id.as_str(), sound.queue.as_str(), job, &payload, delayed, request).await? {
            Set::Done => {
                state.enqueued.note(state.driver.keys(), &sound.queue, payload.into_bytes(), at);
                Ok(())
            }
            Set::Before => Ok(()),
            Set::Changed => Err(changed(id.as_str())),
            Set::Gone => Err(gone(id.as_str())),
        }
    };
    let pushed = push.await;
    if let Some(queue) = queue {
        state.watching.nudge_queue(&queue);
    }
    asked.answered(state, pushed).await
}

/// It can be restored for an hour.
pub async fn delete(state: &AppState, id: &ScheduleId) -> Result<(), ApiError> {
    let asked = about(state, "schedule-delete", id.as_str());
    let delete = async {
        match state.driver.delete_schedule(id.as_str()).await? {
            Set::Done | Set::Before => Ok(()),
            Set::Changed | Set::Gone => Err(gone(id.as_str())),
        }
    };
    let deleted = delete.await;
    asked.answered(state, deleted).await
}

pub async fn restore(state: &AppState, id: &ScheduleId) -> Result<ScheduleDetail, ApiError> {
    let asked = about(state, "schedule-restore", id.as_str());
    let over = || ApiError::NotFound { detail: format!("{id} is not kept any more: it was restored, or its hour is over.") };
    let restore = async {
        let kept = state.driver.kept_schedule(id.as_str()).await?.map(Stored::of).ok_or_else(over)?;
        // A broken one comes back as it was, and is passed over.
        let next = kept.sound.as_ref().ok().and_then(|sound| sound.cron.next(now(), state.config.schedule_timezone));
        match state.driver.restore_schedule(id.as_str(), next.unwrap_or_else(now)).await? {
            Set::Done | Set::Before => Ok(()),
            Set::Changed => Err(ApiError::Conflict { detail: format!("There is a schedule {id} again. Nothing was changed.") }),
            Set::Gone => Err(over()),
        }
    };
    let restored = restore.await;
    asked.noted(state, restored).await?;
    super::one(state, id).await
}
