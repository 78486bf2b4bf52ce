//! Completions beside `kill -9`: they are nowhere but in what the consoles heard, so whoever takes over writes what the killed one
//! did not come to, and nothing that it wrote already.

use crate::support::{Database, DatabaseKind, Payload, Replica, TestRedis, eventually};
use flux_console::server::archive::{Archive, sql::sql};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const ROUNDS: usize = 3;
/// Of one list no more payloads are looked at before a worker takes them.
const JOBS: usize = 20;

super::on_each! { a_killed_archiver_loses_and_doubles_no_completion }

fn jobs(round: usize) -> impl Iterator<Item = String> {
    (0..JOBS).map(move |n| format!("done-{round}-{n}"))
}

async fn says(redis: &TestRedis, worker: &str, level: &str, message: &str, job: &str) {
    let at = flux_console::server::actions::now().iso();
    let event = format!(r#"{{"level":"{level}","message":"{message}: {job}","workerId":"{worker}","jobId":"{job}","timestamp":"{at}"}}"#);
    redis::cmd("PUBLISH").arg("flux_console:logs").arg(event).exec_async(&mut redis.con.clone()).await.expect("published");
}

/// One that hears the events and has seen what waits. Its queue is known of a job alone that was seen: the worker serves none.
async fn start(redis: &TestRedis, database: &Database) -> Replica {
    let console = Replica::with(redis, &["--archive", &database.flag(), "--archive-completed", "true"]);
    console.listens().await;
    eventually("it has seen what waits", SOON, async || {
        says(redis, "prober", "info", "Processing job", "probe").await;
        // A tick, in which the payload is seen again.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let running = console.json("/api/v1/queues/probe/jobs?state=active").await;
        running["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty())
    })
    .await;
    console
}

async fn leader(consoles: &[Replica]) -> usize {
    let mut found = None;
    eventually("one of them archives", SOON, async || {
        for (at, console) in consoles.iter().enumerate() {
            // The figures are the leader's on each of them.
            if console.json("/api/v1/archive").await["archiver"] == "this" {
                found = Some(at);
            }
        }
        found.is_some()
    })
    .await;
    found.expect("one")
}

/// Jobs of which a row says that they completed, and jobs of which a run does.
async fn written(archive: &Archive) -> (Vec<String>, Vec<String>) {
    let db = archive.db().expect("open");
    let ids = async |text: &str| {
        let mut ids = db.rows(sql(text), |row| row.text(0).unwrap_or_default()).await.expect("ids");
        ids.sort();
        ids
    };
    let rows = ids("SELECT job_id FROM flux_job_archive WHERE status = 'completed'").await;
    (rows, ids("SELECT job_id FROM flux_console_attempts WHERE outcome = 'completed'").await)
}

async fn a_killed_archiver_loses_and_doubles_no_completion(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    redis.push_raw("queue:probe", [Payload::new("probe", "probe").waiting()]).await;
    for round in 0..ROUNDS {
        let queue = format!("mail-{round}");
        redis.push_raw(&format!("queue:{queue}"), jobs(round).map(|id| Payload::new(&id, &queue).attempts(1, 3).waiting())).await;
    }
    let beat = r#"{"id":"w","status":"online","hostname":"h","pid":1,"uptime":5,"queues":["probe","mail-0","mail-1","mail-2"]}"#;
    redis::cmd("PSETEX").arg("flux_console:worker:w").arg(900_000).arg(beat).exec_async(&mut redis.con.clone()).await.expect("set");
    let mut consoles = Vec::new();
    for _ in 0..3 {
        consoles.push(start(&redis, &database).await);
    }
    let archive = super::open(&database).await;
    for round in 0..ROUNDS {
        let victim = leader(&consoles).await;
        for (n, job) in jobs(round).enumerate() {
            // It has written some of them, and heard more.
            if n == JOBS / 2 {
                consoles.remove(victim).kill();
            }
            says(&redis, "w", "info", "Processing job", &job).await;
            says(&redis, "w", "success", "Completed job", &job).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        // The two that are left heard all of it, and what came in the rounds before.
        let expected = (round + 1) * JOBS;
        eventually("the next one writes them", SOON, async || {
            let (rows, runs) = written(&archive).await;
            rows.len() >= expected && runs.len() >= expected
        })
        .await;
        consoles.push(start(&redis, &database).await);
    }
    let mut expected: Vec<String> = (0..ROUNDS).flat_map(jobs).collect();
    expected.sort();
    let (rows, runs) = written(&archive).await;
    assert_eq!(rows, expected, "each has one row");
    assert_eq!(runs, expected, "each has one run");
}
