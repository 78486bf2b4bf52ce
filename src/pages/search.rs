//! `/search?q=`: one box over what is in Redis and what the archive holds; results come in as they are found.

mod run;

use crate::{
    api,
    components::{
        address::use_value,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        number::{count, thousands},
        search_help::SearchHelp,
        search_hits::{Hits, Misread},
    },
    live::Live,
    model::{
        ids::escaped,
        live::LiveView,
        search::{Hit, Query, text::limits},
        time::Millis,
        wire::{Resource, resource},
    },
};
use leptos::{ev, html::Input, leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use run::{First, MOST, Run, go_on};
use std::time::Duration;

/// A pause in typing: a search costs Redis more than a filter in memory.
const SETTLED: Duration = Duration::from_millis(350);

#[component]
pub fn SearchPage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    let asked = use_value("q");
    // Without JavaScript the next step is a link.
    let (at, archive_at) = (use_value("cursor"), use_value("archive"));
    let q = Memo::new(move |_| asked.get().unwrap_or_default().trim().to_owned());
    let query = Memo::new(move |_| q.with(|q| Query::parse(q, Millis(0))));
    let some = Memo::new(move |_| query.with(|q| !q.is_empty()));
    let reload = RwSignal::new(0_u32);
    let first = resource(
        move || (q.get(), at.get(), archive_at.get(), reload.get()),
        |(q, at, archive_at, _)| async move {
            // Of a page that goes on in one half only, the other is through.
            let both = at.is_none() && archive_at.is_none();
            let live = if both || at.is_some() { api::search::search_live(q.clone(), at).await } else { Ok(Default::default()) };
            let archive = if both || archive_at.is_some() {
                api::search::begin_search_archive(q.clone(), archive_at).await
            } else {
                Ok(Default::default())
            };
            (q, live, archive)
        },
    );
    view! {
        <Title text=move || if q.with(String::is_empty) { "Search".into() } else { format!("Search: {}", q.get()) } />
        <div class="head"><h1>"Search"</h1></div>
        <SearchBox q=q />
        <Misread query=query />
        <Show when=move || some.get() fallback=|| view! { <SearchHelp /> }>
            <Transition fallback=|| view! { <Skeleton /> }>
                <Results first=first q=q query=query reload=reload />
            </Transition>
            <details class="border-t border-line">
                <summary class="px-gutter py-3 text-muted cursor-pointer">"Filter words"</summary>
                <SearchHelp />
            </details>
        </Show>
    }
}

/// A plain GET form; typing changes the address as one goes, and a search under way ends.
#[component]
fn SearchBox(q: Memo<String>) -> impl IntoView {
    let navigate = use_navigate();
    let field = NodeRef::<Input>::new();
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let go = Callback::new(move |()| {
        let text = field.get_untracked().map(|f| f.value()).unwrap_or_default();
        if text.trim() != q.get_untracked() {
            let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
            navigate(&format!("/search?q={}", escaped(text.trim())), options);
        }
    });
    let typed = move |_| {
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        timer.set_value(set_timeout_with_handle(move || go.run(()), SETTLED).ok());
    };
    // What is typed stays as it is typed: only another address changes it.
    Effect::new(move |_| {
        let q = q.get();
        if let Some(field) = field.get().filter(|f| f.value().trim() != q) {
            field.set_value(&q);
        }
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    view! {
        <search>
            <form class="flex gap-2 px-gutter pb-3 max-w-[880px]" method="get" action="/search" on:submit=submit>
                <label class="input grow">
                    <Icon glyph=Glyph::Search class="i s" />
                    <span class="sr-only">"Search all jobs"</span>
                    <input type="search" name="q" placeholder="Job id, words of an error, queue:mail state:failed" autocomplete="off" spellcheck="false" data-filter node_ref=field value=q.get_untracked() on:input=typed />
                    <kbd class="max-sm:hidden">"/"</kbd>
                </label>
                <button type="submit" class="btn">"Search"</button>
            </form>
        </search>
    }
}

#[component]
fn Results(first: Resource<First>, q: Memo<String>, query: Memo<Query>, reload: RwSignal<u32>) -> impl IntoView {
    let run = RwSignal::new(Run::default());
    let turn = StoredValue::new(0_u32);
    let begun = Memo::new(move |last: Option<&Run>| first.get().map(Run::of).or_else(|| last.cloned()).unwrap_or_default());
    // The page's own first view is the first step; what follows is asked for once the page is alive.
    let shown = Memo::new(move |_| if run.with(|r| r.follows(&begun.read())) { run.get() } else { begun.get() });
    Effect::new(move |_| {
        run.set(begun.get());
        go_on(run, turn, MOST);
    });
    // Another text was typed: nobody waits for this one any more.
    Effect::new(move |before: Option<String>| {
        let now = q.get();
        if before.is_some_and(|before| before != now) {
            turn.update_value(|n| *n += 1);
        }
        now
    });
    on_cleanup(move || turn.update_value(|n| *n += 1));
    let stop = move |_| {
        turn.update_value(|n| *n += 1);
        run.update(|r| r.looking = false);
    };
    let on = move |_| {
        let more = run.with_untracked(|r| r.hits.len()) + MOST;
        go_on(run, turn, more);
    };

    let (hovered, focused) = (RwSignal::new(false), RwSignal::new(false));
    // New hits go to their rank, but not under the pointer or before what has the focus.
    let rows = Memo::new(move |last: Option<&(String, Vec<Hit>)>| {
        let held = hovered.get() || focused.get();
        shown.with(|r| match last {
            Some(last) if held && last.0 == r.q && !last.1.is_empty() => last.clone(),
            _ => (r.q.clone(), r.hits.clone()),
        })
    });
    let aside = Memo::new(move |_| shown.with(|r| r.hits.len()).saturating_sub(rows.with(|(_, rows)| rows.len())));
    let release = move |_| {
        hovered.set(false);
        focused.set(false);
    };
    let found = Memo::new(move |_| shown.with(|r| r.hits.len()));
    let looking = Memo::new(move |_| shown.with(|r| r.looking));
    let rest = Memo::new(move |_| shown.with(Run::rest));
    let error = Memo::new(move |_| shown.with(|r| r.error.clone()));
    let nothing = Memo::new(move |_| shown.with(|r| r.hits.is_empty() && r.rest().is_none() && r.error.is_none()));
    let looked = Memo::new(move |_| shown.with(Run::looked));
    let done = move || shown.with(Run::done_percent).map(|percent| format!("width:{percent}%"));
    let export = move |format: &'static str| move || format!("/api/v1/search/export?q={}&format={format}", q.with(|q| escaped(q)));
    view! {
        <div class="toolbar num max-sm:flex-wrap">
            <p class="min-w-0" role="status">
                <b>{move || found_words(found.get(), rest.get().is_some())}</b>
                <span class="ml-3 text-muted">{move || shown.with(Run::coverage)}</span>
            </p>
            <Show when=move || looking.get()>
                <span class="bar accent w-28 max-sm:hidden" aria-hidden="true"><span style=done></span></span>
                <button type="button" class="btn sm" on:click=stop>"Stop"</button>
            </Show>
            <Show when=move || { !looking.get() && rest.get().is_some() }>
                <button type="button" class="btn sm needs-js" on:click=on>"Keep searching"</button>
                <noscript><a class="btn sm" href=move || rest.get()>"Next results"</a></noscript>
            </Show>
            <span class="grow"></span>
            <Show when=move || { aside.get() > 0 }>
                <button type="button" class="link" on:click=release>{move || format!("{} more found, show", thousands(aside.get() as u64))}</button>
            </Show>
            <Show when=move || { found.get() > 0 }>
                <a class="btn sm" href=export("ndjson") download="jobs.ndjson" rel="external" title="All that is found, with payloads"><Icon glyph=Glyph::Download class="i s" />"NDJSON"</a>
                <a class="btn sm" href=export("csv") download="jobs.csv" rel="external" title="All that is found, for a spreadsheet"><Icon glyph=Glyph::Download class="i s" />"CSV"</a>
            </Show>
        </div>
        {move || error.get().map(|error| view! { <Problem error=error retry=Callback::new(move |()| reload.update(|n| *n += 1)) /> })}
        {move || shown.with(Run::notes).into_iter().map(|note| view! {
            <div class="banner quiet"><Icon glyph=Glyph::Note class="i s" /><p class="wrap-anywhere">{note}</p></div>
        }).collect_view()}
        <Show when=move || { found.get() > 0 }>
            <div
                on:mouseenter=move |_| hovered.set(true)
                on:mouseleave=move |_| hovered.set(false)
                on:focusin=move |_| focused.set(true)
                on:focusout=move |_| focused.set(false)
            >
                <Hits rows=Signal::derive(move || rows.with(|(_, rows)| rows.clone())) query=query />
            </div>
        </Show>
        <Show when=move || nothing.get()>
            {move || view! {
                <Empty title="No job matches" text=format!("{} {} Words must stand at the start of a word, and all of them in one job: leave one out, or a filter.", looked.get(), limits())>
                    <a class="btn" href="/search"><Icon glyph=Glyph::Close />"Clear the search"</a>
                </Empty>
            }}
        </Show>
    }
}

fn found_words(n: usize, more: bool) -> String {
    match (n, more) {
        (0, true) => "Nothing found yet".into(),
        (n, more) => format!("{}{} found", if more { "≥ " } else { "" }, count(n as u64, "job", "jobs")),
    }
}
