//! What concerns more than one queue: lost workers and their jobs, and what the console cannot know.

use crate::{
    components::{
        badge::Tone,
        icon::Glyph,
        number::{count, figure},
        worker::{job_name, open},
    },
    model::{
        live::{Link, Overview},
        time::Millis,
        worker::{Worker, WorkerState},
    },
};

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub glyph: Glyph,
    pub tone: Tone,
    /// In bold, before the text.
    pub subject: String,
    pub text: String,
    pub href: &'static str,
    pub verb: &'static str,
}

impl Line {
    /// Good to know while one reads the figures, but nothing to act on.
    pub fn note(&self) -> bool {
        self.tone == Tone::Quiet
    }
}

/// Alerts and lost workers that are named one by one.
const NAMED: usize = 3;
/// A worker may be silent for so long after the console began to listen: an idle one says nothing.
const SETTLED_MS: i64 = 120_000;
/// A gap in the events is said for as long as the first chart shows it.
const RECENT_MS: i64 = 900_000;
/// Percent of the runs that may stay without a queue unsaid.
const VAGUE: u64 = 5;

/// `workers`: the first few, lost ones first. `now` is the sample's time, so that nothing flickers between two samples.
pub fn everywhere(o: &Overview, workers: &[Worker], now: Millis) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |glyph, tone, subject: &str, text: String, href, verb| {
        lines.push(Line { glyph, tone, subject: subject.into(), text, href, verb });
    };
    // What the operator asked to be told comes first.
    for alert in o.alerts.list.iter().take(NAMED) {
        say(Glyph::Bell, Tone::Failed, &alert.rule, format!(": {}", alert.text), "/alerts", "View alert");
    }
    let others = o.alerts.firing.saturating_sub(o.alerts.list.len().min(NAMED) as u64);
    if others > 0 {
        let text = format!("{} besides", count(others, "more alert fires", "more alerts fire"));
        say(Glyph::Bell, Tone::Failed, "", text, "/alerts", "View alerts");
    }
    // Of everything else the figures are old; that Redis is away may be what fires.
    if o.connection.status != Link::Connected {
        return lines;
    }
    let waiting = o.totals.waiting.filter(|n| *n > 0 && o.workers == Some(0) && o.discovery.complete);
    if let Some(n) = waiting {
        let text = format!(", and {}", count(n, "job waits", "jobs wait"));
        say(Glyph::Warning, Tone::Waiting, "No worker reports", text, "/queues", "View queues");
    }
    let holding: Vec<(&Worker, String)> = workers
        .iter()
        .filter(|w| w.state == WorkerState::Lost)
        .filter_map(|w| Some((w, w.runs.iter().find(open).map(job_name)?)))
        .collect();
    for (worker, job) in holding.iter().take(NAMED) {
        say(Glyph::Lost, Tone::Lost, &worker.id, format!(" stopped reporting while running {job}"), "/workers", "Put job back");
    }
    let rest = o.totals.lost.saturating_sub(holding.len().min(NAMED) as u64);
    if rest > 0 {
        let (subject, text) = if holding.is_empty() { ("", "") } else { ("", "more ") };
        let text = format!("{} {text}lost with their workers in the last hour", count(rest, "job was", "jobs were"));
        say(Glyph::Lost, Tone::Lost, subject, text, "/workers", "View workers");
    }
    match o.heard.listening_since {
        None if o.sampled_at.is_some() => {
            let text = ": active jobs, rates and run times are unknown until they are".into();
            say(Glyph::Warning, Tone::Waiting, "Events are not heard", text, "/workers", "View workers");
        }
        None => {}
        Some(since) => {
            let silent = o.heard.silent_workers;
            if silent > 0 && now.0 - since.0 > SETTLED_MS {
                let text = format!(
                    "{} but {} not heard on the event channel: what they run is unknown",
                    count(silent, "worker reports", "workers report"),
                    if silent == 1 { "was" } else { "were" }
                );
                say(Glyph::Note, Tone::Quiet, "", text, "/workers", "View workers");
            }
        }
    }
    if let Some(gap) = o.heard.gap.filter(|gap| now.0 - gap.to.0 < RECENT_MS) {
        let text = format!(
            "Nobody listened from {} to {} UTC: the charts have a gap, and runs that ended in it are unsure",
            gap.from.clock(),
            gap.to.clock()
        );
        say(Glyph::Note, Tone::Quiet, "", text, "/logs", "View log");
    }
    let share = (o.heard.unattributed * 100).checked_div(o.heard.started).unwrap_or(0);
    if share >= VAGUE {
        let text = format!("{share} % of the started jobs could not be told a queue: figures by queue are lower bounds");
        say(Glyph::Note, Tone::Quiet, "", text, "/workers", "View workers");
    }
    if o.heard.malformed > 0 {
        let n = o.heard.malformed;
        let text = format!("{} {} could not be read", figure(Some(n), false), if n == 1 { "event" } else { "events" });
        say(Glyph::Note, Tone::Quiet, "", text, "/logs", "View log");
    }
    lines
}
