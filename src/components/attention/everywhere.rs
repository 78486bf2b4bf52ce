//! What concerns more than one queue: lost workers and their jobs, and what the console cannot know.

use crate::{
    components::{
        badge::Tone,
        icon::Glyph,
        number::{count, figure},
        worker::{job_said, open},
    },
    model::{
        archive::NotArchived,
        live::{Link, Overview},
        run::Run,
        shown::shown,
        time::Millis,
        worker::{Worker, WorkerList, WorkerState},
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

/// Alerts that are named one by one.
const NAMED: usize = 3;
/// A worker may be silent for so long after the console began to listen: an idle one says nothing.
const SETTLED_MS: i64 = 120_000;
/// A gap in the events is said for as long as the first chart shows it.
const RECENT_MS: i64 = 900_000;
/// Percent of the runs that may stay without a queue unsaid.
const VAGUE: u64 = 5;

/// What workers that stopped reporting ran: a line for one of them, one for all when there are several. `list`: see [`everywhere`];
/// `jobs`: all that were lost in the last hour.
fn lost(list: Option<&WorkerList>, jobs: u64) -> Vec<Line> {
    let line =
        |subject: String, text: String, verb| Line { glyph: Glyph::Lost, tone: Tone::Lost, subject, text, href: "/workers#lost", verb };
    let gone: Vec<&Worker> = list.into_iter().flat_map(|l| &l.workers).filter(|w| w.state == WorkerState::Lost).collect();
    let holding: Vec<(&Worker, &Run)> = gone.iter().filter_map(|w| Some((*w, w.runs.iter().find(open)?))).collect();
    let mut lines = Vec::new();
    let told = match holding.as_slice() {
        [] => 0,
        [(worker, run)] => {
            let verb = if run.put_back.possible { "Put job back" } else { "View lost job" };
            lines.push(line(shown(&worker.id).into_owned(), format!(" stopped reporting while running {}", job_said(run)), verb));
            1
        }
        many => {
            let held: u64 = many.iter().map(|(w, _)| w.runs.iter().filter(open).count() as u64).sum();
            let all = list.map_or(0, |l| l.lost).max(gone.len() as u64);
            // What those ran that are not in the list is known in sum.
            let held = if all > gone.len() as u64 { jobs.max(held) } else { held };
            let text = format!(" stopped reporting; {} running on them", count(held, "job was", "jobs were"));
            lines.push(line(count(all, "worker", "workers"), text, "View lost jobs"));
            held
        }
    };
    let rest = jobs.saturating_sub(told);
    if rest > 0 {
        let more = if told > 0 { "more " } else { "" };
        let (were, their) = if rest == 1 { ("job was", "its worker") } else { ("jobs were", "their workers") };
        let text = format!("{} {more}{were} lost with {their} in the last hour", figure(Some(rest), false));
        lines.push(line(String::new(), text, if rest == 1 { "View lost job" } else { "View lost jobs" }));
    }
    lines
}

/// `Missing in the archive since this console was started: 12 failed jobs, 3 runs or log lines`
fn not_archived(of: &NotArchived) -> String {
    let parts = [
        (of.failed, "failed job", "failed jobs"),
        (of.gaps, "gap in the failed jobs", "gaps in the failed jobs"),
        (of.lines, "run or log line", "runs or log lines"),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(n, one, many)).collect();
    format!("Missing in the archive since this console was started: {}", parts.join(", "))
}

/// `list`: the first few workers, lost ones first, and how many there are. `now` is the sample's time, so that nothing flickers between two samples.
pub fn everywhere(o: &Overview, list: Option<&WorkerList>, now: Millis) -> Vec<Line> {
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
    for Line { glyph, tone, subject, text, href, verb } in lost(list, o.totals.lost) {
        say(glyph, tone, &subject, text, href, verb);
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
        let text = format!("The queue of {share} % of started jobs is unknown, so figures per queue are minimums");
        say(Glyph::Note, Tone::Quiet, "", text, "/workers", "View workers");
    }
    if o.heard.malformed > 0 {
        let n = o.heard.malformed;
        let text = format!("{} {} could not be read", figure(Some(n), false), if n == 1 { "event" } else { "events" });
        say(Glyph::Note, Tone::Quiet, "", text, "/logs", "View log");
    }
    if let Some(missing) = &o.not_archived {
        say(Glyph::Note, Tone::Quiet, "", not_archived(missing), "/settings#archive", "View archive");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        run::{PutBack, RunState},
        worker::Beat,
    };

    fn worker(id: &str, job: Option<(Option<&str>, bool)>) -> Worker {
        let run = |(class, possible): (Option<&str>, bool)| Run {
            key: id.into(),
            worker: id.into(),
            job: Some(format!("JOB-{id}")),
            queue: None,
            class_name: class.map(str::to_owned),
            attempt: None,
            started_at: Millis(0),
            wait_ms: None,
            state: RunState::Lost,
            lost_at: Some(Millis(0)),
            put_back: PutBack { possible, reason: String::new(), done_at: None },
        };
        Worker {
            id: id.into(),
            state: WorkerState::Lost,
            beat: Beat::default(),
            since: None,
            heard_at: None,
            runs: job.map(run).into_iter().collect(),
            completed: 0,
            failed: 0,
        }
    }

    #[test]
    fn what_the_archive_lacks_is_counted_by_kind() {
        let said = |failed, gaps, lines| not_archived(&NotArchived { failed, gaps, lines });
        assert!(said(12, 0, 1).ends_with(" was started: 12 failed jobs, 1 run or log line"), "{}", said(12, 0, 1));
        assert!(said(0, 1, 0).ends_with(": 1 gap in the failed jobs"), "{}", said(0, 1, 0));
    }

    #[test]
    fn lost_workers_are_one_line_that_promises_only_what_can_be_done() {
        let said = |workers: Vec<Worker>, gone: u64, jobs: u64| -> Vec<(String, &'static str)> {
            let list = WorkerList { workers, lost: gone, ..WorkerList::default() };
            lost(Some(&list), jobs).into_iter().map(|l| (l.subject + &l.text, l.verb)).collect()
        };
        let line = |text: &str, verb: &'static str| (text.to_owned(), verb);
        let (a, b) = (|| worker("a", Some((Some("SendInvoice"), true))), || worker("b", Some((None, false))));
        assert_eq!(said(vec![a()], 1, 1), [line("a stopped reporting while running SendInvoice", "Put job back")]);
        assert_eq!(said(vec![b()], 1, 1), [line("b stopped reporting while running job JOB-b", "View lost job")]);
        assert_eq!(said(vec![a(), b()], 2, 2), [line("2 workers stopped reporting; 2 jobs were running on them", "View lost jobs")]);
        assert_eq!(
            said(vec![a(), b(), worker("c", None)], 7, 6),
            [line("7 workers stopped reporting; 6 jobs were running on them", "View lost jobs")],
            "those that are not listed count"
        );
        assert_eq!(said(vec![a(), b()], 2, 3)[1], line("1 more job was lost with its worker in the last hour", "View lost job"));
        assert_eq!(said(Vec::new(), 0, 2), [line("2 jobs were lost with their workers in the last hour", "View lost jobs")]);
        assert!(said(vec![worker("c", None)], 1, 0).is_empty(), "it held nothing");
    }
}
