//! What comes into a queue: nobody says so, but the change of its backlog and the runs that started do.

use crate::model::{ids::QueueName, queue::QueueSample, time::Millis};
use crate::server::{
    actions::now,
    ledger::{
        Ledger,
        show::{Active, LATELY_SECONDS, RATE_SECONDS},
    },
};
use std::collections::{BTreeMap, VecDeque};

/// A shorter time says little about a rate.
const SHORTEST: i64 = 20;

#[derive(Default)]
pub struct Flows(BTreeMap<QueueName, VecDeque<(Millis, u64)>>);

impl Flows {
    pub fn forget(&mut self, queue: &QueueName) {
        self.0.remove(queue);
    }

    /// Active, lost and flow of every queue; `active`: what the ledger said of this moment.
    pub fn fill(&mut self, ledger: &Ledger, active: &Active, queues: &mut [QueueSample]) {
        let mut ledger = ledger.lock();
        let at = now();
        let anybody = ledger.anybody();
        let (serving, reasons, sparks) = (ledger.serving(), ledger.reasons(at), ledger.meter().sparks());
        let (_, minute, heard) = ledger.meter().lately(RATE_SECONDS);
        let (_, lately, lately_heard) = ledger.meter().lately(LATELY_SECONDS);
        for q in queues.iter_mut() {
            (q.active, q.active_partial) = ledger.active_of(&q.name, active, &serving);
            q.lost = active.queues.get(&q.name).map_or(0, |r| r.lost);
            let whole = serving.get(q.name.as_str()).is_some_and(|workers| !workers.shared);
            let told = minute.get(&q.name);
            if anybody && heard > 0.0 && (whole || told.is_some()) {
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                let rate = told.map_or(0, |t| t.started) as f64 / heard;
                q.flow.out_per_second = Some(crate::server::ledger::frame::round(rate));
            }
            if anybody && lately_heard > 0.0 {
                q.flow.failed_lately = Some(lately.get(&q.name).map_or(0, |t| t.failed)).filter(|n| whole || *n > 0);
            }
            q.flow.mostly = reasons.get(&q.name).cloned();
            q.flow.spark = sparks.get(&q.name).cloned().unwrap_or_default();
            let backlog = q.waiting.zip(q.delayed).map(|(w, d)| w + d);
            q.flow.in_per_second = match backlog {
                Some(backlog) => self.incoming(&mut ledger, q, backlog).filter(|_| whole),
                None => None,
            };
        }
        self.0.retain(|name, _| queues.binary_search_by(|q| q.name.cmp(name)).is_ok());
    }

    fn incoming(&mut self, ledger: &mut crate::server::ledger::Inner, q: &QueueSample, backlog: u64) -> Option<f64> {
        let seen = self.0.entry(q.name.clone()).or_default();
        if seen.back().is_none_or(|(at, _)| *at < q.sampled_at) {
            seen.push_back((q.sampled_at, backlog));
        }
        let start = q.sampled_at.0 - RATE_SECONDS * 1_000;
        while seen.len() > 2 && seen.get(1).is_some_and(|(at, _)| at.0 <= start) {
            seen.pop_front();
        }
        let (from, before) = *seen.front()?;
        let seconds = (q.sampled_at.0 - from.0) / 1_000;
        let (first, last) = (from.0.div_euclid(1_000), q.sampled_at.0.div_euclid(1_000));
        if !ledger.meter().heard_all(first, last) {
            // Begin behind what was not heard.
            seen.pop_front();
            return None;
        }
        if seconds < SHORTEST {
            return None;
        }
        let started = ledger.meter().started(&q.name, first, last);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let came = backlog as f64 - before as f64 + started as f64;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        Some(crate::server::ledger::frame::round((came / seconds as f64).max(0.0)))
    }
}
