//! The console runs as a process of its own, as released, from a directory that holds nothing but the one file, against a
//! redis-server of our own: nothing here shares its memory or its connections. Every figure is seen from outside: over HTTP, in
//! `/proc`, and in what Redis counts.

mod archive;
mod beside;
mod bulk;
mod console;
mod events;
mod fill;
mod line;
mod load;
mod pings;
mod redis;
mod sizes;
mod start;
mod streams;
mod table;
mod traffic;

use self::{
    console::{program, settle},
    redis::Redis,
};
use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use std::time::Instant;

#[derive(Parser)]
#[command(name = "figures", about = "Measures the figures in the README", long_about = None)]
struct Options {
    /// Measure one section only
    #[arg(long, value_enum)]
    only: Option<Section>,

    /// Smaller sizes and shorter windows: shows that it works, not what it costs
    #[arg(long)]
    quick: bool,

    /// Added by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Discovery, ticks, lists and pages, memory, at four sizes of Redis
    Sizes,
    /// Retry and delete of all jobs, and what other clients feel of it
    Bulk,
    /// Redis commands per minute with nobody, one and twenty watching
    Streams,
    /// Events a second until the first one is missed, and what they cost
    Events,
    /// From the start of the process to the first page
    Start,
    /// A million rows of the past in SQLite, and live pages beside them
    Archive,
    /// Bytes of the first load
    Load,
}

pub fn run() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options::parse();
    // The caller's time is part of each latency: one thread wakes nobody up.
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    let began = Instant::now();
    let mut redis = Redis::start()?;
    println!("{}\n", head(&mut redis)?);
    if options.quick {
        println!("Quick: smaller sizes and shorter windows. Not for comparison.\n");
    }
    drop(redis);
    let _alone = settle()?;
    let wanted = |section| options.only.is_none_or(|only| only == section);
    if wanted(Section::Sizes) {
        sizes::measure(options.quick).await?;
    }
    if wanted(Section::Bulk) {
        bulk::measure(options.quick).await?;
    }
    if wanted(Section::Streams) {
        streams::measure(options.quick).await?;
    }
    if wanted(Section::Events) {
        events::measure(options.quick).await?;
    }
    if wanted(Section::Start) {
        start::measure(options.quick).await?;
    }
    if wanted(Section::Archive) {
        archive::measure(options.quick).await?;
    }
    if wanted(Section::Load) {
        load::measure().await?;
    }
    eprintln!("measured in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// What was measured, on what: figures mean nothing without.
fn head(redis: &mut Redis) -> Result<String> {
    let program = program()?;
    let bytes = std::fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?.len();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown processor", |(_, name)| name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Ok(format!(
        "Flux Console {} ({}) · Redis {} · {cores} cores, {cpu} · {} · load average at the start {}",
        env!("CARGO_PKG_VERSION"),
        table::bytes(bytes),
        redis.text("server", "redis_version")?,
        redis.text("server", "os")?,
        load.split(' ').next().unwrap_or("unknown"),
    ))
}
