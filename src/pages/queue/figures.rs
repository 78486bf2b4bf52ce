//! The numbers of one queue and the tabs of its states.

use crate::{
    components::{
        address::{use_value, with_value},
        badge::Tone,
        icon::{Glyph, Icon},
        number::{count, figure, per_second, short, thousands},
    },
    live::Live,
    model::{
        ids::{Priority, escaped},
        job::JobState,
        query::JobsQuery,
        queue::{FAILED_CAP, Paused, QueueSample},
        time::{Millis, span},
    },
};
use leptos::{html, prelude::*, web_sys::Element};

/// `high 120, base 4.1k`; the whole figures are in the title.
fn split(q: &QueueSample) -> String {
    split_with(q, short)
}

fn split_exactly(q: &QueueSample) -> String {
    split_with(q, thousands)
}

fn split_with(q: &QueueSample, say: fn(u64) -> String) -> String {
    let mut parts: Vec<String> = Priority::ALL
        .into_iter()
        .filter_map(|p| q.by_priority.get(p).filter(|n| *n > 0).map(|n| format!("{} {}", p.as_str(), say(n))))
        .collect();
    if q.grouped > 0 {
        parts.push(format!("behind groups {}{}", if q.grouped_partial { "≥ " } else { "" }, say(q.grouped)));
    }
    match (parts.len(), q.waiting) {
        (_, None) => "one of its lists cannot be read".into(),
        (0, _) => "all four lists are empty".into(),
        (1, _) if q.by_priority.base.is_some_and(|n| n > 0) => "all in the base list".into(),
        _ => parts.join(", "),
    }
}

fn active_fact(q: &QueueSample) -> String {
    match (q.active, q.workers) {
        _ if q.lost > 0 => format!("{} lost with {}", thousands(q.lost), if q.lost == 1 { "its worker" } else { "their workers" }),
        (None, _) => "no worker was heard".into(),
        (Some(_), Some(n)) => format!("on {}", count(n, "worker", "workers")),
        (Some(_), None) => "running now".into(),
    }
}

/// `38.2 / 36.1`
fn in_and_out(q: &QueueSample) -> String {
    let say = |rate: Option<f64>| rate.map_or_else(|| "—".into(), per_second);
    format!("{} / {}", say(q.flow.in_per_second), say(q.flow.out_per_second))
}

/// When the oldest waiting job was written.
fn since(q: &QueueSample) -> String {
    match (q.oldest_waiting_ms, q.waiting) {
        (Some(_), _) if q.oldest_waiting_old => "seen over 30 s ago".into(),
        (Some(ms), _) => format!("since {} UTC", to_the_minute(Millis(q.sampled_at.0 - ms), q.sampled_at)),
        (None, Some(0)) => "nothing waits".into(),
        (None, _) => "its age is unknown".into(),
    }
}

/// `17:31`, with the date when that is long ago: seconds would only make the line longer.
fn to_the_minute(at: Millis, now: Millis) -> String {
    let said = at.near(now);
    said.rsplit_once(':').map_or_else(|| said.clone(), |(minute, _)| minute.to_owned())
}

/// Over which time the rates are, or why they are not known.
fn rate_fact(out: Option<f64>, workers: Option<u64>, paused: Paused) -> &'static str {
    match (out, workers, paused) {
        (Some(_), ..) => "per second, last minute",
        (None, Some(0), _) => "no worker serves it",
        (None, _, Paused::Yes) => "paused",
        (None, _, Paused::No | Paused::Partly) => "no events were heard",
    }
}

/// Six figures in one line; grey and with their time when Redis is not reached.
#[component]
pub fn Figures(#[prop(into)] sample: Signal<QueueSample>) -> impl IntoView {
    let stale = expect_context::<Live>().stale();
    // What stands below a figure: a fact, or since when the figure is old.
    let fact = move |text: fn(&QueueSample) -> String| {
        move || sample.with(|q| if stale.get() { format!("at {}", q.sampled_at.clock()) } else { text(q) })
    };
    let class = move || if stale.get() { "six stale" } else { "six" };
    let shown = |value: Option<u64>, partial: bool| figure(value, partial);
    let tone = |value: Option<u64>| if matches!(value, Some(0) | None) { "v text-zero" } else { "v" };
    let failed_fact = |q: &QueueSample| {
        if q.failed_at_cap {
            format!("{} cap of {}", if q.failed.is_some_and(|n| n > FAILED_CAP) { "over the" } else { "at the" }, thousands(FAILED_CAP))
        } else if q.failed == Some(0) {
            "none".into()
        } else if q.failed.is_none() {
            "cannot be counted".into()
        } else {
            "attempts used up".into()
        }
    };
    let failed_title = move |q: &QueueSample| {
        if q.failed_at_cap {
            format!("At every failure the queue library keeps the newest {} failed jobs and drops the older ones.", thousands(FAILED_CAP))
        } else {
            failed_fact(q)
        }
    };
    let failed_class = move || if sample.with(|q| q.failed_at_cap) && !stale.get() { "u text-failed!" } else { "u" };
    view! {
        <dl class=class>
            <div class="tile mid">
                <dt class="k"><Icon glyph=Glyph::Waiting class=Tone::Waiting.icon() />"Waiting"</dt>
                <dd class=move || tone(sample.with(|q| q.waiting))>{move || sample.with(|q| shown(q.waiting, q.grouped_partial))}</dd>
                <dd class="u" title=move || sample.with(split_exactly)>{fact(split)}</dd>
            </div>
            <div class="tile mid">
                <dt class="k"><Icon glyph=Glyph::Active class=Tone::Active.icon() />"Active"</dt>
                <dd class=move || tone(sample.with(|q| q.active))>{move || sample.with(|q| shown(q.active, q.active_partial))}</dd>
                <dd class="u">{fact(active_fact)}</dd>
            </div>
            <div class="tile mid">
                <dt class="k"><Icon glyph=Glyph::Delayed class=Tone::Delayed.icon() />"Delayed"</dt>
                <dd class=move || tone(sample.with(|q| q.delayed))>{move || sample.with(|q| shown(q.delayed, false))}</dd>
                <dd class="u">{fact(|q| match q.delayed {
                    None => "cannot be counted".into(),
                    Some(0) => "none".into(),
                    Some(_) => "until they are due".into(),
                })}</dd>
            </div>
            <div class="tile mid">
                <dt class="k"><Icon glyph=Glyph::Failed class=Tone::Failed.icon() />"Failed"</dt>
                <dd class=move || tone(sample.with(|q| q.failed))>{move || sample.with(|q| shown(q.failed, false))}</dd>
                <dd class=failed_class title=move || sample.with(failed_title)>{fact(failed_fact)}</dd>
            </div>
            <div class="tile mid">
                <dt class="k">"Oldest waiting"</dt>
                <dd class=move || if sample.with(|q| q.oldest_waiting_ms.is_some()) { "v" } else { "v text-zero" }>{move || sample.with(|q| q.oldest_waiting_ms.map_or_else(|| "—".into(), span))}</dd>
                <dd class="u">{fact(since)}</dd>
            </div>
            <div class="tile mid">
                <dt class="k">"In and out"</dt>
                <dd class=move || if sample.with(|q| q.flow.out_per_second.is_some()) { "v" } else { "v text-zero" }>{move || sample.with(in_and_out)}</dd>
                <dd class="u">{fact(|q| rate_fact(q.flow.out_per_second, q.workers, q.paused).into())}</dd>
            </div>
        </dl>
    }
}

/// How many jobs of the state the queue holds now, as far as it is counted.
pub fn count_of(q: &QueueSample, state: JobState) -> Option<u64> {
    match state {
        JobState::Waiting => q.by_priority.sum(),
        JobState::Grouped => Some(q.grouped),
        JobState::Active => q.active,
        JobState::Delayed => q.delayed,
        JobState::Failed => q.failed,
        JobState::Completed => None,
    }
}

/// Sideways only: the page itself stays where it is. Not right at the edge, where it would look cut.
fn bring_in_sight(tabs: &Element) {
    const INSET: f64 = 16.0;
    let Ok(Some(current)) = tabs.query_selector("[aria-current]") else { return };
    let (seen, tab) = (tabs.get_bounding_client_rect(), current.get_bounding_client_rect());
    let past = (tab.right() + INSET - seen.right()).max(0.0) + (tab.left() - INSET - seen.left()).min(0.0);
    tabs.set_scroll_left(tabs.scroll_left() + past as i32);
}

/// Links, so that a state is an address; the window of the charts stays with them. The archive is not counted here.
#[component]
pub fn Tabs(#[prop(into)] sample: Signal<QueueSample>, query: Memo<JobsQuery>) -> impl IntoView {
    let window = use_value("window");
    let state = Memo::new(move |_| query.with(|q| q.state));
    let nav = NodeRef::<html::Nav>::new();
    // On a phone the row is wider than the screen. A frame later, when the link has become the current one.
    Effect::new(move |_| {
        state.track();
        if let Some(nav) = nav.get() {
            request_animation_frame(move || bring_in_sight(&nav));
        }
    });
    let tab = move |state: JobState, word: &'static str| {
        let href = move || {
            let href = query.with(|q| JobsQuery { state, page: 1, order: JobsQuery::first_order(state), ..q.clone() }.href());
            match window.get() {
                None => href,
                Some(w) => {
                    let (path, search) = href.split_once('?').unwrap_or((&href, ""));
                    format!("{path}{}", with_value(search, "window", &escaped(&w)))
                }
            }
        };
        let current = move || (query.with(|q| q.state) == state).then_some("page");
        let n = Memo::new(move |_| {
            sample.with(|q| {
                figure(
                    count_of(q, state),
                    (state == JobState::Grouped && q.grouped_partial) || (state == JobState::Active && q.active_partial),
                )
            })
        });
        view! { <a href=href aria-current=current>{word} " " <span class="n">{move || n.get()}</span></a> }
    };
    let grouped = Memo::new(move |_| sample.with(|q| q.grouped > 0) || query.with(|q| q.state) == JobState::Grouped);
    view! {
        <nav class="tabs" aria-label="States" node_ref=nav>
            {tab(JobState::Waiting, "Waiting")}
            {move || grouped.get().then(|| tab(JobState::Grouped, "Behind groups"))}
            {tab(JobState::Active, "Active")}
            {tab(JobState::Delayed, "Delayed")}
            {tab(JobState::Failed, "Failed")}
            {tab(JobState::Completed, "Archive")}
        </nav>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_to_the_minute() {
        let at = Millis(63_091_000);
        assert_eq!(to_the_minute(at, Millis(at.0 + 9_000)), "17:31");
        assert_eq!(to_the_minute(at, Millis(at.0 + 2 * 86_400_000)), "1970-01-01 17:31");
    }

    #[test]
    fn a_paused_queue_is_not_called_unheard() {
        assert_eq!(rate_fact(None, Some(2), Paused::Yes), "paused");
        assert_eq!(rate_fact(None, Some(2), Paused::Partly), "no events were heard");
        assert_eq!(rate_fact(None, Some(0), Paused::Yes), "no worker serves it");
        assert_eq!(rate_fact(Some(0.0), Some(2), Paused::Yes), "per second, last minute");
    }
}
