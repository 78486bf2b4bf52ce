//! Lines of the live log, newest first: what happened last is what one looks for.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    name::Name,
    number::thousands,
};
use crate::{
    live::Live,
    model::{
        log::{ArchivedLogQuery, Level, LogLine, LogQuery, LogTail},
        time::Millis,
    },
};
use leptos::prelude::*;

/// How a level looks; the word stands beside it.
pub fn look(level: Level) -> (Glyph, Tone) {
    match level {
        Level::Info => (Glyph::Note, Tone::Quiet),
        Level::Success => (Glyph::Completed, Tone::Completed),
        Level::Warning => (Glyph::Warning, Tone::Waiting),
        Level::Error => (Glyph::Failed, Tone::Failed),
    }
}

/// Lines as they came, newest first, and of how many in a second they are a part.
#[derive(Clone, Copy)]
pub struct Tail {
    pub lines: RwSignal<Vec<LogLine>>,
    /// Lines per second that are shown, and that matched; `None` when all of them are here.
    pub thinned: RwSignal<Option<(f64, f64)>>,
    /// While this holds, what comes is kept aside.
    pub frozen: RwSignal<bool>,
    pub aside: RwSignal<Vec<LogLine>>,
}

/// Adds what is newer in front and forgets what is too old.
fn add(lines: &mut Vec<LogLine>, news: &[LogLine], most: usize) {
    let last = lines.first().map_or(0, |l| l.seq);
    let fresh: Vec<LogLine> = news.iter().rev().filter(|l| l.seq > last).cloned().collect();
    lines.splice(0..0, fresh);
    lines.truncate(most);
}

/// The answer to a question, with the lines that came by the stream since.
fn answered(lines: &[LogLine], answer: &LogTail, query: &LogQuery, most: usize) -> Vec<LogLine> {
    let newest = answer.lines.last().map_or(0, |l| l.seq);
    let since = lines.iter().filter(|l| l.seq > newest && query.matches(l)).cloned();
    let mut all: Vec<LogLine> = since.chain(answer.lines.iter().rev().cloned()).collect();
    all.truncate(most);
    all
}

impl Tail {
    /// `answer` holds the newest lines that match `query`; from then on the stream adds to them. At most `most` are kept.
    pub fn follow(answer: RwSignal<Option<LogTail>>, query: Memo<LogQuery>, most: usize) -> Self {
        let live = expect_context::<Live>();
        let first = answer.with_untracked(|t| t.as_ref().map(|t| query.with_untracked(|q| answered(&[], t, q, most))).unwrap_or_default());
        let (lines, aside, frozen) = (RwSignal::new(first), RwSignal::new(Vec::<LogLine>::new()), RwSignal::new(false));
        let this = Self { lines, thinned: RwSignal::new(None), frozen, aside };
        Effect::new(move |_| {
            answer.with(|answer| {
                let Some(answer) = answer else { return };
                let next = lines.with_untracked(|all| query.with_untracked(|q| answered(all, answer, q, most)));
                if lines.with_untracked(|all| *all != next) {
                    lines.set(next);
                }
            });
        });
        Effect::new(move |before: Option<(LogQuery, Millis)>| {
            let (asked, now) = (query.get(), untrack(|| live.now.get()));
            let same = before.filter(|(last, _)| *last == asked);
            live.log.with(|tail| {
                // The first answer of a stream looks back and is no measure of pace.
                if let Some((_, then)) = same.as_ref().filter(|_| !tail.lines.is_empty()) {
                    let seconds = ((now.0 - then.0) as f64 / 1_000.0).max(1.0);
                    let sent = tail.lines.len() as u64;
                    this.thinned.set((tail.matched > sent).then(|| (sent as f64 / seconds, tail.matched as f64 / seconds)));
                }
                let into = if frozen.get_untracked() { aside } else { lines };
                let shown = lines.with_untracked(|l| l.first().map_or(0, |l| l.seq));
                let news: Vec<LogLine> = tail.lines.iter().filter(|l| l.seq > shown && asked.matches(l)).cloned().collect();
                if !news.is_empty() {
                    into.update(|all| add(all, &news, most));
                }
            });
            if same.is_none() {
                this.thinned.set(None);
            }
            (asked, now)
        });
        this
    }

    /// Lets in what came while it was frozen.
    pub fn thaw(&self, most: usize) {
        self.frozen.set(false);
        let aside = std::mem::take(&mut *self.aside.write());
        if !aside.is_empty() {
            self.lines.update(|all| {
                all.splice(0..0, aside);
                all.truncate(most);
            });
        }
    }
}

/// `Showing 50 of 5,000 lines per second`
pub fn thinned((shown, matched): (f64, f64)) -> String {
    let whole = |x: f64| thousands(x.round().max(1.0) as u64);
    format!("Showing {} of {} lines per second", whole(shown), whole(matched))
}

/// The lines; `full` has room for queue and links, `past` are lines of the archive, which tell the day and lead there.
#[component]
pub fn LogLines(#[prop(into)] lines: Signal<Vec<LogLine>>, #[prop(optional)] full: bool, #[prop(optional)] past: bool) -> impl IntoView {
    let class = match (full, past) {
        (true, true) => "log full past",
        (true, false) => "log full",
        (false, _) => "log",
    };
    view! {
        <ul class=class aria-label="Log, newest first">
            <For each=move || lines.get() key=|line| line.seq let:line>
                <Line line=line full=full past=past />
            </For>
        </ul>
    }
}

#[component]
fn Line(line: LogLine, full: bool, past: bool) -> impl IntoView {
    let (glyph, tone) = look(line.level);
    let worker = match &line.worker {
        Some(worker) => {
            let search = if past {
                ArchivedLogQuery { worker: worker.clone(), ..ArchivedLogQuery::default() }.search()
            } else {
                LogQuery { worker: worker.clone(), ..LogQuery::default() }.search()
            };
            view! { <a class="w clip" href=format!("/logs{search}") title=worker.clone()><Name text=worker.clone() /></a> }.into_any()
        }
        None => view! { <span class="w">"—"</span> }.into_any(),
    };
    let queue = full.then(|| match &line.queue {
        Some(queue) => view! { <a class="w clip" href=queue.href() title=queue.to_string()><Name text=queue.clone() /></a> }.into_any(),
        None => view! { <span class="w">"—"</span> }.into_any(),
    });
    let message = match line.problem {
        None if line.level == Level::Error => view! { <span class="m text-failed">{line.message}</span> }.into_any(),
        None => view! { <span class="m">{line.message}</span> }.into_any(),
        Some(problem) => {
            view! { <span class="m"><b class="text-failed">{problem}</b> " " <span class="text-faint">{line.message}</span></span> }
                .into_any()
        }
    };
    view! {
        <li>
            <time class="t" datetime=line.at.iso() title=line.at.full()>{if past { line.at.field().replace('T', " ") } else { line.at.clock_ms() }}</time>
            <span class="lv"><Icon glyph=glyph class=tone.icon() /><span>{line.level.as_str()}</span></span>
            {worker}
            {queue}
            {message}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> LogLine {
        LogLine { seq, at: Millis(0), level: Level::Info, message: String::new(), worker: None, job: None, queue: None, problem: None }
    }

    #[test]
    fn lines_come_once_newest_first_and_old_ones_go() {
        let mut lines = Vec::new();
        add(&mut lines, &[line(1), line(2)], 3);
        add(&mut lines, &[line(1), line(2), line(5), line(7)], 3);
        let seqs = |lines: &[LogLine]| lines.iter().map(|l| l.seq).collect::<Vec<_>>();
        assert_eq!(seqs(&lines), [7, 5, 2]);
        let answer = LogTail { lines: vec![line(4), line(5)], matched: 2 };
        assert_eq!(seqs(&answered(&lines, &answer, &LogQuery::default(), 9)), [7, 5, 4], "an answer is overtaken by the stream");
    }
}
