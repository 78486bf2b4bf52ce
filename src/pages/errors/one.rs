//! `/errors/{signature}?before=`: one kind of failure: a whole error, when and where it happens, its jobs, and the verbs on all
//! of it.

use super::{
    Notes,
    as_of::{AsOf, Standing, standing},
    live_count,
};
use crate::{
    api,
    components::{
        actions::Actions,
        address::{use_search, use_segment},
        empty::{Empty, Problem, Skeleton},
        error_view::ErrorView,
        errors_actions::{Asked, GroupButtons, GroupDialog},
        errors_spark::ErrorBars,
        name::Name,
        number::{count, jobs, thousands},
        time::{Ago, Clock},
    },
    live::Live,
    model::{
        archive::ArchivedRow,
        error::ApiError,
        errors::{ErrorDetail, ErrorKind, QueueCount},
        live::LiveView,
        time::relative,
        wire::{Resource, resource},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Signature, and the row behind which jobs are listed.
type Address = (String, Option<i64>);
/// What is known of the kind there.
type Answer = (Address, Result<Option<ErrorDetail>, ApiError>);

#[derive(Clone, PartialEq)]
struct Shown {
    answer: Answer,
    /// Nothing of what was known is left.
    gone: bool,
}

#[component]
pub fn ErrorPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let actions = expect_context::<Actions>();
    live.watch(|| LiveView::Frame);
    let signature = use_segment(1);
    let before = use_search(|get| get("before").and_then(|n| n.parse::<i64>().ok()));
    let found = resource(
        move || (signature.get().unwrap_or_default(), before.get(), actions.changed.get()),
        |(signature, before, _)| async move {
            let found = api::errors::error(signature.clone(), before).await;
            ((signature, before), found)
        },
    );
    // What loads again leaves an open dialog alone.
    let asked = RwSignal::new(None::<Asked>);
    view! {
        <nav class="crumb" aria-label="Breadcrumb"><a href="/errors">"Errors"</a></nav>
        <Transition fallback=|| view! { <Skeleton /> }>
            <Loaded found=found paged=before asked=asked />
        </Transition>
        <GroupDialog asked=asked />
    }
}

#[component]
fn Loaded(found: Resource<Answer>, paged: Memo<Option<i64>>, asked: RwSignal<Option<Asked>>) -> impl IntoView {
    let shown = Memo::new(move |last: Option<&Option<Shown>>| {
        let last = last.cloned().flatten();
        let Some((address, answer)) = found.get() else { return last };
        Some(match (answer, last) {
            // Its last failure was retried or deleted a moment ago, and no archive remembers it: what was known stays.
            (Ok(None), Some(Shown { answer: (same, Ok(Some(known))), .. })) if same == address => {
                let kind = ErrorKind { failed: 0, ..known.kind };
                let detail = ErrorDetail { kind, failed: Vec::new(), ..known };
                Shown { answer: (address, Ok(Some(detail))), gone: true }
            }
            // Redis or the archive is away, as the banner says: what was known stays, with its time.
            (Err(ApiError::Unavailable { detail }), Some(Shown { answer: (same, Ok(Some(known))), gone })) if same == address => {
                Shown { answer: (address, Ok(Some(ErrorDetail { unavailable: Some(detail), ..known }))), gone }
            }
            (answer, _) => Shown { answer: (address, answer), gone: false },
        })
    });
    let again = Callback::new(move |()| found.refetch());
    move || {
        shown.get().map(|Shown { answer: (_, answer), gone }| match answer {
            Ok(Some(detail)) => view! { <Detail detail=detail gone=gone paged=paged asked=asked again=again /> }.into_any(),
            Ok(None) => {
                let text = "No failure of this kind is known: it was retried or cleaned up, or the address is not whole.";
                view! { <Empty title="There is no such error" text=text><a class="btn" href="/errors">"All errors"</a></Empty> }.into_any()
            }
            Err(error) => view! { <Problem error=error retry=again /> }.into_any(),
        })
    }
}

#[component]
fn Detail(
    detail: ErrorDetail,
    /// The last of it was retried or deleted: there is nothing to act on.
    gone: bool,
    paged: Memo<Option<i64>>,
    asked: RwSignal<Option<Asked>>,
    again: Callback<()>,
) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let ErrorDetail { kind, error, stack, failed, coverage, jobs: rows, next, unavailable, sampled_at } = detail;
    let last = kind.last_at;
    let after = move || last.map_or(String::new(), |at| format!("an example; the last one {}", relative(at, now.get())));
    let sample = kind.sample.clone().map(|href| view! { <a class="btn max-sm:flex-1" href=href>"Newest job"</a> });
    let view = error.map(|message| view! { <ErrorView message=message stack=stack after=Signal::derive(after) /> });
    let figures = [
        ("Failures", thousands(kind.count)),
        ("In Redis now", live_count(kind.failed, coverage)),
        ("Class", kind.class_name.clone().unwrap_or_else(|| "—".into())),
    ];
    let facts =
        figures.map(|(term, value)| view! { <div><dt>{term}</dt><dd title=value.clone()>{value.clone()}</dd></div> }).collect_view();
    let about = kind.first_about.then_some("about ");
    let first = kind
        .first_at
        .map(|at| view! { <div><dt>"First"</dt><dd><span class="mr-1">{about}{at.full()}</span> " " <span class="text-faint"><Ago at=at /></span></dd></div> });
    let latest =
        kind.last_at.map(|at| view! { <div><dt>"Last"</dt><dd><span class="mr-1">{at.full()}</span> " " <span class="text-faint"><Ago at=at /></span></dd></div> });
    let href = kind.href();
    let standing = standing(sampled_at, coverage);
    let exact = coverage.of.is_some_and(|of| of <= coverage.scanned).then_some(kind.failed);
    // Where Redis may hold something else by now, or not all of it was read, the dialog counts first: both verbs are there.
    let known = Memo::new(move |_| exact.filter(|_| standing.get() == Standing::Current));
    let archived = !rows.is_empty();
    let group = Memo::new(move |_| !gone && (known.get() != Some(0) || archived));
    let text = StoredValue::new(kind.text.clone());
    view! {
        <Title text=kind.text.clone() />
        <div class="head pb-3.5!">
            <h1 class="wrap-anywhere min-w-0">{kind.text.clone()}</h1>
            <span class="flex-1 max-sm:hidden"></span>
            <div class="flex items-center gap-2 max-sm:w-full max-sm:flex-wrap">
                {sample}
                <Show when=move || group.get()>
                    <span class="contents noscript:hidden"><GroupButtons text=text count=known asked=asked /></span>
                </Show>
            </div>
        </div>
        <Notes unavailable=unavailable coverage=coverage />
        <AsOf at=sampled_at standing=standing again=again />
        <div class="six">
            <div class="span4 min-w-0 divide-y divide-line">
                {view}
                <section aria-labelledby="facts-title">
                    <div class="sec"><h2 id="facts-title">"Facts"</h2></div>
                    <dl class="facts">{facts}{first}{latest}</dl>
                </section>
                <Jobs rows=rows next=next href=href paged=paged failed=!failed.is_empty() />
            </div>
            <div class="span2 min-w-0 divide-y divide-line">
                <section aria-labelledby="trend">
                    <div class="sec"><h2 id="trend">"Last 24 hours"</h2></div>
                    <ErrorBars hours=kind.hours />
                </section>
                <Queues title="In Redis now" queues=failed live=true />
                <Queues title="All failures by queue" queues=kind.queues live=false />
            </div>
        </div>
    }
}

#[component]
fn Queues(title: &'static str, queues: Vec<QueueCount>, live: bool) -> impl IntoView {
    (!queues.is_empty()).then(|| {
        let more = queues.len().saturating_sub(20);
        let rows = queues
            .into_iter()
            .take(20)
            .map(|q| {
                let href = format!("{}?state={}", q.queue.href(), if live { "failed" } else { "completed&archive=failed" });
                view! { <li class="flex gap-3 px-gutter py-1.5"><a class="link clip grow" href=href title=q.queue.to_string()><Name text=q.queue.clone() /></a><span class="num">{jobs(q.count)}</span></li> }
            })
            .collect_view();
        view! {
            <section class="pb-3">
                <div class="sec"><h2>{title}</h2></div>
                <ul>{rows}</ul>
                {(more > 0).then(|| view! { <p class="px-gutter text-12 text-faint">{count(more as u64, "more queue", "more queues")}</p> })}
            </section>
        }
    })
}

#[component]
fn Jobs(rows: Vec<ArchivedRow>, next: Option<i64>, href: String, paged: Memo<Option<i64>>, failed: bool) -> impl IntoView {
    let none = rows.is_empty();
    let body = rows
        .into_iter()
        .map(|job| {
            let at = job.failed_at.or(job.archived_at).map(|at| view! { <Ago at=at /><span class="ml-2 text-faint max-md:hidden"><Clock at=at /></span> });
            let href = job.href();
            let error = job.error.as_deref().and_then(|e| e.lines().next()).map(str::to_owned);
            view! {
                <tr data-row>
                    <td><a class="name" href=href><Name text=job.class_name.unwrap_or_else(|| "Job".into()) /> " " <span class="font-mono text-12 font-normal text-muted clip max-sm:block"><Name text=job.id /></span></a></td>
                    <td class="w-32 max-md:hidden"><Name text=job.queue.clone() /></td>
                    <td class="text-muted max-sm:hidden">{error}</td>
                    <td class="r">{at}</td>
                </tr>
            }
        })
        .collect_view();
    let empty = if failed { "None is archived yet: those in Redis are in the failed lists of their queues." } else { "None is archived." };
    let older = next.map(|row| view! { <a class="link" href=format!("{href}?before={row}")>"Older jobs"</a> });
    let top = href.clone();
    view! {
        <section aria-labelledby="jobs-title">
            <div class="sec"><h2 id="jobs-title">"Jobs"</h2></div>
            {none.then(|| view! { <p class="px-gutter pb-4 text-muted">{empty}</p> })}
            {(!none).then(|| view! {
                <table class="grid-table">
                    <caption class="sr-only">"Archived jobs of this kind"</caption>
                    <thead><tr>
                        <th scope="col">"Job"</th><th scope="col" class="w-32 max-md:hidden">"Queue"</th><th scope="col" class="w-[24%] max-sm:hidden">"Error"</th><th scope="col" class="r w-50 max-md:w-36 max-sm:w-32">"Failed"</th>
                    </tr></thead>
                    <tbody>{body}</tbody>
                </table>
            })}
            <p class="flex gap-4 px-gutter py-3">
                {paged.get_untracked().map(|_| view! { <a class="link" href=top>"Newest jobs"</a> })}
                {older}
            </p>
        </section>
    }
}
