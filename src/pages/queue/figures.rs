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
        queue::{FAILED_CAP, QueueSample},
        time::{Millis, span},
    },
};
use leptos::prelude::*;

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
        (None, _) => "none of its workers was heard".into(),
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
        (Some(ms), _) => format!("since {} UTC", Millis(q.sampled_at.0 - ms).near(q.sampled_at).trim_end_matches(" UTC")),
        (None, Some(0)) => "nothing waits".into(),
        (None, _) => "its age is unknown".into(),
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
                <dd class="u">{fact(|q| match (q.flow.out_per_second, q.workers) {
                    (Some(_), _) => "per second, last minute".into(),
                    (None, Some(0)) => "no worker serves it".into(),
                    (None, _) => "no events were heard".into(),
                })}</dd>
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

/// Links, so that a state is an address; the window of the charts stays with them. The archive is not counted here.
#[component]
pub fn Tabs(#[prop(into)] sample: Signal<QueueSample>, query: Memo<JobsQuery>) -> impl IntoView {
    let window = use_value("window");
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
        <nav class="tabs" aria-label="States">
            {tab(JobState::Waiting, "Waiting")}
            {move || grouped.get().then(|| tab(JobState::Grouped, "Behind groups"))}
            {tab(JobState::Active, "Active")}
            {tab(JobState::Delayed, "Delayed")}
            {tab(JobState::Failed, "Failed")}
            {tab(JobState::Completed, "Archive")}
        </nav>
    }
}
