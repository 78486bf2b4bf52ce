//! What needs a person, ranked, a sentence and one link each. Only what was measured becomes a sentence.

mod everywhere;

pub use everywhere::{Line, everywhere};

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    name::Name,
    number::count,
};
use crate::model::{
    board::{Concern, Kind},
    job::JobState,
    query::JobsQuery,
};
use leptos::prelude::*;

fn icon(of: &Concern) -> (Glyph, &'static str) {
    let (glyph, tone) = match of.kind {
        Kind::AtCap | Kind::Failing | Kind::Failed => (Glyph::Failed, Tone::Failed),
        Kind::Unserved => (Glyph::Waiting, Tone::Waiting),
        Kind::Unreadable => (Glyph::Warning, Tone::Failed),
        Kind::Partly | Kind::Paused => (Glyph::Paused, Tone::Paused),
    };
    (glyph, tone.icon())
}

fn link(of: &Concern) -> (String, String) {
    let name = of.queue.clone();
    match of.kind {
        Kind::AtCap | Kind::Failing | Kind::Failed => (
            JobsQuery { order: JobsQuery::first_order(JobState::Failed), state: JobState::Failed, ..JobsQuery::read(name, |_| None) }
                .href(),
            // Attempts that failed lately may have been retried: only dead letters are counted by the link.
            if of.kind == Kind::Failing {
                "View failed jobs".into()
            } else {
                format!("View {}", count(of.size, "failed job", "failed jobs"))
            },
        ),
        Kind::Unserved | Kind::Unreadable | Kind::Partly | Kind::Paused => (name.href(), "Open queue".into()),
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
            let ((glyph, class), (href, verb)) = (icon(&c), link(&c));
            view! {
                <li>
                    <Icon glyph=glyph class=class />
                    <span class="min-w-0 wrap-anywhere"><a class="name" href=c.queue.href()><b><Name text=c.queue.clone() /></b></a> ": " {c.text}</span>
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
    use crate::model::ids::QueueName;

    #[test]
    fn a_concern_links_to_where_it_is_seen_to() {
        let queue = QueueName::try_from("many").expect("valid");
        let of = |kind, size| link(&Concern { queue: queue.clone(), kind, size, text: String::new() });
        assert_eq!(of(Kind::Failed, 30), ("/queues/many?state=failed".into(), "View 30 failed jobs".into()));
        assert_eq!(of(Kind::AtCap, 1_000).1, "View 1,000 failed jobs");
        assert_eq!(of(Kind::Failed, 1).1, "View 1 failed job");
        assert_eq!(of(Kind::Failing, 30).1, "View failed jobs");
        assert_eq!(of(Kind::Paused, 1).1, "Open queue");
        assert_eq!(of(Kind::Unserved, 1_940), ("/queues/many".into(), "Open queue".into()));
    }
}
