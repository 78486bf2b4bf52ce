//! Every recording of the running library, loaded into a fresh Redis: the queues that the console finds, and their counts,
//! are the ones counted by hand; every payload comes back byte for byte.

use crate::support::{
    TestConsole, TestRedis, eventually,
    recording::{self, Recording},
};
use flux_console::{
    model::{
        ids::segment,
        queue::{Paused, QueueSample},
    },
    server::config::Config,
};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, time::Duration};

/// What one queue must show. `waiting` without grouped jobs: critical, high, base, low.
struct Expected {
    name: &'static str,
    waiting: [u64; 4],
    grouped: u64,
    delayed: u64,
    failed: u64,
    workers: Option<u64>,
}

const fn queue(name: &'static str, waiting: [u64; 4]) -> Expected {
    Expected { name, waiting, grouped: 0, delayed: 0, failed: 0, workers: None }
}

impl Expected {
    const fn grouped(self, grouped: u64) -> Self {
        Self { grouped, ..self }
    }

    const fn delayed(self, delayed: u64) -> Self {
        Self { delayed, ..self }
    }

    const fn failed(self, failed: u64) -> Self {
        Self { failed, ..self }
    }

    /// As many heartbeats name it.
    const fn workers(self, workers: u64) -> Self {
        Self { workers: Some(workers), ..self }
    }
}

/// Scenario → its queues by name. A queue that a heartbeat names exists though it is empty; `active`, `pending:*`,
/// `schedules`, `logs:history`, `worker:*` and `lock:*` are no queues, and neither is what lies outside the prefix.
const RECORDED: &[(&str, &[Expected])] = &[
    (
        "consumer-default-prefix-midrun",
        &[queue("mail", [0, 0, 4, 0]).workers(1), queue("payments", [0, 0, 3, 0]).failed(1).workers(1), queue("slow", [0; 4]).workers(1)],
    ),
    (
        "consumer-default-prefix-settled",
        &[queue("mail", [0; 4]).delayed(1).workers(1), queue("payments", [0; 4]).failed(4).workers(1), queue("slow", [0; 4]).workers(1)],
    ),
    ("consumer-json-after", &[]),
    ("consumer-json-before", &[queue("json-mail", [0, 0, 3, 0])]),
    ("driver-api-failed", &[queue("mail", [0, 0, 1, 0]).failed(1)]),
    ("driver-api-failed-priority", &[queue("mail", [0, 0, 2, 0]).delayed(1).failed(1)]),
    ("driver-api-retried", &[queue("mail", [0, 0, 2, 0]).delayed(2)]),
    // customer-1 has two jobs of invoices behind its own: they count where the first one belongs.
    ("group-fifo-midrun", &[queue("invoices", [0; 4]).workers(1), queue("orders", [0, 0, 1, 0]).grouped(4).workers(1)]),
    ("group-fifo-pushed", &[queue("orders", [0, 0, 3, 0]).grouped(6)]),
    ("push-class", PUSHED),
    ("push-json", PUSHED),
    ("quasar", &[queue("mail", [0, 0, 4, 0]).delayed(1)]),
    ("ratelimit", &[queue("limited", [0, 0, 9, 0]).workers(1)]),
    ("scheduler-registered", &[]),
    ("scheduler-ticked", &[queue("fast", [0, 0, 1, 0]), queue("reports", [0, 0, 1, 0])]),
];

const PUSHED: &[Expected] = &[
    queue("active-jobs", [0, 0, 1, 0]),
    queue("bulk", [0, 0, 5, 2]),
    queue("default", [0, 0, 1, 0]),
    queue("mail", [1, 2, 3, 1]).delayed(3),
    queue("mail:5", [0, 0, 1, 0]),
    queue("mail:default", [0, 0, 1, 0]),
    queue("payments", [0, 1, 6, 0]).grouped(1),
    queue("tenant:1:mail", [0, 0, 1, 0]),
    queue("кириллица queue", [0, 0, 1, 0]),
];

/// A recording must show what was counted by hand; its jobs must come back unchanged.
async fn check(file: &Path) {
    let recording = Recording::read(file);
    let name = recording.scenario.clone();
    let (_, expected) =
        RECORDED.iter().find(|(scenario, _)| *scenario == name).unwrap_or_else(|| panic!("{name} is a new recording: count it by hand"));
    let redis = TestRedis::start().await;
    recording.load(&redis).await;
    let before = redis.all_elements().await;
    let console = quiet(&redis).await;
    // Ages, groups, and queues that only a heartbeat names come a tick after the counts; a request makes it tick.
    console.json("/api/v1/queues").await;
    let settled = async || {
        let queues = &console.state.snapshot().queues;
        queues.len() >= expected.len()
            && queues.iter().all(|q| !q.grouped_partial && (q.by_priority.sum() == Some(0) || q.oldest_waiting_ms.is_some()))
    };
    eventually(&format!("{name}: every queue, group and age is known"), Duration::from_secs(10), settled).await;
    let snapshot = console.state.snapshot();

    let names: Vec<&str> = snapshot.queues.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, expected.iter().map(|q| q.name).collect::<Vec<_>>(), "{name}: queues");
    let anybody = expected.iter().any(|q| q.workers.is_some());
    for (queue, expected) in snapshot.queues.iter().zip(expected.iter()) {
        same(&name, queue, expected);
    }
    assert_eq!(snapshot.totals.grouped_unattributed, 0, "{name}");
    assert_eq!(snapshot.totals.waiting, Some(expected.iter().map(all_waiting).sum()), "{name}");
    assert_eq!(snapshot.totals.delayed, Some(expected.iter().map(|q| q.delayed).sum()), "{name}");
    assert_eq!(snapshot.totals.failed, Some(expected.iter().map(|q| q.failed).sum()), "{name}");
    assert!(snapshot.workers.is_none_or(|n| n == u64::from(anybody)), "{name}: {:?} workers", snapshot.workers);

    let listed = console.json("/api/v1/queues").await;
    assert_eq!(listed["queues"].as_array().map(Vec::len), Some(expected.len()), "{name}: REST says the same");
    for queue in *expected {
        payloads_come_back(&console, queue, &before).await;
    }
    assert_eq!(redis.all_elements().await, before, "{name}: looking changes nothing");
    console.stop().await;
}

fn all_waiting(queue: &Expected) -> u64 {
    queue.waiting.iter().sum::<u64>() + queue.grouped
}

fn same(recording: &str, queue: &QueueSample, expected: &Expected) {
    let [critical, high, base, low] = expected.waiting.map(Some);
    let split = &queue.by_priority;
    let what = format!("{recording}: {}", queue.name);
    assert_eq!([split.critical, split.high, split.base, split.low], [critical, high, base, low], "{what}");
    assert_eq!(queue.waiting, Some(all_waiting(expected)), "{what}");
    assert_eq!((queue.grouped, queue.grouped_partial), (expected.grouped, false), "{what}");
    assert_eq!((queue.delayed, queue.failed), (Some(expected.delayed), Some(expected.failed)), "{what}");
    assert_eq!((queue.failed_at_cap, queue.paused), (false, Paused::No), "{what}");
    assert_eq!(queue.workers, expected.workers, "{what}");
    // Redis does not store it: unknown, never 0.
    assert_eq!(queue.active, None, "{what}");
    assert!(queue.problems.is_empty(), "{what}: {:?}", queue.problems);
    let waits = expected.waiting.iter().sum::<u64>() > 0;
    assert_eq!(queue.oldest_waiting_ms.is_some(), waits, "{what}: oldest {:?}", queue.oldest_waiting_ms);
}

async fn payloads_come_back(console: &TestConsole, queue: &Expected, stored: &BTreeMap<String, Vec<Vec<u8>>>) {
    let path = format!("/api/v1/queues/{}/jobs", segment(queue.name));
    let lists = [("waiting", queue.waiting.iter().sum()), ("grouped", queue.grouped), ("delayed", queue.delayed), ("failed", queue.failed)];
    for (state, count) in lists {
        let page = console.json(&format!("{path}?state={state}&perPage=200")).await;
        assert_eq!(page["total"], count, "{} {state}", queue.name);
        let jobs = page["jobs"].as_array().expect("jobs");
        assert_eq!(jobs.len() as u64, count, "{} {state}", queue.name);
        for job in jobs {
            let fingerprint = job["fingerprint"].as_str().expect("a fingerprint");
            let found = console.json(&format!("{path}/{fingerprint}")).await;
            let payload = found["payload"].as_str().expect("a payload");
            assert!(stored.values().flatten().any(|raw| raw == payload.as_bytes()), "{} {state}: {payload}", queue.name);
            assert_eq!(found["id"], job["id"]);
        }
    }
}

#[tokio::test]
async fn every_recording_shows_what_is_in_it() {
    let Some(dir) = recording::shared() else { return };
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert_eq!(files.len(), RECORDED.len(), "a recording is missing or new");
    futures::future::join_all(files.iter().map(|file| check(file))).await;
}

#[tokio::test]
async fn our_own_copies_show_what_is_in_them() {
    let files = ["push-class", "group-fifo-pushed", "consumer-default-prefix-settled", "scheduler-ticked"]
        .map(|scenario| recording::fixtures().join(format!("{scenario}.json")));
    futures::future::join_all(files.iter().map(|file| check(file))).await;
}

/// critical, high, base, low, each from its tail; jobs of a group in the order in which they pend.
#[tokio::test]
async fn waiting_jobs_stand_in_the_order_in_which_they_run() {
    let redis = TestRedis::start().await;
    Recording::read(&recording::fixtures().join("push-class.json")).load(&redis).await;
    let console = quiet(&redis).await;
    let ids = async |path: &str| -> Vec<String> {
        let page: Value = console.json(path).await;
        page["jobs"].as_array().expect("jobs").iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
    };
    let expected = [
        "1795432802366-1sylbgi",
        "1795432802423-g5t14nr",
        "1795432802695-2p5gsui",
        "1795432801873-l5wz36k",
        "mail-0001",
        "1795432802638-qfxgz4c",
    ];
    let waiting = ids("/api/v1/queues/mail/jobs?state=waiting").await;
    assert_eq!(waiting.len(), 7);
    assert_eq!(waiting[..6], expected);
    assert_eq!(ids("/api/v1/queues/payments/jobs?state=grouped").await, ["1795432802809-osa55us"]);
    console.stop().await;

    let redis = TestRedis::start().await;
    Recording::read(&recording::fixtures().join("group-fifo-pushed.json")).load(&redis).await;
    let console = quiet(&redis).await;
    let page = console.json("/api/v1/queues/orders/jobs?state=grouped").await;
    let of_group = |group: &str| -> Vec<&str> {
        page["jobs"].as_array().expect("jobs").iter().filter(|j| j["groupId"] == group).filter_map(|j| j["id"].as_str()).collect()
    };
    assert_eq!(of_group("customer-1"), ["g1-2", "g1-3", "g1-4", "inv-1", "inv-2"]);
    assert_eq!(of_group("customer-2"), ["g2-2"]);
    console.stop().await;
}

/// A console that fires no schedules: those of the recordings are due since long.
async fn quiet(redis: &TestRedis) -> TestConsole {
    let console = TestConsole::start(Config { url: redis.url.clone(), scheduler: false, ..Config::default() }).await;
    console.discovered().await;
    console
}
