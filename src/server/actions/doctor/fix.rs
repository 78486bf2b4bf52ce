//! What the doctor can mend: every fix looks again first, and leaves an audit line.

use super::{
    super::{
        audit::{self, Came},
        is_queue, now,
    },
    groups::{group_lists, running_groups},
};
use crate::model::{
    doctor::{FixAsk, FixKind, Fixed},
    error::ApiError,
    ids::{Priority, QueueName},
};
use crate::server::{
    doctor::count,
    driver::redis::{
        doctor::Cost,
        mend::{CLICK, Release},
        payload,
    },
    state::AppState,
};

impl Came for Fixed {
    fn jobs(&self) -> Option<u64> {
        Some(self.jobs)
    }

    fn result(&self) -> String {
        self.said.clone()
    }
}

/// Carries out one fix. What is as it should be by now stays so.
pub async fn fix(state: &AppState, ask: &FixAsk) -> Result<Fixed, ApiError> {
    match ask.kind {
        // They leave their own audit lines.
        FixKind::Pause => {
            super::super::pause(state, &queue_of(state, &ask.subject)?).await?;
            forget(state).await;
            return Ok(Fixed { done: true, jobs: 0, said: format!("All four lists of {} are paused.", ask.subject) });
        }
        FixKind::Resume => {
            super::super::resume(state, &queue_of(state, &ask.subject)?).await?;
            forget(state).await;
            return Ok(Fixed { done: true, jobs: 0, said: format!("Workers take from all four lists of {} again.", ask.subject) });
        }
        FixKind::MoveToBase | FixKind::ReleaseGroup | FixKind::StartGroup => {}
    }
    let queue = (ask.kind == FixKind::MoveToBase).then(|| QueueName::try_from(ask.subject.as_str()).ok()).flatten();
    let asked = audit::asked(state, ask.kind.as_str(), queue.as_ref()).of(&ask.subject);
    let fixed = mend(state, ask).await;
    forget(state).await;
    asked.answered(state, fixed).await
}

/// The next look is a new one.
async fn forget(state: &AppState) {
    state.doctor.last.lock().await.diagnosis = None;
}

fn queue_of(state: &AppState, name: &str) -> Result<QueueName, ApiError> {
    let queue = QueueName::try_from(name).map_err(|detail| ApiError::invalid("subject", detail))?;
    is_queue(state, &queue)?;
    Ok(queue)
}

async fn mend(state: &AppState, ask: &FixAsk) -> Result<Fixed, ApiError> {
    match ask.kind {
        FixKind::MoveToBase => move_to_base(state, ask).await,
        FixKind::ReleaseGroup => release(state, &ask.subject, true).await,
        FixKind::StartGroup => release(state, &ask.subject, false).await,
        FixKind::Pause | FixKind::Resume => Err(ApiError::invalid("kind", "Pause and resume are verbs on the queue.")),
    }
}

fn unchanged(said: impl Into<String>) -> Fixed {
    Fixed { done: false, jobs: 0, said: format!("{} Nothing was changed.", said.into()) }
}

async fn move_to_base(state: &AppState, ask: &FixAsk) -> Result<Fixed, ApiError> {
    let from = queue_of(state, &ask.subject)?;
    let base = from.as_str().rsplit_once(':').and_then(|(base, _)| state.driver.names_queue(base));
    let base = base.ok_or_else(|| ApiError::invalid("subject", format!("{from} is no list of another queue. Nothing was changed.")))?;
    // What the finding said must still be so.
    if state.driver.served(&from).await? {
        return Ok(unchanged(format!("A worker serves {from} by now.")));
    }
    let keys = [state.driver.keys().waiting(&from, Priority::Base), state.driver.keys().delayed(&from, Priority::Base)];
    let sampled = state.driver.look_at(&keys, &mut Cost::default()).await?;
    let named = sampled.iter().flat_map(|s| &s.elements).filter(|e| e.tail.is_empty()).filter_map(|e| payload::queue_named(&e.head));
    if named.into_iter().any(|name| name == from.as_str()) {
        return Ok(unchanged(format!("Jobs in {from} name it as their queue, so it is one.")));
    }
    let moved = state.driver.move_to_base(&from, &base, ask.count.unwrap_or(CLICK)).await?;
    state.watching.nudge_queue(&from);
    state.watching.nudge_queue(&base);
    let jobs = moved.waiting + moved.delayed;
    let equal = match moved.equal {
        0 => String::new(),
        n => format!(" {} stayed: {base} has an equal one.", count(n, "delayed job", "delayed jobs")),
    };
    if jobs == 0 {
        return Ok(unchanged(format!("There is nothing to move in {from} any more.{equal}")));
    }
    Ok(Fixed { done: true, jobs, said: format!("{} went from {from} to {base}.{equal}", count(jobs, "job", "jobs")) })
}

async fn release(state: &AppState, group: &str, active: bool) -> Result<Fixed, ApiError> {
    if group.is_empty() || group.len() > 1_024 {
        return Err(ApiError::invalid("subject", "Name the group. Nothing was changed."));
    }
    if active && running_groups(state).contains(group) {
        return Ok(unchanged(format!("A worker runs a job of the group {group}.")));
    }
    let snapshot = state.snapshot();
    let (lists, all) = group_lists(state, &snapshot);
    if active && !all {
        let detail = "Not every waiting list is known yet, or there are too many to look at in one step. Nothing was changed.";
        return Err(ApiError::Conflict { detail: detail.into() });
    }
    let released = state.driver.release_group(group, active, &lists).await?;
    // The next tick counts it.
    state.watching.request(now());
    Ok(match released {
        Release::Next => {
            let left = state.driver.groups_now(&[group.to_owned()], &mut Cost::default()).await?;
            let left = left.first().and_then(|(_, behind)| *behind).unwrap_or(0);
            let behind =
                if left == 0 { "nothing waits behind it".to_owned() } else { count(left, "more follows it", "more follow one by one") };
            Fixed { done: true, jobs: 1, said: format!("The first job behind the group {group} waits in its queue now; {behind}.") }
        }
        Release::Released => Fixed { done: true, jobs: 0, said: format!("The group {group} is not marked active any more.") },
        Release::Changed => unchanged(format!("The group {group} is not as it was any more.")),
        Release::Held => unchanged(format!("A job of the group {group} waits, so the group is held.")),
        Release::TooMuch => unchanged("Too many jobs wait to be sure in one step that none is of this group."),
        Release::NoQueue => unchanged(format!("The first job behind the group {group} names no queue.")),
    })
}
