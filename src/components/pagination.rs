//! Numbered pages at the foot of a table. Links and a form that work without a script.

use super::{
    icon::{Glyph, Icon},
    number::thousands,
};
use crate::model::query::{JobsQuery, PER_PAGE};
use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::HtmlFormElement};
use leptos_router::hooks::use_navigate;

/// The numbers to show: first, last, the neighbours; `None` is a gap.
fn window_of(page: u64, pages: u64) -> Vec<Option<u64>> {
    let mut out = Vec::new();
    let mut last = 0;
    for n in [1, 2, page.saturating_sub(1), page, page + 1, pages.saturating_sub(1), pages] {
        let edge = (n == 2 && page > 4) || (n + 1 == pages && (page + 3 < pages || page > pages));
        if n <= last || n == 0 || n > pages || (edge && n != page) {
            continue;
        }
        if n == last + 2 {
            out.push(Some(last + 1));
        } else if n > last + 1 {
            out.push(None);
        }
        out.push(Some(n));
        last = n;
    }
    out
}

/// The page that `query` shows of `total` jobs, `None` when they could not be counted. `partial` is whether `total` is a lower bound.
#[component]
pub fn Pagination(
    #[prop(into)] query: Signal<JobsQuery>,
    #[prop(into)] total: Signal<Option<u64>>,
    #[prop(optional, into)] partial: Signal<bool>,
    #[prop(into)] shown: Signal<u64>,
) -> impl IntoView {
    // Jobs come and go between the count and the page: what is shown is there.
    let counted = total;
    let total = Memo::new(move |_| {
        counted.get().unwrap_or(0).max(if shown.get() == 0 { 0 } else { query.with(|q| (q.page - 1) * q.per_page) + shown.get() })
    });
    let of = move || match counted.get() {
        None => "—".to_owned(),
        Some(_) => format!("{}{}", if partial.get() { "≥ " } else { "" }, thousands(total.get())),
    };
    let pages = Memo::new(move |_| total.get().div_ceil(query.with(|q| q.per_page)).max(1));
    let page = Memo::new(move |_| query.with(|q| q.page));
    let to = move |n: u64| query.with(|q| JobsQuery { page: n, ..q.clone() }.href());
    let range = move || {
        let (n, first) = (shown.get(), (page.get() - 1) * query.with(|q| q.per_page));
        (n > 0 && pages.get() > 1).then(|| format!("{} to {}", thousands(first + 1), thousands(first + n)))
    };
    let arrow = move |forward: bool| {
        let (label, glyph, n) = if forward {
            ("Next page", Glyph::ChevronRight, page.get() + 1)
        } else {
            ("Previous page", Glyph::ChevronLeft, page.get().saturating_sub(1).min(pages.get()))
        };
        if n == 0 || n > pages.get() {
            view! { <span class="off"><Icon glyph=glyph class="i s" /></span> }.into_any()
        } else {
            view! { <a href=to(n) aria-label=label rel=if forward { "next" } else { "prev" }><Icon glyph=glyph class="i s" /></a> }
                .into_any()
        }
    };
    let numbers = move || {
        let here = page.get();
        window_of(here, pages.get())
            .into_iter()
            .map(|n| match n {
                None => view! { <span class="gap" aria-hidden="true">"…"</span> }.into_any(),
                Some(n) if n == here => view! { <a href=to(n) aria-current="page">{thousands(n)}</a> }.into_any(),
                Some(n) => view! { <a href=to(n) class="max-sm:hidden!">{thousands(n)}</a> }.into_any(),
            })
            .collect_view()
    };
    view! {
        <div class="pager sticky-foot">
            <p class="text-muted" aria-live="off">
                {move || format!("{}{} of {}", if shown.get() == 0 { "" } else { "Showing " }, thousands(shown.get()), of())}
                <span class="ml-3 text-faint max-sm:hidden">{range}</span>
            </p>
            <span class="flex-1"></span>
            <Show when=move || { pages.get() > 1 || page.get() > 1 }>
                <nav class="pages" aria-label="Pages">
                    {move || arrow(false)}
                    {numbers}
                    {move || arrow(true)}
                </nav>
            </Show>
            <GoTo query=query pages=pages />
        </div>
    }
}

#[component]
fn GoTo(query: Signal<JobsQuery>, pages: Memo<u64>) -> impl IntoView {
    let navigate = use_navigate();
    let go = StoredValue::new(move |q: JobsQuery| navigate(&q.href(), Default::default()));
    let submit = move |e: leptos::ev::SubmitEvent| {
        e.prevent_default();
        let form = e.target().map(|t| t.unchecked_into::<HtmlFormElement>());
        let field = form
            .and_then(|f| f.query_selector("[name=page]").ok().flatten())
            .map(|f| f.unchecked_into::<leptos::web_sys::HtmlInputElement>());
        // `1,234` is how the page writes it.
        let typed = field.and_then(|f| f.value().replace([',', ' '], "").parse::<u64>().ok());
        if let Some(page) = typed {
            let page = page.clamp(1, pages.get_untracked());
            go.with_value(|go| go(JobsQuery { page, ..query.get_untracked() }));
        }
    };
    let per_page = move |e: leptos::ev::Event| {
        if let Ok(n) = event_target_value(&e).parse::<u64>() {
            // The first job on the page stays on it.
            let q = query.get_untracked();
            let page = (q.page - 1) * q.per_page / n + 1;
            go.with_value(|go| go(JobsQuery { page, per_page: n, ..q }));
        }
    };
    let options = move || {
        let now = query.with(|q| q.per_page);
        PER_PAGE
            .into_iter()
            .map(|n| view! { <option value=n.to_string() selected=n == now>{format!("{n} per page")}</option> })
            .collect_view()
    };
    view! {
        <form class="flex items-center gap-2 max-sm:hidden" method="get" action=move || query.with(|q| q.queue.href()) on:submit=submit>
            <input type="hidden" name="state" value=move || query.with(|q| q.state.as_str()) />
            <input type="hidden" name="order" value=move || query.with(|q| if q.order == crate::model::job::Order::Newest { "newest" } else { "oldest" }) />
            <Show when=move || { pages.get() > 7 }>
                <label class="input sm w-28">
                    <span class="whitespace-nowrap">"Go to"</span>
                    <input class="text-right num" name="page" inputmode="numeric" autocomplete="off" aria-label="Page" prop:value=move || thousands(query.with(|q| q.page)) />
                </label>
            </Show>
            <select class="select sm" name="perPage" aria-label="Jobs per page" on:change=per_page>{options}</select>
            <noscript><button class="btn sm">"Show"</button></noscript>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::window_of;

    fn text(page: u64, pages: u64) -> String {
        window_of(page, pages).into_iter().map(|n| n.map_or("…".into(), |n| n.to_string())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_show_both_ends_and_the_neighbours() {
        assert_eq!(text(1, 1), "1");
        assert_eq!(text(1, 3), "1 2 3");
        assert_eq!(text(173, 249), "1 … 172 173 174 … 249");
        assert_eq!(text(1, 249), "1 2 … 249");
        assert_eq!(text(4, 249), "1 2 3 4 5 … 249");
        assert_eq!(text(249, 249), "1 … 248 249");
        assert_eq!(text(400, 249), "1 … 249");
    }
}
