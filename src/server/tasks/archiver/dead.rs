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
/// Elements of one list that are read on end. Of a longer list (the library keeps 1,000) the rest is read in the next turns.
const AT_ONCE: usize = 2_000;
/// Of the rest of a list, so many bytes are read in one turn: the spool has place for several such parts.
const REST_BYTES: usize = 4 * 1024 * 1024;
/// Lists of which a part of the rest is read in one turn.
const RESTS: usize = 4;
/// The oldest elements of a full list that was never looked at: if none of them is archived, others were dropped before them.
const OLDEST: usize = 20;

#[derive(Default)]
pub struct DeadLetters {
    lists: HashMap<QueueName, Known>,
    turn: usize,
    gaps: Vec<Gap>,
    suspects: Vec<Suspect>,
}

/// A full list that this console sees for the first time: whether elements of it were dropped unseen, the archive knows.
pub struct Suspect {
    pub queue: QueueName,
    pub oldest: Vec<Record>,
    pub at: Millis,
}

#[derive(Default)]
struct Known {
    /// Digests of the newest elements at the last look, newest first. Empty: not looked at yet, or empty then.
    heads: Vec<String>,
    looked: Option<Millis>,
    hot_until: Option<Instant>,
    /// Failures heard of since the last look.
    heard: u64,
    /// The oldest elements that were not read yet: so many, counted from the end of the list, where nothing is pushed.
    rest: u64,
}

impl DeadLetters {
    /// `failed`: where failures were heard of, and how many; under `None` those whose queue is not known. What is `found` counts
    /// also when a later list could not be read: it will not be found again. `place`: there is place for the rest of long lists.
    pub async fn look(
        &mut self,
        state: &AppState,
        failed: HashMap<Option<QueueName>, u64>,
        place: bool,
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
        self.lists.retain(|queue, known| there.contains(queue) || known.rest > 0 || known.hot_until.is_some_and(|at| at > Instant::now()));
        let mut queues = self.hot();
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
        if place {
            let long = self.lists.iter().filter(|(_, k)| k.rest > 0).map(|(q, _)| q.clone()).take(RESTS);
            for queue in long.collect::<Vec<_>>() {
                self.read_rest(state, &queue, found).await?;
            }
        }
        Ok(())
    }

    /// Queues in which something failed lately: first those with failures that were not looked for yet, then those whose last
    /// look is the longest ago, so that none is left out however many there are.
    fn hot(&self) -> Vec<QueueName> {
        let now = Instant::now();
        let mut hot: Vec<(&QueueName, &Known)> = self.lists.iter().filter(|(_, k)| k.hot_until.is_some_and(|at| at > now)).collect();
        hot.sort_by_key(|(_, k)| (k.heard == 0, k.looked.map(|at| at.0)));
        hot.into_iter().take(HOT).map(|(queue, _)| queue.clone()).collect()
    }

    /// The next part of what a long list holds behind its first elements.
    async fn read_rest(&mut self, state: &AppState, queue: &QueueName, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let Some(known) = self.lists.get_mut(queue) else { return Ok(()) };
        // Where it stands by now: the head moved on.
        let Some(length) = state.driver.new_dead(std::slice::from_ref(queue), &[], 0).await?.pop().and_then(|list| list.length) else {
            known.rest = 0;
            return Ok(());
        };
        let mut raws: Vec<Vec<u8>> = Vec::new();
        known.rest = known.rest.min(length);
        while known.rest > 0 && raws.len() < AT_ONCE && raws.iter().map(Vec::len).sum::<usize>() < REST_BYTES {
            let from = usize::try_from(length - known.rest).unwrap_or(usize::MAX);
            let Some(next) = state.driver.new_dead(std::slice::from_ref(queue), &[], from).await?.pop() else { break };
            // Elements that were pushed meanwhile moved it: what comes twice is written once. Taken away ones: it begins again.
            if next.length.is_none_or(|now| now < length) || next.raws.is_empty() {
                break;
            }
            known.rest -= known.rest.min(next.raws.len() as u64);
            raws.extend(next.raws);
        }
        let at = now();
        found.extend(raws.into_iter().rev().map(|payload| Record { status: Status::Failed, queue: queue.clone(), id: None, payload, at }));
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
        if end == End::More {
            known.rest = length.saturating_sub(raws.len() as u64).max(known.rest);
        }
        if end == End::List && known.looked.is_none() && length >= CAP {
            let oldest = raws.iter().rev().take(OLDEST).cloned();
            let oldest = oldest.map(|payload| Record { status: Status::Failed, queue: queue.clone(), id: None, payload, at }).collect();
            self.suspects.push(Suspect { queue: queue.clone(), oldest, at });
        }
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

    /// Full lists that were seen for the first time, taken out.
    pub fn suspects(&mut self) -> impl Iterator<Item = Suspect> {
        std::mem::take(&mut self.suspects).into_iter()
    }

    /// Reads these lists whole in the next turns: what was read of them before could not be kept.
    pub fn look_again(&mut self, queues: Vec<QueueName>) {
        for queue in queues {
            // In parts, as there is place: read on end it would not fit again.
            self.lists.entry(queue).or_default().rest = u64::MAX;
        }
    }
}
