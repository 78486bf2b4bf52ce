//! The table while it is filtered: the jobs that match, newest first, page by page, and the verbs on all of them.

use super::{
    bulk::act_on_focused,
    filter::{JobFilter, href},
};
use crate::{
    components::{
        actions::Actions,
        confirm::Question,
        empty::{Empty, Problem},
        icon::{Glyph, Icon},
        job_table::JobTable,
        keys::on_key,
        number::{count, jobs as jobs_of, thousands},
        search_hits::Misread,
        selection::Selection,
    },
    model::{
        error::ApiError,
        job::{JobState, JobSummary, Order},
        operation::Verb,
        query::JobsQuery,
        search::{
            MatchPage, Query,
            text::{LEFT_OUT, limits},
        },
        time::Millis,
        wire::Resource,
    },
};
use leptos::prelude::*;

/// The page with the address that it answers.
pub type Matched = ((JobsQuery, String, Option<String>), Option<Result<MatchPage, ApiError>>);

#[component]
pub fn Matching(query: Memo<JobsQuery>, q: Memo<String>, page: Resource<Matched>, reload: RwSignal<u32>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let parsed = Memo::new(move |_| q.with(|q| Query::parse(q, Millis(0))));
    // A failed reload keeps what is known.
    let shown = Memo::new(move |last: Option<&Option<(JobsQuery, MatchPage)>>| match page.get() {
        Some(((query, ..), Some(Ok(page)))) => Some((query, page)),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| page.get().and_then(|(_, page)| page?.err()));
    let first = Memo::new(move |_| page.get().is_none_or(|((_, _, at), _)| at.is_none()));
    let rows: Memo<Vec<JobSummary>> = Memo::new(move |_| shown.with(|s| s.as_ref().map(|(_, p)| p.jobs.clone()).unwrap_or_default()));
    let what = Memo::new(move |_| {
        let of = shown.with(|s| s.as_ref().map(|(query, _)| query.clone())).unwrap_or_else(|| query.get());
        JobsQuery { page: 1, order: Order::Newest, ..of }
    });
    let next = Memo::new(move |_| shown.with(|s| s.as_ref().and_then(|(_, p)| p.next.clone())));
    let coverage = Memo::new(move |_| shown.with(|s| s.as_ref().map(|(_, p)| p.coverage)));
    let problems = Memo::new(move |_| shown.with(|s| s.as_ref().map(|(_, p)| p.problems.clone()).unwrap_or_default()));
    let selection = Selection::new(rows);
    let due = Memo::new(|_| Vec::new());
    let bare = Memo::new(move |_| rows.with(Vec::is_empty));
    let known = Memo::new(move |_| shown.with(Option::is_some));
    on_key("Escape", move || {
        let some = untrack(move || !selection.is_empty());
        selection.clear();
        some
    });
    let ask = move |verb: Verb| {
        let (queue, state) = query.with_untracked(|q| (q.queue.clone(), q.state));
        actions.ask(Question::Matching { queue, state, verb, q: q.get_untracked(), start: String::new(), total: 0, base: false });
    };
    let some = move |verb: Verb| {
        let (queue, state, jobs) =
            (what.with_untracked(|q| q.queue.clone()), what.with_untracked(|q| q.state), selection.picked.get_untracked());
        actions.ask(match verb {
            Verb::Promote => Question::Promote { queue, jobs },
            Verb::Discard => Question::Discard { queue, state, jobs, bytes: selection.bytes(), name: None },
            Verb::Retry | Verb::RetryArchived | Verb::Purge | Verb::ClearFailed | Verb::Restore => Question::Retry { queue, jobs },
        });
    };
    on_key("r", move || {
        if untrack(move || selection.is_empty()) {
            return act_on_focused(actions, rows);
        }
        match query.with_untracked(|q| q.state) {
            JobState::Failed => some(Verb::Retry),
            JobState::Delayed => some(Verb::Promote),
            JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => return false,
        }
        true
    });
    let act = Memo::new(move |_| match query.with(|q| q.state) {
        JobState::Failed => Some((Verb::Retry, Glyph::Retry, "Retry", "")),
        JobState::Delayed => Some((Verb::Promote, Glyph::Play, "Run", " now")),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => None,
    });
    let n = Memo::new(move |_| selection.picked.with(Vec::len) as u64);
    // What was left out would make the action wider than what was meant.
    let sound = Memo::new(move |_| parsed.with(|p| p.problems.is_empty() && !p.is_empty()));
    let can = Memo::new(move |_| sound.get() && (!bare.get() || next.get().is_some()));
    let words = move |verb: &'static str, after: &'static str| {
        move || if n.get() > 0 { format!("{verb} {}{after}…", jobs_of(n.get())) } else { format!("{verb} all matching{after}…") }
    };
    let click = move |verb: Verb| if n.get_untracked() > 0 { some(verb) } else { ask(verb) };
    let covered = move || {
        coverage.get().map(|c| {
            let partly =
                if c.partly > 0 { format!(", {} only in part", count(c.partly, "large payload", "large payloads")) } else { String::new() };
            match c.of {
                Some(of) if next.get().is_some() => format!("Scanned {} of {}{partly}", thousands(c.scanned), thousands(of)),
                Some(_) | None if problems.with(Vec::is_empty) => format!("All {} scanned{partly}", thousands(c.scanned)),
                Some(_) | None => format!("{} scanned{partly}", thousands(c.scanned)),
            }
        })
    };
    let load = Callback::new(move |()| reload.update(|n| *n += 1));
    view! {
        <div class="toolbar sm:sticky sm:top-bar sm:z-[3] max-sm:flex-wrap">
            <JobFilter query=query q=q />
            <a class="link text-12" href=move || query.with(|query| href(query, "", None))>"Clear"</a>
            <button type="button" class="link text-12" on:click=move |_| load.run(())>"Load again"</button>
            <span class="flex-1 max-sm:hidden"></span>
            {move || act.get().map(|(verb, glyph, word, after)| view! {
                <button type="button" class="btn sm" disabled=move || !can.get() on:click=move |_| click(verb)><Icon glyph=glyph />{words(word, after)}</button>
            })}
            <button type="button" class="btn danger sm" disabled=move || !can.get() on:click=move |_| click(Verb::Discard)><Icon glyph=Glyph::Trash />{words("Delete", "")}</button>
        </div>
        <Misread query=parsed />
        {move || error.get().map(|error| view! { <Problem error=error retry=load /> })}
        {move || problems.get().into_iter().map(|text| view! {
            <div class="banner"><Icon glyph=Glyph::Warning class="i s text-failed" /><p>{text}</p></div>
        }).collect_view()}
        <Show when=move || known.get()>
            <Show when=move || !bare.get() fallback=move || view! { <Nothing more=Signal::derive(move || next.get().is_some()) whole=Signal::derive(move || problems.with(Vec::is_empty)) clear=Signal::derive(move || query.with(|query| href(query, "", None))) /> }>
                <JobTable rows=rows due=due what=what total=Signal::stored(0) filtered=true selection=selection />
            </Show>
            <div class="pager sticky-foot">
                <p class="text-muted" role="status">
                    {move || jobs_of(rows.with(Vec::len) as u64)} " on this page"
                    <span class="ml-3 text-faint">{covered}</span>
                </p>
                <span class="flex-1"></span>
                {move || (!first.get()).then(|| view! { <a class="btn sm" href=query.with(|query| href(query, &q.get(), None))>"First page"</a> })}
                {move || next.get().map(|at| view! {
                    <a class="btn sm" rel="next" href=query.with(|query| href(query, &q.get(), Some(&at)))>{if bare.get() { "Keep searching" } else { "Next page" }}</a>
                })}
            </div>
        </Show>
    }
}

#[component]
fn Nothing(more: Signal<bool>, whole: Signal<bool>, clear: Signal<String>) -> impl IntoView {
    let clear = move || view! { <a class="btn" href=clear.get()><Icon glyph=Glyph::Close />"Clear filters"</a> };
    move || {
        if more.get() {
            view! { <Empty title="Nothing found yet" text="None of the jobs that were looked at by now matches. Keep searching for the rest.">{clear()}</Empty> }.into_any()
        } else {
            let looked = if whole.get() { "All jobs of this list were looked at." } else { LEFT_OUT };
            view! { <Empty title="No job matches" text=format!("{looked} {} Words must stand at the start of a word; leave one out, or a filter.", limits())>{clear()}</Empty> }.into_any()
        }
    }
}
