//! `/?window=`: is something wrong, where, what can be done; then the sums, the figures over time, the busiest queues, who
//! works on them, and what they say.

mod verdict;

use self::verdict::{calm, verdict};
use crate::{
    api,
    components::{
        attention::{Attention, everywhere},
        chart::Chart,
        connection::ConnectionFacts,
        empty::{Empty, Skeleton},
        load_map::QueueLoad,
        log::{LogLines, Tail, thinned},
        number::{count, thousands},
        queue_table::QueueTable,
        totals::TotalsRow,
        trends::{WindowSwitch, backlog, plot_of, run_time, throughput, use_figures, use_window},
        worker::WorkerLines,
    },
    live::{Live, known},
    model::{
        board::Board,
        error::ApiError,
        live::{Link, LiveView, Overview},
        log::LogQuery,
        query::QueuesQuery,
        queue::QueueSample,
        worker::{Worker, WorkerList},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Rows of the short lists.
const BUSIEST: usize = 8;
const LINES: usize = 12;
/// How often the attention list is asked for; it moves slowly and must not jump under a finger.
const ASK_EVERY_S: i64 = 5;

async fn busiest() -> Result<Vec<QueueSample>, ApiError> {
    let mut queues = api::queues::queues(QueuesQuery::default()).await?.queues;
    queues.truncate(BUSIEST);
    Ok(queues)
}

/// As many as the stream sends.
async fn workers() -> Result<WorkerList, ApiError> {
    let mut list = api::workers::workers().await?;
    list.more += list.workers.len().saturating_sub(BUSIEST) as u64;
    list.workers.truncate(BUSIEST);
    Ok(list)
}

async fn log() -> Result<crate::model::log::LogTail, ApiError> {
    let mut tail = api::logs::logs(LogQuery::default()).await?;
    tail.lines.drain(..tail.lines.len().saturating_sub(LINES));
    Ok(tail)
}

#[component]
pub fn OverviewPage() -> impl IntoView {
    let live = expect_context::<Live>();
    live.watch(|| LiveView::Overview);
    let settling = live.settling();
    // Stands still until the stream is open: the page came with a fresh list.
    let beat = live.beat(ASK_EVERY_S);
    let board = known(move || {
        let _ = (settling.get(), beat.get());
        api::queues::board()
    });
    let anew = RwSignal::new(0_u32);
    let busiest = known(move || {
        let _ = (settling.get(), anew.get());
        busiest()
    });
    let first = known(workers);
    let workers =
        Memo::new(move |last: Option<&Option<WorkerList>>| live.workers.get().or_else(|| last.cloned().flatten()).or_else(|| first.get()));
    let lately = Memo::new(move |_| board.with(|b| b.as_ref().and_then(|b| b.lately)));
    let window = use_window();
    let figures = use_figures(None, window);
    let load = Memo::new(move |_| board.with(|b| b.as_ref().map(|b| b.load.clone()).unwrap_or_default()));
    view! {
        <Title text="Overview" />
        <Verdict board=board workers=workers>
            <WindowSwitch window=window />
        </Verdict>
        <TotalsRow workers=workers lately=lately />
        <div class="six">
            <Chart title="Throughput" plot=plot_of(figures, throughput) class="span4 min-w-0" />
            <Chart title="Run time" plot=plot_of(figures, run_time) class="span2 min-w-0" />
        </div>
        <div class="six tables">
            <section class="span4 min-w-0" aria-labelledby="busiest">
                <div class="sec">
                    <h2 id="busiest">"Busiest queues"</h2>
                    <span class="grow"></span>
                    <Busier anew=anew />
                    <a class="link" href="/queues">"All queues"</a>
                </div>
                <Busiest queues=busiest />
            </section>
            <section class="span2 min-w-0" aria-labelledby="workers">
                <Workers workers=workers />
            </section>
        </div>
        <div class="six">
            <section class="span4 min-w-0" aria-labelledby="load">
                <div class="sec"><h2 id="load">"Queue load"</h2></div>
                <QueueLoad map=load />
            </section>
            <Chart title="Backlog" plot=plot_of(figures, backlog) class="span2 min-w-0" />
        </div>
        <div class="six tables">
            <section class="span4 min-w-0" aria-labelledby="log">
                <Log />
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
fn Verdict(board: RwSignal<Option<Board>>, workers: Memo<Option<WorkerList>>, children: Children) -> impl IntoView {
    let live = expect_context::<Live>();
    let lines = Memo::new(move |_| {
        live.overview.with(|o| {
            let Some(o) = o else { return Vec::new() };
            workers.with(|w| everywhere(o, w.as_ref(), o.sampled_at.unwrap_or(crate::model::time::Millis(0))))
        })
    });
    let title = Memo::new(move |_| live.overview.with(|o| lines.with(|lines| board.with(|b| verdict(o.as_ref(), lines, b.as_ref())))));
    let measured =
        Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(Overview::counted)).map(|when| format!("Measured {when}")));
    let concerns = Memo::new(move |_| board.with(|b| b.as_ref().map(|b| (b.concerns.clone(), b.rest()))).unwrap_or_default());
    let stale = live.stale();
    let any = Memo::new(move |_| concerns.with(|c| !c.0.is_empty()) || lines.with(|l| !l.is_empty()));
    let list = move || {
        any.get().then(|| {
            let (concerns, rest) = concerns.get();
            let more = rest.map(|text| (text, "/queues?filter=attention"));
            view! { <div class=move || if stale.get() { "stale" } else { "" }><Attention concerns=concerns lines=lines more=more /></div> }
        })
    };
    let sentence = Memo::new(move |_| {
        let alarm = lines.with(|l| l.iter().any(|l| !l.note()));
        let calm_now = !alarm && board.with(|b| b.as_ref().is_some_and(|b| b.concerns.is_empty()));
        live.overview.with(|o| {
            o.as_ref().filter(|o| calm_now && o.connection.status == Link::Connected && o.totals.queues > 0).map(|o| calm(&o.totals))
        })
    });
    view! {
        <div class="head">
            <h1>{move || title.get()}</h1>
            <span class="grow"></span>
            <span class="text-12 text-faint num max-sm:hidden">{move || measured.get()}</span>
            {children()}
        </div>
        {move || sentence.get().map(|text| view! { <p class="px-gutter pb-4 text-muted">{text}</p> })}
        {list}
    }
}

#[component]
fn Workers(workers: Memo<Option<WorkerList>>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let rows = Memo::new(move |_| workers.with(|w| w.as_ref().map(|w| w.workers.clone()).unwrap_or_default()));
    let empty = Memo::new(move |_| rows.with(Vec::<Worker>::is_empty));
    let all = move || {
        workers
            .with(|w| w.as_ref().map(|w| format!("All {} workers", thousands(w.workers.len() as u64 + w.more))))
            .unwrap_or_else(|| "All workers".into())
    };
    view! {
        <div class="sec">
            <h2 id="workers">"Workers"</h2>
            <span class="grow"></span>
            <Show when=move || !empty.get()><a class="link" href="/workers">{all}</a></Show>
        </div>
        <Show when=move || !empty.get() fallback=|| view! { <Empty title="No worker reports" text="Workers appear here when a consumer runs with monitor: true." /> }>
            <WorkerLines workers=rows now=now />
        </Show>
    }
}

#[component]
fn Log() -> impl IntoView {
    let tail = Tail::follow(known(log), Memo::new(|_| LogQuery::default()), LINES);
    let empty = Memo::new(move |_| tail.lines.with(Vec::is_empty));
    view! {
        <div class="sec">
            <h2 id="log">"Log"</h2>
            <span class="text-12 text-faint num max-sm:hidden">{move || tail.thinned.get().map(thinned)}</span>
            <span class="grow"></span>
            <a class="link" href="/logs">"Open logs"</a>
        </div>
        <Show when=move || !empty.get() fallback=|| view! { <Empty title="Nothing was heard yet" text="What consumers say appears here when they run with monitor: true." /> }>
            <LogLines lines=tail.lines />
        </Show>
    }
}

/// The rows hold still; the order of now comes when asked for.
#[component]
fn Busier(anew: RwSignal<u32>) -> impl IntoView {
    let live = expect_context::<Live>();
    let load = move |_| {
        anew.update(|n| *n += 1);
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
fn Busiest(queues: RwSignal<Option<Vec<QueueSample>>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let rows = Memo::new(move |_| queues.get().unwrap_or_default());
    let some = Memo::new(move |_| queues.with(|q| q.as_ref().map(|list| !list.is_empty())));
    let samples = live.samples(rows);
    let stale = live.stale();
    move || match some.get() {
        None => view! { <Skeleton /> }.into_any(),
        Some(false) => view! { <Empty title="No queues" text="They appear here when an application pushes its first job." /> }.into_any(),
        Some(true) => view! {
            <div class=move || if stale.get() { "stale" } else { "" }>
                <QueueTable rows=rows samples=samples />
            </div>
        }
        .into_any(),
    }
}
