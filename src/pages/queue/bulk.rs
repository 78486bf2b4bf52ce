//! The toolbar above the jobs. While rows are selected it turns into what can be done with them, in place.

use super::filter::{JobFilter, can_filter};
use crate::{
    components::{
        confirm::{Actions, Question},
        icon::{Glyph, Icon},
        number::{jobs as jobs_of, thousands},
        selection::Selection,
    },
    model::{
        job::{JobState, JobSummary, Order},
        query::JobsQuery,
    },
};
use leptos::{prelude::*, web_sys::Element};

/// What the list is behind by, in words: `38 jobs failed since`.
fn since(state: JobState, new: u64) -> String {
    let n = jobs_of(new);
    match state {
        JobState::Failed => format!("{n} failed since."),
        JobState::Delayed => format!("{n} {} added since.", if new == 1 { "was" } else { "were" }),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => {
            format!("{n} {} added since.", if new == 1 { "was" } else { "were" })
        }
    }
}

/// The two ends of a list, in the words of its state.
fn ends(state: JobState) -> [(Order, &'static str); 2] {
    match state {
        JobState::Waiting | JobState::Grouped | JobState::Active => [(Order::Oldest, "Runs next"), (Order::Newest, "Newest")],
        JobState::Delayed => [(Order::Oldest, "Due first"), (Order::Newest, "Due last")],
        JobState::Failed | JobState::Completed => [(Order::Newest, "Newest"), (Order::Oldest, "Oldest")],
    }
}

/// `news`: jobs that the list does not show yet (`None`: the count is the same or unknown). `held`: it does not follow by itself.
#[component]
pub fn Toolbar(
    query: Memo<JobsQuery>,
    q: Memo<String>,
    shown: Memo<JobsQuery>,
    total: Memo<u64>,
    news: Memo<Option<u64>>,
    held: Signal<bool>,
    selection: Selection,
    load: Callback<()>,
) -> impl IntoView {
    let filterable = Memo::new(move |_| query.with(|q| can_filter(q.state)));
    let selecting = Memo::new(move |_| !selection.is_empty());
    let order = move || {
        let now = query.get();
        let links = ends(now.state).map(|(order, word)| {
            let href = JobsQuery { order, page: 1, ..now.clone() }.href();
            view! { <a href=href aria-current=(order == now.order).then_some("true")>{word}</a> }
        });
        view! { <nav class="seg" aria-label="Order">{links.into_iter().collect_view()}</nav> }
    };
    let fresh = move || {
        let state = shown.with(|q| q.state);
        news.get().filter(|_| held.get()).map(|n| {
            view! {
                <span class="text-12 text-muted max-sm:hidden">{since(state, n)}</span>
                <button type="button" class="link" on:click=move |_| load.run(())>{format!("Load {} new", thousands(n))}</button>
            }
        })
    };
    // On a phone the bulk bar lies over the foot of the page, so the normal one keeps its place.
    let class = move || if selecting.get() { "toolbar sm:hidden" } else { "toolbar sm:sticky sm:top-bar sm:z-[3]" };
    view! {
        <div class=class>
            {order}
            <Show when=move || filterable.get()><JobFilter query=query q=q /></Show>
            <span class="flex-1 max-sm:hidden"></span>
            {fresh}
        </div>
        <Show when=move || selecting.get()>
            <BulkBar shown=shown total=total news=news selection=selection load=load />
        </Show>
    }
}

#[component]
fn BulkBar(shown: Memo<JobsQuery>, total: Memo<u64>, news: Memo<Option<u64>>, selection: Selection, load: Callback<()>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let state = shown.with_untracked(|q| q.state);
    let n = Memo::new(move |_| if selection.everything.get() { total.get() } else { selection.picked.with(Vec::len) as u64 });
    let more = Memo::new(move |_| !selection.everything.get() && total.get() > n.get() && state != JobState::Grouped);
    let delete = move |_| {
        let queue = shown.with_untracked(|q| q.queue.clone());
        actions.ask(match (selection.everything.get_untracked(), state) {
            (true, JobState::Failed) => Question::ClearFailed { queue },
            (true, _) => Question::DiscardAll { queue, state },
            (false, _) => {
                let (jobs, bytes) = (selection.picked.get_untracked(), selection.bytes());
                Question::Discard { queue, state, jobs, bytes, name: None }
            }
        });
    };
    let act = match state {
        JobState::Failed => Some((Glyph::Retry, "Retry ", "…")),
        JobState::Delayed => Some((Glyph::Play, "Run ", " now…")),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => None,
    };
    view! {
        <div class="toolbar sel max-sm:fixed! max-sm:top-auto! max-sm:bottom-0 max-sm:inset-x-0 max-sm:border-t max-sm:z-[4]!" role="toolbar" aria-label="Selected jobs">
            <b class="num whitespace-nowrap">{move || format!("{}{} selected", if selection.everything.get() { "All " } else { "" }, jobs_of(n.get()))}</b>
            <Show when=move || more.get()>
                <button type="button" class="link mx-2 whitespace-nowrap" on:click=move |_| selection.everything.set(true)>{move || format!("Select all {}", thousands(total.get()))}</button>
            </Show>
            {act.map(|(glyph, verb, end)| view! {
                <button type="button" class="btn primary sm" disabled=move || actions.pending.get() on:click=move |_| act_on(actions, shown, total, selection)>
                    <Icon glyph=glyph />
                    {move || format!("{verb}{}{end}", jobs_of(n.get()))}
                </button>
            })}
            <button type="button" class="btn danger sm" on:click=delete>
                <Icon glyph=Glyph::Trash />
                {move || format!("Delete {}…", jobs_of(n.get()))}
            </button>
            <p class="clip flex-1 text-12 text-muted max-sm:hidden">
                <span class="max-lg:hidden">"The list holds still while jobs are selected. "</span>
                {move || news.get().map(|n| view! {
                    {since(state, n)} " "
                    <button type="button" class="link" on:click=move |_| load.run(())>{format!("Load {} new", thousands(n))}</button>
                })}
            </p>
            <button type="button" class="btn ghost sm" on:click=move |_| selection.clear()>"Clear selection" <kbd class="max-sm:hidden">"Esc"</kbd></button>
        </div>
    }
}

/// Asks for the state's own verb on what is selected: retry or run now.
pub fn act_on(actions: Actions, shown: Memo<JobsQuery>, total: Memo<u64>, selection: Selection) {
    let (queue, state) = shown.with_untracked(|q| (q.queue.clone(), q.state));
    let (all, jobs, count) = (selection.everything.get_untracked(), selection.picked.get_untracked(), Some(total.get_untracked()));
    match (state, all) {
        (JobState::Failed, true) => actions.ask(Question::RetryAll { queue, count, base: false }),
        (JobState::Failed, false) => actions.ask(Question::Retry { queue, jobs }),
        (JobState::Delayed, true) => actions.ask(Question::PromoteAll { queue, count }),
        (JobState::Delayed, false) => actions.ask(Question::Promote { queue, jobs }),
        (JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed, _) => {}
    }
}

/// The row of the table that has the focus.
pub fn focused_row() -> Option<Element> {
    document().active_element()?.closest("tr[data-row]").ok()?
}

/// The same for the one row that has the focus, as `r` does it while nothing is selected; false when there is nothing to do.
pub fn act_on_focused(actions: Actions, rows: Memo<Vec<JobSummary>>) -> bool {
    let href = focused_row().and_then(|row| row.query_selector("a.name").ok()??.get_attribute("href"));
    let job = href.and_then(|href| rows.with_untracked(|rows| rows.iter().find(|job| job.href() == href).cloned()));
    let Some(JobSummary { queue, state, fingerprint, .. }) = job else { return false };
    match state {
        JobState::Failed => actions.ask(Question::Retry { queue, jobs: vec![fingerprint] }),
        JobState::Delayed => actions.ask(Question::Promote { queue, jobs: vec![fingerprint] }),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => return false,
    }
    true
}
