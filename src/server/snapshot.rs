//! The one picture of Redis that every browser and every list request shares. Made by `tasks::sampler`, once a tick.

pub mod written;

use crate::model::{
    alert::firing::AlertsNow,
    archive::{ArchiveTrouble, NotArchived},
    ids::QueueName,
    live::{Connection, Heard, Link, Overview, QueuesPage, Throughput, Totals},
    node::Node,
    operation::Operation,
    query::{QUEUES_PER_PAGE, QueuesQuery},
    queue::{Discovery, Paused, QueueList, QueueSample},
    time::Millis,
    worker::LateWorkers,
};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub connection: Connection,
    /// By name.
    pub queues: Vec<QueueSample>,
    /// Of these the age of the oldest waiting job was not looked at lately.
    pub old_ages: BTreeSet<QueueName>,
    pub totals: Totals,
    /// Heartbeats alive; `None` until the first whole scan.
    pub workers: Option<u64>,
    /// Workers that beat late: neither there nor gone.
    pub late_workers: LateWorkers,
    /// Quasar agents, this console among them: by service, gone ones last.
    pub nodes: Vec<Node>,
    /// The keys were looked through once, so these are all but `more_nodes`.
    pub nodes_complete: bool,
    pub more_nodes: u64,
    /// What the event channels told.
    pub heard: Heard,
    pub throughput: Throughput,
    /// Number of the newest log line: streams send lines up to it.
    pub log_seq: u64,
    pub discovery: Discovery,
    pub sampled_at: Option<Millis>,
    /// Running and lately finished operations of this console.
    pub operations: Vec<Operation>,
    pub version: String,
    pub prefix: String,
    pub open_access: bool,
    pub environment: Option<String>,
    pub alerts: AlertsNow,
    pub archive: Option<ArchiveTrouble>,
    pub not_archived: Option<NotArchived>,
}

impl Snapshot {
    pub fn empty(now: Millis, prefix: &str, open_access: bool, environment: Option<String>) -> Self {
        let connection = Connection {
            status: Link::Connecting,
            driver: "redis".into(),
            server_version: None,
            latency_ms: None,
            since: now,
            problem: None,
        };
        Self {
            connection,
            queues: Vec::new(),
            old_ages: BTreeSet::new(),
            totals: Totals::default(),
            workers: None,
            late_workers: LateWorkers::default(),
            nodes: Vec::new(),
            nodes_complete: false,
            more_nodes: 0,
            heard: Heard::default(),
            throughput: Throughput { completed_per_second: None, failed_per_second: None, window_seconds: 60 },
            log_seq: 0,
            discovery: Discovery::default(),
            sampled_at: None,
            operations: Vec::new(),
            version: env!("CARGO_PKG_VERSION").into(),
            prefix: prefix.into(),
            open_access,
            environment,
            alerts: AlertsNow::default(),
            archive: None,
            not_archived: None,
        }
    }

    pub fn queue(&self, name: &QueueName) -> Option<&QueueSample> {
        self.queues.binary_search_by(|q| q.name.cmp(name)).ok().map(|i| &self.queues[i])
    }

    pub fn overview(&self) -> Overview {
        Overview {
            connection: self.connection.clone(),
            totals: self.totals.clone(),
            workers: self.workers,
            throughput: self.throughput.clone(),
            heard: self.heard.clone(),
            discovery: self.discovery,
            sampled_at: self.sampled_at,
            version: self.version.clone(),
            prefix: self.prefix.clone(),
            open_access: self.open_access,
            environment: self.environment.clone(),
            alerts: self.alerts.clone(),
            archive: self.archive.clone(),
            not_archived: self.not_archived,
        }
    }

    pub fn queue_list(&self) -> QueueList {
        QueueList { queues: self.queues.clone(), discovery: self.discovery, sampled_at: self.sampled_at }
    }

    pub fn queues_page(&self, query: &QueuesQuery) -> QueuesPage {
        let mut rows: Vec<&QueueSample> = self.queues.iter().filter(|q| query.matches(q)).collect();
        rows.sort_by(|a, b| query.order(a, b));
        let skip = usize::try_from(query.page.saturating_sub(1).saturating_mul(QUEUES_PER_PAGE)).unwrap_or(usize::MAX);
        QueuesPage {
            total: rows.len() as u64,
            queues: rows.into_iter().skip(skip).take(QUEUES_PER_PAGE as usize).cloned().collect(),
            page: query.page,
            per_page: QUEUES_PER_PAGE,
        }
    }
}

/// Sums over queues; a sum is unknown when it would need an unknown part.
pub fn totals(queues: &[QueueSample], grouped_unattributed: u64, grouped_partial: bool) -> Totals {
    let sum = |part: fn(&QueueSample) -> Option<u64>| queues.iter().map(part).sum::<Option<u64>>();
    let count = |is: fn(&QueueSample) -> bool| queues.iter().filter(|q| is(q)).count() as u64;
    Totals {
        waiting: sum(|q| q.waiting).map(|n| n + grouped_unattributed),
        // The ledger counts all of them, attributed or not.
        active: None,
        active_partial: false,
        lost: 0,
        delayed: sum(|q| q.delayed),
        failed: sum(|q| q.failed),
        grouped_unattributed,
        grouped_partial,
        queues: queues.len() as u64,
        counted_from: queues.iter().map(|q| q.sampled_at).min(),
        oldest_waiting_ms: queues.iter().filter_map(|q| q.oldest_waiting_ms).max(),
        failing: count(QueueSample::failing),
        paused: count(|q| q.paused != Paused::No),
        unserved: count(QueueSample::unserved),
        idle: count(QueueSample::idle),
    }
}
