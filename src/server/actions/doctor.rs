//! The doctor: asks bounded questions and hands the answers to `server::doctor`; what can be mended safely is in `fix`. One look
//! costs some hundred commands at most, and serves everybody who asks within ten seconds.

mod fix;
mod groups;

pub use fix::fix;

use super::{now, schedules};
use crate::model::{
    archive::ArchiveState,
    doctor::{Check, Diagnosis, Finding, Looked},
    error::ApiError,
    ids::{Priority, QueueName},
    job::JobState,
    time::Millis,
};
use crate::server::{
    archive::size,
    doctor::{Keyspace, Report, count, lists, system, workers},
    driver::redis::doctor::{Cost, SCANS},
    error::DriverError,
    snapshot::Snapshot,
    state::AppState,
};
use groups::all_groups;
use std::time::Instant;

/// Everybody who asks within this time gets the same answer; who asks for a new look waits at least so long between two.
const SHARED_MS: i64 = 10_000;
const ANEW_MS: i64 = 1_000;
/// Keys whose payloads one look samples.
const KEYS: usize = 400;
/// A heartbeat under another prefix that was not met for so long is forgotten.
const FOREIGN_KEPT_MS: i64 = 120_000;

/// `anew`: not an answer from before.
pub async fn diagnosis(state: &AppState, anew: bool) -> Result<Diagnosis, ApiError> {
    state.watching.request(now());
    let mut last = state.doctor.last.lock().await;
    let shared = if anew { ANEW_MS } else { SHARED_MS };
    if let Some(known) = last.diagnosis.as_ref().filter(|d| now().0 - d.at.0 < shared) {
        return Ok(known.clone());
    }
    let found = look(state, &mut last.keyspace).await?;
    last.diagnosis = Some(found.clone());
    Ok(found)
}

async fn look(state: &AppState, keyspace: &mut Keyspace) -> Result<Diagnosis, ApiError> {
    let (began, at) = (Instant::now(), now());
    let (mut cost, mut report, snapshot) = (Cost::default(), Report::default(), state.snapshot());
    // The first question stands for the connection: while Redis does not answer, nothing is diagnosed.
    match state.driver.clock_difference(&mut cost).await {
        Ok(d) => report.add(Check::Clock, Looked::Whole, system::clock_note(&d), system::clock(&d).into_iter().collect()),
        Err(error) => refused(&mut report, Check::Clock, error)?,
    }
    shared_picture(state, &snapshot, &mut report);
    priorities(state, &snapshot, &mut report, &mut cost).await?;
    payloads(state, &snapshot, &mut report, &mut cost).await?;
    all_groups(state, &snapshot, &mut report, &mut cost).await?;
    other_prefixes(state, &snapshot, keyspace, &mut report, &mut cost).await?;
    due_schedules(state, at, &mut report, &mut cost).await?;
    types(state, &snapshot, &mut report, &mut cost).await?;
    server(state, &snapshot, &mut report, &mut cost).await?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report.end(at, cost.0, took_ms))
}

/// A question that Redis refuses leaves its check open; only a Redis that does not answer ends the look.
fn refused(report: &mut Report, check: Check, error: DriverError) -> Result<(), ApiError> {
    match error {
        DriverError::Unavailable(_) | DriverError::LockedOut(_) => Err(error.into()),
        DriverError::Corrupt { key, found } => {
            report.unknown(check, format!("The key {key} holds {found}."));
            Ok(())
        }
        other => {
            tracing::debug!(error = %other, "the doctor is refused an answer");
            report.unknown(check, "Redis refused the question; an ACL may forbid it.");
            Ok(())
        }
    }
}

/// What the snapshot says already, which costs nothing.
fn shared_picture(state: &AppState, snapshot: &Snapshot, report: &mut Report) {
    let all = if snapshot.discovery.whole() { Looked::Whole } else { Looked::Partly };
    let queues = count(snapshot.queues.len() as u64, "queue", "queues");
    let archived = match state.archive.status().state {
        ArchiveState::Ready | ArchiveState::Starting => Some(state.config.persist.failed),
        ArchiveState::Off => Some(false),
        ArchiveState::Unavailable => None,
    };
    let at_cap = snapshot.queues.iter().filter_map(|q| lists::at_cap(q, archived)).collect();
    report.add(Check::DeadLettersAtCap, all, queues.clone(), at_cap);
    let unlisted = state.driver.known().unlisted.list();
    let met = count(unlisted.iter().map(|(_, met)| met.keys).sum(), "such key met", "such keys met");
    let prefix = state.driver.keys().prefix();
    let found = unlisted.iter().map(|(why, met)| lists::unlisted(*why, met, prefix)).collect();
    report.add(Check::UnlistedKeys, if snapshot.discovery.complete { Looked::Whole } else { Looked::Partly }, met, found);
    report.add(Check::PartlyPaused, all, queues, snapshot.queues.iter().filter_map(lists::partly_paused).collect());
    let known = state.ledger.lock().workers(now(), usize::MAX);
    let heard = &snapshot.heard;
    if heard.listening_since.is_none() {
        report.unknown(Check::SilentWorkers, "The event channels are not heard.");
    } else {
        let silent = workers::silent(&known.workers, &snapshot.queues, heard.listening_since, now());
        let note = format!(
            "{}, {} heard",
            count(known.online, "worker reports", "workers report"),
            known.online.saturating_sub(heard.silent_workers)
        );
        report.add(Check::SilentWorkers, Looked::Whole, note, silent.into_iter().collect());
    }
}

async fn priorities(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let suspects = lists::suspects(&snapshot.queues, |name| state.driver.names_queue(name));
    let note = count(suspects.len() as u64, "list looked into", "lists looked into");
    let keys = state.driver.keys();
    let wanted: Vec<String> =
        suspects.iter().flat_map(|s| [keys.waiting(&s.list, Priority::Base), keys.delayed(&s.list, Priority::Base)]).take(KEYS).collect();
    let sampled = if wanted.is_empty() { Ok(Vec::new()) } else { state.driver.look_at(&wanted, cost).await };
    let sampled = match sampled {
        Ok(sampled) => sampled,
        Err(error) => return refused(report, Check::UnreadPriority, error),
    };
    let whole = snapshot.discovery.whole() && sampled.len() == 2 * suspects.len();
    let found = suspects.iter().zip(sampled.chunks(2)).filter_map(|(suspect, parts)| {
        let elements: Vec<_> = parts.iter().flat_map(|p| p.elements.iter().cloned()).collect();
        lists::unread_priority(suspect, &elements)
    });
    report.add(Check::UnreadPriority, if whole { Looked::Whole } else { Looked::Partly }, note, found.collect());
    Ok(())
}

/// Some elements of each list that is not empty: dead letters first, for they are where odd payloads end.
async fn payloads(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let keys = state.driver.keys();
    let some = |n: Option<u64>| n.is_some_and(|n| n > 0);
    let mut wanted: Vec<(&QueueName, JobState, String)> = Vec::new();
    for q in snapshot.queues.iter().filter(|q| some(q.failed)) {
        wanted.push((&q.name, JobState::Failed, keys.failed(&q.name)));
    }
    for q in &snapshot.queues {
        let lists = Priority::ALL.into_iter().filter(|p| some(q.by_priority.get(*p)));
        wanted.extend(lists.map(|p| (&q.name, JobState::Waiting, keys.waiting(&q.name, p))));
    }
    for q in snapshot.queues.iter().filter(|q| some(q.delayed)) {
        wanted.extend(Priority::ALL.map(|p| (&q.name, JobState::Delayed, keys.delayed(&q.name, p))));
    }
    let all = wanted.len();
    wanted.truncate(KEYS);
    let names: Vec<String> = wanted.iter().map(|(.., key)| key.clone()).collect();
    let sampled = match if names.is_empty() { Ok(Vec::new()) } else { state.driver.look_at(&names, cost).await } {
        Ok(sampled) => sampled,
        Err(error) => return refused(report, Check::UnreadablePayloads, error),
    };
    let elements: usize = sampled.iter().map(|s| s.elements.len()).sum();
    // Ten of a list are a sample, never all.
    let more = sampled.iter().any(|s| s.length.is_some_and(|n| n > s.elements.len() as u64)) || sampled.len() < all;
    let note = format!("{} of {all} lists sampled, {}", sampled.len(), count(elements as u64, "payload", "payloads"));
    let found = wanted.iter().zip(&sampled).filter_map(|((queue, state, key), s)| lists::unreadable(queue, *state, key, s));
    report.add(Check::UnreadablePayloads, if more { Looked::Partly } else { Looked::Whole }, note, found.collect());
    Ok(())
}

async fn other_prefixes(
    state: &AppState,
    snapshot: &Snapshot,
    keyspace: &mut Keyspace,
    report: &mut Report,
    cost: &mut Cost,
) -> Result<(), ApiError> {
    let part = match state.driver.foreign_workers(keyspace.cursor, cost).await {
        Ok(part) => part,
        Err(error) => return refused(report, Check::OtherMonitorPrefix, error),
    };
    let at = now();
    for found in part.found {
        // Bounded, whatever somebody writes.
        if keyspace.foreign.len() >= 50 && !keyspace.foreign.contains_key(&found.prefix) {
            continue;
        }
        let of = keyspace.foreign.entry(found.prefix).or_default();
        of.seen_at = Some(at);
        of.queues.extend(found.queues.into_iter().take(50));
        if of.workers.len() < 1_000 {
            of.workers.insert(found.worker);
        }
    }
    keyspace.foreign.retain(|_, of| of.seen_at.is_some_and(|seen| at.0 - seen.0 < FOREIGN_KEPT_MS));
    keyspace.cursor = part.cursor;
    keyspace.looks += 1;
    let looks = keyspace.looks;
    let done = part.cursor == 0;
    if done {
        (keyspace.whole, keyspace.looks) = (true, 0);
    }
    let all = snapshot.discovery.keys.unwrap_or(0);
    let (looked, note) = match (done && looks == 1, keyspace.whole) {
        (true, _) => (Looked::Whole, count(all, "key looked at", "keys looked at")),
        (false, true) => {
            (Looked::Partly, format!("Every look goes through about {} of {all} keys; all were looked at at least once.", looks_keys(1)))
        }
        (false, false) => {
            (Looked::Partly, format!("About {} of {all} keys looked at so far; look again to go on.", looks_keys(looks).min(all)))
        }
    };
    let known = |name: &str| QueueName::try_from(name).is_ok_and(|q| snapshot.queue(&q).is_some());
    let found = keyspace.foreign.iter().map(|(prefix, of)| workers::other_prefix(prefix, of, known)).collect();
    report.add(Check::OtherMonitorPrefix, looked, note, found);
    Ok(())
}

fn looks_keys(looks: u64) -> u64 {
    looks * SCANS * 1_000
}

async fn due_schedules(state: &AppState, at: Millis, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let prefix = state.driver.keys().schedules.prefix().to_owned();
    let overdue = match state.driver.overdue(&prefix, at.0 - system::OVERDUE_MS, cost).await {
        Ok(overdue) => overdue,
        Err(error) => return refused(report, Check::Schedules, error),
    };
    let mut found: Vec<Finding> = system::overdue(&prefix, &overdue, at).into_iter().collect();
    found.extend(system::without_hash(&prefix, &overdue));
    // Unreadable schedules are found above; a ticker beside the consoles is all that is asked here.
    let ticking = match schedules::health(state).await {
        Ok(health) => Some(health.ticking),
        Err(error @ ApiError::Unavailable { .. }) => return Err(error),
        Err(error) => {
            tracing::debug!(%error, "the doctor is not told who ticks");
            None
        }
    };
    found.extend(ticking.as_ref().and_then(|ticking| system::foreign_ticker(&prefix, ticking)));
    let on = overdue.iter().filter(|s| s.enabled == Some(true)).count();
    let unasked = if ticking.is_none() { "; who ticks could not be read" } else { "" };
    let note = format!("{} due for over a minute under {prefix}{unasked}", if on == 0 { "none".to_owned() } else { on.to_string() });
    let whole = ticking.is_some() && overdue.len() < crate::server::driver::redis::doctor::OVERDUE;
    report.add(Check::Schedules, if whole { Looked::Whole } else { Looked::Partly }, note, found);
    Ok(())
}

async fn types(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let wrong = match state.driver.wrong_types(cost).await {
        Ok(wrong) => wrong,
        Err(error) => return refused(report, Check::WrongType, error),
    };
    let mut found: Vec<Finding> = wrong
        .into_iter()
        .map(|(key, wanted, is)| lists::wrong_type(&key, format!("The key {key} holds a {is} instead of a {wanted}"), None))
        .collect();
    let pending: Vec<String> = state.driver.known().uncountable().map(|group| state.driver.keys().pending(group)).collect();
    found.extend(pending.into_iter().map(|key| lists::wrong_type(&key, format!("The key {key} holds something else than a list"), None)));
    for q in &snapshot.queues {
        found.extend(
            q.problems.iter().map(|text| lists::wrong_type(q.name.as_str(), text.trim_end_matches('.').to_owned(), Some(q.name.href()))),
        );
    }
    let looked = if snapshot.discovery.whole() { Looked::Whole } else { Looked::Partly };
    report.add(Check::WrongType, looked, count(snapshot.queues.len() as u64, "queue", "queues"), found);
    Ok(())
}

async fn server(state: &AppState, snapshot: &Snapshot, report: &mut Report, cost: &mut Cost) -> Result<(), ApiError> {
    let server = match state.driver.server(cost).await {
        Ok(server) => server,
        Err(error) => return refused(report, Check::Settings, error),
    };
    let open = state.config.password.is_none() && !state.config.host.is_loopback();
    let mut found = system::settings(&server, &state.archive.status(), &snapshot.nodes, &snapshot.version, open);
    found.extend(growing(state, cost).await);
    let known = server.eviction.is_some() && server.max_memory.is_some();
    let note = if known {
        "memory limit, eviction, role, archive, access, versions"
    } else {
        "role, archive, access, versions; Redis does not tell its memory limit"
    };
    report.add(Check::Settings, if known { Looked::Whole } else { Looked::Partly }, note, found);
    Ok(())
}

/// Whether the archive only grows, as far as it and Redis tell.
async fn growing(state: &AppState, cost: &mut Cost) -> Option<Finding> {
    let size = size::bytes(&state.archive).await?;
    // The stored settings, and in one transaction what is known of the last run.
    cost.0 += 5;
    let keep = state.driver.retention(now()).await.ok()?;
    system::growing(size, keep.auto_cleanup && keep.problem.is_none())
}
