//! `flux-console demo`: a private Redis, a simulated application on it, and the console on both.

pub mod app;
pub mod catalogue;
pub mod chance;
mod foreign;
mod history;
pub mod job;
pub mod ledger;
pub mod load;
mod producer;
pub mod redis;
mod shop;
pub mod wire;
mod worker;

use self::{app::App, chance::Chance, ledger::Ledger, redis::PrivateRedis, wire::Wire};
use super::config::Config;
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
    // Last declared, last dropped would end Redis under the application: it is declared first on purpose.
    let mut redis = PrivateRedis::start()?;
    let app = open_shop(&redis.url).await.context("The simulated application could not reach the private Redis")?;
    println!("Demo: a private redis-server on port {}, a simulated shop with {} workers, and the console on them.", redis.port, app.workers().len());
    println!("Ctrl-C ends all of it and leaves nothing behind.");

    let config = Config { url: redis.url.clone(), host: options.host, port: options.port, environment: Some("demo".into()), ..Config::default() };
    let console = super::http::start(config, shutdown).await;

    app.stop().await;
    redis.stop();
    console
}

/// The shop with its history, already at work.
pub async fn open_shop(url: &str) -> ::redis::RedisResult<App> {
    let load = shop::load();
    let ledger = Arc::new(Ledger::new(load.keep_ids));
    let mut wire = Wire::connect(url, &load.prefix, &load.monitor_prefix).await?;
    history::seed(&mut wire, &load, &ledger, &mut Chance::new(load.seed)).await?;
    App::start_with(url, load, ledger).await
}
