//! Live pages while the archive works: the console as released on the million rows, asked over HTTP.

use super::{
    console::Console,
    fill,
    redis::Redis,
    table::{Table, against, count, ms, percentile},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Searches that are under way at any time.
const SEARCHES: usize = 2;
/// No step of retention may hold the database's lock for longer.
const LOCK_MS: u64 = 100;

/// `file`: an archive whose rows are all older than a day.
pub async fn measure(file: &Path, rows: u64, quick: bool) -> Result<()> {
    let mut redis = Redis::start()?;
    fill::M.fill(&mut redis.con)?;
    let console = Console::start_on(redis.url(), &format!("sqlite:{}", file.display()))?;
    console.discovered().await?;
    let window = if quick { Duration::from_millis(500) } else { Duration::from_secs(5) };
    let mut table = Table::new(
        format!("Live pages at size M beside an archive of {} rows", count(rows)),
        &["the archive", "`/api/v1/queues` p50", "p99", "page `/queues` p50", "p99"],
    );
    table.row(line("is at rest", &console, window).await?);

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let searches: Vec<_> = (0..SEARCHES).map(|_| search(console.url("/api/v1/search?q=declined"), &stop, &answered)).collect();
    let began = Instant::now();
    let mut busy = line("", &console, window).await?;
    let pace = answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    busy[0] = format!("is searched for a frequent word, {pace:.0} times a second");
    table.row(busy);
    stop.store(true, Ordering::Relaxed);
    for thread in searches {
        if thread.join().is_err() {
            bail!("a search ended badly");
        }
    }

    let settings = json!({ "autoCleanup": true, "retentionDays": 1, "logsRetentionDays": 1 });
    console.put("/api/v1/settings/retention", &settings).await?;
    let _: Value = console.post("/api/v1/settings/retention/run", &json!({})).await?;
    let run = async || -> Result<Value> { Ok(console.json::<Value>("/api/v1/settings/retention").await?["run"].clone()) };
    let mut emptied = line("", &console, window).await?;
    let so_far = run().await?;
    if !quick && so_far["status"] == "done" {
        bail!("retention was done before the pages were measured: {so_far}");
    }
    emptied[0] = "is emptied by retention".into();
    table.row(emptied);
    table.print();

    let began = Instant::now();
    let mut last = so_far;
    while last["status"] != "done" && began.elapsed() < Duration::from_secs(240) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        last = run().await?;
    }
    let longest = last["longestMs"].as_u64().context("retention says no longest step")?;
    let deleted = last["parts"].as_array().map_or(0, |parts| parts.iter().filter_map(|p| p["deleted"].as_u64()).sum());
    println!(
        "Retention: {} rows, {}; longest lock {}\n",
        count(deleted),
        last["status"].as_str().unwrap_or("unknown"),
        against(format!("{longest} ms"), longest < LOCK_MS, "< 100 ms"),
    );
    Ok(())
}

async fn line(what: &str, console: &Console, window: Duration) -> Result<Vec<String>> {
    let mut cells = vec![what.to_owned()];
    for (path, accept) in [("/api/v1/queues", "identity"), ("/queues", "br")] {
        let (began, mut times) = (Instant::now(), Vec::new());
        while began.elapsed() < window {
            let sent = Instant::now();
            console.get(path, accept).await?;
            times.push(sent.elapsed());
        }
        cells.extend([ms(percentile(&times, 50)), ms(percentile(&times, 99))]);
    }
    Ok(cells)
}

/// Asks again and again, on a thread of its own.
fn search(url: String, stop: &Arc<AtomicBool>, answered: &Arc<AtomicU64>) -> thread::JoinHandle<()> {
    let (stop, answered) = (stop.clone(), answered.clone());
    thread::spawn(move || {
        let ask = async {
            let client = reqwest::Client::new();
            while !stop.load(Ordering::Relaxed) {
                let answer = client.get(&url).send().await.expect("an answer");
                assert!(answer.status().is_success(), "{url}: {}", answer.status());
                answer.bytes().await.expect("a body");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(ask);
    })
}
