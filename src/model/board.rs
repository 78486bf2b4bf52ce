//! What is true of all queues together: what needs attention, what failed lately, where the backlogs are. Made by the server
//! from one snapshot.

use super::{
    ids::QueueName,
    number::{count, figure, thousands},
    queue::{FAILED_CAP, Paused, QueueSample},
    wire::COUNTABLE,
};
use serde::{Deserialize, Serialize};

/// More would push the tiles off the screen.
const SHOWN: usize = 4;

/// More cells would be too small to hit.
const CELLS: usize = 36;

/// So many failed attempts in 5 minutes, and so many percent of those that ended, are more than a hiccup.
const MANY: u64 = 5;
const SHARE: u64 = 5;
/// Minutes of the sparkline that "lately" is about.
const LATELY: usize = 5;

/// The most urgent concerns, some of every kind first, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    pub concerns: Vec<Concern>,
    pub total: u64,
    /// How many of each kind are left out, the most urgent kind first.
    pub others: Vec<(Kind, u64)>,
    /// Attempts that failed in the last 5 minutes; `None` while nobody heard them.
    pub lately: Option<u64>,
    pub load: LoadMap,
}

impl Board {
    /// `waiting`: jobs in all of `queues`.
    pub fn of(queues: &[QueueSample], waiting: Option<u64>) -> Self {
        let ranked = rank(queues);
        let total = ranked.len() as u64;
        let (concerns, others) = pick(ranked);
        let lately = queues.iter().filter_map(|q| q.flow.failed_lately).reduce(|a, b| a + b);
        Self { concerns, total, others, lately, load: LoadMap::of(queues, waiting) }
    }

    /// What is left out, in words: `11 more: 2 without workers, 8 with failed jobs, 1 paused`
    pub fn rest(&self) -> Option<String> {
        let parts: Vec<String> = self.others.iter().map(|(kind, n)| format!("{} {}", thousands(*n), kind.word())).collect();
        match self.others.as_slice() {
            [] => None,
            [(kind, n)] => Some(format!("{} more {}", thousands(*n), kind.word())),
            many => Some(format!("{} more: {}", thousands(many.iter().map(|(_, n)| n).sum()), parts.join(", "))),
        }
    }
}

/// Those that are shown, in their order, and how many others there are of each kind: a second one of a kind is shown when there is one of
/// every kind.
fn pick(ranked: Vec<Concern>) -> (Vec<Concern>, Vec<(Kind, u64)>) {
    // One more line than fits may as well be shown.
    if ranked.len() <= SHOWN + 1 {
        return (ranked, Vec::new());
    }
    let first = |i: &usize| *i == 0 || ranked[*i].kind != ranked[*i - 1].kind;
    let all = || 0..ranked.len();
    let shown: Vec<usize> = all().filter(first).chain(all().filter(|i| !first(i))).take(SHOWN).collect();
    let (mut concerns, mut others) = (Vec::new(), Vec::<(Kind, u64)>::new());
    for (i, concern) in ranked.iter().enumerate() {
        if shown.contains(&i) {
            concerns.push(concern.clone());
            continue;
        }
        match others.last_mut().filter(|(kind, _)| *kind == concern.kind) {
            Some((_, n)) => *n += 1,
            None => others.push((concern.kind, 1)),
        }
    }
    (concerns, others)
}

/// In the order of urgency: what loses data, what fails now, what stands still, what failed, what somebody stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    AtCap,
    Failing,
    Unserved,
    Failed,
    Unreadable,
    Partly,
    Paused,
}

impl Kind {
    /// Follows a number of queues.
    fn word(self) -> &'static str {
        match self {
            Self::AtCap => "at cap",
            Self::Failing => "failing now",
            Self::Unserved => "without workers",
            Self::Failed => "with failed jobs",
            Self::Unreadable => "not readable",
            Self::Partly => "partly paused",
            Self::Paused => "paused",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    pub queue: QueueName,
    pub kind: Kind,
    /// What ranks within a kind.
    pub size: u64,
    /// Follows the queue's name.
    pub text: String,
}

/// `312 failed in 5 min, mostly PaymentTimeout`
fn lately(q: &QueueSample) -> Option<(u64, String)> {
    let failed = q.flow.failed_lately.filter(|n| *n > 0)?;
    let mostly = q.flow.mostly.as_ref().map_or(String::new(), |m| format!(", mostly {m}"));
    Some((failed, format!("{} failed in 5 min{mostly}", thousands(failed))))
}

/// Whether what failed lately is much of what ended.
fn failing_now(q: &QueueSample, failed: u64) -> bool {
    let ended: u64 = q.flow.spark.iter().rev().take(LATELY).flatten().map(|n| u64::from(*n)).sum();
    failed >= MANY && failed * 100 >= ended * SHARE
}

/// What is most urgent about a queue; `None`: it needs nobody.
fn kind(q: &QueueSample) -> Option<Kind> {
    let some = |n: Option<u64>| n.is_some_and(|n| n > 0);
    if q.failed_at_cap {
        Some(Kind::AtCap)
    } else if q.flow.failed_lately.is_some_and(|failed| failing_now(q, failed)) {
        Some(Kind::Failing)
    } else if q.unserved() {
        Some(Kind::Unserved)
    } else if some(q.failed) {
        Some(Kind::Failed)
    } else if !q.problems.is_empty() {
        Some(Kind::Unreadable)
    } else if q.paused == Paused::Partly {
        Some(Kind::Partly)
    } else {
        (q.paused == Paused::Yes && some(q.waiting)).then_some(Kind::Paused)
    }
}

/// Whether the board has a line for it.
pub fn needs_attention(q: &QueueSample) -> bool {
    kind(q).is_some()
}

/// At most one for a queue: its most urgent.
fn concern(q: &QueueSample) -> Option<Concern> {
    let (waiting, failed) = (q.waiting.unwrap_or(0), q.failed.unwrap_or(0));
    let wait = |n| if n == 1 { "1 job waits".into() } else { format!("{} jobs wait", figure(Some(n), q.grouped_partial)) };
    let lately = lately(q);
    let also = |text: String| lately.as_ref().map_or(text.clone(), |(_, l)| format!("{l}; {text}"));
    let kind = kind(q)?;
    let (size, text) = match kind {
        Kind::AtCap => {
            let text = format!("the failed list is at its cap of {}; every further failure drops the oldest", thousands(FAILED_CAP));
            (failed, also(text))
        }
        Kind::Failing => lately.clone()?,
        Kind::Unserved => {
            let jobs = if waiting > 0 { wait(waiting) } else { count(q.delayed.unwrap_or(0), "job is delayed", "jobs are delayed") };
            (waiting, format!("{jobs} and no worker serves this queue"))
        }
        Kind::Failed => {
            let paused = if q.paused == Paused::No { "" } else { ", and the queue is paused" };
            let text = format!("{} used up {} attempts{paused}", count(failed, "job", "jobs"), if failed == 1 { "its" } else { "their" });
            (failed, also(text))
        }
        Kind::Unreadable => (0, q.problems.first()?.clone()),
        Kind::Partly => (waiting, format!("only some of its lists are paused; {}", wait(waiting))),
        Kind::Paused => (waiting, format!("paused while {}", wait(waiting))),
    };
    Some(Concern { queue: q.name.clone(), kind, size, text })
}

/// Most urgent first; the name decides between equals, so that nothing jumps.
fn rank(queues: &[QueueSample]) -> Vec<Concern> {
    let mut all: Vec<Concern> = queues.iter().filter_map(concern).collect();
    all.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.size.cmp(&a.size)).then(a.queue.cmp(&b.queue)));
    all
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub name: QueueName,
    pub waiting: u64,
    /// Seconds until the backlog is worked off at the pace of the last minute; `None`: the pace is unknown.
    pub lasts: Option<u64>,
}

/// The queues that are shown, and how many others there are with how many waiting jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadMap {
    pub cells: Vec<Load>,
    pub others: u64,
    pub waiting: Option<u64>,
}

/// A backlog that does not move lasts longer than any other.
pub const FOREVER: u64 = COUNTABLE;

fn lasts(q: &QueueSample) -> Option<u64> {
    let waiting = q.waiting? as f64;
    let out = q.flow.out_per_second?;
    Some(if waiting == 0.0 {
        0
    } else if out <= 0.0 {
        FOREVER
    } else {
        ((waiting / out) as u64).min(FOREVER)
    })
}

impl LoadMap {
    /// The largest backlogs first, names in order between equals; `waiting` is how many jobs wait in all queues.
    pub fn of(queues: &[QueueSample], waiting: Option<u64>) -> Self {
        let mut cells: Vec<Load> =
            queues.iter().filter_map(|q| Some(Load { name: q.name.clone(), waiting: q.waiting?, lasts: lasts(q) })).collect();
        cells.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.name.cmp(&b.name)));
        cells.truncate(CELLS);
        let shown: u64 = cells.iter().map(|c| c.waiting).sum();
        Self { others: (queues.len() - cells.len()) as u64, waiting: waiting.map(|all| all.saturating_sub(shown)), cells }
    }
}

#[cfg(test)]
mod tests;
