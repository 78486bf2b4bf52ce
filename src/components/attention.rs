//! What needs a person, ranked, a sentence and one link each. Only what was measured becomes a sentence.

mod everywhere;

pub use everywhere::{Line, everywhere};

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    number::{count, figure, thousands},
};
use crate::model::{
    ids::QueueName,
    job::JobState,
    query::JobsQuery,
    queue::{FAILED_CAP, Paused, QueueSample},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// More would push the tiles off the screen.
pub const SHOWN: usize = 4;

/// So many failed attempts in 5 minutes, and so many percent of those that ended, are more than a hiccup.
const MANY: u64 = 5;
const SHARE: u64 = 5;
/// Minutes of the sparkline that "lately" is about.
const LATELY: usize = 5;

/// In the order of urgency: what loses data, what fails now, what stands still, what failed, what somebody stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    AtCap,
    Failing,
    Unserved,
    Failed,
    Unreadable,
    Partly,
    Paused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    queue: QueueName,
    kind: Kind,
    /// What ranks within a kind.
    size: u64,
    /// Follows the queue's name.
    text: String,
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

/// At most one for a queue: its most urgent.
fn concern(q: &QueueSample) -> Option<Concern> {
    let (waiting, failed) = (q.waiting.unwrap_or(0), q.failed.unwrap_or(0));
    let wait = |n| if n == 1 { "1 job waits".into() } else { format!("{} jobs wait", figure(Some(n), q.grouped_partial)) };
    let lately = lately(q);
    let also = |text: String| lately.as_ref().map_or(text.clone(), |(_, l)| format!("{l}; {text}"));
    let (kind, size, text) = if q.failed_at_cap {
        let text = format!("the failed list is at its cap of {}; every further failure drops the oldest", thousands(FAILED_CAP));
        (Kind::AtCap, failed, also(text))
    } else if let Some((n, text)) = lately.clone().filter(|(n, _)| failing_now(q, *n)) {
        (Kind::Failing, n, text)
    } else if q.unserved() {
        let jobs = if waiting > 0 { wait(waiting) } else { count(q.delayed.unwrap_or(0), "job is delayed", "jobs are delayed") };
        (Kind::Unserved, waiting, format!("{jobs} and no worker serves this queue"))
    } else if failed > 0 {
        let paused = if q.paused == Paused::No { "" } else { ", and the queue is paused" };
        let text = format!("{} used up {} attempts{paused}", count(failed, "job", "jobs"), if failed == 1 { "its" } else { "their" });
        (Kind::Failed, failed, also(text))
    } else if let Some(problem) = q.problems.first() {
        (Kind::Unreadable, 0, problem.clone())
    } else if q.paused == Paused::Partly {
        (Kind::Partly, waiting, format!("only some of its lists are paused; {}", wait(waiting)))
    } else if q.paused == Paused::Yes && waiting > 0 {
        (Kind::Paused, waiting, format!("paused while {}", wait(waiting)))
    } else {
        return None;
    };
    Some(Concern { queue: q.name.clone(), kind, size, text })
}

/// Most urgent first; the name decides between equals, so that nothing jumps.
pub fn rank<'a>(queues: impl IntoIterator<Item = &'a QueueSample>) -> Vec<Concern> {
    let mut all: Vec<Concern> = queues.into_iter().filter_map(concern).collect();
    all.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.size.cmp(&a.size)).then(a.queue.cmp(&b.queue)));
    all.dedup_by(|a, b| a.queue == b.queue);
    all
}

impl Concern {
    fn icon(&self) -> (Glyph, &'static str) {
        let (glyph, tone) = match self.kind {
            Kind::AtCap | Kind::Failing | Kind::Failed => (Glyph::Failed, Tone::Failed),
            Kind::Unserved => (Glyph::Waiting, Tone::Waiting),
            Kind::Unreadable => (Glyph::Warning, Tone::Failed),
            Kind::Partly | Kind::Paused => (Glyph::Paused, Tone::Paused),
        };
        (glyph, tone.icon())
    }

    fn link(&self) -> (String, String) {
        let name = self.queue.clone();
        match self.kind {
            Kind::AtCap | Kind::Failing | Kind::Failed => (
                JobsQuery { order: JobsQuery::first_order(JobState::Failed), state: JobState::Failed, ..JobsQuery::read(name, |_| None) }
                    .href(),
                // Attempts that failed lately may have been retried: only dead letters are counted by the link.
                if self.kind == Kind::Failing {
                    "View failed jobs".into()
                } else {
                    format!("View {}", count(self.size, "failed job", "failed jobs"))
                },
            ),
            Kind::Unserved | Kind::Unreadable | Kind::Partly | Kind::Paused => (name.href(), "Open queue".into()),
        }
    }
}

fn line(l: Line) -> impl IntoView {
    let class = if l.note() { "note" } else { "" };
    view! {
        <li class=class>
            <Icon glyph=l.glyph class=l.tone.icon() />
            <span class="min-w-0 wrap-anywhere"><b><bdi>{l.subject}</bdi></b>{l.text}</span>
            <a class="link do" href=l.href>{l.verb}</a>
        </li>
    }
}

/// `lines` concern more than one queue: the urgent ones stand above the queues, notes below. `more` is what the list leaves
/// out, and where that is.
#[component]
pub fn Attention(concerns: Vec<Concern>, lines: Memo<Vec<Line>>, more: Option<(String, &'static str)>) -> impl IntoView {
    let part = move |notes: bool| move || lines.get().into_iter().filter(|l| l.note() == notes).map(line).collect_view();
    let rows = concerns
        .into_iter()
        .map(|c| {
            let ((glyph, class), (href, verb)) = (c.icon(), c.link());
            view! {
                <li>
                    <Icon glyph=glyph class=class />
                    <span class="min-w-0 wrap-anywhere"><a class="name" href=c.queue.href()><b><bdi>{c.queue.to_string()}</bdi></b></a> ": " {c.text}</span>
                    <a class="link do" href=href>{verb}</a>
                </li>
            }
        })
        .collect_view();
    let more = more.map(
        |(text, href)| view! { <li><span></span><span class="text-muted">{text}</span><a class="link do" href=href>"View all"</a></li> },
    );
    view! { <ul class="attn" aria-label="Needs attention">{part(false)}{rows}{more}{part(true)}</ul> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{queue::ByPriority, time::Millis};

    fn queue(name: &str, change: impl FnOnce(&mut QueueSample)) -> QueueSample {
        let mut q = QueueSample {
            name: QueueName::try_from(name).expect("valid"),
            waiting: Some(0),
            by_priority: ByPriority::default(),
            grouped: 0,
            grouped_partial: false,
            active: None,
            active_partial: false,
            lost: 0,
            flow: crate::model::queue::Flow::default(),
            delayed: Some(0),
            failed: Some(0),
            failed_at_cap: false,
            paused: Paused::No,
            workers: None,
            oldest_waiting_ms: None,
            sampled_at: Millis(0),
            problems: Vec::new(),
        };
        change(&mut q);
        q
    }

    #[test]
    fn the_most_urgent_comes_first_and_a_queue_comes_once() {
        let queues = [
            queue("fine", |q| q.waiting = Some(9)),
            queue("stopped", |q| (q.paused, q.waiting) = (Paused::Yes, Some(1))),
            queue("few", |q| q.failed = Some(1)),
            queue("many", |q| q.failed = Some(30)),
            queue("full", |q| (q.failed, q.failed_at_cap, q.workers) = (Some(1_000), true, Some(0))),
            queue("alone", |q| (q.workers, q.waiting) = (Some(0), Some(1_940))),
        ];
        let ranked = rank(&queues);
        let burst = queue("burst", |q| {
            q.flow.failed_lately = Some(312);
            q.flow.mostly = Some("PaymentTimeout".into());
            q.flow.spark = vec![Some(80); 15];
        });
        assert_eq!(concern(&burst).map(|c| (c.text, c.kind)), Some(("312 failed in 5 min, mostly PaymentTimeout".into(), Kind::Failing)));
        assert_eq!(concern(&queue("hiccup", |q| (q.flow.failed_lately, q.flow.spark) = (Some(6), vec![Some(900); 15]))), None);
        let lines: Vec<String> = ranked.iter().map(|c| format!("{}: {} -> {}", c.queue, c.text, c.link().1)).collect();
        assert_eq!(
            lines,
            [
                "full: the failed list is at its cap of 1,000; every further failure drops the oldest -> View 1,000 failed jobs",
                "alone: 1,940 jobs wait and no worker serves this queue -> Open queue",
                "many: 30 jobs used up their attempts -> View 30 failed jobs",
                "few: 1 job used up its attempts -> View 1 failed job",
                "stopped: paused while 1 job waits -> Open queue",
            ]
        );
        assert_eq!(ranked[2].link().0, "/queues/many?state=failed");
    }
}
