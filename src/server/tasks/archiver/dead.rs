//! Finds new dead letters: looks at the heads of failed lists, where failures were heard of at every turn; of the others, where the length
//! says that there may be some (`quiet`).

mod late;
mod quiet;
mod rest;
mod strays;

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
use late::Late;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use strays::Strays;

/// The library keeps so many dead letters of a queue.
const CAP: u64 = 1_000;
/// Heads that are remembered of a list: an operator may take away the first ones.
const REMEMBERED: usize = 20;
/// A queue in which something failed is looked at every turn for so long.
const HOT_FOR: Duration = Duration::from_secs(60);
/// So many of them; those of which a failure was heard since the last look are all looked at, up to the second number.
const HOT: usize = 200;
const HEARD: usize = 1_000;
/// Elements of one list that are read on end. Of a longer list (the library keeps 1,000) the rest is read in the next turns.
const AT_ONCE: usize = 2_000;
const BYTES_AT_ONCE: usize = 16 * 1024 * 1024;
/// What is new in a list is read as far as the spool could hold it.
const NEW_BYTES: usize = 64 * 1024 * 1024;
/// Of elements that the archive is asked about.
const ASKED_BYTES: usize = 1024 * 1024;
/// After so many bytes a turn ends: the spool takes them in, and the lists that were not reached come next.
const TURN_BYTES: usize = 16 * 1024 * 1024;
/// Lists of which a part of the rest is read in one turn.
const RESTS: usize = 4;
/// The oldest elements of a full list that was never looked at: if none of them is archived, others were dropped before them.
const OLDEST: usize = 20;

fn size(raws: &[Vec<u8>]) -> usize {
    raws.iter().map(Vec::len).sum()
}

/// Without those that were read twice, because others were pushed meanwhile.
fn distinct(raws: &[Vec<u8>]) -> u64 {
    raws.iter().collect::<HashSet<_>>().len() as u64
}

/// These dead letters of a queue, the oldest first, as they failed.
fn letters(queue: &QueueName, newest_first: Vec<Vec<u8>>, at: Millis) -> impl Iterator<Item = Record> {
    let record = move |payload| Record { status: Status::Failed, queue: queue.clone(), id: None, payload, at };
    newest_first.into_iter().rev().map(record)
}

/// The last elements of a list, of those that were read or, when it goes on, of what was not read yet: at least one, and no more
/// than one cares to keep until the archive was asked.
async fn oldest(
    state: &AppState,
    queue: &QueueName,
    raws: &[Vec<u8>],
    goes_on: bool,
    length: u64,
    at: Millis,
) -> Result<Vec<Record>, DriverError> {
    let last = if goes_on {
        let from = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(OLDEST);
        state.driver.new_dead(std::slice::from_ref(queue), &[], from).await?.pop().map_or_else(Vec::new, |list| list.raws)
    } else {
        raws[raws.len().saturating_sub(OLDEST)..].to_vec()
    };
    let mut bytes = 0;
    let few = letters(queue, last, at).take_while(|letter| {
        bytes += letter.payload.len();
        bytes == letter.payload.len() || bytes <= ASKED_BYTES
    });
    Ok(few.collect())
}

/// Failures that were heard of.
#[derive(Default)]
pub struct Heard {
    pub failures: u64,
    /// Failures before, of which nothing is known either, that are retried: they come to no list.
    pub retried: u64,
    /// More was heard than there was place for.
    pub more: bool,
    /// By the queues in which they may have been, each under every one of them; under `None` those of which nothing is known.
    pub of: HashMap<Option<QueueName>, u64>,
}

#[derive(Default)]
pub struct DeadLetters {
    lists: HashMap<QueueName, Known>,
    /// Where the next turn goes on with lengths, and with looks in turn.
    next: quiet::Next,
    gaps: Vec<Gap>,
    suspects: Vec<Suspect>,
    strays: Strays,
}

/// A full list of which nothing is known here: whether elements of it were dropped unseen, the archive knows.
#[derive(Clone)]
pub struct Suspect {
    pub queue: QueueName,
    pub oldest: Vec<Record>,
    /// When it was looked at before, and was empty; or now, when more failures were heard of than it holds.
    pub since: Option<Millis>,
    /// Those may have been failures of other queues.
    unsure: bool,
    pub at: Millis,
}

#[derive(Default)]
struct Known {
    /// Digests of the newest elements at the last look, newest first. Empty: not looked at yet, or empty then.
    heads: Vec<String>,
    looked: Option<Millis>,
    /// How many elements it had then.
    length: u64,
    hot_until: Option<Instant>,
    /// Failures heard of since the last look that may have been in it.
    heard: u64,
    /// Failures heard of before the last look and not found by it: a letter is pushed after its event.
    ahead: u64,
    /// Some were dropped unseen.
    late: Option<Late>,
    /// The oldest elements that were not read yet: so many, counted from the end of the list, where nothing is pushed.
    rest: u64,
}

impl DeadLetters {
    /// What is `found` counts also when a later list could not be read or the look was given up: it will not be found again. `place`:
    /// there is place for the rest of long lists.
    pub async fn look(&mut self, state: &AppState, heard: Heard, place: bool, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let (failures, retried, before) = (heard.failures, heard.retried, found.len());
        let strays = heard.of.get(&None::<QueueName>).copied().unwrap_or(0);
        let done = self.look_at_heads(state, heard, place, found).await;
        let letters = (found.len() - before) as u64;
        self.strays.turn(now(), strays, failures - strays, letters + retried);
        self.judge(failures <= letters);
        done?;
        if place {
            let long = self.lists.iter().filter(|(_, k)| k.rest > 0).map(|(q, _)| q.clone()).take(RESTS);
            for queue in long.collect::<Vec<_>>() {
                self.read_rest(state, &queue, found).await?;
            }
        }
        Ok(())
    }

    async fn look_at_heads(&mut self, state: &AppState, heard: Heard, place: bool, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let names: Vec<QueueName> = state.snapshot().queues.iter().map(|q| q.name.clone()).collect();
        let until = Instant::now() + HOT_FOR;
        for (queue, n) in heard.of {
            let queues: Vec<QueueName> = queue.map_or_else(|| names.clone(), |queue| vec![queue]);
            for queue in queues.into_iter().filter(|q| state.driver.keys().is_queue(q)) {
                let known = self.lists.entry(queue).or_default();
                known.hot_until = Some(until);
                known.heard += n;
                if let Some(late) = &mut known.late {
                    late.hear(n);
                }
            }
        }
        self.settle(|late| late.turn(heard.more));
        let there: HashSet<&QueueName> = names.iter().collect();
        self.lists.retain(|queue, known| {
            there.contains(queue) || known.rest > 0 || known.late.is_some() || known.hot_until.is_some_and(|at| at > Instant::now())
        });
        let mut queues = self.hot();
        let hot: HashSet<QueueName> = queues.iter().cloned().collect();
        queues.extend(self.quiet(state, &names, &hot).await?);
        // Lists that were never looked at wait until there is place for all that they hold; what fails now comes first.
        queues.retain(|q| place || hot.contains(q) || self.lists.get(q).is_some_and(|known| known.looked.is_some()));
        let bytes = |found: &[Record]| found.iter().map(|record| record.payload.len()).sum::<usize>();
        for part in queues.chunks(dead::LISTS) {
            let known: Vec<&str> = part.iter().filter_map(|q| self.lists.get(q)).flat_map(|k| k.heads.iter().map(String::as_str)).collect();
            let lists = state.driver.new_dead(part, &known, 0).await?;
            for (queue, list) in part.iter().zip(lists) {
                if bytes(found) > TURN_BYTES {
                    return Ok(());
                }
                self.read(state, queue, list, found).await?;
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
        let heard = hot.iter().filter(|(_, known)| known.heard > 0).count();
        hot.into_iter().take(heard.clamp(HOT, HEARD)).map(|(queue, _)| queue.clone()).collect()
    }

    /// Reads on until something known or the end of the list.
    async fn read(&mut self, state: &AppState, queue: &QueueName, first: Dead, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let Some(length) = first.length else { return Ok(()) };
        let known = self.lists.entry(queue.clone()).or_default();
        let heads: Vec<&str> = known.heads.iter().map(String::as_str).collect();
        let (mut raws, mut end) = (first.raws, first.end);
        let mut reached = length;
        let most = if heads.is_empty() { BYTES_AT_ONCE } else { NEW_BYTES };
        while end == End::More && raws.len() < AT_ONCE && size(&raws) < most {
            let before = raws.len();
            let Some(next) = state.driver.new_dead(std::slice::from_ref(queue), &heads, before).await?.pop() else { break };
            // What came meanwhile moved the rest on: some elements come twice and are written once. What an operator took away
            // meanwhile drew the rest nearer: then some were passed over, and the next look reads from the head again.
            if next.length.is_none_or(|now| now < length && length < CAP) {
                return Ok(());
            }
            (end, reached) = (next.end, next.length.unwrap_or(reached));
            if next.raws.is_empty() && end == End::More {
                break;
            }
            raws.extend(next.raws);
        }
        let at = now();
        if end == End::More {
            known.rest = reached.saturating_sub(raws.len() as u64).max(known.rest);
        }
        let lost = end == End::List && length >= CAP && !known.heads.is_empty();
        if end != End::Known && length >= CAP && known.heads.is_empty() {
            let more = known.heard > raws.len() as u64;
            // Other producers let their lists grow. (That no more was heard of says nothing: events may come later.)
            // A list of which a look brought nothing was not empty for that.
            let empty_then = known.looked.filter(|_| known.length == 0);
            if empty_then.is_none() || length == CAP {
                let oldest = oldest(state, queue, &raws, end == End::More, length, at).await?;
                let since = empty_then.or(more.then_some(at));
                self.suspects.push(Suspect { queue: queue.clone(), oldest, since, unsure: empty_then.is_none(), at });
            }
        }
        if lost || known.late.is_some() {
            let there = distinct(&raws);
            if let Some(late) = &mut known.late {
                if lost { late.go_on(at, there) } else { late.find(there) }
            } else {
                let gap = Gap { queue: queue.clone(), from: known.looked, until: at, up_to: None };
                known.late = Some(Late::new(gap, known.heard + known.ahead, there));
            }
        }
        // Pushed at one end, cut off at the other, where the rest is that was not read yet. (It is not less for that: what is read
        // twice is written once.)
        let dropped = (known.length + raws.len() as u64).saturating_sub(length);
        if end == End::Known && length == CAP && (1..=known.length).contains(&known.rest) && dropped > 0 {
            self.gaps.push(Gap { queue: queue.clone(), from: known.looked, until: at, up_to: Some(dropped) });
        }
        known.length = length;
        if !raws.is_empty() {
            known.hot_until = Some(Instant::now() + HOT_FOR);
            let newest = raws.iter().take(REMEMBERED).map(|raw| dead::digest(raw));
            known.heads = newest.chain(known.heads.iter().cloned()).take(REMEMBERED).collect();
        } else if length == 0 {
            known.heads.clear();
        }
        known.ahead = known.heard.saturating_sub(raws.len() as u64);
        (known.looked, known.heard) = (Some(at), 0);
        found.extend(letters(queue, raws, at));
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
