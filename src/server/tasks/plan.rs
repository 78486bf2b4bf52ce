//! Which queues, groups and lists the next tick asks for, when it cannot ask for all.

use crate::model::{
    ids::{Priority, QueueName},
    time::Millis,
};
use crate::server::driver::redis::{
    Known,
    sample::{COMMANDS, FIXED, FLAGS, GROUPS, List, PER_QUEUE, TAILS},
    upcoming::LISTS,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of a queue between its samples.
pub struct Seen {
    pub sampled_at: Millis,
    pub busy: bool,
    /// Lists that were not empty.
    pub lists: Vec<Priority>,
    /// Delayed sets that were not empty.
    pub sets: Vec<Priority>,
}

/// Watched queues always, then busy ones, then the rest in turn. A part of the room is kept for the rest, so that a thousand
/// busy queues do not hide a quiet one that wakes up.
pub fn queues(known: &Known, seen: &BTreeMap<QueueName, Seen>, watched: &BTreeSet<QueueName>, groups: usize) -> Vec<QueueName> {
    let room = (COMMANDS - FIXED - groups) / PER_QUEUE;
    if known.queues.len() <= room {
        return known.queues.keys().chain(watched.iter().filter(|q| !known.queues.contains_key(q))).take(room).cloned().collect();
    }
    let age = |q: &&QueueName| seen.get(*q).map_or(i64::MIN, |s| s.sampled_at.0);
    let is_busy = |q: &&QueueName| seen.get(*q).is_none_or(|s| s.busy);
    let mut busy: Vec<&QueueName> = known.queues.keys().filter(|q| is_busy(q) && !watched.contains(*q)).collect();
    let mut quiet: Vec<&QueueName> = known.queues.keys().filter(|q| !is_busy(q) && !watched.contains(*q)).collect();
    busy.sort_by_key(age);
    quiet.sort_by_key(age);
    let mut chosen: Vec<QueueName> = watched.iter().take(room).cloned().collect();
    let left = room - chosen.len();
    let for_quiet = quiet.len().min((left / 4).max(left.saturating_sub(busy.len())));
    chosen.extend(busy.into_iter().take(left - for_quiet).cloned());
    chosen.extend(quiet.into_iter().take(room - chosen.len()).cloned());
    chosen
}

/// The next run of `items` behind `after`, going round.
pub fn round<T: Ord + Clone>(items: &[T], after: Option<&T>, most: usize) -> Vec<T> {
    let start = after.map_or(0, |a| items.partition_point(|x| x <= a));
    items[start..].iter().chain(&items[..start]).take(most).cloned().collect()
}

pub fn groups(known: &Known, after: Option<&String>) -> Vec<String> {
    let all: Vec<String> = known.groups.keys().cloned().collect();
    round(&all, after, GROUPS)
}

/// Groups whose queue is not known yet come first, the others in turn: their first job changes.
pub fn heads(known: &Known, groups: &[String], after: Option<&String>) -> Vec<String> {
    let (unknown, others): (Vec<_>, Vec<_>) = groups.iter().cloned().partition(|g| known.groups.get(g).is_some_and(|p| p.queue.is_none()));
    let mut chosen: Vec<String> = unknown.into_iter().take(TAILS).collect();
    chosen.extend(round(&others, after, TAILS - chosen.len()));
    chosen
}

/// Non-empty lists whose oldest job is asked for its age: those of watched queues, then all in turn.
pub fn tails(
    seen: &BTreeMap<QueueName, Seen>,
    watched: &BTreeSet<QueueName>,
    after: Option<&(QueueName, Priority)>,
) -> Vec<(QueueName, Priority)> {
    let lists = |of: &dyn Fn(&QueueName) -> bool| -> Vec<(QueueName, Priority)> {
        seen.iter().filter(|(q, _)| of(q)).flat_map(|(q, s)| s.lists.iter().map(|p| (q.clone(), *p))).collect()
    };
    let mut chosen = lists(&|q| watched.contains(q));
    chosen.truncate(TAILS);
    let others = lists(&|q| !watched.contains(q));
    let room = TAILS - chosen.len();
    chosen.extend(round(&others, after, room));
    chosen
}

/// Pause flags that may hold something else than text, in turn.
pub fn flags(known: &Known, after: Option<&List>) -> Vec<List> {
    let all: Vec<List> = known.flags.keys().cloned().collect();
    round(&all, after, FLAGS)
}

/// Lists and delayed sets of queues that a worker serves, in turn: what runs next there is read. Sets take at most a quarter.
pub fn coming(seen: &BTreeMap<QueueName, Seen>, known: &Known, after: Option<&List>) -> (Vec<List>, Vec<List>) {
    let Some(served) = known.workers() else { return Default::default() };
    let of = |which: fn(&Seen) -> &Vec<Priority>| -> Vec<(QueueName, Priority)> {
        let served = seen.iter().filter(|(q, _)| served.contains_key(q.as_str()));
        served.flat_map(|(q, s)| which(s).iter().map(|p| (q.clone(), *p))).collect()
    };
    let (lists, sets) = (of(|s| &s.lists), of(|s| &s.sets));
    let sets = round(&sets, after, LISTS / 4);
    (round(&lists, after, LISTS - sets.len()), sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_gets_its_turn() {
        let mut known = Known::default();
        let name = |i: usize| QueueName::try_from(format!("q{i:04}")).expect("valid");
        (0..2_000).for_each(|i| known.queue_seen(name(i), Millis(0)));
        let watched = BTreeSet::from([name(7)]);
        let mut seen = BTreeMap::new();
        let mut asked = BTreeSet::new();
        for tick in 0..12 {
            let chosen = queues(&known, &seen, &watched, 0);
            assert!(chosen.len() * PER_QUEUE + FIXED <= COMMANDS);
            assert!(chosen.contains(&name(7)));
            for q in chosen {
                // Three of four are busy.
                let busy = q.as_str().as_bytes()[4] % 4 != 0;
                seen.insert(q.clone(), Seen { sampled_at: Millis(tick), busy, lists: Vec::new(), sets: Vec::new() });
                asked.insert(q);
            }
        }
        assert_eq!(asked.len(), 2_000);
    }

    #[test]
    fn rounds_go_on_where_they_stopped() {
        assert_eq!(round(&[1, 2, 3, 4], Some(&3), 3), [4, 1, 2]);
        assert_eq!(round(&[1, 2], None, 5), [1, 2]);
        assert_eq!(round::<i32>(&[], None, 5), [0; 0]);
    }
}
