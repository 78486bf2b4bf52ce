//! What is known after a tick, as one picture for everybody.

use super::{Sampler, learn};
use crate::{
    model::{
        live::Totals,
        node::NodeList,
        queue::{Discovery, QueueSample},
    },
    server::{
        actions::now,
        driver::redis::sample::GROUPS,
        snapshot::{Snapshot, totals},
    },
};

impl Sampler {
    pub(super) fn snapshot(&mut self) -> Snapshot {
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
        let partial = known.groups.len() > GROUPS || known.more_groups() || known.uncountable().next().is_some();
        let workers = known.workers();
        let config = &self.state.config;
        let mut queues: Vec<QueueSample> = self.samples.values().cloned().collect();
        for q in &mut queues {
            q.grouped = grouped.get(&q.name).copied().unwrap_or(0);
            q.grouped_partial = partial;
            q.waiting = q.by_priority.sum().map(|n| n + q.grouped);
            q.workers = workers.as_ref().map(|w| w.get(q.name.as_str()).copied().unwrap_or(0));
            let oldest = learn::oldest_of(&self.oldest, &q.name);
            q.oldest_waiting_ms = oldest.map(|(created, _)| q.sampled_at.0.saturating_sub(created).max(0));
            q.oldest_waiting_old = oldest.is_some_and(|(_, age)| age.is_old(at));
        }
        let NodeList { nodes, complete: nodes_complete, more: more_nodes } = self.state.nodes.lock().list(at);
        self.flows.fill(&self.state.ledger, &active, &mut queues);
        // A group may name a queue that has no key of its own: its jobs are still counted.
        unattributed += grouped.iter().filter(|(q, _)| !self.samples.contains_key(*q)).map(|(_, n)| n).sum::<u64>();
        let discovery = Discovery { truncated: known.more_queues(), ..self.discovery };
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
            nodes,
            nodes_complete,
            more_nodes,
            old_ages: self.old_ages(at),
            workers: known.scanned.then_some(known.alive().count() as u64),
            late_workers: known.late(at),
            discovery,
            sampled_at: self.sampled_at,
            operations: self.state.operations.recent(),
            alerts: self.state.alerts.now(),
            archive: self.state.archive.trouble(at),
            not_archived: self.state.archive.not_archived(),
            ..Snapshot::empty(now(), &config.prefix, config.password.is_none(), config.environment.clone())
        }
    }
}
