//! The filter of a queue's table: a plain GET form; typing changes the address as one goes.

use crate::{
    components::icon::{Glyph, Icon},
    model::{
        ids::escaped,
        job::JobState,
        query::{JobsQuery, PER_PAGE_DEFAULT},
    },
};
use leptos::{ev, html::Input, leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::time::Duration;

/// A pause in typing: the answer costs Redis more than a page does.
const SETTLED: Duration = Duration::from_millis(350);

/// Whether the list of this state can be filtered.
pub fn can_filter(state: JobState) -> bool {
    matches!(state, JobState::Waiting | JobState::Delayed | JobState::Failed)
}

/// The address of the table with a filter; `at`: from where it goes on.
pub fn href(query: &JobsQuery, q: &str, at: Option<&str>) -> String {
    let plain = JobsQuery { page: 1, order: JobsQuery::first_order(query.state), ..query.clone() }.href();
    if q.is_empty() {
        return plain;
    }
    let sign = if plain.contains('?') { '&' } else { '?' };
    format!("{plain}{sign}q={}{}", escaped(q), at.map(|at| format!("&cursor={}", escaped(at))).unwrap_or_default())
}

#[component]
pub fn JobFilter(query: Memo<JobsQuery>, q: Memo<String>) -> impl IntoView {
    let navigate = use_navigate();
    let field = NodeRef::<Input>::new();
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let go = Callback::new(move |()| {
        let text = field.get_untracked().map(|f| f.value()).unwrap_or_default();
        if text.trim() != q.get_untracked() {
            let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
            navigate(&query.with_untracked(|query| href(query, text.trim(), None)), options);
        }
    });
    let typed = move |_| {
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        timer.set_value(set_timeout_with_handle(move || go.run(()), SETTLED).ok());
    };
    Effect::new(move |_| {
        let q = q.get();
        if let Some(field) = field.get().filter(|f| f.value().trim() != q) {
            field.set_value(&q);
        }
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            if let Some(field) = field.get_untracked() {
                field.set_value("");
                let _ = field.blur();
            }
            go.run(());
        }
    };
    let per_page = move || query.with(|q| q.per_page);
    view! {
        <search class="min-w-0 max-sm:grow">
            <form class="contents" method="get" action=move || query.with(|q| q.queue.href()) on:submit=submit>
                <input type="hidden" name="state" value=move || query.with(|q| q.state.as_str()) />
                {move || (per_page() != PER_PAGE_DEFAULT).then(|| view! { <input type="hidden" name="perPage" value=per_page().to_string() /> })}
                <label class="input sm w-80 max-w-full max-sm:w-full">
                    <Icon glyph=Glyph::Search class="i s" />
                    <span class="sr-only">"Filter jobs"</span>
                    <input type="search" name="q" placeholder="Filter: words, class:, error:, since:2h" autocomplete="off" spellcheck="false" data-filter node_ref=field value=q.get_untracked() on:input=typed on:keydown=on_key />
                    <kbd class="max-sm:hidden">"/"</kbd>
                </label>
            </form>
        </search>
    }
}
