//! `/`: is something wrong, where, what can be done; then the sums, the busiest queues, and what the console talks to.

use crate::{
    api,
    components::{
        attention::{Attention, Concern, SHOWN, rank},
        connection::ConnectionFacts,
        empty::{Empty, Problem, Skeleton},
        number::count,
        queue_table::QueueTable,
        totals::TotalsRow,
    },
    live::{Live, Stream},
    model::{
        error::ApiError,
        live::{Link, LiveView, Overview, Totals},
        query::{QueueFilter, QueueSort, QueuesQuery},
        queue::QueueSample,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

/// Rows of the short list.
const BUSIEST: usize = 8;
/// How often the attention list is asked for; it moves slowly and must not jump under a finger.
const ASK_EVERY_MS: i64 = 5_000;

/// What needs attention: the most urgent, and how many there are in all (`partial`: at least).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Board {
    concerns: Vec<Concern>,
    total: u64,
    partial: bool,
}

async fn board() -> Result<Board, ApiError> {
    let all = api::queues::queues(QueuesQuery::default()).await?;
    let mut partial = false;
    let queues = if all.total <= all.per_page {
        all.queues
    } else {
        // Thousands: the worst of each kind.
        let mut worst = Vec::new();
        for (filter, sort) in [
            (QueueFilter::Failing, QueueSort::Failed),
            (QueueFilter::NoWorkers, QueueSort::Waiting),
            (QueueFilter::Paused, QueueSort::Waiting),
        ] {
            let page = api::queues::queues(QueuesQuery { filter, sort, ..QueuesQuery::default() }).await?;
            partial |= page.total > page.per_page;
            worst.extend(page.queues);
        }
        worst.sort_by(|a, b| a.name.cmp(&b.name));
        worst.dedup_by(|a, b| a.name == b.name);
        worst
    };
    let mut concerns = rank(&queues);
    let total = concerns.len() as u64;
    // One more line than fits may as well be shown.
    if concerns.len() > SHOWN + 1 {
        concerns.truncate(SHOWN);
    }
    Ok(Board { concerns, total, partial })
}

async fn busiest() -> Result<Vec<QueueSample>, ApiError> {
    let mut queues = api::queues::queues(QueuesQuery::default()).await?.queues;
    queues.truncate(BUSIEST);
    Ok(queues)
}

#[component]
pub fn OverviewPage() -> impl IntoView {
    let live = expect_context::<Live>();
    live.watch(|| LiveView::Overview);
    let settling = live.settling();
    // Stands still until the stream is open: the page came with a fresh list.
    let beat = Memo::new(
        move |last: Option<&i64>| {
            if live.stream.get() == Stream::Open { live.now.get().0 / ASK_EVERY_MS } else { last.copied().unwrap_or(0) }
        },
    );
    let board = Resource::new(move || (settling.get(), beat.get()), |_| board());
    let busiest = Resource::new(move || settling.get(), |_| busiest());
    let measured =
        Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.sampled_at)).map(|at| format!("Measured {} UTC", at.clock())));
    view! {
        <Title text="Overview" />
        <Transition fallback=|| view! { <div class="head"><h1>"Overview"</h1></div> }>
            <Verdict board=board measured=measured />
        </Transition>
        <TotalsRow />
        <div class="six tables">
            <section class="span4 min-w-0" aria-labelledby="busiest">
                <div class="sec">
                    <h2 id="busiest">"Busiest queues"</h2>
                    <span class="grow"></span>
                    <Busier queues=busiest />
                    <a class="link" href="/queues">"All queues"</a>
                </div>
                <Transition fallback=|| view! { <Skeleton /> }>
                    <Busiest queues=busiest />
                </Transition>
            </section>
            <section class="span2 min-w-0" aria-labelledby="connection">
                <div class="sec"><h2 id="connection">"Connection"</h2></div>
                <ConnectionFacts />
            </section>
        </div>
    }
}

/// The title is the answer, the list below says where and what to do.
#[component]
fn Verdict(board: Resource<Result<Board, ApiError>>, measured: Memo<Option<String>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let known = Memo::new(move |last: Option<&Option<Board>>| match board.get() {
        Some(Ok(board)) => Some(board),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| board.get().and_then(Result::err));
    let title = Memo::new(move |_| {
        let total = known.with(|b| b.as_ref().map(|b| (b.total, b.partial)));
        live.overview.with(|o| verdict(o.as_ref(), total))
    });
    let alone = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(nobody_works)));
    let stale = live.stale();
    let list = move || {
        let first = alone.get();
        known.get().filter(|b| !b.concerns.is_empty() || first.is_some()).map(|b| {
            let hidden = b.total - b.concerns.len() as u64;
            let more = (hidden > 0).then(|| {
                let text = count(hidden, "more queue", "more queues");
                (if b.partial { format!("At least {text}") } else { format!("And {text}") }, "/queues?filter=failing&sort=failed")
            });
            view! { <div class=move || if stale.get() { "stale" } else { "" }><Attention concerns=b.concerns first=first more=more /></div> }
        })
    };
    let calm = Memo::new(move |_| known.with(|b| b.as_ref().is_some_and(|b| b.concerns.is_empty())) && alone.with(Option::is_none));
    let sentence = Memo::new(move |_| {
        live.overview.with(|o| {
            o.as_ref().filter(|o| o.connection.status == Link::Connected && o.totals.queues > 0).map(|o| calm_sentence(&o.totals))
        })
    });
    view! {
        <div class="head">
            <h1>{move || title.get()}</h1>
            <span class="grow"></span>
            <span class="text-12 text-faint num max-sm:hidden">{move || measured.get()}</span>
        </div>
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| board.refetch() /> })}
        {list}
        <Show when=move || calm.get() && sentence.get().is_some()>
            <p class="px-gutter pb-4 text-muted">{move || sentence.get()}</p>
        </Show>
    }
}

fn verdict(overview: Option<&Overview>, concerns: Option<(u64, bool)>) -> String {
    let Some(o) = overview else { return "Overview".into() };
    match (o.connection.status, concerns.unwrap_or_default()) {
        (Link::Down, _) => "Redis cannot be reached".into(),
        (Link::Connecting, _) => "Connecting to Redis".into(),
        (Link::Connected, (n @ 1.., partial)) => {
            let at_least = if partial { "At least " } else { "" };
            format!("{at_least}{} attention", count(n, "queue needs", "queues need"))
        }
        (Link::Connected, _) if nobody_works(o).is_some() => "No worker reports".into(),
        (Link::Connected, _) if !o.discovery.complete => "Looking for queues…".into(),
        (Link::Connected, _) if o.totals.queues == 0 => "No queues yet".into(),
        (Link::Connected, _) => "Everything is running".into(),
    }
}

/// Jobs wait and not one heartbeat is alive: queues alone cannot say that.
fn nobody_works(o: &Overview) -> Option<String> {
    let waiting = o.totals.waiting.filter(|n| *n > 0)?;
    (o.workers == Some(0) && o.discovery.complete).then(|| format!("No worker reports, and {}", count(waiting, "job waits", "jobs wait")))
}

fn calm_sentence(totals: &Totals) -> String {
    format!("No failed jobs, no paused queue with jobs, no queue without workers among {}.", count(totals.queues, "queue", "queues"))
}

/// The rows hold still; the order of now comes when asked for.
#[component]
fn Busier(queues: Resource<Result<Vec<QueueSample>, ApiError>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let load = move |_| {
        queues.refetch();
        live.reopen();
    };
    view! {
        <Show when=move || { live.entered.get() > 0 }>
            <span class="text-12 text-faint max-sm:hidden">{move || format!("{} busier by now", count(live.entered.get(), "other is", "others are"))}</span>
            <button type="button" class="link" on:click=load>"Reorder"</button>
        </Show>
    }
}

#[component]
fn Busiest(queues: Resource<Result<Vec<QueueSample>, ApiError>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let rows = Memo::new(move |last: Option<&Vec<QueueSample>>| match queues.get() {
        Some(Ok(queues)) => queues,
        _ => last.cloned().unwrap_or_default(),
    });
    let empty = Memo::new(move |_| queues.with(|q| matches!(q, Some(Ok(list)) if list.is_empty())));
    let error = Memo::new(move |_| queues.get().and_then(Result::err));
    let samples = live.samples(rows);
    let stale = live.stale();
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| queues.refetch() /> })}
        <Show when=move || !rows.with(Vec::is_empty)>
            <div class=move || if stale.get() { "stale" } else { "" }>
                <QueueTable rows=rows samples=samples />
            </div>
        </Show>
        <Show when=move || empty.get()>
            <Empty title="No queues" text="They appear here when an application pushes its first job." />
        </Show>
    }
}
