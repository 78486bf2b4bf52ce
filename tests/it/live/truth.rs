//! The simulated application keeps its own ledger. What the console reconstructed from events and heartbeats must equal it.

use crate::support::{TestConsole, TestRedis, eventually};
use flux_console::{
    model::{live::Heard, metrics::QUANTILE_ERROR},
    server::demo::{
        app::App,
        catalogue as of,
        load::{Load, QueueLoad, WorkerLoad},
    },
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Mixed load this long.
const RUN: Duration = Duration::from_secs(60);
const INSTANTS: u32 = 20;

/// 500 jobs a second with retries, groups, priorities and delays, on workers of one queue and of several.
fn mixed() -> Load {
    let all: &[&str] = &["orders", "payments", "mail"];
    let served: [&[&str]; 10] =
        [all, all, all, all, &["orders"], &["orders"], &["mail"], &["payments"], &["mail", "orders"], &["payments"]];
    Load {
        queues: vec![
            QueueLoad::new("orders", of::ORDERS, 380.0, 4, 0.1).priorities(0.1, 0.2, 0.2).attempts(2).backoff(1.0, 1.0),
            QueueLoad::new("payments", of::PAYMENTS, 60.0, 6, 0.1).groups(6).attempts(3).backoff(1.0, 1.0),
            QueueLoad::new("mail", of::MAIL, 60.0, 6, 0.2).delayed(0.5, 1, 1).attempts(1),
        ],
        workers: served.iter().enumerate().map(|(i, queues)| WorkerLoad::new(&format!("host-{i}"), queues)).collect(),
        poll: Duration::from_millis(15),
        first_heartbeat: Duration::ZERO,
        heartbeat: Duration::from_secs(2),
        keep_ids: true,
        ..Load::default()
    }
}

async fn heard(console: &TestConsole) -> Heard {
    serde_json::from_value(console.json("/api/v1/overview").await["heard"].take()).expect("heard")
}

/// Runs that the console shows as open, by worker.
fn shown(workers: &Value) -> Vec<(String, String)> {
    let mut open = Vec::new();
    for worker in workers["workers"].as_array().expect("workers") {
        for run in worker["runs"].as_array().expect("runs").iter().filter(|r| r["state"] == "running") {
            open.push((worker["id"].as_str().expect("id").to_owned(), run["job"].as_str().unwrap_or_default().to_owned()));
        }
    }
    open.sort();
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_counter_equals_what_the_application_did() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    console.listens().await;
    let app = App::start(&redis.url, mixed()).await.expect("starts");
    let began = Instant::now();
    let victims = [app.workers()[0].clone(), app.workers()[5].clone()];
    for instant in 0..INSTANTS {
        let at = RUN / INSTANTS * instant;
        tokio::time::sleep(at.saturating_sub(began.elapsed())).await;
        if instant == 7 {
            // A worker of several queues and one of a single queue die in the middle of a job each.
            victims.iter().for_each(|id| app.kill_worker(id));
            eventually("they died", Duration::from_secs(20), async || app.ledger.counts().killed == 2).await;
        }
        // Everybody holds a job: what is open is the same for a moment.
        app.hold();
        let alive = app.workers().len();
        let held = || -> Vec<(String, String)> { app.ledger.open().into_iter().collect() };
        eventually("every worker holds a job", Duration::from_secs(20), async || held().len() == alive).await;
        // A job that was past the hold when it came may still end and make room for another: what is open is asked for again.
        let same = async || {
            let before = held();
            let mut now = shown(&console.json("/api/v1/workers").await);
            // Until its heartbeat is found gone, a dead worker seems to go on with its job.
            now.retain(|(worker, _)| !victims.contains(worker) || instant < 7);
            now == before && before.len() == alive
        };
        eventually("the console shows what is open", Duration::from_secs(10), same).await;
        if !(7..14).contains(&instant) {
            // The tile follows with the next tick.
            let active = async || console.json("/api/v1/overview").await["totals"]["active"] == alive;
            eventually("the tile shows as many", Duration::from_secs(5), active).await;
        }
        app.release();
    }
    tokio::time::sleep(RUN.saturating_sub(began.elapsed())).await;
    app.stop_producing();
    let ledger = app.ledger.clone();
    app.stop().await;
    let truth = ledger.counts();
    println!("in {:?}: {truth:?}", began.elapsed());
    assert!(truth.started > 500 * RUN.as_secs() / 4, "too slow to say anything: {truth:?}");
    assert!(truth.retried > 0 && truth.dead > 0 && truth.broken == 0, "{truth:?}");

    let counts = |h: &Heard| (h.started, h.completed, h.failed, h.retried, h.dead, h.lost);
    let expected = (truth.started, truth.completed, truth.failed, truth.retried, truth.dead, truth.killed);
    eventually("every event arrived", Duration::from_secs(20), async || counts(&heard(&console).await) == expected).await;
    let told = heard(&console).await;
    assert_eq!((told.malformed, told.dropped, told.unknown, told.gap), (0, 0, 0, None), "{told:?}");

    // The frames hold the same, and the percentiles are within the stated error.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let quarter = console.json("/api/v1/metrics?window=15m").await;
    let summary = &quarter["summary"];
    let of = |name: &str| summary[name].as_u64().expect("a count");
    assert_eq!(
        (of("started"), of("completed"), of("failed"), of("retried"), of("dead")),
        (truth.started, truth.completed, truth.failed, truth.retried, truth.dead)
    );
    let mut ran: Vec<f64> = ledger.run_times().iter().map(|d| d.as_secs_f64() * 1_000.0).collect();
    ran.sort_by(f64::total_cmp);
    for (name, q) in [("p50", 0.50), ("p95", 0.95), ("p99", 0.99)] {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let exact = ran[(((q * ran.len() as f64).ceil() as usize).max(1)) - 1];
        let shown = summary["run"][name].as_f64().expect("a percentile");
        // One decimal is shown.
        assert!((shown - exact).abs() <= exact * QUANTILE_ERROR + 0.05, "{name}: {shown} shown, {exact} exact of {}", ran.len());
    }
    assert_eq!(summary["run"]["count"].as_u64(), Some(ran.len() as u64));

    // Lost ones are shown with the job that they held.
    let workers = console.json("/api/v1/workers").await;
    let lost: Vec<&Value> = workers["workers"].as_array().unwrap().iter().filter(|w| w["state"] == "lost").collect();
    assert_eq!((lost.len(), workers["lost"].as_u64()), (2, Some(2)));
    let killed = ledger.ids(flux_console::server::demo::ledger::Fate::Killed);
    for worker in lost {
        assert!(victims.iter().any(|v| worker["id"] == v.as_str()));
        assert!(killed.iter().any(|id| worker["runs"][0]["job"] == id.as_str()), "{worker}");
    }
    console.stop().await;
}
