//! What the doctor asks about groups: those that hold jobs back while none of theirs waits or runs, and those whose jobs nobody lets go.

use super::refused;
use crate::model::{
    doctor::{Check, Looked},
    error::ApiError,
    ids::Priority,
};
use crate::server::{
    doctor::{
        Report, count,
        groups::{self, Doubt},
    },
    driver::redis::{doctor::Cost, payload},
    snapshot::Snapshot,
    state::AppState,
};
use std::{collections::BTreeSet, time::Duration};

/// Between the two looks at groups: an event and a tick come within it.
const SETTLE: Duration = Duration::from_millis(400);
/// Queues whose lists are all looked at for groups; of more, the lists that were not empty.
const QUEUES: usize = 500;

/// Lists in which a job of a group could wait, and whether these are all.
pub(super) fn group_lists(state: &AppState, snapshot: &Snapshot) -> (Vec<String>, bool) {
    if snapshot.queues.len() <= QUEUES {
        return (state.driver.waiting_lists(snapshot.queues.iter().map(|q| &q.name)), snapshot.discovery.whole());
    }
    let keys = state.driver.keys();
    let busy = |q: &crate::model::queue::QueueSample, p: Priority| q.by_priority.get(p) != Some(0);
    let lists = snapshot.queues.iter().flat_map(|q| Priority::ALL.into_iter().filter(|p| busy(q, *p)).map(|p| keys.waiting(&q.name, p)));
    (lists.collect(), false)
}

pub(super) async fn all_groups(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    idle_groups(state, snapshot, report, cost).await?;
    let driver = &state.driver;
    let active = match driver.active_groups(cost).await {
        Ok(active) => active,
        Err(error) => return refused(report, Check::OrphanGroup, error),
    };
    let note = count(active.groups.len() as u64, "active group", "active groups");
    if active.groups.is_empty() {
        report.add(Check::OrphanGroup, Looked::Whole, note, Vec::new());
        return Ok(());
    }
    let (lists, all_lists) = group_lists(state, snapshot);
    let mut candidates: BTreeSet<String> = active.groups;
    let mut looked_all = active.complete && all_lists;
    // Twice: between the lists and the events a job is nowhere for a moment.
    for again in [false, true] {
        let held = match driver.holders(&lists, cost).await {
            Ok(held) => held,
            Err(error) => return refused(report, Check::OrphanGroup, error),
        };
        if !held.complete {
            report.unknown(Check::OrphanGroup, format!("{note}; too many jobs wait to look at all of them."));
            return Ok(());
        }
        let running = running_groups(state);
        candidates.retain(|g| !held.groups.contains(g) && !running.contains(g));
        if candidates.is_empty() {
            break;
        }
        if !again {
            tokio::time::sleep(SETTLE).await;
        }
    }
    looked_all &= candidates.len() <= 200;
    let names: Vec<String> = candidates.into_iter().take(200).collect();
    let now_of = driver.groups_now(&names, cost).await;
    let queues = driver.group_queues(&names, cost).await;
    let (now_of, queues) = match (now_of, queues) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) | (_, Err(error)) => return refused(report, Check::OrphanGroup, error),
    };
    let (doubt, lost) = (doubt(state, snapshot), lost_groups(state));
    let found = names.iter().zip(now_of).zip(queues).filter(|((_, (active, _)), _)| *active).map(|((group, (_, behind)), queue)| {
        let doubt = lost.iter().find(|(g, _)| g == group).map_or_else(|| doubt.clone(), |(_, worker)| Doubt::Lost(worker.clone()));
        groups::orphan(group, behind, queue.as_ref(), &doubt)
    });
    report.add(Check::OrphanGroup, if looked_all { Looked::Whole } else { Looked::Partly }, note, found.collect());
    Ok(())
}

fn group_in(raw: &[u8]) -> Option<String> {
    payload::group_of(raw)
}

/// Groups of jobs that are known to run.
pub(super) fn running_groups(state: &AppState) -> BTreeSet<String> {
    state.ledger.lock().running_payloads().into_iter().flatten().filter_map(|raw| group_in(&raw)).collect()
}

/// Groups of jobs that were lost, with the worker.
fn lost_groups(state: &AppState) -> Vec<(String, String)> {
    let lost = state.ledger.lock().lost_payloads();
    lost.into_iter().filter_map(|(worker, raw)| Some((group_in(raw.as_bytes())?, worker))).collect()
}

/// Whether something may run that holds a group without anybody knowing.
fn doubt(state: &AppState, snapshot: &Snapshot) -> Doubt {
    let unknown = state.ledger.lock().running_payloads().iter().filter(|raw| raw.is_none()).count() as u64;
    match (unknown, snapshot.totals.active, snapshot.totals.active_partial) {
        (1.., ..) => Doubt::Running(Some(unknown)),
        // Without any heartbeat nobody knows whether workers run without `monitor`.
        (_, None, _) | (_, _, true) => Doubt::Running(None),
        _ => Doubt::None,
    }
}

async fn idle_groups(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let (names, partial) = {
        let known = state.driver.known();
        let waiting = known.groups.iter().filter(|(_, p)| p.jobs != Some(0)).map(|(g, _)| g.clone());
        (waiting.collect::<Vec<_>>(), known.more_groups() || known.groups.len() > 1_000)
    };
    let note = count(names.len() as u64, "group with jobs behind it", "groups with jobs behind them");
    let names: Vec<String> = names.into_iter().take(1_000).collect();
    let now_of = match if names.is_empty() { Ok(Vec::new()) } else { state.driver.groups_now(&names, cost).await } {
        Ok(now_of) => now_of,
        Err(error) => return refused(report, Check::IdleGroup, error),
    };
    let idle: Vec<(String, u64)> = names
        .into_iter()
        .zip(now_of)
        .filter_map(|(group, (active, behind))| Some((group, behind.filter(|n| *n > 0 && !active)?)))
        .take(200)
        .collect();
    let of: Vec<String> = idle.iter().map(|(g, _)| g.clone()).collect();
    let queues = match state.driver.group_queues(&of, cost).await {
        Ok(queues) => queues,
        Err(error) => return refused(report, Check::IdleGroup, error),
    };
    let found = idle.iter().zip(queues).map(|((group, behind), queue)| groups::idle(group, *behind, queue.as_ref())).collect();
    let whole = snapshot.discovery.whole() && !partial;
    report.add(Check::IdleGroup, if whole { Looked::Whole } else { Looked::Partly }, note, found);
    Ok(())
}
