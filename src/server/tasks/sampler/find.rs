//! Finds queues, groups, heartbeats and nodes among the keys: the first pass over them, and what the steps of later ones come by.

use super::{Pass, SCAN, Sampler};
use crate::server::{
    actions::now,
    driver::redis::{
        keys::Key,
        nodes,
        sample::{NODE_STEPS, Scanned},
        unlisted::Unlisted,
    },
    error::DriverError,
    snapshot::Snapshot,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

const NODES_FOR: Duration = Duration::from_millis(200);

impl Sampler {
    /// The first pass over the keyspace, step after step.
    pub(super) async fn discover(&mut self, out: &watch::Sender<Arc<Snapshot>>) -> Result<(), DriverError> {
        self.state.driver.load_scripts().await?;
        self.tick().await?;
        self.state.driver.known().pass_begins();
        let patterns = self.state.driver.keys().patterns();
        // Each pattern walks the whole keyspace: a key counts once all of them came by it.
        let mut before = 0;
        let mut shown = Instant::now();
        for pattern in &patterns {
            let (mut cursor, mut pass) = (0, Pass::default());
            loop {
                let step = self.state.driver.scan(pattern, cursor, SCAN).await?;
                cursor = step.next;
                self.found(step);
                pass.step(self.discovery.keys);
                self.discovery.scanned = (before + pass.looked(self.discovery.keys)) / patterns.len() as u64;
                if cursor == 0 {
                    break;
                }
                if shown.elapsed() > Duration::from_millis(500) {
                    self.tick().await?;
                    self.note(Ok(()));
                    out.send_replace(Arc::new(self.snapshot()));
                    shown = Instant::now();
                }
            }
            before += pass.looked_in_all(self.discovery.keys);
        }
        self.discovery.scanned = before / patterns.len() as u64;
        self.discovery.complete = true;
        {
            let mut known = self.state.driver.known();
            known.scanned = true;
            known.pass_begins();
        }
        // Twice: ages, groups and heartbeats are asked for what the tick before counted, and the first page shows them.
        self.tick().await?;
        self.tick().await
    }

    /// The first pass over the keys of nodes: some steps a tick, after queues were found, so that those are shown no later.
    /// Afterwards the pattern takes its turn in every tick like the others.
    pub(super) async fn find_nodes(&mut self) -> Result<(), DriverError> {
        if self.state.nodes.lock().complete {
            return Ok(());
        }
        let pattern = format!("{}*", nodes::NODES);
        let began = Instant::now();
        for _ in 0..NODE_STEPS {
            // On a long way to Redis each step takes its time, and figures must not wait for it.
            if began.elapsed() > NODES_FOR {
                break;
            }
            let step = self.state.driver.scan(&pattern, self.node_cursor, SCAN).await?;
            self.node_cursor = step.next;
            self.found(step);
            if self.node_cursor == 0 {
                self.state.nodes.lock().complete = true;
                self.cursors.push((pattern, 0));
                // So that they are shown with this tick, not with the one after.
                return self.tick().await;
            }
        }
        Ok(())
    }

    pub(super) fn found(&self, step: Scanned) {
        let at = now();
        let mut known = self.state.driver.known();
        // Heartbeats and nodes are elsewhere.
        for key in step.not_text.iter().filter(|key| key.starts_with(self.state.driver.keys().prefix().as_bytes())) {
            known.unlisted.note(Unlisted::NotText, key);
        }
        for key in step.keys {
            if let Some(name) = nodes::name_of(&key, None) {
                self.state.nodes.lock().met(&key, name, at);
                continue;
            }
            match self.state.driver.keys().classify(&key) {
                Key::Of(queue) => match self.state.driver.keys().flag_of(&key, &queue) {
                    Some(p) => {
                        known.queue_seen(queue.clone(), at);
                        known.flag_seen((queue, p));
                    }
                    None => known.queue_seen(queue, at),
                },
                Key::Pending(group) => known.group_seen(group),
                Key::Heartbeat => known.heartbeat_seen(key, at),
                Key::Unlisted(why) => known.unlisted.note(why, key.as_bytes()),
                Key::Other if self.state.driver.keys().is_heartbeat(&key) => known.heartbeat_seen(key, at),
                Key::Other => {}
            }
        }
    }
}
