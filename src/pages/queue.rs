//! `/queues/{queue}`: what a queue holds, state by state, and the verbs on it.

mod active;
mod bulk;
mod figures;
mod jobs;

use crate::components::memo::memo;
use crate::{
    api,
    components::{
        address::{use_queue, use_search},
        badge::QueueBadges,
        chart::Chart,
        confirm::{Actions, QueueActions},
        empty::{Empty, Problem, Skeleton},
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
        queue::QueueSample,
        run::Run,
        time::Millis,
    },
};
use active::ActiveJobs;
use figures::{Figures, Tabs};
use jobs::Jobs;
use leptos::prelude::*;
use leptos_meta::Title;

/// A page of jobs with the question it answers: tabs and pages change before the answer is there.
type Loaded = (JobsQuery, Result<JobsPage, ApiError>);

/// What the console remembers of the queue.
#[derive(Clone, Copy)]
struct Seen {
    window: Memo<Window>,
    figures: RwSignal<Option<Charts>>,
    runs: RwSignal<Option<Vec<Run>>>,
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
    let loaded = Resource::new(move || reload.get(), move |_| api::queues::queue(name.get_value()));
    let jobs = Resource::new(
        move || (query.get(), reload.get(), actions.changed.get()),
        |(query, ..)| async move {
            // What runs is in no list of Redis: it is asked for elsewhere.
            if query.state == JobState::Active {
                let (jobs, due, problems) = (Vec::new(), Vec::new(), Vec::new());
                let page =
                    JobsPage { jobs, total: 0, partial: false, page: 1, per_page: query.per_page, due, problems, sampled_at: Millis(0) };
                return (query, Ok(page));
            }
            let page = api::jobs::jobs(query.clone()).await;
            (query, page)
        },
    );
    // Outside of the transition, which may build what is inside it more than once.
    let window = use_window();
    let seen =
        Seen { window, figures: use_figures(Some(name.get_value()), window), runs: known(move || api::workers::runs(name.get_value())) };
    view! {
        <Title text=move || format!("{} · {}", name.get_value(), query.with(|q| q.state.as_str())) />
        <nav class="crumb" aria-label="Breadcrumb"><a href="/queues">"Queues"</a></nav>
        <Transition fallback=move || view! { <div class="head"><h1>{name.get_value().to_string()}</h1></div><Skeleton /> }>
            <Known name=name loaded=loaded query=query jobs=jobs reload=reload seen=seen />
        </Transition>
    }
}

/// Inside the transition, so that what it reads is waited for.
#[component]
fn Known(
    name: StoredValue<QueueName>,
    loaded: Resource<Result<Option<QueueSample>, ApiError>>,
    query: Memo<JobsQuery>,
    jobs: Resource<Loaded>,
    reload: RwSignal<u32>,
    seen: Seen,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let [throughput, backlog, run_time] = [throughput, backlog, run_time].map(|draw| plot_of(seen.figures, draw));
    let sample = Memo::new(move |last: Option<&Option<QueueSample>>| {
        let first = loaded.get().and_then(Result::ok).flatten();
        let streamed = live.queues.with(|list| name.with_value(|name| list.iter().find(|q| q.name == *name).cloned()));
        [last.cloned().flatten(), first, streamed].into_iter().flatten().max_by_key(|q| q.sampled_at)
    });
    let found = memo(move || sample.with(Option::is_some));
    let problem = memo(move || loaded.get().and_then(Result::err));
    let absent = move || {
        let complete = live.overview.with(|o| o.as_ref().is_some_and(|o| o.discovery.complete));
        let text = if complete {
            "Redis holds no list of this name. A queue appears here as soon as a job is pushed to it."
        } else {
            "The console has not seen it yet and is still looking through the keys of Redis. It appears here as soon as it is found."
        };
        view! {
            <Empty title=format!("There is no queue {}", name.get_value()) text=text>
                <a class="btn" href="/queues">"All queues"</a>
            </Empty>
        }
    };
    let active = memo(move || query.with(|q| q.state == JobState::Active));
    move || {
        if let Some(error) = problem.get().filter(|_| !found.get()) {
            return view! { <div class="head"><h1>{name.get_value().to_string()}</h1></div><Problem error=error retry=Callback::new(move |()| reload.update(|n| *n += 1)) /> }.into_any();
        }
        let Some(first) = sample.get_untracked().filter(|_| found.get()) else {
            return view! { <div class="head"><h1>{name.get_value().to_string()}</h1></div>{absent()} }.into_any();
        };
        let sample = memo(move || sample.get().unwrap_or_else(|| first.clone()));
        view! {
            <div class="head">
                <h1>{name.get_value().to_string()}</h1>
                <QueueBadges sample=sample />
                <span class="flex-1"></span>
                <div class="flex items-center gap-3 max-sm:w-full max-sm:flex-wrap max-sm:gap-2">
                    <QueueActions sample=sample inline=true />
                </div>
            </div>
            <Figures sample=sample />
            <div class="six over-time">
                <Chart title="Throughput" plot=throughput class="span2 min-w-0" />
                <Chart title="Backlog" plot=backlog class="span2 min-w-0" />
                <Chart title="Run time" plot=run_time class="span2 min-w-0" />
            </div>
            <QueueOperations queue=name.get_value() />
            <div class="tabs-row">
                <Tabs sample=sample query=query />
                <WindowSwitch window=seen.window />
            </div>
            {move || if active.get() {
                view! { <ActiveJobs first=seen.runs sample=sample /> }.into_any()
            } else {
                view! { <Jobs query=query sample=sample jobs=jobs reload=reload /> }.into_any()
            }}
        }
        .into_any()
    }
}
