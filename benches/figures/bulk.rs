//! Verbs on all jobs of a state, by the thousand, and what another client feels of them.

use super::{
    console::Console,
    fill,
    pings::Pings,
    redis::{Redis, longest},
    table::{Table, against, count, ms, ms_below, percentile},
};
use anyhow::{Result, bail};
use flux_console::model::{
    ids::Priority,
    operation::{Operation, OperationStatus},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const QUEUE: &str = "orders";
const WORST_PING: Duration = Duration::from_millis(5);
const REDIS_TIME: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    RetryAll,
    ClearFailed,
    DiscardAll,
    /// While a group is active anywhere, waiting jobs go one by one: each may hold a group that must go on.
    DiscardAllBesideGroups,
}

#[derive(Deserialize)]
struct Started {
    operation: Operation,
}

/// One operation, from the request to its end.
struct Run {
    wall: Duration,
    /// In scripts, as Redis counts it.
    scripts: Duration,
    /// Of the thread that runs commands, above what it uses when only the pinging client is there.
    cpu: Duration,
    pings: Vec<Duration>,
    slowest: Option<(String, Duration)>,
}

impl Act {
    const ALL: [Self; 4] = [Self::RetryAll, Self::ClearFailed, Self::DiscardAll, Self::DiscardAllBesideGroups];

    fn words(self) -> &'static str {
        match self {
            Self::RetryAll => "retry all failed",
            Self::ClearFailed => "clear failed",
            Self::DiscardAll => "delete all waiting",
            Self::DiscardAllBesideGroups => "delete all waiting, groups active",
        }
    }

    fn request(self) -> (String, Value) {
        match self {
            Self::RetryAll => (format!("/api/v1/queues/{QUEUE}/jobs/retry"), json!({"state": "failed", "all": true})),
            Self::ClearFailed => (format!("/api/v1/queues/{QUEUE}/clear-failed"), json!({})),
            Self::DiscardAll | Self::DiscardAllBesideGroups => {
                (format!("/api/v1/queues/{QUEUE}/jobs/discard"), json!({"state": "waiting", "all": true}))
            }
        }
    }

    fn fill(self, redis: &mut Redis, jobs: usize) -> Result<()> {
        redis.flush()?;
        match self {
            Self::RetryAll | Self::ClearFailed => fill::push(&mut redis.con, &format!("{QUEUE}:failed"), fill::failed(QUEUE, jobs))?,
            Self::DiscardAll | Self::DiscardAllBesideGroups => {
                fill::push(&mut redis.con, QUEUE, fill::waiting(QUEUE, Priority::Base, jobs))?
            }
        }
        if self == Self::DiscardAllBesideGroups {
            redis::cmd("SADD").arg("queue:active").arg("customer-1").exec(&mut redis.con)?;
        }
        Ok(())
    }
}

pub async fn measure(quick: bool) -> Result<()> {
    let sizes: &[usize] = if quick { &[100, 1_000] } else { &[1_000, 10_000, 100_000] };
    let mut redis = Redis::start()?;
    let console = Console::start(redis.url())?;
    console.discovered().await?;
    let (idle_cpu, idle_pings) = idle(&mut redis, &console).await?;
    let title = format!(
        "All jobs of a state (median of 3; PINGs of another client every 0.3 ms, worst of all; nothing going on: p99 {}, worst {})",
        ms(percentile(&idle_pings, 99)),
        ms(percentile(&idle_pings, 100))
    );
    let mut table = Table::new(
        title,
        &["operation", "jobs", "time", "jobs/s", "Redis: in scripts", "Redis: processor", "longest command", "PING p99", "worst PING"],
    );
    for act in Act::ALL {
        for jobs in sizes {
            eprintln!("{}: {jobs}", act.words());
            let mut runs = Vec::new();
            for _ in 0..3 {
                act.fill(&mut redis, *jobs)?;
                runs.push(run(&mut redis, &console, act, *jobs, idle_cpu).await?);
            }
            table.row(row(act, *jobs, runs));
        }
    }
    table.print();
    Ok(())
}

/// What Redis uses, of a second, while the other client pings and the console ticks; and its pings.
async fn idle(redis: &mut Redis, console: &Console) -> Result<(f64, Vec<Duration>)> {
    // Somebody looks, as during an operation.
    console.get("/api/v1/queues", "identity").await?;
    let pings = Pings::start(redis.port())?;
    let (before, began) = (redis.cpu()?, Instant::now());
    sleep(Duration::from_secs(2)).await;
    let used = redis.cpu()? - before;
    Ok((used.as_secs_f64() / began.elapsed().as_secs_f64(), pings.end()?))
}

async fn run(redis: &mut Redis, console: &Console, act: Act, jobs: usize, idle_cpu: f64) -> Result<Run> {
    // The sampler sees the new lists, and what the filling left behind settles.
    sleep(Duration::from_millis(300)).await;
    redis.watch_closely()?;
    let pings = Pings::start(redis.port())?;
    let (path, body) = act.request();
    let (cpu, began) = (redis.cpu()?, Instant::now());
    let Started { mut operation } = console.post(&path, &body).await?;
    while operation.status == OperationStatus::Running {
        sleep(Duration::from_millis(5)).await;
        operation = console.json(&format!("/api/v1/operations/{}", operation.id)).await?;
    }
    let wall = began.elapsed();
    let cpu = (redis.cpu()? - cpu).saturating_sub(wall.mul_f64(idle_cpu));
    let pings = pings.end()?;
    if operation.status != OperationStatus::Done || operation.outcome.done != jobs as u64 {
        bail!("{} of {jobs} jobs ended as {operation:?}", act.words());
    }
    Ok(Run { wall, scripts: redis.in_scripts()?, cpu, pings, slowest: redis.slowest()? })
}

fn row(act: Act, jobs: usize, runs: Vec<Run>) -> Vec<String> {
    let median = |of: fn(&Run) -> Duration| percentile(&runs.iter().map(of).collect::<Vec<_>>(), 50);
    let (wall, scripts, cpu) = (median(|run| run.wall), median(|run| run.scripts), median(|run| run.cpu));
    // The target of the issue: half a second of Redis for a hundred thousand.
    let limited = |time: Duration| {
        let wanted = act == Act::RetryAll && jobs == 100_000;
        if wanted { against(ms(time), time < REDIS_TIME, "< 0.5 s") } else { ms(time) }
    };
    let pings: Vec<Duration> = runs.iter().flat_map(|run| run.pings.iter().copied()).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded rate")]
    let rate = (jobs as f64 / wall.as_secs_f64()).round() as u64;
    let slowest = runs.into_iter().filter_map(|run| run.slowest).max_by_key(|(_, time)| *time);
    vec![
        act.words().into(),
        count(jobs as u64),
        ms(wall),
        count(rate),
        limited(scripts),
        limited(cpu),
        longest(slowest),
        ms(percentile(&pings, 99)),
        ms_below(percentile(&pings, 100), WORST_PING),
    ]
}
