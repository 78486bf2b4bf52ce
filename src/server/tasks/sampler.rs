//! The one sampler for all browsers: discovers queues, counts them once a tick, publishes a [`Snapshot`].

use super::{
    flow::Flows,
    plan::{self, Seen},
};
use crate::model::{
    ids::{Priority, QueueName},
    live::{Connection, Link, Totals},
    queue::{Discovery, FAILED_CAP, Flow, Paused, QueueSample},
    time::Millis,
};
use crate::server::{
    actions::now,
    driver::redis::{
        keys::Key,
        sample::{Answer, Counted, Look, Plan},
    },
    error::DriverError,
    snapshot::{Snapshot, totals},
    state::AppState,
};
use std::collections::{BTreeMap, BTreeSet};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// While somebody looks.
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

struct Sampler {
    state: AppState,
    samples: BTreeMap<QueueName, QueueSample>,
    seen: BTreeMap<QueueName, Seen>,
    /// createdAt of the oldest job of a list, epoch ms.
    oldest: BTreeMap<(QueueName, Priority), i64>,
    cursors: Vec<(String, u64)>,
    active_cursor: u64,
    last_group: Option<String>,
    last_head: Option<String>,
    last_tail: Option<(QueueName, Priority)>,
    last_coming: Option<(QueueName, Priority)>,
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
            Link::Connected if sampler.state.watching.anybody(now()) => TICK,
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
            last_group: None,
            last_head: None,
            last_tail: None,
            last_coming: None,
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
            return self.tick().await;
        }
        self.state.driver.load_scripts().await?;
        self.tick().await?;
        let patterns = self.state.driver.keys().patterns();
        let mut done = 0usize;
        let mut shown = Instant::now();
        for (i, pattern) in patterns.iter().enumerate() {
            let mut cursor = 0;
            loop {
                let (next, keys) = self.state.driver.scan(pattern, cursor, SCAN).await?;
                self.found(keys);
                done += SCAN;
                cursor = next;
                if cursor == 0 {
                    break;
                }
                let all = self.discovery.keys.unwrap_or(0);
                self.discovery.scanned = (done as u64 / patterns.len() as u64).min(all);
                if shown.elapsed() > Duration::from_millis(500) {
                    self.tick().await?;
                    self.note(Ok(()));
                    out.send_replace(Arc::new(self.snapshot()));
                    shown = Instant::now();
                }
            }
            // Each pattern walked the whole keyspace.
            done = (i + 1) * usize::try_from(self.discovery.keys.unwrap_or(0)).unwrap_or(0);
        }
        self.discovery.complete = true;
        self.state.driver.known().scanned = true;
        // Twice: ages, groups and heartbeats are asked for what the tick before counted, and the first page shows them.
        self.tick().await?;
        self.tick().await
    }

    fn found(&self, keys: Vec<String>) {
        let at = now();
        let mut known = self.state.driver.known();
        for key in keys {
            match self.state.driver.keys().classify(&key) {
                Key::Of(queue) => known.queue_seen(queue, at),
                Key::Pending(group) => known.group_seen(group),
                Key::Heartbeat => known.heartbeat_seen(key, at),
                Key::Other if self.state.driver.keys().is_heartbeat(&key) => known.heartbeat_seen(key, at),
                Key::Other => {}
            }
        }
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
            groups,
            scans: if self.discovery.complete { self.cursors.clone() } else { Vec::new() },
            scan_count: SCAN,
            active_cursor: self.active_cursor,
            heartbeats: known.heartbeats.keys().cloned().collect(),
            info: self.ticks.is_multiple_of(INFO_EVERY),
        };
        self.last_group = plan.groups.last().cloned();
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

    fn learn(&mut self, plan: &Plan, answer: Answer, at: Millis) {
        self.discovery.keys = answer.keys;
        if answer.version.is_some() {
            self.connection.server_version = answer.version;
        }
        for (i, (next, keys)) in answer.scans.into_iter().enumerate() {
            self.cursors[i].1 = next;
            self.found(keys);
        }
        self.active_cursor = answer.active.0;
        let driver = self.state.driver.clone();
        let mut known = driver.known();
        answer.active.1.into_iter().for_each(|g| known.group_seen(g));
        for (group, jobs) in plan.groups.iter().zip(answer.groups) {
            // Nothing pending: met again by SSCAN or SCAN when there is.
            if jobs == Some(0) {
                known.groups.remove(group);
            } else if let Some(pending) = known.groups.get_mut(group) {
                pending.jobs = jobs;
            }
        }
        for (group, queue) in plan.heads.iter().zip(answer.heads) {
            // Jobs behind a group are jobs of the queue that they name, even when nothing else is in it.
            let queue = match queue {
                Look::NotLooked => continue,
                Look::Unknown => None,
                Look::Told(name) => driver.keys().is_queue(&name).then_some(name),
            };
            self.last_head = Some(group.clone());
            if let Some(queue) = &queue {
                known.queue_seen(queue.clone(), at);
            }
            if let Some(pending) = known.groups.get_mut(group) {
                pending.queue = Some(queue);
            }
        }
        let mut ledger = self.state.ledger.lock();
        for (key, beat) in plan.heartbeats.iter().zip(answer.heartbeats) {
            // A queue that a worker serves exists, also while it is empty.
            let names = beat.iter().flat_map(|b| &b.queues).filter_map(|q| QueueName::try_from(q.as_str()).ok());
            names.filter(|q| driver.keys().is_queue(q)).for_each(|q| known.queue_seen(q, at));
            known.heartbeat(key, beat.as_ref().map(|b| b.queues.clone()), at);
            if let Some(id) = driver.keys().worker_of(key) {
                ledger.beat(id, beat, at);
            }
        }
        ledger.upcoming(answer.coming);
        // Looked at in turn, wherever the script's budget ended.
        self.last_coming = plan.coming.get(..answer.coming_looked.min(plan.coming.len())).and_then(<[_]>::last).cloned();
        drop(ledger);
        for (list, created) in plan.tails.iter().zip(answer.tails) {
            match created {
                Look::NotLooked => continue,
                Look::Told(ms) => drop(self.oldest.insert(list.clone(), ms)),
                Look::Unknown => drop(self.oldest.remove(list)),
            }
            self.last_tail = Some(list.clone());
        }
        for counted in answer.queues {
            if counted.anything() {
                known.queue_seen(counted.name.clone(), at);
            }
            if known.queues.contains_key(&counted.name) {
                self.seen.insert(counted.name.clone(), counted.seen(at));
                self.samples.insert(counted.name.clone(), sample(counted, at, &driver));
            }
        }
        known.forget(at);
        self.samples.retain(|q, _| known.queues.contains_key(q));
        self.seen.retain(|q, _| known.queues.contains_key(q));
        self.oldest.retain(|(q, p), _| self.seen.get(q).is_some_and(|s| s.lists.contains(p)));
    }

    fn note(&mut self, result: Result<(), DriverError>) {
        let status = if result.is_ok() { Link::Connected } else { Link::Down };
        if status != self.connection.status {
            self.connection.since = now();
            match &result {
                Ok(()) => tracing::info!(redis.version = self.connection.server_version.as_deref(), "redis connected"),
                Err(error) => tracing::warn!(%error, "redis cannot be reached, retrying"),
            }
        }
        self.connection.status = status;
        self.connection.problem = result.err().map(|error| problem(&error));
        if status == Link::Down {
            self.connection.latency_ms = None;
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let at = now();
        let mut ledger = self.state.ledger.lock();
        let (active, heard, throughput, log_seq) = (ledger.active(), ledger.heard(at), ledger.throughput(), ledger.tail().seq());
        // Workers met on the channel are looked for by name, not found by the next scan.
        for (monitor, id) in ledger.met() {
            self.state.driver.known().heartbeat_seen(format!("{monitor}worker:{id}"), at);
        }
        drop(ledger);
        let known = self.state.driver.known();
        let (grouped, mut unattributed) = known.grouped();
        // A group met a moment ago is counted with the next tick, like a new queue: that alone is no lower bound.
        let partial = known.groups.len() > crate::server::driver::redis::sample::GROUPS || known.truncated;
        let workers = known.workers();
        let config = &self.state.config;
        let mut queues: Vec<QueueSample> = self.samples.values().cloned().collect();
        for q in &mut queues {
            q.grouped = grouped.get(&q.name).copied().unwrap_or(0);
            q.grouped_partial = partial;
            q.waiting = q.by_priority.sum().map(|n| n + q.grouped);
            q.workers = workers.as_ref().map(|w| w.get(q.name.as_str()).copied().unwrap_or(0));
            let created = Priority::ALL.iter().filter_map(|p| self.oldest.get(&(q.name.clone(), *p))).min();
            q.oldest_waiting_ms = created.map(|ms| q.sampled_at.0.saturating_sub(*ms).max(0));
        }
        self.flows.fill(&self.state.ledger, &active, &mut queues);
        // A group may name a queue that has no key of its own: its jobs are still counted.
        unattributed += grouped.iter().filter(|(q, _)| !self.samples.contains_key(*q)).map(|(_, n)| n).sum::<u64>();
        let mut discovery = self.discovery;
        if discovery.complete {
            discovery.scanned = discovery.keys.unwrap_or(discovery.scanned);
        }
        Snapshot {
            connection: self.connection.clone(),
            totals: Totals {
                active: active.total,
                active_partial: active.partial,
                lost: active.lost,
                ..totals(&queues, unattributed, partial)
            },
            queues,
            heard,
            throughput,
            log_seq,
            workers: known.scanned.then_some(known.alive().count() as u64),
            discovery,
            sampled_at: self.sampled_at,
            operations: self.state.operations.recent(),
            ..Snapshot::empty(now(), &config.prefix, config.password.is_none(), config.environment.clone())
        }
    }
}

impl Counted {
    fn lists(&self) -> Vec<Priority> {
        Priority::ALL.into_iter().filter(|p| self.waiting.get(*p).is_some_and(|n| n > 0)).collect()
    }

    fn anything(&self) -> bool {
        self.waiting.sum() != Some(0) || self.delayed.sum() != Some(0) || self.failed != Some(0) || self.paused != Paused::No
    }

    fn seen(&self, at: Millis) -> Seen {
        let sets = Priority::ALL.into_iter().filter(|p| self.delayed.get(*p).is_some_and(|n| n > 0)).collect();
        Seen { sampled_at: at, busy: self.waiting.sum() != Some(0) || self.delayed.sum() != Some(0), lists: self.lists(), sets }
    }
}

fn sample(c: Counted, at: Millis, driver: &crate::server::driver::redis::RedisDriver) -> QueueSample {
    let keys = driver.keys();
    let mut problems = Vec::new();
    for p in Priority::ALL {
        if c.waiting.get(p).is_none() {
            problems.push(format!("The key {} holds something else than a list.", keys.waiting(&c.name, p)));
        }
        if c.delayed.get(p).is_none() {
            problems.push(format!("The key {} holds something else than a sorted set.", keys.delayed(&c.name, p)));
        }
    }
    if c.failed.is_none() {
        problems.push(format!("The key {} holds something else than a list.", keys.failed(&c.name)));
    }
    QueueSample {
        waiting: c.waiting.sum(),
        by_priority: c.waiting,
        grouped: 0,
        grouped_partial: false,
        // Redis stores no running jobs: the ledger says, for the snapshot.
        active: None,
        active_partial: false,
        lost: 0,
        flow: Flow::default(),
        delayed: c.delayed.sum(),
        failed: c.failed,
        failed_at_cap: c.failed.is_some_and(|n| n >= FAILED_CAP),
        paused: c.paused,
        workers: None,
        oldest_waiting_ms: None,
        sampled_at: at,
        problems,
        name: c.name,
    }
}

/// What the banner says; never the source error, which may quote the address.
fn problem(error: &DriverError) -> String {
    match error {
        DriverError::Unavailable(e) if e.is_timeout() => "it does not answer in time".into(),
        DriverError::Unavailable(e) if e.is_connection_refusal() => "the connection is refused".into(),
        DriverError::Unavailable(_) => "the connection fails".into(),
        DriverError::Refused(e) => format!("it answers {}", e.code().unwrap_or("with an error")),
        DriverError::Corrupt { .. } | DriverError::Protocol(_) | DriverError::Partly { .. } => "it answers something unexpected".into(),
    }
}
