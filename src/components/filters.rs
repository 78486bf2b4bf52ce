//! Filter field and chips over the queue table: a plain GET form and plain links; typing changes the address as one goes.

use super::{
    icon::{Glyph, Icon},
    number::figure,
};
use crate::{
    live::Live,
    model::{
        live::Overview,
        query::{QueueFilter, QueuesQuery},
    },
};
use leptos::{ev, leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::time::Duration;

/// A pause in typing.
const SETTLED: Duration = Duration::from_millis(150);

#[component]
pub fn QueueFilters(#[prop(into)] query: Signal<QueuesQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let field = NodeRef::<leptos::html::Input>::new();
    // By what stands in the field then: Esc empties it at once, whatever was typed a moment before.
    let go = Callback::new(move |()| {
        let q = field.get_untracked().map(|f| f.value()).unwrap_or_default();
        let query = QueuesQuery { q, page: 1, ..query.get_untracked() };
        navigate(&format!("/queues{}", query.search()), NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() });
    });
    let typed = move |_| {
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        timer.set_value(set_timeout_with_handle(move || go.run(()), SETTLED).ok());
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            if let Some(field) = field.get_untracked() {
                field.set_value("");
                let _ = field.blur();
            }
            go.run(());
        }
    };
    let hidden = move |name: &'static str, read: fn(&QueuesQuery) -> Option<&'static str>| {
        move || query.with(read).map(|value| view! { <input type="hidden" name=name value=value /> })
    };
    let chip = move |filter: QueueFilter| view! { <Chip query=query filter=filter /> };
    let chips = QueueFilter::ALL.into_iter().filter(|filter| *filter != QueueFilter::Attention).map(chip).collect_view();
    // The overview's list leads there.
    let chosen = Memo::new(move |_| query.with(|q| q.filter == QueueFilter::Attention));
    let attention = move || chosen.get().then(|| chip(QueueFilter::Attention));
    view! {
        <search class="flex items-center gap-2 min-w-0 max-sm:w-full max-sm:flex-wrap">
            <form class="contents" method="get" action="/queues" on:submit=submit>
                <label class="input w-65 max-sm:w-full">
                    <Icon glyph=Glyph::Search class="i s" />
                    <span class="sr-only">"Filter queues by name"</span>
                    <input type="search" name="q" placeholder="Filter queues" autocomplete="off" spellcheck="false" data-filter node_ref=field value=query.get_untracked().q prop:value=move || query.with(|q| q.q.clone()) on:input=typed on:keydown=on_key />
                    <kbd class="max-sm:hidden">"/"</kbd>
                </label>
                {hidden("filter", |q| (q.filter != QueueFilter::All).then_some(q.filter.as_str()))}
                {hidden("sort", |q| (q.sort != QueuesQuery::default().sort).then_some(q.sort.as_str()))}
                {hidden("dir", |q| (q.descending != q.sort.descends_first()).then_some(if q.descending { "desc" } else { "asc" }))}
            </form>
            <nav class="seg max-sm:w-full max-sm:overflow-x-auto" aria-label="Filter">{chips}{attention}</nav>
        </search>
    }
}

#[component]
fn Chip(query: Signal<QueuesQuery>, filter: QueueFilter) -> impl IntoView {
    let live = expect_context::<Live>();
    let label = match filter {
        QueueFilter::All => "All",
        QueueFilter::Failing => "Failing",
        QueueFilter::Paused => "Paused",
        QueueFilter::NoWorkers => "No workers",
        QueueFilter::Idle => "Idle",
        QueueFilter::Attention => "Needs attention",
    };
    let count = Memo::new(move |_| {
        live.overview.with(|o| {
            o.as_ref().and_then(|Overview { totals: t, discovery, .. }| {
                let queues = match filter {
                    QueueFilter::All => t.queues,
                    QueueFilter::Failing => t.failing,
                    QueueFilter::Paused => t.paused,
                    QueueFilter::NoWorkers => t.unserved,
                    QueueFilter::Idle => t.idle,
                    QueueFilter::Attention => return None,
                };
                Some(figure(Some(queues), discovery.truncated))
            })
        })
    });
    let current = Memo::new(move |_| query.with(|q| q.filter == filter));
    let href = Memo::new(move |_| query.with(|q| format!("/queues{}", QueuesQuery { filter, page: 1, ..q.clone() }.search())));
    view! {
        <a href=move || href.get() aria-current=move || current.get().then_some("true")>
            {label}
            <span>{move || count.get()}</span>
        </a>
    }
}
