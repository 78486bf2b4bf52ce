//! `/queues/{queue}/jobs/{job}`: error first, then facts, payload, and what happened when.

mod facts;
mod head;
mod payload;

use crate::{
    api,
    components::{
        address::{use_queue, use_search, use_segment},
        badge::State,
        confirm::Actions,
        empty::{Empty, Problem, Skeleton},
        error_view::ErrorView,
        icon::{Glyph, Icon},
        job_table::attempts,
        number::{count, jobs as jobs_of, thousands},
        time::Ago,
        timeline::Timeline,
    },
    live::Live,
    model::{
        error::ApiError,
        ids::QueueName,
        job::{Found, JobDetail, JobSummary},
        live::LiveView,
        time::relative,
    },
};
use facts::{Facts, named_priority};
use head::{Crumbs, Head};
use leptos::prelude::*;
use leptos_meta::Title;
use payload::Payload;

/// What the address names.
#[derive(Clone, PartialEq, Eq)]
struct Asked {
    queue: QueueName,
    handle: String,
    at: Option<String>,
}

#[component]
pub fn JobPage() -> impl IntoView {
    let (queue, handle) = (use_queue(), use_segment(3));
    let at = use_search(|get| get("at"));
    let raw = use_search(|get| get("view").as_deref() == Some("raw"));
    let asked = Memo::new(move |_| Some(Asked { queue: queue.get()?, handle: handle.get()?, at: at.get() }));
    view! {
        {move || match asked.get() {
            Some(asked) => view! { <OneJob asked=asked raw=raw /> }.into_any(),
            None => view! { <Empty title="This address names no job" text="It needs the name of a queue and the id of a job."><a class="btn" href="/queues">"All queues"</a></Empty> }.into_any(),
        }}
    }
}

#[component]
fn OneJob(asked: Asked, raw: Memo<bool>) -> impl IntoView {
    let live = expect_context::<Live>();
    let actions = expect_context::<Actions>();
    let queue = asked.queue.clone();
    live.watch({
        let queue = queue.clone();
        move || LiveView::Queue { name: queue.clone() }
    });
    let reload = RwSignal::new(0_u32);
    let before = actions.changed.get_untracked();
    let asked = StoredValue::new(asked);
    let found = Resource::new(
        move || (reload.get(), actions.changed.get()),
        move |(_, changed)| {
            let Asked { queue, handle, at } = asked.get_value();
            // An action moves the job: afterwards only its id finds it.
            api::jobs::job(queue, handle, at.filter(|_| changed == before))
        },
    );
    view! {
        <Title text=asked.with_value(|a| a.handle.clone()) />
        <Transition fallback=move || view! { <Skeleton /> }>
            <Answer asked=asked found=found raw=raw reload=reload />
        </Transition>
    }
}

/// Inside the transition, so that what it reads is waited for.
#[component]
fn Answer(asked: StoredValue<Asked>, found: Resource<Result<Found, ApiError>>, raw: Memo<bool>, reload: RwSignal<u32>) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<Found>>| match found.get() {
        Some(Ok(found)) => Some(found),
        Some(Err(_)) | None => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| found.get().and_then(Result::err));
    let queue = asked.with_value(|a| a.queue.clone());
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=Callback::new(move |()| reload.update(|n| *n += 1)) /> })}
        {move || known.get().map(|found| match found {
            Found::One { job } => view! { <Job job=*job raw=raw /> }.into_any(),
            Found::Many { jobs } => view! { <Chooser queue=queue.clone() handle=asked.with_value(|a| a.handle.clone()) jobs=jobs /> }.into_any(),
            Found::Gone { scanned, of } => view! { <Gone queue=queue.clone() handle=asked.with_value(|a| a.handle.clone()) scanned=scanned of=of /> }.into_any(),
        })}
    }
}

#[component]
fn Job(job: JobDetail, raw: Memo<bool>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let JobDetail { summary, stack, timeline, ahead, .. } = job.clone();
    let failed_at = summary.failed_at;
    let after = {
        let tried = attempts(&summary).filter(|_| summary.error.is_some() && failed_at.is_some());
        move || match (&tried, failed_at) {
            (Some(tried), Some(at)) => format!("after {tried} attempts, {}", relative(at, now.get())),
            (None, Some(at)) => relative(at, now.get()),
            (_, None) => String::new(),
        }
    };
    let title = summary.title();
    let error = summary.error.clone();
    let problem = summary.problem.clone();
    view! {
        <Title text=title />
        <Crumbs queue=summary.queue.clone() state=Some(summary.state) />
        <Head job=summary.clone() />
        <div class="six sm:min-h-[calc(100dvh-var(--bar)-100px)]">
            <div class="span4 min-w-0 divide-y divide-line">
                {problem.map(|text| view! { <div class="banner border-0!"><Icon glyph=Glyph::Warning class="i text-failed" /><p>{text}</p></div> })}
                {error.map(|message| view! { <ErrorView message=message stack=stack after=Signal::derive(after) /> })}
                <Facts job=summary named=named_priority(&job.payload) ahead=ahead />
                <Payload job=job raw=raw />
            </div>
            <div class="span2 min-w-0"><Timeline entries=timeline /></div>
        </div>
    }
}

/// The id names several jobs.
#[component]
fn Chooser(queue: QueueName, handle: String, jobs: Vec<JobSummary>) -> impl IntoView {
    let n = jobs_of(jobs.len() as u64);
    let rows = jobs
        .into_iter()
        .map(|job| {
            let id = job.id.clone().unwrap_or_default();
            let hash: String = job.fingerprint.hash.chars().take(8).collect();
            view! {
                <tr data-row>
                    <td><a class="name" href=job.href()>{job.title()} " " <span class="font-mono text-12 font-normal text-muted">{id}</span></a></td>
                    <td><State state=job.state /></td>
                    <td class="max-sm:hidden">{job.priority.map_or("—", |p| p.as_str())}</td>
                    <td class="font-mono text-12 max-sm:hidden">{hash}</td>
                    <td class="r">{job.created_at.map(|at| view! { <Ago at=at /> })}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Crumbs queue=queue.clone() state=None />
        <div class="head"><h1>{format!("{n} have the id {handle}")}</h1></div>
        <p class="px-gutter pb-3 text-muted">"Ids are not unique in Redis. Choose the one that is meant."</p>
        <table class="grid-table border-t border-line">
            <thead><tr>
                <th scope="col">"Job"</th><th scope="col" class="w-[140px]">"State"</th><th scope="col" class="w-[100px] max-sm:hidden">"Priority"</th>
                <th scope="col" class="w-[110px] max-sm:hidden">"Payload"</th><th scope="col" class="r w-[140px]">"Created"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[component]
fn Gone(queue: QueueName, handle: String, scanned: u64, of: u64) -> impl IntoView {
    let looked = if scanned >= of {
        format!("The console looked at all {} of {queue}.", count(of, "job", "jobs"))
    } else {
        format!("The console looked at {} of {} of {queue}, nearest to where it was last seen.", thousands(scanned), jobs_of(of))
    };
    let back = queue.href();
    view! {
        <Crumbs queue=queue.clone() state=None />
        <div class="head"><h1 class="wrap-anywhere">{format!("Job {handle} is not in {queue} any more")}</h1></div>
        <div class="grid gap-4 justify-items-start px-gutter pb-6 max-w-[640px]">
            <p class="text-muted wrap-anywhere">{format!("A worker took it, it was moved, or somebody deleted it. {looked}")}</p>
            <a class="btn" href=back>"Back to the queue"</a>
        </div>
    }
}
