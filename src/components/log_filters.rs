//! What of the log is shown: a plain GET form and plain links; typing changes the address as one goes.

use super::icon::{Glyph, Icon};
use crate::model::log::{Level, LogQuery};
use leptos::{ev, html::Input, leptos_dom::helpers::TimeoutHandle, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::time::Duration;

/// A pause in typing.
const SETTLED: Duration = Duration::from_millis(200);

#[component]
pub fn LogFilters(query: Memo<LogQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let fields: [NodeRef<Input>; 3] = [NodeRef::new(), NodeRef::new(), NodeRef::new()];
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let go = Callback::new(move |()| {
        let [q, worker, queue] = fields.map(|f| f.get_untracked().map(|f| f.value().trim().to_owned()).unwrap_or_default());
        let next = LogQuery { level: query.with_untracked(|q| q.level), worker, queue, q };
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&format!("/logs{}", next.search()), options);
    });
    let typed = move |_| {
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        timer.set_value(set_timeout_with_handle(move || go.run(()), SETTLED).ok());
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    let field = move |at: usize, name: &'static str, hint: &'static str, width: &'static str, read: fn(&LogQuery) -> String| {
        let key = (at == 0).then(|| view! { <kbd class="max-sm:hidden">"/"</kbd> });
        view! {
            <label class=width>
                {(at == 0).then(|| view! { <Icon glyph=Glyph::Search class="i s" /> })}
                <span class="sr-only">{hint}</span>
                <input type="search" name=name placeholder=hint autocomplete="off" spellcheck="false" data-filter=(at == 0).then_some("") node_ref=fields[at] value=read(&query.get_untracked()) prop:value=move || query.with(read) on:input=typed />
                {key}
            </label>
        }
    };
    let levels = [None].into_iter().chain(Level::ALL.map(Some)).map(|level| {
        let href = move || query.with(|q| format!("/logs{}", LogQuery { level, ..q.clone() }.search()));
        let word = match level {
            None => "All",
            Some(Level::Info) => "Info",
            Some(Level::Success) => "Success",
            Some(Level::Warning) => "Warning",
            Some(Level::Error) => "Error",
        };
        view! { <a href=href attr:data-noscroll="" aria-current=move || query.with(|q| q.level == level).then_some("true")>{word}</a> }
    });
    view! {
        <search class="flex items-center gap-2 min-w-0 flex-wrap max-sm:w-full">
            <form class="contents" method="get" action="/logs" on:submit=submit>
                {field(0, "q", "Text or job id", "input w-65 max-sm:w-full", |q| q.q.clone())}
                {field(1, "worker", "Worker", "input w-44 max-sm:flex-1", |q| q.worker.clone())}
                {field(2, "queue", "Queue", "input w-44 max-sm:flex-1", |q| q.queue.clone())}
                {move || query.with(|q| q.level).map(|l| view! { <input type="hidden" name="level" value=l.as_str() /> })}
                <button type="submit" class="sr-only">"Filter"</button>
            </form>
            <nav class="seg max-sm:w-full max-sm:overflow-x-auto" aria-label="Level">{levels.collect_view()}</nav>
        </search>
    }
}
