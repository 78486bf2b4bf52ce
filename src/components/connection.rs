//! What the console talks to, in facts.

use super::number::thousands;
use crate::{live::Live, model::{live::{Link, Overview}, time::relative}};
use leptos::prelude::*;

#[component]
pub fn ConnectionFacts() -> impl IntoView {
    let live = expect_context::<Live>();
    let fact = move |label: &'static str, read: fn(&Overview) -> String| {
        let text = Memo::new(move |_| live.overview.with(|o| o.as_ref().map_or_else(|| "—".into(), read)));
        view! { <div class="flex items-center gap-3 h-row px-gutter border-b border-line-soft last:border-0"><dt class="text-muted flex-none">{label}</dt><dd class="num clip ml-auto" title=move || text.get()>{move || text.get()}</dd></div> }
    };
    let since = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| o.connection.since)));
    view! {
        <dl>
            {fact("Status", |o| match o.connection.status {
                Link::Connected => "Connected".into(),
                Link::Connecting => "Connecting".into(),
                Link::Down => "Unreachable".into(),
            })}
            <div class="flex items-center gap-3 h-row px-gutter border-b border-line-soft">
                <dt class="text-muted flex-none">"Since"</dt>
                <dd class="num clip ml-auto">{move || since.get().map(|at| view! { <time datetime=at.iso() title=at.full()>{move || relative(at, live.now.get())}</time> })}</dd>
            </div>
            {fact("Driver", |o| o.connection.driver.clone())}
            {fact("Server version", |o| o.connection.server_version.clone().unwrap_or_else(|| "—".into()))}
            {fact("Round trip", |o| o.connection.latency_ms.map_or_else(|| "—".into(), |ms| format!("{ms:.1} ms")))}
            {fact("Queue prefix", |o| o.prefix.clone())}
            {fact("Keys scanned", |o| if o.discovery.complete || o.discovery.keys.is_none() {
                thousands(o.discovery.scanned)
            } else {
                format!("{} of {}", thousands(o.discovery.scanned), thousands(o.discovery.keys.unwrap_or_default()))
            })}
        </dl>
    }
}
