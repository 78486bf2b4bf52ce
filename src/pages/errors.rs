//! `/errors?q=&queue=&sort=&page=`: failures by kind, with what of each is still in Redis.

mod as_of;
mod one;

pub use one::ErrorPage;

use crate::{
    api,
    components::{
        actions::Actions,
        address::use_search,
        empty::{Empty, Problem, Skeleton},
        errors_spark::ErrorSpark,
        icon::{Glyph, Icon},
        job_table::split_error,
        name::Name,
        number::{count, thousands},
        time::Ago,
    },
    live::Live,
    model::{
        error::ApiError,
        errors::{ErrorKind, ErrorSort, ErrorsPage as Page, ErrorsQuery, KINDS_PER_PAGE},
        live::LiveView,
        search::Coverage,
        wire::{Resource, resource},
    },
};
use as_of::{AsOf, standing};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn ErrorsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let actions = expect_context::<Actions>();
    live.watch(|| LiveView::Frame);
    let query = use_search(|get| ErrorsQuery::read(get));
    let page = resource(
        move || (query.get(), actions.changed.get()),
        |(query, _)| async move {
            let page = api::errors::errors(query.clone()).await;
            (query, page)
        },
    );
    view! {
        <Title text="Errors" />
        <div class="head"><h1>"Errors"</h1></div>
        <Transition fallback=|| view! { <Skeleton /> }>
            <Loaded page_of=page />
        </Transition>
    }
}

#[component]
fn Loaded(page_of: Resource<(ErrorsQuery, Result<Page, ApiError>)>) -> impl IntoView {
    let shown =
        Memo::new(move |last: Option<&Option<(ErrorsQuery, Result<Page, ApiError>)>>| page_of.get().or_else(|| last.cloned().flatten()));
    move || {
        shown.get().map(|(query, answer)| match answer {
            Ok(page) => {
                view! { <Filters query=query.clone() /> <Kinds query=query page=page again=move |()| page_of.refetch() /> }.into_any()
            }
            Err(error) => view! { <Problem error=error retry=move |()| page_of.refetch() /> }.into_any(),
        })
    }
}

#[component]
fn Filters(query: ErrorsQuery) -> impl IntoView {
    let sorts = ErrorSort::ALL
        .into_iter()
        .map(|sort| {
            let word = match sort {
                ErrorSort::Last => "Latest",
                ErrorSort::Count => "Most",
                ErrorSort::Rising => "Rising",
            };
            let to = ErrorsQuery { sort, page: 1, ..query.clone() }.href();
            view! { <a href=to aria-current=(query.sort == sort).then_some("true")>{word}</a> }
        })
        .collect_view();
    let hidden = (query.sort != ErrorSort::default()).then(|| view! { <input type="hidden" name="sort" value=query.sort.as_str() /> });
    let queue = query.queue.as_ref().map(ToString::to_string).unwrap_or_default();
    view! {
        <div class="flex items-center gap-2 px-gutter pb-2.5 min-h-8 max-sm:flex-wrap">
            <search class="contents">
                <form class="flex items-center gap-2 max-sm:w-full max-sm:flex-wrap" method="get" action="/errors">
                    <label class="input w-65 max-sm:w-full">
                        <Icon glyph=Glyph::Search class="i s" />
                        <span class="sr-only">"Filter errors by text"</span>
                        <input type="search" name="q" placeholder="Filter errors" autocomplete="off" spellcheck="false" data-filter value=query.q.clone() />
                        <kbd class="max-sm:hidden">"/"</kbd>
                    </label>
                    <label class="input w-45 max-sm:w-auto max-sm:flex-1">
                        <span class="sr-only">"Queue"</span>
                        <input type="search" name="queue" placeholder="Any queue" autocomplete="off" spellcheck="false" value=queue />
                    </label>
                    {hidden}
                    <button class="btn">"Filter"</button>
                </form>
            </search>
            <nav class="seg" aria-label="Sort">{sorts}</nav>
        </div>
    }
}

/// `≥` where not all failed lists were read, `—` where none was found by then.
pub fn live_count(n: u64, coverage: Coverage) -> String {
    let partial = coverage.of.is_some_and(|of| of > coverage.scanned);
    if partial && n == 0 {
        // At least none is nothing known.
        return "—".into();
    }
    format!("{}{}", if partial { "≥ " } else { "" }, thousands(n))
}

/// How much of the failed lists was read, unless it was all.
pub fn covered(coverage: Coverage) -> Option<String> {
    let of = coverage.of.filter(|of| *of > coverage.scanned)?;
    Some(format!(
        "Of the failed lists in Redis {} of {} jobs were read: those figures are lower bounds.",
        thousands(coverage.scanned),
        thousands(of)
    ))
}

#[component]
pub fn Notes(unavailable: Option<String>, coverage: Coverage) -> impl IntoView {
    unavailable
        .into_iter()
        .chain(covered(coverage))
        .map(|text| view! { <div class="banner quiet"><Icon glyph=Glyph::Note class="i s" /><p>{text}</p></div> })
        .collect_view()
}

#[component]
fn Kinds(query: ErrorsQuery, page: Page, #[prop(into)] again: Callback<()>) -> impl IntoView {
    let (coverage, total, unavailable, read_at) = (page.coverage, page.total, page.unavailable, page.sampled_at);
    let standing = standing(read_at, coverage);
    let n = page.kinds.len() as u64;
    let body = if page.kinds.is_empty() {
        let text = match (query.q.is_empty(), query.queue.is_some()) {
            (true, false) => "Failed jobs appear here, grouped by what their errors have in common.",
            (true, true) => "Nothing that is known failed in this queue.",
            (false, true) => "No kind of failure has this text in this queue.",
            (false, false) => "No kind of failure has this text.",
        };
        if query.q.is_empty() && query.queue.is_none() {
            // Of the past nobody was asked.
            let title = if unavailable.is_some() { "No failed jobs in Redis" } else { "No errors" };
            view! { <Empty title=title text=text /> }.into_any()
        } else {
            view! { <Empty title="No error matches" text=text><a class="btn" href="/errors">"Clear filters"</a></Empty> }.into_any()
        }
    } else {
        let rows = page.kinds.into_iter().map(|kind| row(kind, coverage)).collect_view();
        view! {
            <table class="grid-table border-t border-line">
                <caption class="sr-only">"Errors by kind"</caption>
                <thead class="stick"><tr>
                    <th scope="col">"Error"</th>
                    <th scope="col" class="w-45 max-md:hidden">"Queues"</th>
                    <th scope="col" class="w-28 max-sm:hidden">"Last 24 h"</th>
                    <th scope="col" class="r w-24">"Failures"</th>
                    <th scope="col" class="r w-26 max-sm:w-20 max-sm:pr-gutter!">"In Redis"</th>
                    <th scope="col" class="r w-34 max-md:hidden">"First"</th>
                    <th scope="col" class="r w-34 max-sm:hidden">"Last"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    let pages = total.div_ceil(KINDS_PER_PAGE).max(1);
    let (back, on) = if query.sort == ErrorSort::Last { ("Newer", "Older") } else { ("Previous", "Next") };
    let step = |page: u64, word: &'static str| view! { <a class="link" href=ErrorsQuery { page, ..query.clone() }.href()>{word}</a> };
    view! {
        <Notes unavailable=unavailable coverage=coverage />
        <AsOf at=read_at standing=standing again=again />
        {body}
        <div class="pager">
            <p class="text-muted">{format!("Showing {} of {}", thousands(n), count(total, "kind", "kinds"))}</p>
            <span class="flex-1"></span>
            {(query.page > 1).then(|| step(query.page - 1, back))}
            {(query.page < pages).then(|| step(query.page + 1, on))}
        </div>
    }
}

fn row(kind: ErrorKind, coverage: Coverage) -> impl IntoView {
    let href = kind.href();
    let (class, rest) = split_error(&kind.text);
    // On a phone the message stands below the class.
    let rest_class = if class.is_empty() { "text-muted" } else { "text-muted clip max-sm:block max-sm:text-12" };
    let class = (!class.is_empty()).then(|| view! { <span>{format!("{class} ")}</span> });
    let rest = rest.to_owned();
    let queues: Vec<String> = kind.queues.iter().map(|q| q.queue.to_string()).collect();
    let places = match queues.as_slice() {
        [] => "—".into_any(),
        [only] => view! { <Name text=only.clone() /> }.into_any(),
        [first, more @ ..] => view! { <Name text=first.clone() /> {format!(" and {} more", more.len())} }.into_any(),
    };
    let time =
        |at: Option<crate::model::time::Millis>| at.map_or_else(|| view! { "—" }.into_any(), |at| view! { <Ago at=at /> }.into_any());
    let failed = if kind.failed == 0 { "r text-zero max-sm:pr-gutter!" } else { "r max-sm:pr-gutter!" };
    view! {
        <tr data-row>
            <td title=kind.text.clone()>
                <a class="name font-normal!" href=href>{class}<span class=rest_class>{rest}</span></a>
            </td>
            <td class="max-md:hidden" title=queues.join(", ")>{places}</td>
            <td class="max-sm:hidden"><ErrorSpark hours=kind.hours /></td>
            <td class="r">{thousands(kind.count)}</td>
            <td class=failed>{live_count(kind.failed, coverage)}</td>
            <td class="r max-md:hidden">{kind.first_about.then_some("about ")}{time(kind.first_at)}</td>
            <td class="r max-sm:hidden">{time(kind.last_at)}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_none_is_unknown() {
        let part = Coverage { scanned: 10, of: Some(20), ..Coverage::default() };
        assert_eq!((live_count(0, part), live_count(1_200, part)), ("—".to_owned(), "≥ 1,200".to_owned()));
        let whole = Coverage { scanned: 20, ..part };
        assert_eq!((live_count(0, whole), live_count(9, whole)), ("0".to_owned(), "9".to_owned()));
    }
}
