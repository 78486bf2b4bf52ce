//! The one sampler for all browsers: discovers queues, counts them once a tick, publishes a [`Snapshot`].

mod find;
mod learn;
mod look;
mod pass;
mod picture;

pub use look::look;

use super::{
    flow::Flows,
    plan::{self, Seen},
};
use crate::model::{
    ids::{Priority, QueueName},
    live::{Connection, Link},
    queue::{Discovery, QueueSample},
    time::Millis,
};
use crate::server::{
    actions::now,
    driver::redis::sample::Plan,
    error::{DriverError, untrusted},
    snapshot::Snapshot,
    state::AppState,
};
use pass::Pass;
use std::collections::{BTreeMap, BTreeSet};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// While somebody looks, or a queue that was found is not counted yet.
const TICK: Duration = Duration::from_secs(1);
/// While nobody does: fresh enough that a page opens on numbers of the last seconds.
const IDLE_TICK: Duration = Duration::from_secs(10);
/// While Redis is down; the banner says it.
const RETRY: Duration = Duration::from_secs(2);
/// Actions may wake the sampler: not more often than this.
const SHORTEST: Duration = Duration::from_millis(150);
/// COUNT of every SCAN: about half a millisecond of Redis, so a machine ten times slower still stays below 5 ms. Larger steps
/// end the first pass no sooner, and are more often interrupted by whatever else the machine does.
const SCAN: usize = 1_000;
/// INFO every so many ticks: a version changes rarely.
const INFO_EVERY: u64 = 60;

/// What the last look at the oldest job of a list told.
struct Age {
    /// Epoch ms; `None`: it does not say.
    created: Option<i64>,
    looked_at: Millis,
}

struct Sampler {
    state: AppState,
    samples: BTreeMap<QueueName, QueueSample>,
    seen: BTreeMap<QueueName, Seen>,
    oldest: BTreeMap<(QueueName, Priority), Age>,
    cursors: Vec<(String, u64)>,
    active_cursor: u64,
    /// The running one, once the first is over.
    pass: Pass,
    /// Of the first pass over the keys of nodes.
    node_cursor: u64,
    last_group: Option<String>,
    last_head: Option<String>,
    last_tail: Option<(QueueName, Priority)>,
    last_coming: Option<(QueueName, Priority)>,
    last_flag: Option<(QueueName, Priority)>,
    /// Backlogs of the last minute, for what came in.
    flows: Flows,
    connection: Connection,
    discovery: Discovery,
    sampled_at: Option<Millis>,
    ticks: u64,
}

pub async fn run(state: AppState, out: Arc<watch::Sender<Arc<Snapshot>>>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut sampler = Sampler::new(state);
    loop {
        let began = Instant::now();
        let result = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            result = sampler.turn(&out) => result,
        };
        sampler.note(result);
        out.send_replace(Arc::new(sampler.snapshot()));
        let wait = match sampler.connection.status {
            Link::Connected if sampler.state.watching.anybody(now()) || sampler.is_behind() => TICK,
            Link::Connected => IDLE_TICK,
            Link::Connecting | Link::Down => RETRY,
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(wait.saturating_sub(began.elapsed())) => {}
            () = sampler.state.watching.woken() => tokio::time::sleep(SHORTEST.saturating_sub(began.elapsed())).await,
        }
    }
}

impl Sampler {
    fn new(state: AppState) -> Self {
        let connection = state.snapshot().connection.clone();
        let cursors = state.driver.keys().patterns().into_iter().map(|p| (p, 0)).collect();
        Self {
            state,
            samples: BTreeMap::new(),
            seen: BTreeMap::new(),
            oldest: BTreeMap::new(),
            cursors,
            active_cursor: 0,
            pass: Pass::default(),
            node_cursor: 0,
            last_group: None,
            last_head: None,
            last_tail: None,
            last_coming: None,
            last_flag: None,
            flows: Flows::default(),
            connection,
            discovery: Discovery::default(),
            sampled_at: None,
            ticks: 0,
        }
    }

    /// One tick; before the first pass over the keyspace has ended, its steps come first, with a tick now and then between.
    async fn turn(&mut self, out: &watch::Sender<Arc<Snapshot>>) -> Result<(), DriverError> {
        if self.discovery.complete {
            self.find_nodes().await?;
            return self.tick().await;
        }
        self.discover(out).await
    }

    /// A queue was found and is not counted yet. Rules look at what is counted: an alert about it is not to wait for two slow ticks, one
    /// that finds it and one that counts it. (What is counted is known, so there are none as long as both are as many.)
    fn is_behind(&self) -> bool {
        self.state.driver.known().queues.len() > self.samples.len()
    }

    fn plan(&mut self) -> Plan {
        // Anybody can open the page of a name that is no queue's: it must not become one.
        let touched = self.state.watching.take_touched();
        // An operator moved jobs: the change of the backlog no longer says what came in.
        touched.iter().for_each(|q| self.flows.forget(q));
        let names = self.state.watching.queues().into_iter().chain(touched);
        let watched: BTreeSet<QueueName> = names.filter(|q| self.state.driver.keys().is_queue(q)).collect();
        let known = self.state.driver.known();
        // A watched name that nobody ever saw costs a sample but makes no queue.
        let groups = plan::groups(&known, self.last_group.as_ref());
        let (coming, coming_due) = plan::coming(&self.seen, &known, self.last_coming.as_ref());
        let plan = Plan {
            coming,
            coming_due,
            queues: plan::queues(&known, &self.seen, &watched, groups.len()),
            heads: plan::heads(&known, &groups, self.last_head.as_ref()),
            tails: plan::tails(&self.seen, &watched, self.last_tail.as_ref()),
            flags: plan::flags(&known, self.last_flag.as_ref()),
            groups,
            scans: if self.discovery.complete { self.cursors.clone() } else { Vec::new() },
            scan_count: SCAN,
            active_cursor: self.active_cursor,
            heartbeats: known.heartbeats.keys().cloned().collect(),
            nodes: self.state.nodes.lock().keys(),
            info: self.ticks.is_multiple_of(INFO_EVERY),
        };
        self.last_group = plan.groups.last().cloned();
        self.last_flag = plan.flags.last().cloned();
        plan
    }

    async fn tick(&mut self) -> Result<(), DriverError> {
        let plan = self.plan();
        let began = Instant::now();
        let answer = self.state.driver.sample(&plan, now()).await?;
        self.connection.latency_ms = Some((began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0);
        self.ticks += 1;
        let at = now();
        if answer.scripts_gone {
            self.state.driver.load_scripts().await?;
        }
        self.sampled_at = Some(at);
        self.learn(&plan, answer, at);
        Ok(())
    }

    fn note(&mut self, result: Result<(), DriverError>) {
        let status = if result.is_ok() { Link::Connected } else { Link::Down };
        self.connection.problem = result.as_ref().err().map(problem);
        if status != self.connection.status {
            self.connection.since = now();
            match &result {
                Ok(()) => tracing::info!(redis.version = self.connection.server_version.as_deref(), "redis connected"),
                Err(error) => {
                    tracing::warn!(%error, problem = self.connection.problem.as_deref(), "redis cannot be reached, retrying");
                }
            }
        }
        self.connection.status = status;
        if status == Link::Down {
            self.connection.latency_ms = None;
        }
    }
}

/// What the banner says; never the source error, which may quote the address.
fn problem(error: &DriverError) -> String {
    match error {
        DriverError::Unavailable(e) if e.is_timeout() => "it does not answer in time".into(),
        DriverError::Unavailable(e) if e.is_connection_refusal() => "the connection is refused".into(),
        DriverError::Unavailable(e) => untrusted(e).unwrap_or("the connection fails").into(),
        DriverError::LockedOut(_) => "it refuses the user or the password in the URL".into(),
        DriverError::Full(_) => "it is out of memory".into(),
        DriverError::ReadOnly(_) => "it is a read-only replica".into(),
        DriverError::Refused(e) => format!("it answers {}", e.code().unwrap_or("with an error")),
        DriverError::Corrupt { .. } | DriverError::Protocol(_) | DriverError::Unsteady(_) | DriverError::Partly { .. } => {
            "it answers something unexpected".into()
        }
    }
}
