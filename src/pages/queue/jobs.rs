//! The jobs of one state: toolbar, table, pages. It follows Redis by itself while nobody works on it, and holds still otherwise.

use super::{
    Loaded,
    bulk::{Toolbar, act_on, act_on_focused, focused_row},
    figures::count_of,
};
use crate::{
    components::{
        confirm::Actions,
        due::DueSentence,
        empty::{Empty, Problem},
        icon::{Glyph, Icon},
        job_table::JobTable,
        keys::on_key,
        number::{count, thousands},
        pagination::Pagination,
        selection::Selection,
    },
    live::Live,
    model::{
        error::ApiError,
        job::{Due, JobState, JobSummary, JobsPage},
        query::JobsQuery,
        queue::QueueSample,
        wire::Resource,
    },
};
use leptos::prelude::*;
use std::time::Duration;

/// At most this often a list that changes is loaded again by itself: two Redis commands each time.
const FOLLOW: Duration = Duration::from_secs(2);

/// What stands on the page: the last answer that came, and what went wrong since.
#[derive(Clone, PartialEq, Default)]
struct Shown {
    query: Option<JobsQuery>,
    page: Option<JobsPage>,
    error: Option<ApiError>,
}

impl Shown {
    fn next(last: Option<&Self>, loaded: Option<Loaded>) -> Self {
        match loaded {
            None => last.cloned().unwrap_or_default(),
            Some((query, Ok(page))) => Self { query: Some(query), page: Some(page), error: None },
            // A failed reload keeps what is known of the same list.
            Some((query, Err(error))) => {
                let page = last.filter(|l| l.query.as_ref() == Some(&query)).and_then(|l| l.page.clone());
                Self { query: Some(query), page, error: Some(error) }
            }
        }
    }
}

#[component]
pub fn Jobs(
    query: Memo<JobsQuery>,
    q: Memo<String>,
    #[prop(into)] sample: Signal<QueueSample>,
    jobs: Resource<Loaded>,
    reload: RwSignal<u32>,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let actions = expect_context::<Actions>();
    let shown = Memo::new(move |last| Shown::next(last, jobs.get()));
    let what = Memo::new(move |_| shown.with(|s| s.query.clone()).unwrap_or_else(|| query.get()));
    let rows: Memo<Vec<JobSummary>> = Memo::new(move |_| shown.with(|s| s.page.as_ref().map(|p| p.jobs.clone()).unwrap_or_default()));
    let counted_by_list = Memo::new(move |_| shown.with(|s| s.page.as_ref().and_then(|p| p.total)));
    let total = Memo::new(move |_| counted_by_list.get().unwrap_or(0));
    let partial = Memo::new(move |_| shown.with(|s| s.page.as_ref().is_some_and(|p| p.partial)));
    let error = Memo::new(move |_| shown.with(|s| s.error.clone()));
    let due = Memo::new(move |_| shown.with(|s| s.page.as_ref().map(|p| p.due.clone()).unwrap_or_default()));
    let due_shown = Memo::new(move |_| due.with(|due| due.iter().any(|d| !d.jobs.is_empty())));
    let bare = Memo::new(move |_| rows.with(Vec::is_empty) && !due_shown.get());
    let problems = Memo::new(move |_| shown.with(|s| s.page.as_ref().map(|p| p.problems.clone()).unwrap_or_default()));
    let known = Memo::new(move |_| shown.with(|s| s.page.is_some()));
    let load = Callback::new(move |()| reload.update(|n| *n += 1));

    let selection = Selection::new(rows);
    // Another page or state is another list: nothing on it was selected.
    Effect::new(move |before: Option<JobsQuery>| {
        let now = query.get();
        if before.is_some_and(|b| b != now) {
            selection.clear();
        }
        now
    });

    // How far the list is behind, in jobs; at the cap the count stands still while the jobs change.
    let counted = Memo::new(move |_| what.with(|q| sample.with(|s| count_of(s, q.state))));
    let behind = move || counted.get_untracked().is_some_and(|n| n != total.get_untracked());
    let news = Memo::new(move |_| counted.get().and_then(|n| n.checked_sub(total.get())).filter(|n| *n > 0 && known.get()));
    let (hovered, focused_in) = (RwSignal::new(false), RwSignal::new(false));
    // A table that goes away under the pointer says no mouseleave.
    Effect::new(move |_| {
        if bare.get() {
            hovered.set(false);
            focused_in.set(false);
        }
    });
    let held = Signal::derive(move || ((hovered.get() || focused_in.get()) && !bare.get()) || what.with(|q| q.page > 1));
    // Due jobs come and go without a change of the number of waiting ones.
    let follow = move || {
        // A row that goes away with the focus says no focusout.
        if focused_in.get_untracked() && focused_row().is_none() {
            focused_in.set(false);
        }
        let settled = query.get_untracked() == what.get_untracked();
        let capped = what.with_untracked(|q| q.state == JobState::Failed) && sample.with_untracked(|s| s.failed_at_cap);
        let resting = untrack(move || selection.is_empty() && !held.get()) && !actions.asking();
        if settled && resting && !live.paused.get_untracked() && !document().hidden() && (behind() || capped || due_shown.get_untracked()) {
            load.run(());
        }
    };
    Effect::new(move |_| {
        if let Ok(handle) = set_interval_with_handle(follow, FOLLOW) {
            on_cleanup(move || handle.clear());
        }
    });

    on_key("Escape", move || {
        let some = untrack(move || !selection.is_empty());
        selection.clear();
        some
    });
    on_key("r", move || {
        if untrack(move || !selection.is_empty()) {
            act_on(actions, what, total, selection);
            return true;
        }
        act_on_focused(actions, rows)
    });

    view! {
        <Toolbar query=query q=q shown=what total=total news=news held=held selection=selection load=load />
        {move || error.get().map(|error| view! { <Problem error=error retry=load /> })}
        {move || problems.get().into_iter().map(|text| view! {
            <div class="banner"><Icon glyph=Glyph::Warning class="i s text-failed" /><p>{text}</p></div>
        }).collect_view()}
        {move || due.get().into_iter().filter(|d| d.jobs.is_empty()).map(|d| view! { <DueBanner due=d query=query /> }).collect_view()}
        <Show when=move || known.get()>
            <Show when=move || !bare.get() fallback=move || view! { <Nothing what=what total=total unreadable=Signal::derive(move || !problems.with(Vec::is_empty)) /> }>
                <div
                    on:mouseenter=move |_| hovered.set(true)
                    on:mouseleave=move |_| hovered.set(false)
                    on:focusin=move |_| focused_in.set(focused_row().is_some())
                    on:focusout=move |_| focused_in.set(false)
                >
                    <JobTable rows=rows due=due what=what total=total selection=selection />
                </div>
                <Pagination query=query total=counted_by_list partial=partial shown=Signal::derive(move || rows.with(Vec::len) as u64) />
            </Show>
        </Show>
    }
}

/// Of lists that do not begin on this page, and where the page begins elsewhere than with what runs next.
#[component]
fn DueBanner(due: Due, query: Memo<JobsQuery>) -> impl IntoView {
    view! {
        <div class="banner quiet">
            <Icon glyph=Glyph::Delayed class="i s text-delayed" />
            <p><DueSentence count=due.count priority=due.priority what=query /></p>
        </div>
    }
}

/// Empty and past the end are different sentences.
#[component]
fn Nothing(what: Memo<JobsQuery>, total: Memo<u64>, unreadable: Signal<bool>) -> impl IntoView {
    move || {
        let (q, total) = (what.get(), total.get());
        if total > 0 {
            let last = JobsQuery { page: total.div_ceil(q.per_page), ..q.clone() };
            let text = format!("This list has {} now, so page {} is past its end.", count(total, "job", "jobs"), thousands(q.page));
            return view! { <Empty title="Nothing on this page" text=text><a class="btn" href=last.href()>{format!("Go to page {}", thousands(last.page))}</a></Empty> }.into_any();
        }
        if unreadable.get() {
            return view! { <Empty title="Nothing here can be read" text="Workers cannot read it either. The sentence above says which key of Redis is in the way." /> }.into_any();
        }
        let (title, text) = match q.state {
            JobState::Waiting => ("No waiting jobs", "They appear here when jobs are pushed faster than workers take them."),
            JobState::Grouped => ("No jobs wait behind a group", "They appear here while another job of their group runs or waits."),
            JobState::Delayed => ("No delayed jobs", "They appear here when a job is pushed with a delay, or waits for its next attempt."),
            JobState::Failed => ("No failed jobs", "They appear here when a job has used up its attempts."),
            JobState::Active | JobState::Completed => ("Completed jobs are not listed yet", "Redis keeps no list of them."),
        };
        view! { <Empty title=title text=text /> }.into_any()
    }
}
