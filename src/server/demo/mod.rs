//! `flux-console demo`: a private Redis, a simulated application on it, and the console on both.

pub mod app;
pub mod catalogue;
pub mod chance;
mod foreign;
mod history;
pub mod job;
pub mod ledger;
pub mod load;
mod nodes;
mod producer;
pub mod redis;
mod shop;
pub mod wire;
mod worker;

use self::{app::App, chance::Chance, ledger::Ledger, redis::PrivateRedis, wire::Wire};
use super::{
    archive::setting::{Persist, Setting},
    config::Config,
};
use anyhow::Context;
use std::{net::IpAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

pub struct DemoOptions {
    pub host: IpAddr,
    /// 0 = any free port.
    pub port: u16,
}

/// Runs until `shutdown`; then everything that it started is gone.
pub async fn run(options: DemoOptions, shutdown: CancellationToken) -> anyhow::Result<()> {
    // Declared first, dropped last: Redis outlives everything that uses it.
    let redis = PrivateRedis::start()?;
    let app = open_shop(&redis.url).await.context("The simulated application could not reach the private Redis")?;
    println!(
        "Demo: a private redis-server on port {}, a simulated shop with {} workers, and the console on them.",
        redis.port,
        app.workers().len()
    );
    println!("Ctrl-C ends all of it and leaves nothing behind.");

    // Whoever asks for another address than loopback has been asked back before (`--allow-open`).
    let allow_open = !options.host.is_loopback();
    let config = Config {
        url: redis.url.clone(),
        host: options.host,
        port: options.port,
        allow_open,
        environment: Some("demo".into()),
        // Beside the private Redis, and gone with it.
        archive: redis.dir().map_or(Setting::Off, |dir| Setting::Sqlite(dir.join("archive.sqlite"))),
        persist: Persist { completed: true, ..Persist::default() },
        ..Config::default()
    };
    // Both stop at the same signal, so that Ctrl-C waits for the slower of them, not for their sum.
    let console = async {
        let ended = super::http::start(config, shutdown.clone()).await;
        shutdown.cancel();
        ended
    };
    let shop = async {
        shutdown.cancelled().await;
        app.stop().await;
    };
    let load = shop::load();
    let agents = nodes::run(redis.url.clone(), load.prefix, Chance::new(load.seed), shutdown.clone());
    tokio::join!(console, shop, agents).0
}

/// The shop with its history, already at work.
pub async fn open_shop(url: &str) -> ::redis::RedisResult<App> {
    let load = shop::load();
    let ledger = Arc::new(Ledger::new(load.keep_ids));
    let mut wire = Wire::connect(url, &load.prefix, &load.monitor_prefix).await?;
    history::seed(&mut wire, &load, &ledger, &mut Chance::new(load.seed)).await?;
    App::start_with(url, load, ledger).await
}
