//! One job in a table: its link, its box and the cells of its state.

use super::{
    job_table::{attempts, split_error},
    name::Name,
    number::thousands,
    selection::Selection,
    time::{Ago, Clock},
};
use crate::{
    live::Live,
    model::{
        job::{JobState, JobSummary, Order},
        query::JobsQuery,
        shown::in_text,
        time::{Millis, relative},
    },
};
use leptos::prelude::*;

fn or_dash(text: Option<String>) -> AnyView {
    match text {
        Some(text) => view! { {text} }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

#[component]
pub(super) fn Row(
    #[prop(into)] at: Signal<usize>,
    job: JobSummary,
    /// What the selection knows it by.
    key: String,
    /// It holds the position, which changes while the row stays.
    #[prop(into)]
    href: Signal<String>,
    from: Memo<u64>,
    total: Signal<u64>,
    what: Memo<JobsQuery>,
    selection: Selection,
) -> impl IntoView {
    let picked = Memo::new(move |_| selection.holds(&key));
    let id = job.id.clone().unwrap_or_else(|| job.fingerprint.hash.chars().take(8).collect());
    let click = move |e: leptos::ev::MouseEvent| selection.click(at.get_untracked(), event_target_checked(&e), e.shift_key());
    let cells = match job.state {
        JobState::Failed | JobState::Completed => failed_cells(&job).into_any(),
        JobState::Delayed => delayed_cells(&job).into_any(),
        JobState::Waiting | JobState::Grouped | JobState::Active => {
            let position = move || {
                // Of a filtered list only some rows are here, so their number in it is not known.
                if total.get() == 0 {
                    return "—".to_owned();
                }
                let n = from.get() + at.get() as u64 + 1;
                thousands(if what.with(|q| q.order) == Order::Oldest { n } else { (total.get() + 1).saturating_sub(n) })
            };
            waiting_cells(&job, position).into_any()
        }
    };
    // On a phone the error has no column: it stands below the name.
    let below = match (&job.problem, job.state) {
        (Some(problem), _) => Some(problem.clone()),
        (None, JobState::Failed) => job.error.clone(),
        _ => None,
    };
    // One line below the name at most: the error, else the id.
    let id_class = if below.is_some() {
        "font-mono text-12 font-normal text-muted"
    } else {
        "font-mono text-12 font-normal text-muted clip max-sm:block"
    };
    let unreadable = job.problem.is_some();
    let name = if unreadable { "name font-normal! text-muted" } else { "name" };
    let inline_problem = job.problem.clone().filter(|_| job.state != JobState::Failed);
    view! {
        <tr data-row aria-selected=move || picked.get().to_string()>
            <td class="pr-0! text-clip!">
                <input type="checkbox" class="check" aria-label=format!("Select {}", in_text(&id)) prop:checked=move || picked.get() on:click=click />
            </td>
            <td>
                <a class=name href=move || href.get()>
                    <Name text=job.title() /> " " <span class=id_class><Name text=id /></span>
                </a>
                {inline_problem.map(|p| view! { <span class="ml-3 text-faint max-sm:hidden">{p}</span> })}
                {below.map(|text| view! { <p class="clip text-12 text-faint sm:hidden">{text}</p> })}
            </td>
            {cells}
        </tr>
    }
}

fn group_cell(job: &JobSummary) -> impl IntoView + use<> {
    let group = job.group_id.clone();
    let class = if group.is_some() { "font-mono text-12" } else { "" };
    let group = match group {
        Some(group) => view! { <Name text=group /> }.into_any(),
        None => or_dash(None),
    };
    view! { <td class="group-cell max-lg:hidden"><span class=class>{group}</span></td> }
}

fn priority_cell(job: &JobSummary, class: &'static str) -> impl IntoView + use<> {
    let text = job.priority.map_or("—", |p| p.as_str());
    let tone = if text == "base" || text == "—" { "text-zero" } else { "" };
    view! { <td class=class><span class=tone>{text}</span></td> }
}

fn failed_cells(job: &JobSummary) -> impl IntoView + use<> {
    let error = match (&job.problem, &job.error) {
        (Some(problem), _) => view! { <span class="text-muted">{problem.clone()}</span> }.into_any(),
        (None, Some(error)) => {
            let (class, rest) = split_error(error);
            let class = (!class.is_empty()).then(|| view! { <span>{format!("{class} ")}</span> });
            view! { {class}<span class="text-muted">{rest.to_owned()}</span> }.into_any()
        }
        (None, None) => or_dash(None),
    };
    let whole = job.problem.clone().or_else(|| job.error.clone());
    view! {
        <td class="max-sm:hidden" title=whole>{error}</td>
        {group_cell(job)}
        <td class="r max-md:hidden">{or_dash(attempts(job))}</td>
        {time_cell(job.failed_at)}
    }
}

fn time_cell(at: Option<Millis>) -> impl IntoView {
    let text = match at {
        Some(at) => view! { <Ago at=at /><span class="ml-2 text-faint max-md:hidden"><Clock at=at /></span> }.into_any(),
        None => or_dash(None),
    };
    view! { <td class="r">{text}</td> }
}

fn delayed_cells(job: &JobSummary) -> impl IntoView + use<> {
    let created = job.created_at.map(|at| view! { <Ago at=at /> }.into_any()).unwrap_or_else(|| or_dash(None));
    let due = job.run_at.map(|at| view! { <Due at=at /> }.into_any()).unwrap_or_else(|| or_dash(None));
    view! {
        {group_cell(job)}
        {priority_cell(job, "max-sm:hidden")}
        <td class="r max-sm:hidden">{or_dash(attempts(job))}</td>
        <td class="r max-lg:hidden">{created}</td>
        <td class="r">{due}</td>
    }
}

/// `in 4 min`, then `due now` in the colour of what waits.
#[component]
fn Due(at: Millis) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let due = Memo::new(move |_| at <= now.get());
    let text = Memo::new(move |_| if due.get() { "due now".to_string() } else { relative(at, now.get()) });
    view! {
        <time class=move || if due.get() { "text-waiting" } else { "num" } datetime=at.iso() title=at.full()>{move || text.get()}</time>
        <span class="ml-2 text-faint max-sm:hidden"><Clock at=at /></span>
    }
}

fn waiting_cells<P: Fn() -> String + Send + Sync + 'static>(job: &JobSummary, position: P) -> impl IntoView + use<P> {
    view! {
        <td class="r max-sm:hidden">{position}</td>
        {group_cell(job)}
        {priority_cell(job, "")}
        <td class="r max-sm:hidden">{or_dash(attempts(job))}</td>
        {time_cell(job.created_at)}
    }
}

/// A delayed job among waiting ones: the cells of that table.
#[component]
pub(super) fn DueCells(job: JobSummary) -> impl IntoView {
    waiting_cells(&job, || "—".into())
}
