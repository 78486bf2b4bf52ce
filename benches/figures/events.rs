//! How many events a second are heard without missing one, and what that costs.

use super::{
    console::Console,
    redis::Redis,
    table::{Table, against, bytes, count},
};
use anyhow::{Context, Result};
use flux_console::{model::time::Millis, server::actions::now};
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const RATES: [u64; 6] = [1_000, 5_000, 10_000, 20_000, 40_000, 80_000];
/// Published in bursts this long.
const BURST: Duration = Duration::from_millis(10);
/// Must not miss any.
const TARGET: u64 = 5_000;

pub async fn measure(quick: bool) -> Result<()> {
    let seconds = if quick { 2 } else { 10 };
    let title = format!("Events ({seconds} s at each rate; 40 workers, 100 queues by name; the overview is open)");
    let mut table = Table::new(
        title,
        &["events a second", "published", "missed", "console, share of a core", "resident", "the console's Redis commands a minute"],
    );
    for rate in RATES {
        eprintln!("{rate} events a second");
        let mut redis = Redis::start()?;
        let console = Console::start(redis.url())?;
        console.discovered().await?;
        while console.json::<serde_json::Value>("/api/v1/overview").await?["heard"]["listeningSince"].is_null() {
            sleep(Duration::from_millis(20)).await;
        }
        // Somebody watches.
        let mut stream =
            console.client.get(url::Url::parse_with_params(&console.url("/live"), [("view", r#"{"view":"overview"}"#)])?).send().await?;
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = stream.chunk().await {} });
        let before = commands(&mut redis)?;
        let (began, cpu) = (Instant::now(), console.cpu()?);
        let url = redis.url().to_owned();
        let published = thread::spawn(move || publish(&url, rate, seconds));
        while !published.is_finished() {
            sleep(Duration::from_millis(20)).await;
        }
        let published = published.join().map_err(|_| anyhow::anyhow!("publishing panicked"))??;
        let took = began.elapsed();
        let cpu = (console.cpu()? - cpu).as_secs_f64() / took.as_secs_f64();
        let own = commands(&mut redis)? - before;
        // What is on its way arrives; the figures on show are those of the last tick.
        let mut heard = 0;
        for _ in 0..60 {
            heard = console.json::<serde_json::Value>("/api/v1/overview").await?["heard"]["events"].as_u64().context("events")?;
            if heard >= published {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let missed = published.saturating_sub(heard);
        reading.abort();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "rounded and positive")]
        let a_minute = (own as f64 * 60.0 / took.as_secs_f64()).round() as u64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "rounded and positive")]
        let reached = (published as f64 / took.as_secs_f64()).round() as u64;
        table.row(vec![
            if reached * 10 < rate * 9 { format!("{} (asked: {})", count(reached), count(rate)) } else { count(rate) },
            count(published),
            if rate <= TARGET { against(count(missed), missed == 0, "0") } else { count(missed) },
            format!("{:.1} %", cpu * 100.0),
            bytes(console.resident()?),
            count(a_minute),
        ]);
        if missed > 0 {
            break;
        }
    }
    table.print();
    Ok(())
}

/// Commands processed so far, without what scripts call.
fn commands(redis: &mut Redis) -> Result<u64> {
    let stats: String = ::redis::cmd("INFO").arg("commandstats").query(&mut redis.con)?;
    let calls = |line: &str| line.split_once(":calls=")?.1.split(',').next()?.parse::<u64>().ok();
    let ours = ["cmdstat_publish:", "cmdstat_info:"];
    Ok(stats.lines().filter(|line| !ours.iter().any(|name| line.starts_with(name))).filter_map(calls).sum())
}

/// Runs of 40 workers that begin and end at once, in even bursts; how many events.
fn publish(url: &str, rate: u64, seconds: u64) -> Result<u64> {
    let mut con = ::redis::Client::open(url)?.get_connection()?;
    let bursts = seconds * 1_000 / u64::try_from(BURST.as_millis())?;
    let (began, mut events) = (Instant::now(), 0_u64);
    for burst in 0..bursts {
        let mut pipe = ::redis::pipe();
        let Millis(at) = now();
        for _ in 0..rate / 100 {
            let run = events / 2;
            let what = if events.is_multiple_of(2) { ("info", "Processing") } else { ("success", "Completed") };
            let time = Millis(at).iso();
            pipe.publish(
                "flux_console:logs",
                format!(
                    r#"{{"level":"{}","message":"{} job: job-{run}","workerId":"worker-{}","jobId":"job-{run}","queue":"queue-{}","timestamp":"{time}"}}"#,
                    what.0,
                    what.1,
                    run % 40,
                    run % 100,
                ),
            )
            .ignore();
            events += 1;
        }
        pipe.exec(&mut con)?;
        let due = BURST * u32::try_from(burst + 1)?;
        thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(events)
}
