//! Redis, schedules, and the console itself.

use super::few;
use crate::model::{
    archive::{ArchiveState, ArchiveStatus},
    doctor::{Check, Finding, Level},
    node::{Freshness, Node},
    number::bytes,
    schedule::Ticking,
    time::{Millis, span},
};
use crate::server::driver::redis::doctor::{ClockDifference, Overdue, Server};
use std::collections::BTreeSet;

/// Delayed jobs are due by the workers' clocks and shown by Redis's and ours: a second makes a difference that is seen.
const CLOCK_US: i64 = 1_000_000;
/// A ticker looks every few seconds: due for longer than this means that none does.
pub const OVERDUE_MS: i64 = 60_000;
/// Memory in use from which Redis is nearly full, percent.
const FULL: u64 = 90;
/// An archive from which nothing is deleted is worth a word from here on, in bytes.
const LARGE: u64 = 1_000_000_000;

fn finding(check: Check, level: Level, subject: &str, title: String, meaning: &str, advice: &str) -> Finding {
    Finding {
        check,
        level,
        subject: subject.to_owned(),
        title,
        meaning: meaning.to_owned(),
        advice: advice.to_owned(),
        href: None,
        fixes: Vec::new(),
    }
}

/// `< 0.1 ms`, `3.2 ms`, `1.4 s`
fn shown(us: i64) -> String {
    let us = us.unsigned_abs();
    match us {
        ..100 => "< 0.1 ms".into(),
        100..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        1_000_000..60_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        _ => span(i64::try_from(us / 1_000).unwrap_or(i64::MAX)),
    }
}

/// What was measured, in words.
pub fn clock_note(d: &ClockDifference) -> String {
    let side = if d.ahead_us >= 0 { "ahead of" } else { "behind" };
    format!("Redis is {} {side} the console, give or take {}", shown(d.ahead_us), shown(d.unsure_us))
}

/// A difference that the round trip cannot explain.
pub fn clock(d: &ClockDifference) -> Option<Finding> {
    (d.ahead_us.abs().saturating_sub(d.unsure_us) > CLOCK_US).then(|| {
        let side = if d.ahead_us >= 0 { "ahead of" } else { "behind" };
        finding(
            Check::Clock,
            Level::Problem,
            "redis",
            format!("The clock of Redis is {} {side} the console's", shown(d.ahead_us)),
            "Ages, due times and schedules compare times that different machines wrote: delayed jobs and schedules run early or late by about this much, and ages on the pages are wrong by it.",
            "Let both machines (and the workers') keep time by NTP.",
        )
    })
}

/// Due for more than a minute and still there.
pub fn overdue(prefix: &str, schedules: &[Overdue], now: Millis) -> Option<Finding> {
    let due: Vec<&Overdue> = schedules.iter().filter(|s| s.enabled == Some(true)).collect();
    let oldest = due.iter().map(|s| s.due).min()?;
    let late = span(now.0.saturating_sub(oldest));
    let names = few(due.iter().map(|s| s.id.as_str()));
    let many = due.len() as u64;
    Some(finding(
        Check::Schedules,
        Level::Problem,
        &format!("{prefix}schedules"),
        format!("{} due and not run", super::count(many, "schedule is", "schedules are")),
        &format!(
            "{names}: due for up to {late}. A ticker looks every few seconds and moves the time on, so none runs for {prefix}schedules, or these schedules are broken (a cron that cannot be read, a job that is not JSON)."
        ),
        "Run one ticker: the console (unless it was started with --no-scheduler) or the library's Scheduler, with this prefix. Broken schedules are marked on their page.",
    ))
}

/// Schedules whose hash is gone: a ticker has nothing to push.
pub fn without_hash(prefix: &str, schedules: &[Overdue]) -> Option<Finding> {
    let lost: Vec<&str> = schedules.iter().filter(|s| s.enabled.is_none()).map(|s| s.id.as_str()).collect();
    (!lost.is_empty()).then(|| {
        finding(
            Check::Schedules,
            Level::Problem,
            &format!("{prefix}schedule"),
            format!("{} in {prefix}schedules without its settings", super::count(lost.len() as u64, "entry stands", "entries stand")),
            &format!(
                "{}: the hash of the same name is gone or cannot be read, so it is due for ever and nothing is pushed.",
                few(lost.iter().copied())
            ),
            "Register the schedule again, or remove the entry with ZREM.",
        )
    })
}

/// A ticker that is no console, beside consoles that tick: both may fire a run within its window.
pub fn foreign_ticker(prefix: &str, ticking: &Ticking) -> Option<Finding> {
    let foreign = ticking.foreign.as_ref().filter(|_| ticking.both())?;
    Some(finding(
        Check::Schedules,
        Level::Possible,
        &format!("{prefix}ticker"),
        "Another scheduler ticks beside the console".to_owned(),
        &format!(
            "It fired {} at {}. Its push and its step to the next run are two commands, so a run may be pushed by both.",
            foreign.id,
            foreign.at.full()
        ),
        "Let one of them tick: start the console with --no-scheduler, or stop the application's own scheduler.",
    ))
}

/// An archive that only grows. `deletes`: old rows go by themselves.
pub fn growing(size: u64, deletes: bool) -> Option<Finding> {
    (size > LARGE && !deletes).then(|| Finding {
        href: Some("/settings#retention".into()),
        ..finding(
            Check::Settings,
            Level::Note,
            "retention",
            format!("The archive takes {}, and nothing is deleted from it by itself", bytes(size)),
            "It keeps what workers say, about 1 kB a job, and every job that failed. On a full disk it takes nothing more.",
            "Turn on automatic deletion in Settings, and say there for how many days jobs and log lines are kept.",
        )
    })
}

pub fn settings(server: &Server, archive: &ArchiveStatus, nodes: &[Node], version: &str, open_to_all: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |level, subject: &str, title: String, meaning: &str, advice: &str| {
        found.push(finding(Check::Settings, level, subject, title, meaning, advice));
    };
    let limit = server.max_memory.filter(|n| *n > 0);
    if let (Some(_), Some(policy)) = (limit, server.eviction.as_deref().filter(|p| *p != "noeviction")) {
        add(
            Level::Problem,
            "maxmemory-policy",
            format!("Redis may throw jobs away: maxmemory-policy is {policy}"),
            "When memory is full, Redis deletes keys by this policy: whole lists of jobs, without a trace.",
            "Set maxmemory-policy to noeviction on a Redis that holds queues. Pushes then fail loudly instead.",
        );
    }
    if let (Some(max), Some(used)) = (limit, server.used_memory)
        && used.saturating_mul(100) / max >= FULL
    {
        add(
            Level::Problem,
            "maxmemory",
            format!("Redis uses {} % of its memory limit", used.saturating_mul(100) / max),
            "At the limit pushes fail, or keys are evicted.",
            "Raise maxmemory, or find the longest lists on the page of queues.",
        );
    }
    if server.is_replica {
        add(
            Level::Problem,
            "role",
            "This Redis is a replica".into(),
            "It takes no writes: every action of the console fails, and the counts may lag behind the primary.",
            "Point --url at the primary.",
        );
    }
    match archive.state {
        ArchiveState::Unavailable => add(
            Level::Problem,
            "archive",
            "The archive cannot be reached".into(),
            "Dead letters, runs and log lines are not kept while it is away, except what Redis still holds when it is back.",
            "See the section Archive on this page for the reason.",
        ),
        ArchiveState::Off => add(
            Level::Note,
            "archive",
            "The archive is off".into(),
            "Only what is in Redis can be shown: dead letters beyond the newest 1,000 of a queue are lost.",
            "Start the console without --archive off.",
        ),
        ArchiveState::Ready | ArchiveState::Starting => {}
    }
    if open_to_all {
        add(
            Level::Note,
            "access",
            "The console is open to the network without a password".into(),
            "It was started with --allow-open: whoever reaches the port can delete jobs.",
            "Set AUTH_PASSWORD, unless something in front of it asks for one.",
        );
    }
    let others: BTreeSet<&str> = nodes
        .iter()
        .filter(|n| n.service == "flux-console" && n.freshness != Freshness::Gone)
        .filter_map(|n| n.beat.version.as_deref())
        .filter(|v| *v != version)
        .collect();
    if !others.is_empty() {
        add(
            Level::Note,
            "version",
            format!("Consoles of other versions run on this Redis: {}", few(others)),
            "They share the archive, leases and settings with this one.",
            "Bring all of them to one version soon; an update passes through this state.",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_within_the_round_trip_is_none() {
        let at = |ahead_us, unsure_us| clock(&ClockDifference { ahead_us, unsure_us });
        assert!(at(900_000, 0).is_none() && at(-3_000_000, 2_500_000).is_none());
        assert!(at(1_500_000, 200).unwrap().title.contains("1.5 s ahead of"));
        assert!(at(-65_000_000, 200).unwrap().title.contains("1 min 5 s behind"));
        assert_eq!(
            clock_note(&ClockDifference { ahead_us: -230, unsure_us: 90 }),
            "Redis is 0.2 ms behind the console, give or take < 0.1 ms"
        );
    }

    #[test]
    fn a_schedule_that_is_off_may_be_due() {
        let schedule = |id: &str, enabled| Overdue { id: id.into(), due: 1_000, enabled };
        assert!(overdue("queue:", &[schedule("a", Some(false)), schedule("b", None)], Millis(100_000)).is_none());
        let found = overdue("queue:", &[schedule("a", Some(true)), schedule("b", Some(false))], Millis(100_000)).unwrap();
        assert!(found.title.starts_with("1 schedule is due") && found.meaning.starts_with("a: due for up to 1 min 39 s"), "{found:?}");
        assert!(without_hash("queue:", &[schedule("b", None)]).is_some());
    }

    #[test]
    fn an_archive_that_only_grows_is_told_when_it_is_large() {
        assert!(growing(LARGE, false).is_none() && growing(5 * LARGE, true).is_none());
        let found = growing(2_340_000_000, false).unwrap();
        assert!(found.title.contains("2.3 GB") && found.href.as_deref() == Some("/settings#retention"), "{found:?}");
    }

    #[test]
    fn settings_that_cost_jobs_are_told() {
        let archive = |state| ArchiveStatus { state, name: String::new(), since: None, problem: None };
        let said = |server: &Server, state| {
            settings(server, &archive(state), &[], "1", false).iter().map(|f| f.subject.clone()).collect::<Vec<_>>()
        };
        assert!(said(&Server::default(), ArchiveState::Ready).is_empty());
        let evicts = Server { max_memory: Some(100), used_memory: Some(95), eviction: Some("allkeys-lru".into()), is_replica: true };
        assert_eq!(said(&evicts, ArchiveState::Off), ["maxmemory-policy", "maxmemory", "role", "archive"]);
        let unlimited = Server { max_memory: Some(0), eviction: Some("allkeys-lru".into()), ..Server::default() };
        assert!(said(&unlimited, ArchiveState::Ready).is_empty(), "without a limit nothing is evicted");
    }
}
