//! Background work: started by name, restarted after a failure, ended together.

pub mod alerts;
mod archive;
mod archiver;
pub mod audit;
pub mod deliver;
pub mod enqueued;
mod events;
mod flow;
#[cfg(target_os = "linux")]
mod idle;
pub mod leader;
mod metrics;
mod node;
pub mod operations;
mod plan;
pub mod retention;
pub mod sampler;
mod say_now;
pub mod scheduler;
pub mod trash;
pub mod watching;

use super::{
    actions::now,
    archive::Archive,
    config::Config,
    doctor::Doctor,
    driver::redis::{RedisDriver, keys::Keys},
    inbox::Inbox,
    ledger::Ledger,
    nodes::Nodes,
    notify::LastKnown,
    recent_pages::{RecentLooks, RecentPages},
    snapshot::{Snapshot, written::Written},
    state::{AppState, Inner},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Builds the state and starts the tasks. Does not wait for Redis.
pub async fn start(config: Config, shutdown: CancellationToken) -> anyhow::Result<(AppState, JoinSet<()>)> {
    let keys = Keys::new(&config.prefix, &config.monitor_prefixes).with_schedules(&config.schedule_prefix);
    let driver = match &config.redis_ca {
        Some(ca) => RedisDriver::trusting(ca, &config.url, keys)?,
        None => RedisDriver::new(&config.url, keys)?,
    };
    let empty = Snapshot::empty(now(), &config.prefix, config.password.is_none(), config.environment.clone());
    let (sender, snapshots) = watch::channel(Arc::new(empty));
    let watching = Arc::new(watching::Watching::default());
    let operations = operations::Operations::default();
    let (ledger, pages) = (Ledger::new(now()), RecentPages::default());
    let archive = Archive::new(config.archive.clone(), now());
    let written = Written::default();
    let enqueued = enqueued::Enqueued::new(config.persist.enqueued && !archive.is_off());
    let state = AppState::new(Inner {
        archive,
        alerts: alerts::Alerts::default(),
        audit: audit::Audit::default(),
        channels: LastKnown::default(),
        config,
        driver,
        enqueued,
        inbox: Inbox::default(),
        snapshots,
        written,
        ledger,
        nodes: Nodes::default(),
        doctor: Doctor::default(),
        watching,
        pages,
        looks: RecentLooks::default(),
        operations,
        shutdown: shutdown.clone(),
    });
    let mut tasks = JoinSet::new();
    let sender = Arc::new(sender);
    tasks.spawn(supervised("sampler", state.clone(), shutdown.clone(), move |state, shutdown| {
        sampler::run(state, sender.clone(), shutdown)
    }));
    tasks.spawn(supervised("events", state.clone(), shutdown.clone(), events::run));
    tasks.spawn(supervised("metrics", state.clone(), shutdown.clone(), metrics::run));
    tasks.spawn(supervised("archiver", state.clone(), shutdown.clone(), archiver::run));
    tasks.spawn(supervised("archive", state.clone(), shutdown.clone(), archive::run));
    tasks.spawn(supervised("alerts", state.clone(), shutdown.clone(), alerts::run));
    tasks.spawn(supervised("audit", state.clone(), shutdown.clone(), audit::run));
    tasks.spawn(supervised("enqueued", state.clone(), shutdown.clone(), enqueued::run));
    tasks.spawn(supervised("deliver", state.clone(), shutdown.clone(), deliver::run));
    tasks.spawn(supervised("say_now", state.clone(), shutdown.clone(), say_now::run));
    tasks.spawn(supervised("retention", state.clone(), shutdown.clone(), retention::run));
    tasks.spawn(supervised("scheduler", state.clone(), shutdown.clone(), scheduler::run));
    tasks.spawn(supervised("node", state.clone(), shutdown.clone(), node::run));
    #[cfg(target_os = "linux")]
    tasks.spawn(supervised("idle", state.clone(), shutdown.clone(), idle::run));
    tasks.spawn(supervised("trash", state.clone(), shutdown, trash::run));
    Ok((state, tasks))
}

/// Runs a task again after an error or a panic, a little later each time.
async fn supervised<F, Fut>(name: &'static str, state: AppState, shutdown: CancellationToken, task: F)
where
    F: Fn(AppState, CancellationToken) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut wait = Duration::from_millis(200);
    while !shutdown.is_cancelled() {
        match tokio::spawn(task(state.clone(), shutdown.clone())).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!(task = name, error = format!("{error:#}"), "task failed, starting it again"),
            Err(panic) => tracing::error!(task = name, error = %panic, "task ended, starting it again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(Duration::from_secs(30)),
        }
    }
}
