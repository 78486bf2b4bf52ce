//! Finds new dead letters: looks at the heads of failed lists, where failures were heard of at every turn, at the others in turn.

use crate::{
    model::{
        archive::{Gap, Status},
        ids::QueueName,
        time::Millis,
    },
    server::{
        actions::now,
        archive::record::Record,
        driver::redis::dead::{self, Dead, End},
        error::DriverError,
        state::AppState,
    },
};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// The library keeps so many dead letters of a queue.
const CAP: u64 = 1_000;
/// Heads that are remembered of a list: an operator may take away the first ones.
const REMEMBERED: usize = 20;
/// A queue in which something failed is looked at every turn for so long.
const HOT_FOR: Duration = Duration::from_secs(60);
/// Queues of one turn that are not hot: with a turn every 250 ms, two hundred a second.
const OTHERS: usize = 50;
const HOT: usize = 200;
/// Elements of one list that are read on end; the rest at the next turn would be too late for none of them.
const AT_ONCE: usize = 2_000;

#[derive(Default)]
pub struct DeadLetters {
    lists: HashMap<QueueName, Known>,
    turn: usize,
    gaps: Vec<Gap>,
}

#[derive(Default)]
struct Known {
    /// Digests of the newest elements at the last look, newest first. Empty: not looked at yet, or empty then.
    heads: Vec<String>,
    looked: Option<Millis>,
    hot_until: Option<Instant>,
    /// Failures heard of since the last look.
    heard: u64,
}

impl DeadLetters {
    /// `failed`: where failures were heard of, and how many; under `None` those whose queue is not known. What is `found` counts
    /// also when a later list could not be read: it will not be found again.
    pub async fn look(
        &mut self,
        state: &AppState,
        failed: HashMap<Option<QueueName>, u64>,
        found: &mut Vec<Record>,
    ) -> Result<(), DriverError> {
        let names: Vec<QueueName> = state.snapshot().queues.iter().map(|q| q.name.clone()).collect();
        let until = Instant::now() + HOT_FOR;
        for (queue, n) in failed {
            let queues: Vec<QueueName> = queue.map_or_else(|| names.clone(), |queue| vec![queue]);
            for queue in queues.into_iter().filter(|q| state.driver.keys().is_queue(q)) {
                let known = self.lists.entry(queue).or_default();
                known.hot_until = Some(until);
                known.heard += n;
            }
        }
        let there: HashSet<&QueueName> = names.iter().collect();
        self.lists.retain(|queue, known| there.contains(queue) || known.hot_until.is_some_and(|at| at > Instant::now()));
        let mut queues: Vec<QueueName> = self
            .lists
            .iter()
            .filter(|(_, k)| k.hot_until.is_some_and(|at| at > Instant::now()))
            .map(|(q, _)| q.clone())
            .take(HOT)
            .collect();
        let hot: HashSet<QueueName> = queues.iter().cloned().collect();
        for step in 0..names.len().min(OTHERS) {
            let name = &names[(self.turn + step) % names.len()];
            if !hot.contains(name) {
                queues.push(name.clone());
            }
        }
        self.turn = self.turn.wrapping_add(OTHERS) % names.len().max(1);
        for part in queues.chunks(dead::LISTS) {
            let known: Vec<&str> = part.iter().filter_map(|q| self.lists.get(q)).flat_map(|k| k.heads.iter().map(String::as_str)).collect();
            let lists = state.driver.new_dead(part, &known, 0).await?;
            for (queue, list) in part.iter().zip(lists) {
                self.read(state, queue, list, found).await?;
            }
        }
        Ok(())
    }

    /// Reads on until something known or the end of the list.
    async fn read(&mut self, state: &AppState, queue: &QueueName, first: Dead, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let Some(length) = first.length else { return Ok(()) };
        let known = self.lists.entry(queue.clone()).or_default();
        let heads: Vec<&str> = known.heads.iter().map(String::as_str).collect();
        let (mut raws, mut end) = (first.raws, first.end);
        while end == End::More && raws.len() < AT_ONCE {
            let before = raws.len();
            let Some(next) = state.driver.new_dead(std::slice::from_ref(queue), &heads, before).await?.pop() else { break };
            // What came meanwhile moved the rest on: some elements come twice and are written once. What an operator took away
            // meanwhile drew the rest nearer: then some were passed over, and the next look reads from the head again.
            if next.length.is_none_or(|now| now < length && length < CAP) {
                return Ok(());
            }
            end = next.end;
            if next.raws.is_empty() && end == End::More {
                break;
            }
            raws.extend(next.raws);
        }
        let at = now();
        if end == End::List && !known.heads.is_empty() && length >= CAP {
            // Of what was heard of, what was found is there.
            let missed = known.heard.saturating_sub(raws.len() as u64);
            self.gaps.push(Gap { queue: queue.clone(), from: known.looked, until: at, up_to: (missed > 0).then_some(missed) });
        }
        if !raws.is_empty() {
            known.hot_until = Some(Instant::now() + HOT_FOR);
            let newest = raws.iter().take(REMEMBERED).map(|raw| dead::digest(raw));
            known.heads = newest.chain(known.heads.iter().cloned()).take(REMEMBERED).collect();
        } else if length == 0 {
            known.heads.clear();
        }
        (known.looked, known.heard) = (Some(at), 0);
        // The oldest first, as they failed.
        found.extend(raws.into_iter().rev().map(|payload| Record { status: Status::Failed, queue: queue.clone(), id: None, payload, at }));
        Ok(())
    }

    /// Gaps that were found at the last look, taken out.
    pub fn gaps(&mut self) -> impl Iterator<Item = Gap> {
        std::mem::take(&mut self.gaps).into_iter()
    }

    /// Reads these lists whole at the next look: what was read of them before could not be kept.
    pub fn look_again(&mut self, queues: Vec<QueueName>) {
        for queue in queues {
            let known = self.lists.entry(queue).or_default();
            known.heads.clear();
            known.hot_until = Some(Instant::now() + HOT_FOR);
        }
    }
}
