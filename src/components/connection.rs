//! What the console talks to, in facts.

use super::number::{decimal, thousands};
use crate::{
    live::Live,
    model::{
        live::{Link, Overview},
        time::span,
    },
};
use leptos::prelude::*;

#[component]
pub fn ConnectionFacts() -> impl IntoView {
    let live = expect_context::<Live>();
    let read = move |read: fn(&Overview) -> String| Memo::new(move |_| live.overview.with(|o| o.as_ref().map_or_else(|| "—".into(), read)));
    let fact = move |label: &'static str, text: Memo<String>| {
        view! { <div class="flex items-center gap-3 h-row px-gutter border-b border-line-soft last:border-0"><dt class="text-muted flex-none">{label}</dt><dd class="num clip ml-auto" title=move || text.get()>{move || text.get()}</dd></div> }
    };
    let status = read(|o| match o.connection.status {
        Link::Connected => "Connected".into(),
        Link::Connecting => "Connecting".into(),
        Link::Down => "Unreachable".into(),
    });
    let since = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| o.connection.since)));
    view! {
        <dl>
            // As high as the head of the table beside it, so that the rows of both stand in one line.
            <div class="flex items-center gap-3 h-8 px-gutter border-b border-line text-12 font-medium text-faint">
                <dt>{move || status.get()}</dt>
                <dd class="ml-auto num">{move || since.get().map(|at| view! { <time datetime=at.iso() title=at.full()>{move || format!("for {}", span((live.now.get().0 - at.0).max(0)))}</time> })}</dd>
            </div>
            {fact("Driver", read(|o| o.connection.driver.clone()))}
            {fact("Server version", read(|o| o.connection.server_version.clone().unwrap_or_else(|| "—".into())))}
            {fact("Round trip", read(|o| o.connection.latency_ms.map_or_else(|| "—".into(), |ms| format!("{} ms", decimal(ms)))))}
            {fact("Queue prefix", read(|o| o.prefix.clone()))}
            {fact("Keys scanned", read(|o| match o.discovery.keys {
                Some(keys) if keys > o.discovery.scanned => format!("{} of {}", thousands(o.discovery.scanned), thousands(keys)),
                _ => thousands(o.discovery.scanned),
            }))}
        </dl>
    }
}
