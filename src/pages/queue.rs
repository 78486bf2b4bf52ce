//! `/queues/{queue}`: what a queue holds, state by state, and the verbs on it.

mod active;
mod archive;
mod bulk;
mod figures;
mod filter;
mod jobs;
mod matching;

use crate::{
    api,
    components::{
        address::{use_queue, use_search, use_value},
        badge::{QueueBadges, Tone, pause},
        chart::Chart,
        confirm::{Actions, QueueActions},
        empty::{Empty, Skeleton},
        icon::{Glyph, Icon},
        name::Name,
        operation_progress::QueueOperations,
        trends::{WindowSwitch, backlog, plot_of, run_time, throughput, use_figures, use_window},
    },
    live::{Live, known},
    model::{
        error::ApiError,
        ids::QueueName,
        job::{JobState, JobsPage},
        live::LiveView,
        metrics::{Charts, Window},
        query::JobsQuery,
        queue::{QueueSample, Sought},
        run::Run,
        time::Millis,
        wire::{Resource, resource},
    },
};
use active::ActiveJobs;
use archive::Archived;
use figures::{Figures, Tabs};
use filter::can_filter;
use jobs::Jobs;
use leptos::prelude::*;
use leptos_meta::Title;
use matching::{Matched, Matching};

/// A page of jobs with the question it answers: tabs and pages change before the answer is there.
type Loaded = (JobsQuery, Result<JobsPage, ApiError>);

/// What the tabs show: a page of jobs, or of those that the filter `q` finds.
#[derive(Clone, Copy)]
struct Lists {
    jobs: Resource<Loaded>,
    matched: Resource<Matched>,
    q: Memo<String>,
}

/// What the console remembers of the queue.
#[derive(Clone, Copy)]
struct Seen {
    window: Memo<Window>,
    figures: RwSignal<Option<Charts>>,
    runs: RwSignal<Option<Vec<Run>>>,
    archive: archive::Rows,
}

#[component]
pub fn QueuePage() -> impl IntoView {
    let queue = use_queue();
    view! {
        {move || match queue.get() {
            Some(queue) => view! { <OneQueue queue=queue /> }.into_any(),
            None => view! { <Empty title="This is no name of a queue" text="A queue's name has 1 to 1,024 bytes."><a class="btn" href="/queues">"All queues"</a></Empty> }.into_any(),
        }}
    }
}

#[component]
fn OneQueue(queue: QueueName) -> impl IntoView {
    let live = expect_context::<Live>();
    let actions = expect_context::<Actions>();
    let name = StoredValue::new(queue);
    live.watch(move || LiveView::Queue { name: name.get_value() });

    let query = use_search(move |get| JobsQuery::read(name.get_value(), get));
    let reload = RwSignal::new(0_u32);
    let (typed, at) = (use_value("q"), use_value("cursor"));
    // Where nothing can be filtered, nothing is.
    let q =
        Memo::new(move |_| typed.get().map(|q| q.trim().to_owned()).filter(|_| query.with(|q| can_filter(q.state))).unwrap_or_default());
    let filtered = Memo::new(move |_| !q.with(String::is_empty));
    let matched = resource(
        move || ((query.get(), q.get(), at.get()), reload.get(), actions.changed.get()),
        |(asked, ..)| async move {
            let (query, q, at) = asked.clone();
            let page = match q.is_empty() {
                true => None,
                false => Some(api::search::matching(query.queue, query.state, q, at, query.per_page).await),
            };
            (asked, page)
        },
    );
    // Asked again when Redis is there again.
    let link = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| o.connection.status)));
    let first = known(move || {
        link.track();
        api::queues::queue(name.get_value())
    });
    let sample = Memo::new(move |last: Option<&Option<QueueSample>>| {
        let first = first.with(|sought| match sought {
            Some(Sought::Found(sample)) => Some((**sample).clone()),
            Some(Sought::Absent | Sought::Unknown) | None => None,
        });
        let streamed = live.queues.with(|list| name.with_value(|name| list.iter().find(|q| q.name == *name).cloned()));
        [last.cloned().flatten(), first, streamed].into_iter().flatten().max_by_key(|q| q.sampled_at)
    });
    let found = Memo::new(move |_| sample.with(Option::is_some));
    let answered = Memo::new(move |_| first.with(Option::is_some));
    let looked = Memo::new(move |_| first.with(|sought| *sought == Some(Sought::Absent)));
    let jobs = resource(
        move || (query.get(), filtered.get(), reload.get(), actions.changed.get()),
        |(query, filtered, ..)| async move {
            // What runs or ran is in no list of Redis, and what is filtered in no page: both are asked for elsewhere.
            if matches!(query.state, JobState::Active | JobState::Completed) || filtered {
                let (jobs, due, problems) = (Vec::new(), Vec::new(), Vec::new());
                let page =
                    JobsPage { jobs, total: None, partial: false, page: 1, per_page: query.per_page, due, problems, sampled_at: Millis(0) };
                return (query, Ok(page));
            }
            let page = api::jobs::jobs(query.clone()).await;
            (query, page)
        },
    );
    // Outside of the transition, which may build what is inside it more than once.
    let window = use_window();
    let figures = use_figures(Some(name.get_value()), window);
    let runs = known(move || api::workers::runs(name.get_value()));
    let seen = Seen { window, figures, runs, archive: archive::use_rows(name, query, reload) };
    view! {
        <Title text=move || format!("{} · {}", name.with_value(|n| n.in_text().into_owned()), query.with(|q| q.state.as_str())) />
        <nav class="crumb" aria-label="Breadcrumb"><a href="/queues">"Queues"</a></nav>
        <Show when=move || found.get() fallback=move || view! {
            <div class="head"><h1><Name text=name.get_value() /></h1></div>
            <Show when=move || answered.get() fallback=|| view! { <Skeleton /> }>
                <Absent name=name looked=looked query=query archive=seen.archive reload=reload />
            </Show>
        }>
            <Whole name=name sample=sample query=query lists=Lists { jobs, matched, q } reload=reload seen=seen />
        </Show>
    }
}

#[component]
fn Absent(
    name: StoredValue<QueueName>,
    /// Redis was asked for it.
    looked: Memo<bool>,
    query: Memo<JobsQuery>,
    archive: archive::Rows,
    reload: RwSignal<u32>,
) -> impl IntoView {
    let text = move || {
        if looked.get() {
            "Redis holds no list of this name. A queue appears here as soon as a job is pushed to it."
        } else {
            "No list of this name was found yet, and Redis cannot be asked for it now. A queue appears here as soon as it is found."
        }
    };
    let past = Memo::new(move |_| query.with(|q| q.state == JobState::Completed));
    // A queue that has run empty is nowhere in Redis, and all that happened in it may be in the archive.
    move || match past.get() {
        true => view! {
            <div class="banner quiet"><p>{text}</p></div>
            <Transition fallback=|| view! { <Skeleton /> }><Archived rows=archive reload=reload /></Transition>
        }
        .into_any(),
        false => view! {
            <Empty title=format!("There is no queue {}", name.with_value(|n| n.in_text().into_owned())) text=text()>
                <a class="btn" href="/queues">"All queues"</a>
                <a class="btn" href=format!("{}?state=completed", name.with_value(QueueName::href))>"Archived jobs"</a>
            </Empty>
        }
        .into_any(),
    }
}

/// The badge alone would promise that nothing runs.
#[component]
fn WhilePaused(sample: Memo<QueueSample>) -> impl IntoView {
    let paused = Memo::new(move |_| sample.with(|q| q.paused));
    move || {
        pause(paused.get()).map(|(_, meaning)| {
            view! { <div class="banner quiet"><Icon glyph=Glyph::Paused class=Tone::Paused.icon() /><p>{meaning}</p></div> }
        })
    }
}

#[component]
fn Whole(
    name: StoredValue<QueueName>,
    sample: Memo<Option<QueueSample>>,
    query: Memo<JobsQuery>,
    lists: Lists,
    reload: RwSignal<u32>,
    seen: Seen,
) -> impl IntoView {
    let [throughput, backlog, run_time] = [throughput, backlog, run_time].map(|draw| plot_of(seen.figures, draw));
    let Lists { jobs, matched, q } = lists;
    let active = Memo::new(move |_| query.with(|q| q.state == JobState::Active));
    let filtered = Memo::new(move |_| !q.with(String::is_empty));
    let past = Memo::new(move |_| query.with(|q| q.state == JobState::Completed));
    // Once found, a queue stays: `sample` keeps the last one that it had.
    sample.get_untracked().map(|first| {
        let sample = Memo::new(move |_| sample.get().unwrap_or_else(|| first.clone()));
        view! {
            <div class="head">
                <h1><Name text=name.get_value() /></h1>
                <QueueBadges sample=sample />
                <span class="flex-1"></span>
                <div class="flex items-center gap-3 max-sm:w-full max-sm:flex-wrap max-sm:gap-2">
                    <QueueActions sample=sample inline=true />
                </div>
            </div>
            <WhilePaused sample=sample />
            <Figures sample=sample />
            // On a phone the charts are shown when this is open, so that jobs are on the first screen; elsewhere always. It stands
            // before them, not around them: what it hides depends on the width, and that needs no script.
            <details class="charts-fold"><summary>"Charts" <Icon glyph=Glyph::ChevronDown class="i s" /></summary></details>
            // On a phone the three scroll sideways: keys must reach that too.
            <div class="six over-time" tabindex="0" role="group" aria-label="Figures over time">
                <Chart title="Throughput" plot=throughput class="span2 min-w-0" />
                <Chart title="Backlog" plot=backlog class="span2 min-w-0" />
                <Chart title="Run time" plot=run_time class="span2 min-w-0" />
            </div>
            <QueueOperations queue=name.get_value() />
            <div class="tabs-row">
                <Tabs sample=sample query=query />
                <WindowSwitch window=seen.window />
            </div>
            <Transition fallback=|| view! { <Skeleton /> }>
                {move || if active.get() {
                    view! { <ActiveJobs first=seen.runs sample=sample /> }.into_any()
                } else if filtered.get() {
                    view! { <Matching query=query q=q page=matched reload=reload /> }.into_any()
                } else if past.get() {
                    view! { <Archived rows=seen.archive reload=reload /> }.into_any()
                } else {
                    view! { <Jobs query=query q=q sample=sample jobs=jobs reload=reload /> }.into_any()
                }}
            </Transition>
        }
    })
}
