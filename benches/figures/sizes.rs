//! Four sizes of Redis: the first pass, a tick, lists and pages, memory.

use super::{
    console::Console,
    fill::{self, Size},
    line::Line,
    redis::{Redis, longest},
    table::{Table, against, bytes, count, ms, ms_below, percentile},
    traffic::{self, Traffic},
};
use anyhow::{Result, bail};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Answers take this long while round trips are counted.
const FAR: Duration = Duration::from_millis(100);
/// Requests between which Redis commands are counted.
const COUNTED: usize = 30;
/// Most of what the console does by itself comes again within this time.
const UNASKED: Duration = Duration::from_secs(12);
/// Longer than a tick, for which the console keeps a page of jobs.
const KEPT: Duration = Duration::from_millis(1_100);
/// Memory, to stay below.
const RESIDENT: u64 = 20_000_000;

/// What is asked for, and what it may cost.
struct Request {
    what: &'static str,
    path: String,
    accept: &'static str,
    commands: u64,
    p50: Option<Duration>,
}

pub async fn measure(quick: bool) -> Result<()> {
    let mut passes = Table::new(
        "First pass, ticks and memory",
        &[
            "size",
            "queues × jobs",
            "keys",
            "first pass",
            "all queues counted",
            "longest command till then",
            "commands a tick",
            "round trips a tick",
            "tick",
            "resident, idle, with `--archive off`",
            "resident, idle, with the default archive (SQLite, empty at the start)",
            "resident, after all requests",
        ],
    );
    let mut requests =
        Table::new("Requests (one at a time, kept-alive connection)", &["size", "request", "Redis commands", "p50", "p99", "bytes"]);
    for size in [fill::S, fill::M, fill::L, fill::XL] {
        let size = if quick { smaller(size) } else { size };
        eprintln!("size {}: {}", size.name, size.words());
        passes.row(of(size, quick, &mut requests).await?);
    }
    passes.print();
    requests.print();
    Ok(())
}

fn smaller(size: Size) -> Size {
    Size { jobs: size.jobs.min(20_000), foreign: size.foreign / 25, ..size }
}

async fn of(size: Size, quick: bool, requests: &mut Table) -> Result<Vec<String>> {
    let mut redis = Redis::start()?;
    size.fill(&mut redis.con)?;
    let keys: u64 = redis::cmd("DBSIZE").query(&mut redis.con)?;
    redis.watch_closely()?;
    let console = Console::start(redis.url())?;
    let first_pass = console.discovered().await?;
    let all_counted = all_counted(&console, size).await?;
    let slowest = redis.slowest()?;
    let idle = idle(&console, quick).await?;

    let (sampler, commands) = watch_ticks(&mut redis, &console).await?;
    let unasked = unasked(&mut redis, quick).await?;
    let mut times = Vec::new();
    for _ in 0..3 {
        let overview = overview(&console).await?;
        times.push(Duration::from_secs_f64(overview["connection"]["latencyMs"].as_f64().unwrap_or(0.0) / 1000.0));
        sleep(Duration::from_secs(1)).await;
    }
    for request in list(size) {
        let asked = commands_of(&mut redis, &console, sampler, &unasked, &request).await?;
        let (times, size_of_answer) = latency(&console, &request, quick).await?;
        let p50 = percentile(&times, 50);
        requests.row(vec![
            size.name.into(),
            request.what.into(),
            asked,
            request.p50.map_or_else(|| ms(p50), |limit| ms_below(p50, limit)),
            ms(percentile(&times, 99)),
            bytes(size_of_answer),
        ]);
    }
    let after = console.resident()?;
    drop(console);
    let archiving = idle_with_archive(&redis, quick).await?;

    let most = commands.iter().map(|(commands, _)| *commands).max().unwrap_or(0);
    let trips = round_trips(&mut redis).await?;
    let limit = if keys > 100_000 { Duration::from_secs(10) } else { Duration::from_secs(3) };
    Ok(vec![
        size.name.into(),
        size.words(),
        count(keys),
        against(ms(first_pass), first_pass < limit, &format!("< {} s", limit.as_secs())),
        ms(all_counted),
        longest(slowest),
        against(count(most as u64), most <= 5_000, "≤ 5,000"),
        against(trips, trips == 1, "1"),
        ms(percentile(&times, 50)),
        resident(size, idle),
        resident(size, archiving),
        bytes(after),
    ])
}

/// The target is one for size S.
fn resident(size: Size, idle: u64) -> String {
    if size.name == fill::S.name { against(bytes(idle), idle < RESIDENT, "< 20 MB") } else { bytes(idle) }
}

/// Half a minute after the last request nobody looks.
async fn idle(console: &Console, quick: bool) -> Result<u64> {
    sleep(Duration::from_secs(if quick { 2 } else { 45 })).await;
    console.resident()
}

/// As a console is started without any flag: what has failed is archived by the time that nobody looks.
async fn idle_with_archive(redis: &Redis, quick: bool) -> Result<u64> {
    let dir = tempfile::tempdir()?;
    let console = Console::start_on(redis.url(), &format!("sqlite:{}", dir.path().join("archive.sqlite").display()))?;
    console.discovered().await?;
    idle(&console, quick).await
}

/// As the issue of a list page is depth, the deep page is the one in the middle: the farthest from both ends.
fn list(size: Size) -> Vec<Request> {
    let queue = fill::queue(0);
    let page = |page: usize| format!("/api/v1/queues/{queue}/jobs?state=waiting&page={page}");
    let limit = |ms| Some(Duration::from_millis(ms));
    let quickly = match size.name {
        "M" => limit(1),
        "L" => limit(3),
        _ => None,
    };
    let middle = size.jobs / 50 / 2;
    let mut list = vec![
        Request { what: "`/api/v1/queues`", path: "/api/v1/queues".into(), accept: "identity", commands: 0, p50: quickly },
        Request { what: "`/api/v1/queues`, brotli", path: "/api/v1/queues".into(), accept: "br", commands: 0, p50: None },
        Request { what: "page `/queues`, brotli", path: "/queues".into(), accept: "br", commands: 0, p50: None },
        Request { what: "`/api/v1/overview`", path: "/api/v1/overview".into(), accept: "identity", commands: 0, p50: None },
        Request { what: "page `/`, brotli", path: "/".into(), accept: "br", commands: 0, p50: None },
        Request { what: "jobs, page 1", path: page(1), accept: "identity", commands: 2, p50: limit(2) },
    ];
    if middle > 1 {
        list.push(Request { what: "jobs, the middle page", path: page(middle), accept: "identity", commands: 2, p50: limit(2) });
    }
    let html = format!("/queues/{queue}?page={}", middle.max(1));
    // What an operator opens: a page deep in a list of a million is to be there within a tenth of a second.
    list.push(Request { what: "page of a queue, the middle, brotli", path: html, accept: "br", commands: 2, p50: limit(100) });
    list
}

async fn overview(console: &Console) -> Result<serde_json::Value> {
    console.json("/api/v1/overview").await
}

/// From the start of the process until the list has every queue: a fast pass that misses some is worth nothing.
async fn all_counted(console: &Console, size: Size) -> Result<Duration> {
    loop {
        let queues = overview(console).await?["totals"]["queues"].as_u64();
        if queues == Some(size.queues as u64) {
            return Ok(console.started.elapsed());
        }
        if console.started.elapsed() > Duration::from_secs(60) {
            bail!("size {}: only {queues:?} of {} queues are listed", size.name, size.queues);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// The sampler's connection and its ticks, while somebody looks.
async fn watch_ticks(redis: &mut Redis, console: &Console) -> Result<(u16, Vec<(usize, usize)>)> {
    let traffic = Traffic::watch(redis.port())?;
    for _ in 0..7 {
        overview(console).await?;
        sleep(Duration::from_millis(500)).await;
    }
    let commands = traffic.end(&mut redis.con)?;
    Ok((traffic::sampler(&commands)?, traffic::ticks(&commands, Duration::ZERO)?))
}

/// The most round trips that one tick needs, seen over a long line.
async fn round_trips(redis: &mut Redis) -> Result<usize> {
    let line = Line::to(redis.port())?;
    let console = Console::start(&line.url())?;
    console.discovered().await?;
    // Nodes are looked for after that, some steps with every tick.
    for _ in 0..50 {
        overview(&console).await?;
        sleep(Duration::from_millis(500)).await;
    }
    line.delay(FAR);
    sleep(FAR * 5).await;
    let traffic = Traffic::watch(redis.port())?;
    for _ in 0..9 {
        overview(&console).await?;
        sleep(Duration::from_millis(500)).await;
    }
    let commands = traffic.end(&mut redis.con)?;
    Ok(traffic::ticks(&commands, FAR)?.into_iter().map(|(_, trips)| trips).max().unwrap_or(0))
}

/// What the console sends while nobody asks anything: leases, schedules, alerts, the archiver. A page does not send it.
async fn unasked(redis: &mut Redis, quick: bool) -> Result<HashSet<String>> {
    let traffic = Traffic::watch(redis.port())?;
    sleep(if quick { KEPT * 2 } else { UNASKED }).await;
    Ok(traffic.end(&mut redis.con)?.into_iter().map(|command| command.what).collect())
}

/// Commands on connections other than the sampler's, per request, without those that come unasked. What runs in the background
/// once a minute may fall between: then a second look is taken.
async fn commands_of(redis: &mut Redis, console: &Console, sampler: u16, unasked: &HashSet<String>, request: &Request) -> Result<String> {
    // Those that wait for the next tick take their time.
    let times = if request.commands > 0 { 5 } else { COUNTED };
    let mut least = usize::MAX;
    for _ in 0..2 {
        let traffic = Traffic::watch(redis.port())?;
        for _ in 0..times {
            forgotten(request).await;
            console.get(&request.path, request.accept).await?;
        }
        let commands = traffic.end(&mut redis.con)?;
        least = least.min(commands.iter().filter(|command| command.from != sampler && !unasked.contains(&command.what)).count());
        if least.is_multiple_of(times) {
            break;
        }
    }
    let each = if least.is_multiple_of(times) { (least / times).to_string() } else { format!("{least} in {times}") };
    let limit = request.commands;
    Ok(against(each, least as u64 <= limit * times as u64, &if limit == 0 { "0".into() } else { format!("≤ {limit}") }))
}

/// A page of jobs is kept until the next tick for whoever else looks at it: what it costs to read is seen after that.
async fn forgotten(request: &Request) {
    if request.commands > 0 {
        sleep(KEPT).await;
    }
}

async fn latency(console: &Console, request: &Request, quick: bool) -> Result<(Vec<Duration>, u64)> {
    let (most, within) = match (request.commands > 0, quick) {
        (true, true) => (2, KEPT * 3),
        (true, false) => (40, KEPT * 45),
        (false, true) => (100, Duration::from_millis(500)),
        (false, false) => (2_000, Duration::from_millis(2_500)),
    };
    let mut bytes = 0;
    for _ in 0..20 {
        bytes = console.get(&request.path, request.accept).await?.bytes;
    }
    let (began, mut times) = (Instant::now(), Vec::with_capacity(most));
    while times.len() < most && began.elapsed() < within {
        forgotten(request).await;
        let sent = Instant::now();
        console.get(&request.path, request.accept).await?;
        times.push(sent.elapsed());
    }
    Ok((times, bytes))
}
