//! What a tick's answer says, kept until the next one.

use super::{Age, Sampler};
use crate::model::{
    ids::{Priority, QueueName},
    queue::{FAILED_CAP, Flow, Paused, QueueSample},
    time::Millis,
};
use crate::server::{
    driver::redis::{
        RedisDriver, nodes,
        sample::{Answer, Counted, Look, Plan},
    },
    tasks::plan::Seen,
};
use std::collections::{BTreeMap, BTreeSet};

/// Ages that were looked at before that are no longer measured ones.
const AGE_OLD_MS: i64 = 30_000;

impl Sampler {
    pub(super) fn learn(&mut self, plan: &Plan, answer: Answer, at: Millis) {
        self.discovery.keys = answer.keys;
        if answer.version.is_some() {
            self.connection.server_version = answer.version;
        }
        for (i, step) in answer.scans.into_iter().enumerate() {
            let ended = step.next == 0;
            self.cursors[i].1 = step.next;
            self.found(step);
            // The first pattern is that of the queue prefix.
            if i > 0 {
                continue;
            }
            self.pass.step(self.discovery.keys);
            if ended {
                self.discovery.scanned = std::mem::take(&mut self.pass).looked_in_all(self.discovery.keys);
                self.state.driver.known().pass_begins();
            }
        }
        self.active_cursor = answer.active.next;
        let driver = self.state.driver.clone();
        let mut known = driver.known();
        answer.active.keys.into_iter().for_each(|g| known.group_seen(g));
        for (group, jobs) in plan.groups.iter().zip(answer.groups) {
            // Nothing pending: met again by SSCAN or SCAN when there is.
            if jobs == Some(0) {
                known.groups.remove(group);
            } else if let Some(pending) = known.groups.get_mut(group) {
                (pending.jobs, pending.uncountable) = (jobs, jobs.is_none());
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
        let mut followed = self.state.nodes.lock();
        for (key, heard) in plan.nodes.iter().zip(answer.nodes) {
            let heard = heard.and_then(|h| Some((nodes::name_of(key, h.says.as_ref())?, h.beat)));
            followed.beat(key, heard, at);
        }
        followed.forget(at);
        drop(followed);
        ledger.upcoming(answer.coming);
        // Looked at in turn, wherever the script's budget ended.
        self.last_coming = plan.coming.get(..answer.coming_looked.min(plan.coming.len())).and_then(<[_]>::last).cloned();
        drop(ledger);
        for (list, created) in plan.tails.iter().zip(answer.tails) {
            match created {
                Look::NotLooked => continue,
                // Any number may stand there; what is no time tells no age.
                Look::Told(ms) => {
                    self.oldest.insert(list.clone(), Age { created: Millis::checked(ms).map(|at| at.0), looked_at: at });
                }
                Look::Unknown => drop(self.oldest.insert(list.clone(), Age { created: None, looked_at: at })),
            }
            self.last_tail = Some(list.clone());
        }
        for (flag, wrong) in plan.flags.iter().zip(answer.flags) {
            // What is not there, or holds text, is not asked for again before a scan meets it.
            if wrong {
                known.flags.insert(flag.clone(), true);
            } else {
                known.flags.remove(flag);
            }
        }
        for counted in answer.queues {
            if counted.anything() {
                known.queue_seen(counted.name.clone(), at);
            }
            let wrong = known.flags_read(&counted.name, &counted.flags);
            if known.queues.contains_key(&counted.name) {
                self.seen.insert(counted.name.clone(), counted.seen(at));
                self.samples.insert(counted.name.clone(), sample(counted, wrong, at, &driver));
            }
        }
        known.forget(at);
        self.samples.retain(|q, _| known.queues.contains_key(q));
        self.seen.retain(|q, _| known.queues.contains_key(q));
        self.oldest.retain(|(q, p), _| self.seen.get(q).is_some_and(|s| s.lists.contains(p)));
    }
}

impl Age {
    pub(super) fn is_old(&self, at: Millis) -> bool {
        at.0 - self.looked_at.0 >= AGE_OLD_MS
    }
}

/// The oldest job of a queue that is known: when it was created, and the look that told.
pub(super) fn oldest_of<'a>(oldest: &'a BTreeMap<(QueueName, Priority), Age>, queue: &QueueName) -> Option<(i64, &'a Age)> {
    let ages = Priority::ALL.into_iter().filter_map(|p| oldest.get(&(queue.clone(), p)));
    ages.filter_map(|age| Some((age.created?, age))).min_by_key(|(created, _)| *created)
}

impl Sampler {
    /// Queues with a list that was not looked at lately: only so many are in a tick. What was its oldest job may be gone.
    pub(super) fn old_ages(&self, at: Millis) -> BTreeSet<QueueName> {
        old_ages(&self.seen, &self.oldest, at)
    }
}

fn old_ages(seen: &BTreeMap<QueueName, Seen>, oldest: &BTreeMap<(QueueName, Priority), Age>, at: Millis) -> BTreeSet<QueueName> {
    let looked = |q: &QueueName, p: Priority| oldest.get(&(q.clone(), p)).is_some_and(|age| !age.is_old(at));
    seen.iter().filter(|(q, seen)| !seen.lists.iter().all(|p| looked(q, *p))).map(|(q, _)| q.clone()).collect()
}

impl Counted {
    fn lists(&self) -> Vec<Priority> {
        Priority::ALL.into_iter().filter(|p| self.waiting.get(*p).is_some_and(|n| n > 0)).collect()
    }

    pub(super) fn anything(&self) -> bool {
        self.waiting.sum() != Some(0) || self.delayed.sum() != Some(0) || self.failed != Some(0) || self.paused != Paused::No
    }

    fn seen(&self, at: Millis) -> Seen {
        let sets = Priority::ALL.into_iter().filter(|p| self.delayed.get(*p).is_some_and(|n| n > 0)).collect();
        Seen { sampled_at: at, busy: self.waiting.sum() != Some(0) || self.delayed.sum() != Some(0), lists: self.lists(), sets }
    }
}

/// `wrong`: pause flags that hold something else than text.
pub(super) fn sample(c: Counted, wrong: Vec<Priority>, at: Millis, driver: &RedisDriver) -> QueueSample {
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
    problems.extend(wrong.into_iter().map(|p| format!("The key {} holds something else than a string.", keys.paused(&c.name, p))));
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
        oldest_waiting_old: false,
        sampled_at: at,
        problems,
        name: c.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_old_when_one_list_was_not_looked_at_lately() {
        let queue = |name: &str| QueueName::try_from(name).expect("a name");
        let seen = |lists: &[Priority]| Seen { sampled_at: Millis(100_000), busy: true, lists: lists.to_vec(), sets: Vec::new() };
        let all = BTreeMap::from([
            (queue("fresh"), seen(&[Priority::Base])),
            (queue("half"), seen(&[Priority::High, Priority::Base])),
            (queue("never"), seen(&[Priority::Base])),
            (queue("empty"), seen(&[])),
        ]);
        let looked = |at: i64| Age { created: Some(1), looked_at: Millis(at) };
        let oldest = BTreeMap::from([
            ((queue("fresh"), Priority::Base), looked(70_001)),
            ((queue("half"), Priority::High), looked(99_000)),
            ((queue("half"), Priority::Base), looked(70_000)),
        ]);
        let old: Vec<String> = old_ages(&all, &oldest, Millis(100_000)).into_iter().map(|q| q.to_string()).collect();
        assert_eq!(old, ["half", "never"]);
    }

    /// A list that came a moment ago is not looked at yet: that makes no age old that was measured just now.
    #[test]
    fn the_age_that_is_shown_is_as_old_as_the_look_that_told_it() {
        let (mail, at) = (QueueName::try_from("mail").expect("a name"), Millis(100_000));
        let told = |ages: &[(Priority, Option<i64>, i64)]| {
            let key = |p: Priority| (mail.clone(), p);
            let oldest = ages.iter().map(|(p, created, looked)| (key(*p), Age { created: *created, looked_at: Millis(*looked) })).collect();
            oldest_of(&oldest, &mail).map(|(created, age)| (created, age.is_old(at)))
        };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[(Priority::Base, Some(7), 99_000)]), Some((7, false)));
        assert_eq!(told(&[(Priority::Base, Some(7), 99_000), (Priority::High, Some(9), 1_000)]), Some((7, false)));
        assert_eq!(told(&[(Priority::Base, Some(7), 1_000), (Priority::High, Some(9), 99_000)]), Some((7, true)));
        assert_eq!(told(&[(Priority::Base, None, 99_000)]), None, "it does not say");
    }
}
