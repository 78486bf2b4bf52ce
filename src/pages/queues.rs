//! `/queues?q=&filter=&sort=&dir=&page=`: every queue, one row each.

use crate::{
    api,
    components::{
        address::use_search,
        empty::{Empty, Problem, Skeleton},
        filters::QueueFilters,
        icon::{Glyph, Icon},
        number::{count, per_second, thousands},
        queue_table::QueueTable,
    },
    live::Live,
    model::{
        error::ApiError,
        live::{LiveView, Overview, QueuesPage as Page},
        query::{QueueFilter, QueuesQuery},
        wire::{Resource, resource},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

type Loaded = Resource<Result<Page, ApiError>>;

#[component]
pub fn QueuesPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let query = use_search(|get| QueuesQuery::read(get));
    let settling = live.settling();
    let page = resource(move || (query.get(), settling.get()), |(query, _)| api::queues::queues(query));
    live.watch(move || LiveView::Queues { query: query.get() });

    let facts = Memo::new(move |_| {
        live.overview.with(|o| {
            o.as_ref().map(|o| {
                let pace = o.throughput.completed_per_second.zip(o.throughput.failed_per_second);
                let pace = pace.map_or(String::new(), |(done, failed)| format!(", {} jobs per second", per_second(done + failed)));
                let queues = count(o.totals.queues, "queue", "queues");
                format!("{}{queues}{pace}", if o.discovery.truncated { "≥ " } else { "" })
            })
        })
    });
    let counted = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(Overview::counted)).map(|when| format!("Counted {when}")));
    view! {
        <Title text="Queues" />
        <div class="head">
            <h1>"Queues"</h1>
            <span class="text-muted num max-sm:hidden">{move || facts.get()}</span>
        </div>
        <div class="flex items-center gap-2 px-gutter pb-2.5 min-h-8">
            <QueueFilters query=query />
            <span class="grow max-sm:hidden"></span>
            <span class="text-12 text-faint num whitespace-nowrap max-md:hidden">{move || counted.get()}</span>
        </div>
        <div class="border-t border-line">
            <Transition fallback=|| view! { <Skeleton /> }>
                <Table page=page query=query />
            </Transition>
        </div>
    }
}

/// Created once, so that a new page or order changes rows and not the table.
#[component]
fn Table(page: Loaded, #[prop(into)] query: Signal<QueuesQuery>) -> impl IntoView {
    let live = expect_context::<Live>();
    let known = Memo::new(move |last: Option<&Option<Page>>| match page.get() {
        Some(Ok(page)) => Some(page),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| page.get().and_then(Result::err));
    let rows = Memo::new(move |_| known.with(|p| p.as_ref().map(|p| p.queues.clone()).unwrap_or_default()));
    let samples = live.samples(rows);
    let stale = live.stale();
    let empty = Memo::new(move |_| known.with(|p| p.as_ref().is_some_and(|p| p.queues.is_empty())));
    let any = Memo::new(move |_| !rows.with(Vec::is_empty));
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| page.refetch() /> })}
        <Entered page=page />
        <Show when=move || any.get()>
            <div class=move || if stale.get() { "stale" } else { "" }>
                <QueueTable rows=rows samples=samples query=query />
            </div>
            <Pages page=known query=query />
        </Show>
        <Show when=move || empty.get()>
            <Nothing query=query />
        </Show>
    }
}

/// The list holds still: new queues come when asked for.
#[component]
fn Entered(page: Loaded) -> impl IntoView {
    let live = expect_context::<Live>();
    let load = move |_| {
        page.refetch();
        live.reopen();
    };
    move || {
        let entered = live.entered.get();
        (entered > 0).then(|| {
            view! {
                <div class="banner quiet">
                    <Icon glyph=Glyph::Note class="i s" />
                    <p>{count(entered, "new queue belongs", "new queues belong")} " on this page."</p>
                    <button type="button" class="link" on:click=load>{format!("Load {}", thousands(entered))}</button>
                </div>
            }
        })
    }
}

#[component]
fn Pages(page: Memo<Option<Page>>, query: Signal<QueuesQuery>) -> impl IntoView {
    let part = Memo::new(move |_| page.with(|p| p.as_ref().filter(|p| p.total > p.per_page).map(|p| (p.page, p.per_page, p.total))));
    let link = move |to: u64, on: bool, label: &'static str, glyph: Glyph| {
        let href = format!("/queues{}", query.with(|q| QueuesQuery { page: to, ..q.clone() }.search()));
        if on {
            view! { <a href=href aria-label=label><Icon glyph=glyph class="i s" /></a> }.into_any()
        } else {
            view! { <span class="off"><Icon glyph=glyph class="i s" /></span> }.into_any()
        }
    };
    move || {
        part.get().map(|(page, per_page, total)| {
            let last = total.div_ceil(per_page);
            let (from, to) = ((page - 1) * per_page + 1, (page * per_page).min(total));
            view! {
                <nav class="pager sticky-foot" aria-label="Pages">
                    <span>{format!("{} to {} of {} queues", thousands(from), thousands(to), thousands(total))}</span>
                    <span class="grow"></span>
                    <div class="pages">
                        {link(page.saturating_sub(1).max(1), page > 1, "Previous page", Glyph::ChevronLeft)}
                        <span aria-current="page">{format!("{page} of {last}")}</span>
                        {link(page + 1, page < last, "Next page", Glyph::ChevronRight)}
                    </div>
                </nav>
            }
        })
    }
}

/// No queue at all, none on this page, or none that matches: three different sentences.
#[component]
fn Nothing(query: Signal<QueuesQuery>) -> impl IntoView {
    let live = expect_context::<Live>();
    let state = Memo::new(move |_| {
        live.overview.with(|o| o.as_ref().map(|o| (o.totals.queues, o.discovery.complete, o.sampled_at.is_some(), o.prefix.clone())))
    });
    move || {
        let q = query.get();
        let (total, complete, sampled, prefix) = state.get().unwrap_or_default();
        if q.page > 1 {
            return view! { <Empty title="No queue on this page" text="The list has become shorter."><a class="btn" href=format!("/queues{}", QueuesQuery { page: 1, ..q }.search())>"Go to the first page"</a></Empty> }.into_any();
        }
        if q.filter != QueueFilter::All || !q.q.is_empty() {
            let what = match q.filter {
                QueueFilter::All => "No queue",
                QueueFilter::Failing => "No queue with failed jobs",
                QueueFilter::Paused => "No paused queue",
                QueueFilter::NoWorkers => "No queue without workers",
                QueueFilter::Idle => "No idle queue",
                QueueFilter::Attention => "No queue that needs attention",
            };
            let title = if q.q.is_empty() { what.to_owned() } else { format!("{what} matches “{}”", q.q) };
            let text = count(total, "queue is hidden by the filter.", "queues are hidden by the filter.");
            return view! { <Empty title=title text=text><a class="btn" href="/queues"><Icon glyph=Glyph::Close />"Clear filters"</a></Empty> }.into_any();
        }
        if !sampled {
            return view! { <Empty title="Nothing was counted yet" text="Queues appear here as soon as Redis answers." /> }.into_any();
        }
        if !complete {
            return view! { <Empty title="Looking for queues" text="They appear here as they are found." /> }.into_any();
        }
        view! { <Empty title="No queues" text=format!("They appear here when an application pushes its first job. Keys that start with “{prefix}” were looked for.") /> }.into_any()
    }
}
