//! What workers said: `/logs?from=archive&level=&worker=&queue=&q=&since=&until=&before=`. A plain form and plain links.

use super::Head;
use crate::{
    api,
    components::{
        address::use_search,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        log::LogLines,
        number::{count, thousands},
    },
    live::Live,
    model::{
        error::ApiError,
        live::LiveView,
        log::{ArchivedLog as Page, ArchivedLogQuery, Level},
        time::Millis,
        wire::{Resource, resource},
    },
};
use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

type Loaded = Resource<Result<Page, ApiError>>;

#[component]
pub fn ArchivedLog() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    let query = use_search(|get| ArchivedLogQuery::read(get));
    let page = resource(move || query.get(), api::logs::archived);
    view! {
        <Head archived=true>
            <span class="text-muted max-sm:hidden">"Times are UTC"</span>
        </Head>
        <div class="toolbar pt-0! flex-wrap"><Filters query=query /></div>
        <Transition fallback=|| view! { <Skeleton /> }>
            <Lines page=page query=query />
        </Transition>
    }
}

fn word(level: Option<Level>) -> &'static str {
    match level {
        None => "All",
        Some(Level::Info) => "Info",
        Some(Level::Success) => "Success",
        Some(Level::Warning) => "Warning",
        Some(Level::Error) => "Error",
    }
}

#[component]
fn Filters(query: Memo<ArchivedLogQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let fields: [NodeRef<html::Input>; 5] = std::array::from_fn(|_| NodeRef::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let [q, worker, queue, since, until] = fields.map(|f| f.get_untracked().map(|f| f.value()).unwrap_or_default());
        // Seconds that are 0 are left out by browsers, and a minute would be meant to its end.
        let until = if until.len() == 16 { format!("{until}:00") } else { until };
        let level = query.with_untracked(|q| q.level.map_or("", Level::as_str));
        let typed = [("level", level), ("q", &q), ("worker", &worker), ("queue", &queue), ("since", &since), ("until", &until)];
        let next = ArchivedLogQuery::read(|name| typed.iter().find(|(n, _)| *n == name).map(|(_, v)| v.trim().to_owned()));
        navigate(&format!("/logs{}", next.search()), NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    let text = move |at: usize, name: &'static str, hint: &'static str, width: &'static str, read: fn(&ArchivedLogQuery) -> String| {
        view! {
            <label class=width>
                {(at == 0).then(|| view! { <Icon glyph=Glyph::Search class="i s" /> })}
                <span class="sr-only">{hint}</span>
                <input type="search" name=name placeholder=hint autocomplete="off" spellcheck="false" data-filter=(at == 0).then_some("") node_ref=fields[at] value=read(&query.get_untracked()) prop:value=move || query.with(read) />
            </label>
        }
    };
    let time = move |at: usize, name: &'static str, hint: &'static str, read: fn(&ArchivedLogQuery) -> Option<Millis>| {
        let value = move || query.with(read).map(Millis::field).unwrap_or_default();
        view! {
            <label class="input max-sm:flex-1">
                <span class="text-12">{hint}</span>
                <input class="text-12" type="datetime-local" step="1" name=name node_ref=fields[at] value=untrack(value) prop:value=value />
            </label>
        }
    };
    let levels = [None].into_iter().chain(Level::ALL.map(Some)).map(|level| {
        let href = move || query.with(|q| format!("/logs{}", ArchivedLogQuery { level, before: None, ..q.clone() }.search()));
        view! { <a href=href attr:data-noscroll="" aria-current=move || query.with(|q| q.level == level).then_some("true")>{word(level)}</a> }
    });
    view! {
        <search class="flex items-center gap-2 min-w-0 flex-wrap max-sm:w-full">
            <form class="contents" method="get" action="/logs" on:submit=submit>
                <input type="hidden" name="from" value="archive" />
                {text(0, "q", "Text", "input w-65 max-sm:w-full", |q| q.q.clone())}
                {text(1, "worker", "Worker", "input w-44 max-sm:flex-1", |q| q.worker.clone())}
                {text(2, "queue", "Queue", "input w-44 max-sm:flex-1", |q| q.queue.clone())}
                {time(3, "since", "From", |q| q.since)}
                {time(4, "until", "Until", |q| q.until)}
                {move || query.with(|q| q.level).map(|l| view! { <input type="hidden" name="level" value=l.as_str() /> })}
                <button type="submit" class="btn"><Icon glyph=Glyph::Search class="i s" />"Search"</button>
            </form>
            <nav class="seg max-sm:w-full max-sm:overflow-x-auto" aria-label="Level">{levels.collect_view()}</nav>
        </search>
    }
}

#[component]
fn Lines(page: Loaded, query: Memo<ArchivedLogQuery>) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<Page>>| match page.get() {
        Some(Ok(page)) => Some(page),
        // Lines of another question would be taken for answers to this one.
        Some(Err(_)) => None,
        None => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| page.get().and_then(Result::err));
    let lines = Memo::new(move |_| known.with(|p| p.as_ref().map(|p| p.lines.clone()).unwrap_or_default()));
    let any = Memo::new(move |_| !lines.with(Vec::is_empty));
    let nothing = Memo::new(move |_| known.with(|p| p.as_ref().is_some_and(|p| p.lines.is_empty() && p.next.is_none())));
    let ends = Memo::new(move |_| known.with(|p| p.as_ref().map(|p| (p.next, p.looked_at, p.lines.len() as u64))));
    let older = move |next: i64| query.with(|q| format!("/logs{}", ArchivedLogQuery { before: Some(next), ..q.clone() }.search()));
    let foot = move || {
        ends.get().filter(|(next, ..)| next.is_some() || query.with(|q| q.before.is_some())).map(|(next, looked, shown)| {
            let said = match looked {
                Some(n) => format!("Looked at {} more; {} found so far.", count(n, "line", "lines"), thousands(shown)),
                None => count(shown, "line", "lines"),
            };
            let label = if looked.is_some() { "Look further back" } else { "Older" };
            let newest =
                query.with(|q| q.before.is_some().then(|| format!("/logs{}", ArchivedLogQuery { before: None, ..q.clone() }.search())));
            view! {
                <nav class="pager" aria-label="Pages">
                    <span>{said}</span>
                    <span class="grow"></span>
                    {newest.map(|href| view! { <a class="btn sm" href=href>"Newest"</a> })}
                    {next.map(|next| view! { <a class="btn sm" rel="next" href=older(next)>{label}</a> })}
                </nav>
            }
        })
    };
    let empty = move || {
        nothing.get().then(|| {
            if query.with(|q| q.filters()) {
                view! { <Empty title="No line matches" text="Every line of the archive was looked at, as far as the filter asks."><a class="btn" href="/logs?from=archive"><Icon glyph=Glyph::Close />"Clear filters"</a></Empty> }.into_any()
            } else {
                view! { <Empty title="The archive has no log lines" text="What workers say is written down here while the console runs, and kept as long as the settings say." /> }.into_any()
            }
        })
    };
    view! {
        {move || error.get().map(|error| match error {
            // There is nothing to try again.
            ApiError::NotFound { detail } => view! { <Empty title="There is no archive" text=detail /> }.into_any(),
            ApiError::Unavailable { detail } => view! { <div class="banner" role="alert"><Icon glyph=Glyph::Failed class="i text-failed" /><p class="grow min-w-0">{detail}</p><button type="button" class="btn sm" on:click=move |_| page.refetch()>"Try again"</button></div> }.into_any(),
            error => view! { <Problem error=error retry=move |()| page.refetch() /> }.into_any(),
        })}
        <Show when=move || any.get()>
            <div class="pt-2"><LogLines lines=lines full=true past=true /></div>
        </Show>
        {empty}
        {foot}
    }
}
