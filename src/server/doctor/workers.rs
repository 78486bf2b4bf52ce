//! Workers that report elsewhere, or say nothing.

use super::{count, few};
use crate::model::{
    doctor::{Check, Finding, Level},
    queue::{Paused, QueueSample},
    time::Millis,
    worker::{Worker, WorkerState},
};
use std::collections::BTreeSet;

/// A worker that is silent for less may just have started.
const SILENT_MS: i64 = 60_000;

/// Heartbeats met under a prefix that is not configured.
#[derive(Clone, Debug, Default)]
pub struct ForeignPrefix {
    pub workers: BTreeSet<String>,
    pub queues: BTreeSet<String>,
    pub seen_at: Option<Millis>,
}

pub fn other_prefix(prefix: &str, of: &ForeignPrefix, known: impl Fn(&str) -> bool) -> Finding {
    let ours: Vec<&str> = of.queues.iter().map(String::as_str).filter(|q| known(q)).collect();
    let serve = if of.queues.is_empty() { String::new() } else { format!(" They serve {}.", few(of.queues.iter().map(String::as_str))) };
    let shown = if prefix.is_empty() { "no prefix" } else { prefix };
    Finding {
        check: Check::OtherMonitorPrefix,
        level: if ours.is_empty() { Level::Possible } else { Level::Problem },
        subject: prefix.to_owned(),
        title: format!(
            "{} under {shown}, which this console does not look at",
            count(of.workers.len() as u64, "worker reports", "workers report")
        ),
        meaning: format!(
            "{}.{serve} Their heartbeats and events are not heard: their queues look as if nobody served them, and what they run is unknown.{}",
            few(of.workers.iter().map(String::as_str)),
            if ours.is_empty() { " None of these queues is known here, so they may belong to another application." } else { "" }
        ),
        advice: format!(
            "If they are yours, start the console with --monitor-prefix '{prefix}' as well, or set the consumers' monitor.prefix to one that it has."
        ),
        href: None,
        fixes: Vec::new(),
    }
}

/// Workers that report, while jobs wait in a queue they serve, and that were never heard.
pub fn silent(workers: &[Worker], queues: &[QueueSample], listening_since: Option<Millis>, now: Millis) -> Option<Finding> {
    let since = listening_since.filter(|at| now.0 - at.0 >= SILENT_MS)?;
    let waits = |name: &String| {
        queues.iter().any(|q| q.name.as_str() == name && q.paused == Paused::No && q.by_priority.sum().is_some_and(|n| n > 0))
    };
    let silent: Vec<&Worker> = workers
        .iter()
        .filter(|w| w.state == WorkerState::Online && w.heard_at.is_none() && w.beat.queues.iter().any(waits))
        .filter(|w| w.beat.uptime_seconds.is_none_or(|s| s >= SILENT_MS as u64 / 1_000))
        .collect();
    (!silent.is_empty()).then(|| Finding {
        check: Check::SilentWorkers,
        level: Level::Possible,
        subject: silent.iter().map(|w| w.id.as_str()).min().unwrap_or_default().to_owned(),
        title: format!("{} but sent no event, though jobs wait", count(silent.len() as u64, "worker reports", "workers report")),
        meaning: format!(
            "{}: not heard since this console listens ({}). Either their events go to another channel than their heartbeats, or they are stuck: what they run is unknown, not nothing.",
            few(silent.iter().map(|w| w.id.as_str())),
            since.near_utc(now)
        ),
        advice: "Look at their own logs. Events and heartbeats come from the consumer's monitor option; both use its prefix.".into(),
        href: Some("/workers".into()),
        fixes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_prefix_is_ours_when_it_serves_our_queues() {
        let of = ForeignPrefix { workers: ["w".to_owned()].into(), queues: ["mail".to_owned()].into(), seen_at: None };
        assert_eq!(other_prefix("apps:", &of, |q| q == "mail").level, Level::Problem);
        let other = other_prefix("apps:", &of, |_| false);
        assert_eq!((other.level, other.advice.contains("--monitor-prefix 'apps:'")), (Level::Possible, true));
    }
}
