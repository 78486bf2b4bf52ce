//! `/queues/{queue}/jobs/{job}`: error first, then facts, payload, and what happened when.

mod elsewhere;
mod facts;
mod head;
mod past;
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
        name::Name,
        number::{jobs as jobs_of, thousands},
        time::Ago,
        timeline::Timeline,
    },
    live::Live,
    model::{
        error::ApiError,
        ids::QueueName,
        job::{Found, JobDetail, JobState, JobSummary, TimelineEntry},
        live::LiveView,
        past::{JobAnswer, Past, together},
        shown::in_text,
        time::relative,
        wire::{Resource, resource},
    },
};
use elsewhere::Elsewhere;
use facts::{Facts, named_priority};
use head::{Crumbs, Head, editable};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use past::PastJob;
use payload::{Payload, Shown};

/// What the address names.
#[derive(Clone, PartialEq, Eq)]
struct Asked {
    queue: QueueName,
    handle: String,
    at: Option<String>,
    /// A row of the archive.
    row: Option<i64>,
}

#[component]
pub fn JobPage() -> impl IntoView {
    let (queue, handle) = (use_queue(), use_segment(3));
    let at = use_search(|get| get("at"));
    let raw = use_search(|get| get("view").as_deref() == Some("raw"));
    let row = use_search(|get| get("row").and_then(|n| n.parse::<i64>().ok()));
    let asked = Memo::new(move |_| Some(Asked { queue: queue.get()?, handle: handle.get()?, at: at.get(), row: row.get() }));
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
    // A page without JavaScript tells the past as well; a browser does not wait for it.
    let told = is_server();
    let found = resource(
        move || (reload.get(), actions.changed.get()),
        move |(_, changed)| {
            let Asked { queue, handle, at, row } = asked.get_value();
            // An action moves the job: afterwards only its id finds it.
            api::archive::job(queue, handle, at.filter(|_| changed == before), row, told)
        },
    );
    view! {
        <Title text=asked.with_value(|a| in_text(&a.handle).into_owned()) />
        <Transition fallback=move || view! { <Skeleton /> }>
            <Answer asked=asked found=found raw=raw reload=reload />
        </Transition>
    }
}

/// Inside the transition, so that what it reads is waited for.
#[component]
fn Answer(
    asked: StoredValue<Asked>,
    found: Resource<Result<JobAnswer, ApiError>>,
    raw: Memo<bool>,
    reload: RwSignal<u32>,
) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<JobAnswer>>| match found.get() {
        Some(Ok(found)) => Some(found.unless_known(last.and_then(Option::as_ref))),
        Some(Err(_)) | None => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| found.get().and_then(Result::err));
    let queue = asked.with_value(|a| a.queue.clone());
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=Callback::new(move |()| reload.update(|n| *n += 1)) /> })}
        {move || known.get().map(|JobAnswer { found, past, told, unavailable, completed_kept, elsewhere, answered_at, pushed_at }| match (past, found) {
            (Some(past), found) => view! { <PastJob job=*past found=found seen_at=answered_at pushed_at=pushed_at raw=raw /> }.into_any(),
            (None, Some(Found::One { job })) => view! { <Job job=*job told=told raw=raw /> }.into_any(),
            (None, Some(Found::Many { jobs })) => view! { <Chooser queue=queue.clone() handle=asked.with_value(|a| a.handle.clone()) jobs=jobs /> }.into_any(),
            (None, Some(Found::Gone { .. })) if !elsewhere.is_empty() => {
                view! { <Elsewhere queue=queue.clone() handle=asked.with_value(|a| a.handle.clone()) rows=elsewhere /> }.into_any()
            }
            (None, Some(Found::Gone { scanned, of })) => {
                let looked = Looked { scanned, of, unavailable, completed_kept };
                view! { <Gone queue=queue.clone() handle=asked.with_value(|a| a.handle.clone()) looked=looked /> }.into_any()
            }
            (None, None) => ().into_any(),
        })}
    }
}

#[component]
fn Job(job: JobDetail, told: Option<Past>, raw: Memo<bool>) -> impl IntoView {
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
    let title = in_text(&summary.title()).into_owned();
    let error = summary.error.clone();
    let (queue, id) = (summary.queue.clone(), summary.id.clone());
    let problem = summary.problem.clone();
    let past = use_past(&queue, id.as_deref(), summary.state != JobState::Failed, told);
    view! {
        <Title text=title />
        <Crumbs queue=summary.queue.clone() state=Some(summary.state) />
        <Head job=summary.clone() edit=editable(&job) />
        <div class="six sm:min-h-[calc(100dvh-var(--bar)-100px)]">
            <div class="span4 min-w-0 divide-y divide-line">
                {problem.map(|text| view! { <div class="banner border-0!"><Icon glyph=Glyph::Warning class="i text-failed" /><p>{text}</p></div> })}
                {error.map(|message| view! { <ErrorView message=message stack=stack after=Signal::derive(after) /> })}
                <Facts job=summary named=named_priority(&job.payload) ahead=ahead past=past />
                <Payload shown=Shown::of(&job) raw=raw />
            </div>
            <div class="span2 min-w-0"><WholeTimeline live=timeline past=past /></div>
        </div>
    }
}

/// What the archive knows of the job, unless it was `told` with the page, comes when it comes: the page does not wait for it.
fn use_past(queue: &QueueName, id: Option<&str>, here: bool, told: Option<Past>) -> RwSignal<Option<Past>> {
    let known = told.as_ref().is_some_and(|told| told.unavailable.is_none());
    let past = RwSignal::new(told);
    if let Some(id) = id.filter(|_| !known) {
        let (queue, id) = (queue.clone(), id.to_owned());
        Effect::new(move |_| {
            let asked = api::archive::timeline(queue.clone(), id.clone(), here);
            spawn_local(async move {
                let answer = asked.await.unwrap_or_else(|error| Past { unavailable: Some(error.to_string()), ..Past::default() });
                past.try_set(Some(answer));
            });
        });
    }
    past
}

/// What the payload tells, with what the archive knows besides.
#[component]
fn WholeTimeline(live: Vec<TimelineEntry>, past: RwSignal<Option<Past>>) -> impl IntoView {
    move || {
        let (entries, note) = past.with(|past| match past {
            Some(past) => (together(&live, &past.entries), past.unavailable.clone()),
            None => (live.clone(), None),
        });
        view! { <Timeline entries=entries note=note /> }
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
                    <td><a class="name" href=job.href()><Name text=job.title() /> " " <span class="font-mono text-12 font-normal text-muted"><Name text=id /></span></a></td>
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
        <div class="head"><h1>{format!("{n} have the id {}", in_text(&handle))}</h1></div>
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

/// Where a job was looked for in vain.
struct Looked {
    scanned: u64,
    of: u64,
    unavailable: Option<String>,
    completed_kept: bool,
}

fn looked_at(scanned: u64, of: u64, queue: &QueueName) -> String {
    let queue = queue.in_text();
    if scanned >= of {
        return format!("The console looked at all {} of {queue}", jobs_of(of));
    }
    let looked = thousands(scanned);
    format!("The console looked at {looked} of {} of {queue}, beginning in each list with what is oldest or due first", jobs_of(of))
}

#[component]
fn Gone(queue: QueueName, handle: String, looked: Looked) -> impl IntoView {
    let Looked { scanned, of, unavailable, completed_kept } = looked;
    let live = looked_at(scanned, of, &queue);
    let past = match unavailable {
        Some(why) => format!("{live}. {why}"),
        None if completed_kept => format!("{live}, and in the archive."),
        None => {
            format!("{live}, and in the archive, which keeps jobs that failed: others only with --archive-completed true.")
        }
    };
    let back = queue.href();
    view! {
        <Crumbs queue=queue.clone() state=None />
        <div class="head"><h1 class="wrap-anywhere">{format!("Job {} is not in {} any more", in_text(&handle), queue.in_text())}</h1></div>
        <div class="grid gap-4 justify-items-start px-gutter pb-6 max-w-[640px]">
            <p class="text-muted wrap-anywhere">{format!("A worker took it, it was moved, or somebody deleted it. {past}")}</p>
            <a class="btn" href=back>"Back to the queue"</a>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_in_part_does_not_say_all() {
        let mail = QueueName::try_from("mail").expect("a name");
        assert_eq!(looked_at(1, 1, &mail), "The console looked at all 1 job of mail");
        assert_eq!(
            looked_at(20_000, 120_000, &mail),
            "The console looked at 20,000 of 120,000 jobs of mail, beginning in each list with what is oldest or due first"
        );
    }
}
