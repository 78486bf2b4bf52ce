//! The tab "Archive": what the SQL archive holds of the queue, newest first, each row with what it means.

use crate::{
    api,
    components::{
        address::use_search,
        badge::Tone,
        empty::{Empty, Skeleton},
        gaps::{Gaps, NotWritten},
        icon::{Glyph, Icon},
        name::Name,
        number::{count, thousands},
        time::{Ago, Clock},
    },
    model::{
        archive::{ArchivePage, ArchivedRow, Status},
        error::ApiError,
        ids::QueueName,
        past::said,
        query::{ArchiveQuery, JobsQuery},
        wire::{Resource, resource},
    },
};
use leptos::prelude::*;

/// A page with the question it answers; `None` while another tab is shown.
pub type Rows = Resource<Option<(ArchiveQuery, Result<ArchivePage, ApiError>)>>;

const FILTERS: [(&str, Option<Status>); 4] =
    [("All", None), ("Completed", Some(Status::Completed)), ("Failed", Some(Status::Failed)), ("Enqueued", Some(Status::Waiting))];

/// Made outside of the transition.
pub fn use_rows(name: StoredValue<QueueName>, query: Memo<JobsQuery>, reload: RwSignal<u32>) -> Rows {
    let status = use_search(|get| get("archive").map(|s| Status::parse(&s)).filter(|s| *s != Status::Other));
    let asked = Memo::new(move |_| {
        query.with(|q| {
            (q.state == crate::model::job::JobState::Completed).then(|| ArchiveQuery {
                queue: Some(name.get_value()),
                status: status.get(),
                page: q.page,
                per_page: q.per_page,
            })
        })
    });
    resource(
        move || (asked.get(), reload.get()),
        |(asked, _)| async move {
            let query = asked?;
            let page = api::archive::rows(query.clone()).await;
            Some((query, page))
        },
    )
}

fn href(query: &ArchiveQuery) -> String {
    let queue = query.queue.as_ref().map_or_else(String::new, QueueName::href);
    let status = query.status.map_or_else(String::new, |s| format!("&archive={}", s.as_str()));
    let per_page =
        if query.per_page == crate::model::query::PER_PAGE_DEFAULT { String::new() } else { format!("&perPage={}", query.per_page) };
    let page = if query.page > 1 { format!("&page={}", query.page) } else { String::new() };
    format!("{queue}?state=completed{status}{per_page}{page}")
}

#[component]
pub fn Archived(rows: Rows, reload: RwSignal<u32>) -> impl IntoView {
    let shown = Memo::new(move |last: Option<&Option<(ArchiveQuery, Result<ArchivePage, ApiError>)>>| {
        rows.get().flatten().or_else(|| last.cloned().flatten())
    });
    move || match shown.get() {
        None => view! { <Skeleton /> }.into_any(),
        Some((query, Ok(page))) => view! { <Filters query=query.clone() /> <Page query=query page=page /> }.into_any(),
        Some((_, Err(ApiError::NotFound { detail }))) => view! { <Empty title="No archive" text=detail /> }.into_any(),
        Some((query, Err(error))) => view! {
            <Filters query=query />
            <div class="banner" role="alert">
                <Icon glyph=Glyph::Failed class="i text-failed" />
                <p class="grow min-w-0 wrap-anywhere">{error.to_string()}</p>
                <button type="button" class="btn sm" on:click=move |_| reload.update(|n| *n += 1)>"Try again"</button>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Filters(query: ArchiveQuery) -> impl IntoView {
    let links = FILTERS
        .into_iter()
        .map(|(word, status)| {
            let to = href(&ArchiveQuery { status, page: 1, ..query.clone() });
            view! { <a href=to aria-current=(query.status == status).then_some("true")>{word}</a> }
        })
        .collect_view();
    view! { <div class="toolbar"><nav class="seg" aria-label="Rows of the archive">{links}</nav></div> }
}

#[component]
fn Page(query: ArchiveQuery, page: ArchivePage) -> impl IntoView {
    let gaps = view! { <NotWritten refusing=page.refusing /> <Gaps gaps=page.gaps more=page.more_gaps /> };
    if page.rows.is_empty() {
        let text = if page.total > 0 {
            format!("The archive has {} of this kind, so this page is past its end.", count(page.total, "row", "rows"))
        } else {
            "Failed jobs are archived before Redis drops them; jobs that never failed only with --archive-completed true.".into()
        };
        return view! { {gaps} <Empty title="Nothing here" text=text /> }.into_any();
    }
    let (n, total) = (page.rows.len() as u64, page.total);
    let pages = total.div_ceil(query.per_page).max(1);
    let rows = page.rows.into_iter().map(row).collect_view();
    let step = |page: u64, label: &'static str, glyph: Glyph, there: bool| {
        if there {
            let to = href(&ArchiveQuery { page, ..query.clone() });
            view! { <a href=to aria-label=label><Icon glyph=glyph class="i s" /></a> }.into_any()
        } else {
            view! { <span class="off"><Icon glyph=glyph class="i s" /></span> }.into_any()
        }
    };
    view! {
        {gaps}
        <table class="grid-table">
            <caption class="sr-only">"Rows of the archive"</caption>
            <thead class="stick"><tr>
                <th scope="col">"Job"</th>
                <th scope="col" class="w-36 max-sm:w-30">"Outcome"</th>
                <th scope="col" class="max-sm:hidden">"Error"</th>
                <th scope="col" class="r w-20 max-md:hidden">"Attempt"</th>
                <th scope="col" class="r w-50 max-sm:w-32">"Archived"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
        <div class="pager sticky-foot">
            <p class="text-muted">{format!("Showing {} of {}", thousands(n), count(total, "row", "rows"))}</p>
            <span class="flex-1"></span>
            {(pages > 1).then(|| view! {
                <nav class="pages" aria-label="Pages">
                    {step(query.page.saturating_sub(1), "Newer rows", Glyph::ChevronLeft, query.page > 1)}
                    <span>{format!("{} of {}", thousands(query.page), thousands(pages))}</span>
                    {step(query.page + 1, "Older rows", Glyph::ChevronRight, query.page < pages)}
                </nav>
            })}
        </div>
    }
    .into_any()
}

pub fn row(job: ArchivedRow) -> impl IntoView {
    let (word, good) = said(&job);
    let (glyph, tone) = match good {
        Some(true) => (Glyph::Completed, Tone::Completed),
        Some(false) => (Glyph::Failed, Tone::Failed),
        None => (Glyph::Note, Tone::Quiet),
    };
    let (href, attempt) = (job.href(), job.run());
    let title = job.class_name.unwrap_or_else(|| "Job".into());
    let at = job.archived_at.map(|at| view! { <Ago at=at /><span class="ml-2 text-faint max-md:hidden"><Clock at=at /></span> });
    let error = job.error.as_deref().and_then(|e| e.lines().next()).map(str::to_owned);
    view! {
        <tr data-row>
            <td><a class="name" href=href><Name text=title /> " " <span class="font-mono text-12 font-normal text-muted clip max-sm:block"><Name text=job.id /></span></a></td>
            <td><span class="state"><Icon glyph=glyph class=tone.icon() />{word}</span></td>
            <td class="text-muted max-sm:hidden">{error}</td>
            <td class="r max-md:hidden">{attempt.map_or_else(|| "—".into(), thousands)}</td>
            <td class="r">{at}</td>
        </tr>
    }
}
