//! What workers say, as they say it: `/logs?level=&worker=&queue=&q=`.

use super::Head;
use crate::{
    api,
    components::{
        address::use_search,
        empty::Empty,
        icon::{Glyph, Icon},
        log::{LogLines, Tail, thinned},
        log_filters::LogFilters,
        number::{count, per_second, thousands},
    },
    live::{Live, known},
    model::{live::LiveView, log::LogQuery},
};
use leptos::prelude::*;

/// More rows would slow the browser down.
const KEPT: usize = 500;

#[component]
pub fn LiveLog() -> impl IntoView {
    let live = expect_context::<Live>();
    let query = use_search(|get| LogQuery::read(get));
    live.watch(move || LiveView::Logs { query: query.get() });
    let tail = Tail::follow(known(move || api::logs::logs(query.get())), query, KEPT);
    // Another question is another list: it is not looked at while it stands still.
    Effect::new(move |before: Option<()>| {
        query.track();
        if before.is_some() {
            tail.thaw(KEPT);
        }
    });
    let facts = Memo::new(move |_| {
        live.overview.with(|o| {
            o.as_ref().map(|o| match o.heard.listening_since {
                None => "events are not heard".to_owned(),
                Some(_) => {
                    let bad = o.heard.malformed;
                    let bad = if bad > 0 { format!(", {} could not be read", thousands(bad)) } else { String::new() };
                    format!("{} events per second{bad}", per_second(o.heard.per_second))
                }
            })
        })
    });
    let aside = Memo::new(move |_| tail.aside.with(Vec::len));
    let freeze = move |_| if tail.frozen.get_untracked() { tail.thaw(KEPT) } else { tail.frozen.set(true) };
    let label = move || match (tail.frozen.get(), aside.get()) {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".into(),
        (true, n) => format!("{}{} new, show", thousands(n as u64), if n >= KEPT { "+" } else { "" }),
    };
    let glyph = Signal::derive(move || if tail.frozen.get() { Glyph::Play } else { Glyph::Pause });
    let empty = Memo::new(move |_| tail.lines.with(Vec::is_empty));
    let full = Memo::new(move |_| tail.lines.with(Vec::len) >= KEPT);
    let nothing = move || {
        if query.with(|q| *q == LogQuery::default()) {
            view! { <Empty title="Nothing was heard yet" text="What consumers say appears here when they run with monitor: true." /> }
                .into_any()
        } else {
            view! { <Empty title="No line matches" text="Lines that match appear here as they are heard; the console holds the newest ones only."><a class="btn" href="/logs"><Icon glyph=Glyph::Close />"Clear filters"</a></Empty> }.into_any()
        }
    };
    view! {
        <Head archived=false>
            <span class="text-muted num max-sm:hidden">{move || facts.get()}</span>
            // Beside the title, where it moves nothing when it comes and goes.
            {move || tail.thinned.get().filter(|_| !tail.frozen.get()).map(|rate| view! {
                <span class="flex items-center gap-1.5 text-muted num"><Icon glyph=Glyph::Note class="i s" />{thinned(rate)}</span>
            })}
        </Head>
        <div class="toolbar sm:sticky sm:top-bar sm:z-[3] pt-0!">
            <LogFilters query=query />
            <span class="grow max-sm:hidden"></span>
            <button type="button" class="btn sm live" aria-pressed=move || tail.frozen.get().to_string() on:click=freeze>
                <Icon glyph=glyph class="i s" />
                <span class="num">{label}</span>
            </button>
        </div>
        <Show when=move || !empty.get() fallback=nothing>
            <div class="pt-2"><LogLines lines=tail.lines full=true /></div>
        </Show>
        <Show when=move || full.get()>
            <p class="px-gutter py-3 text-12 text-faint num">{format!("The newest {} are kept here.", count(KEPT as u64, "line", "lines"))}</p>
        </Show>
    }
}
