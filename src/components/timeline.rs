//! What happened to a job, in order, as far as its payload and the archive tell.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
};
use crate::model::{job::TimelineEntry, time::Millis};
use leptos::prelude::*;

fn look(kind: &str) -> (Glyph, Tone) {
    match kind {
        "enqueued" | "waiting" => (Glyph::Waiting, Tone::Waiting),
        "failed" | "error" => (Glyph::Failed, Tone::Failed),
        "due" | "delayed" | "retry" => (Glyph::Delayed, Tone::Delayed),
        "started" | "active" => (Glyph::Active, Tone::Active),
        "completed" => (Glyph::Completed, Tone::Completed),
        "lost" => (Glyph::Lost, Tone::Lost),
        _ => (Glyph::Note, Tone::Quiet),
    }
}

#[component]
pub fn Timeline(entries: Vec<TimelineEntry>, #[prop(optional_no_strip)] note: Option<String>) -> impl IntoView {
    // The clock alone is enough while all of it is one day.
    let first = entries.iter().find_map(|e| e.at).unwrap_or(Millis(0));
    let one_day = entries.iter().filter_map(|e| e.at).all(|at| at.0.div_euclid(86_400_000) == first.0.div_euclid(86_400_000));
    let day = (one_day && first.0 != 0).then(|| first.full().chars().take(10).collect::<String>());
    let items = entries
        .into_iter()
        .map(|e| {
            let (glyph, tone) = look(&e.kind);
            let at = e.at.map(|at| {
                let text = if one_day { at.clock_ms() } else { at.full().trim_end_matches(" UTC").to_owned() };
                view! { <time class="at" datetime=at.iso() title=at.full()>{text}</time> }
            });
            view! {
                <li>
                    <Icon glyph=glyph class=tone.icon() />
                    <span class="font-medium">{e.title}</span>
                    {at}
                    {e.detail.map(|d| view! { <p class="d">{d}</p> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="timeline-title">
            <div class="sec min-h-11!">
                <h2 id="timeline-title">"Timeline"</h2>
                <span class="flex-1"></span>
                <span class="text-12 text-faint num">{day.map(|d| format!("{d} "))}"UTC"</span>
            </div>
            {note.map(|text| view! { <p class="px-gutter pb-2 text-12 text-faint wrap-anywhere" role="status">{text}</p> })}
            <ol class="tl">{items}</ol>
        </section>
    }
}
