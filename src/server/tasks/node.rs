//! The console reports itself as a node, as the original does: service `flux-console`, every 10 s, for 30 s. What the system
//! does not tell is left out.

use crate::server::{
    actions::now,
    driver::redis::nodes::{TTL_S, key},
    state::AppState,
};
use serde_json::{Map, Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

pub const SERVICE: &str = "flux-console";
/// Two heartbeats may be missed before the key is gone.
const EVERY: Duration = Duration::from_secs(TTL_S / 3);

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (began, mut before) = (Instant::now(), Load::read());
    let host = hostname();
    let id = format!("{}-{}", host.as_deref().unwrap_or("console"), std::process::id());
    loop {
        let load = Load::read();
        let json = heartbeat(&id, host.as_deref(), began.elapsed(), &before, &load);
        // Redis may be down, or an ACL may forbid it: the console works all the same, and tries again.
        if let Err(error) = state.driver.beat_as_node(SERVICE, &id, &json.to_string()).await {
            tracing::debug!(%error, "the console does not report itself");
        } else {
            // No scan needs to find it.
            state.nodes.lock().met(&key(SERVICE, &id), (SERVICE.into(), id.clone()), now());
        }
        before = load;
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    // A console that stopped in order is not to look late.
    let _ = tokio::time::timeout(Duration::from_millis(200), state.driver.leave_as_node(SERVICE, &id)).await;
    Ok(())
}

/// Counters since the machine was started, in the same unit: only their differences mean something.
#[derive(Clone, Copy, Default)]
struct Load {
    /// Time of all cores.
    all: Option<u64>,
    idle: Option<u64>,
    /// Time of this process.
    own: Option<u64>,
}

impl Load {
    fn read() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let (all, idle) = all_and_idle(&stat).unzip();
        Self { all, idle, own: own_time(&own) }
    }
}

/// `cpu  user nice system idle iowait irq softirq steal …`; guest time is a part of user time already.
fn all_and_idle(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map_while(|n| n.parse().ok()).collect();
    (times.len() >= 5).then(|| (times.iter().sum(), times[3] + times[4]))
}

/// User and system time. The name of the program stands in parentheses and may hold anything.
fn own_time(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// A part of the time between two readings, percent of all cores with two decimals; `None` when no time has passed.
fn part(part: Option<u64>, all: Option<u64>) -> Option<f64> {
    let (part, all) = (part?, all.filter(|n| *n > 0)?);
    #[expect(clippy::cast_precision_loss, reason = "clock ticks are far below 2^53")]
    Some((part.min(all) as f64 / all as f64 * 10_000.0).round() / 100.0)
}

fn since(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    now?.checked_sub(before?)
}

fn hostname() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A line such as `MemTotal:  24684084 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// In the shape of a Quasar agent (stream-protocol.md, 2); unknown fields are absent.
fn heartbeat(id: &str, host: Option<&str>, up: Duration, before: &Load, load: &Load) -> Value {
    let all = since(load.all, before.all);
    let busy = Option::zip(all, since(load.idle, before.idle)).map(|(all, idle)| all.saturating_sub(idle));
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (total, free) = (kilobytes(&meminfo, "MemTotal"), kilobytes(&meminfo, "MemAvailable"));
    let used = Option::zip(total, free).map(|(total, free)| total.saturating_sub(free));
    let cores = std::thread::available_parallelism().ok().map(std::num::NonZero::get);
    known([
        ("id", Some(json!(id))),
        ("service", Some(json!(SERVICE))),
        ("language", Some(json!("other"))),
        ("version", Some(json!(env!("CARGO_PKG_VERSION")))),
        ("pid", Some(json!(std::process::id()))),
        ("hostname", host.map(|h| json!(h))),
        ("platform", Some(json!(std::env::consts::OS))),
        (
            "cpu",
            Some(known([
                ("system", part(busy, all).map(|n| json!(n))),
                ("process", part(since(load.own, before.own), all).map(|n| json!(n))),
                ("cores", cores.map(|n| json!(n))),
            ])),
        ),
        (
            "memory",
            Some(known([
                (
                    "system",
                    Some(known([("total", total.map(|n| json!(n))), ("free", free.map(|n| json!(n))), ("used", used.map(|n| json!(n)))])),
                ),
                ("process", Some(known([("rss", kilobytes(&status, "VmRSS").map(|n| json!(n)))]))),
            ])),
        ),
        ("runtime", Some(json!({"uptime": up.as_secs(), "framework": "Flux Console"}))),
        ("timestamp", Some(json!(now().0))),
    ])
}

fn known<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_kernel_are_read() {
        let stat = "cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 1 2 3 4\n";
        assert_eq!(all_and_idle(stat), Some((1_000, 850)));
        assert_eq!(own_time("4711 (odd ) name) S 1 1 1 0 -1 4194560 9 0 0 0 31 11 0 0 20 0 5 0 1 2 3"), Some(42));
        assert_eq!(kilobytes("MemFree: 1 kB\nMemTotal:       24684084 kB\n", "MemTotal"), Some(24_684_084 * 1_024));
        for text in ["", "cpu", "intr 1 2", "cpu  1 2"] {
            assert_eq!(all_and_idle(text), None);
        }
        assert_eq!((own_time("no parenthesis"), kilobytes("", "VmRSS")), (None, None));
    }

    #[test]
    fn the_load_is_a_part_of_all_cores() {
        let before = Load { all: Some(1_000), idle: Some(500), own: Some(10) };
        let after = Load { all: Some(1_400), idle: Some(800), own: Some(22) };
        let beat = heartbeat("h-1", Some("h"), Duration::from_secs(75), &before, &after);
        assert_eq!((&beat["cpu"]["system"], &beat["cpu"]["process"]), (&json!(25.0), &json!(3.0)));
        assert_eq!(
            (&beat["service"], &beat["language"], &beat["runtime"]["uptime"]),
            (&json!("flux-console"), &json!("other"), &json!(75))
        );
        let unknown = heartbeat("h-1", None, Duration::ZERO, &Load::default(), &Load::default());
        assert!(unknown["cpu"].get("system").is_none() && unknown["cpu"].get("process").is_none() && unknown.get("hostname").is_none());
        assert_eq!(part(Some(5), Some(0)), None, "no time has passed");
    }
}
