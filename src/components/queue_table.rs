//! The table of queues, on the overview and on its own page. Rows stay where they are; figures change in place.

use super::{
    badge::QueueBadges,
    confirm::QueueActions,
    icon::{Glyph, Icon},
    name::Name,
    number::{Number, Rate, figure},
    spark::Spark,
    time::Age,
};
use crate::model::{
    ids::Priority,
    job::JobState,
    query::{JobsQuery, QueueSort, QueuesQuery},
    queue::QueueSample,
};
use leptos::prelude::*;

/// One column: what its head says, and where there is room for it (head and cells share the class).
struct Column {
    head: &'static str,
    sort: Option<QueueSort>,
    class: &'static str,
    /// Of the whole page, and of the short list.
    widths: [&'static str; 2],
}

const COLUMNS: [Column; 11] = [
    Column { head: "Queue", sort: Some(QueueSort::Name), class: "", widths: ["w-auto", "w-auto"] },
    Column { head: "Waiting", sort: Some(QueueSort::Waiting), class: "r", widths: ["w-24", "w-21"] },
    Column {
        head: "Active",
        sort: Some(QueueSort::Active),
        class: "r max-sm:hidden",
        widths: ["w-20 max-sm:hidden", "w-18 max-sm:hidden"],
    },
    Column { head: "Delayed", sort: Some(QueueSort::Delayed), class: "r max-lg:hidden", widths: ["w-24 max-lg:hidden", "hidden"] },
    Column { head: "Failed", sort: Some(QueueSort::Failed), class: "r", widths: ["w-32 max-sm:w-26", "w-27"] },
    Column {
        head: "Oldest",
        sort: Some(QueueSort::Oldest),
        class: "r max-sm:hidden",
        widths: ["w-28 max-sm:hidden", "w-25 max-sm:hidden"],
    },
    Column { head: "In/s", sort: Some(QueueSort::In), class: "r max-xl:hidden", widths: ["w-18 max-xl:hidden", "w-16 max-xl:hidden"] },
    Column {
        head: "Out/s",
        sort: Some(QueueSort::Out),
        class: "r max-sm:hidden",
        widths: ["w-18 max-sm:hidden", "w-16 max-xl:w-20 max-sm:hidden"],
    },
    Column { head: "15 min", sort: None, class: "max-xl:hidden", widths: ["w-32 max-xl:hidden", "w-22 max-xl:hidden"] },
    Column { head: "Workers", sort: Some(QueueSort::Workers), class: "r max-md:hidden", widths: ["w-22 max-md:hidden", "hidden"] },
    Column { head: "Actions", sort: None, class: "", widths: ["w-28 max-sm:w-14", "hidden"] },
];

/// With `query` the heads sort and the rows have actions; without, the table is a short list.
#[component]
pub fn QueueTable(
    #[prop(into)] rows: Signal<Vec<QueueSample>>,
    #[prop(into)] samples: Signal<Vec<QueueSample>>,
    #[prop(optional, into)] query: Option<Signal<QueuesQuery>>,
) -> impl IntoView {
    let full = query.is_some();
    let columns = || COLUMNS.iter().filter(move |c| full || !matches!(c.head, "Delayed" | "Workers" | "Actions"));
    let widths = columns().map(|c| view! { <col class=c.widths[usize::from(!full)] /> }).collect_view();
    let heads = columns()
        .map(|c| match (query, c.sort) {
            (Some(query), Some(sort)) => view! { <SortHead query=query sort=sort label=c.head class=c.class /> }.into_any(),
            _ if c.head == "Actions" => view! { <th class=c.class><span class="sr-only">{c.head}</span></th> }.into_any(),
            _ => view! { <th class=c.class>{c.head}</th> }.into_any(),
        })
        .collect_view();
    let head_class = if full { "stick" } else { "" };
    view! {
        <table class=if full { "grid-table" } else { "grid-table short" }>
            <colgroup>{widths}</colgroup>
            <thead class=head_class><tr>{heads}</tr></thead>
            <tbody>
                <For each=move || rows.get() key=|q| q.name.clone() let:first>
                    {
                        let name = first.name.clone();
                        let sample = Memo::new(move |last: Option<&QueueSample>| samples.with(|all| all.iter().find(|q| q.name == name).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone()));
                        view! { <QueueRow sample=sample full=full /> }
                    }
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn SortHead(query: Signal<QueuesQuery>, sort: QueueSort, label: &'static str, class: &'static str) -> impl IntoView {
    let sorted = Memo::new(move |_| query.with(|q| (q.sort == sort).then_some(q.descending)));
    let href = Memo::new(move |_| {
        query.with(|q| {
            let descending = if q.sort == sort { !q.descending } else { sort.descends_first() };
            format!("/queues{}", QueuesQuery { sort, descending, page: 1, ..q.clone() }.search())
        })
    });
    let aria = move || sorted.get().map(|descending| if descending { "descending" } else { "ascending" });
    view! {
        <th class=class aria-sort=aria>
            <a class="sort" href=move || href.get() attr:data-noscroll="">
                {label}
                {move || sorted.get().map(|descending| view! { <Icon glyph=if descending { Glyph::Down } else { Glyph::Up } class="i xs" /> })}
            </a>
        </th>
    }
}

/// `critical 12 · high 120 · base 4,074 · low 12 · behind a group 340`
fn split(q: &QueueSample) -> String {
    let mut parts: Vec<String> =
        Priority::ALL.into_iter().map(|p| format!("{} {}", p.as_str(), figure(q.by_priority.get(p), false))).collect();
    parts.push(format!("behind a group {}", figure(Some(q.grouped), q.grouped_partial)));
    parts.join(" · ")
}

fn jobs_href(q: &QueueSample, state: JobState) -> String {
    JobsQuery { order: JobsQuery::first_order(state), state, ..JobsQuery::read(q.name.clone(), |_| None) }.href()
}

fn active_title(active: Option<u64>, vague: bool) -> &'static str {
    match (active, vague) {
        (None, _) => "Unknown: Redis keeps no list of running jobs, and none of this queue's workers was heard",
        (Some(_), true) => "At least: a worker of this queue was not heard yet, or runs a job whose queue could not be told",
        (Some(_), false) => "Running now, by the workers' events",
    }
}

#[component]
fn QueueRow(#[prop(into)] sample: Signal<QueueSample>, full: bool) -> impl IntoView {
    let q = sample.get_untracked();
    let (href, name, title) = (q.name.href(), q.name.to_string(), q.name.to_string());
    let waiting = Memo::new(move |_| sample.with(|q| q.waiting));
    let partial = Memo::new(move |_| sample.with(|q| q.grouped_partial));
    let active = Memo::new(move |_| sample.with(|q| q.active));
    let vague = Memo::new(move |_| sample.with(|q| q.active_partial));
    let (incoming, outgoing) =
        (Memo::new(move |_| sample.with(|q| q.flow.in_per_second)), Memo::new(move |_| sample.with(|q| q.flow.out_per_second)));
    let delayed = Memo::new(move |_| sample.with(|q| q.delayed));
    let failed = Memo::new(move |_| sample.with(|q| q.failed));
    let at_cap = Memo::new(move |_| sample.with(|q| q.failed_at_cap));
    let oldest = Memo::new(move |_| sample.with(|q| q.oldest_waiting_ms));
    let old_age = Memo::new(move |_| sample.with(|q| q.oldest_waiting_old));
    let workers = Memo::new(move |_| sample.with(|q| q.workers));
    let unserved = Memo::new(move |_| sample.with(QueueSample::unserved));
    let by_list = Memo::new(move |_| sample.with(split));
    view! {
        <tr data-row>
            <td>
                <div class="qname">
                    <a class="name clip" href=href title=title><Name text=name /></a>
                    <QueueBadges sample=sample />
                </div>
            </td>
            <td class="r"><a class="above" tabindex="-1" href=jobs_href(&q, JobState::Waiting) title=move || by_list.get()><Number value=waiting partial=partial /></a></td>
            <td class="r max-sm:hidden"><a class="above" tabindex="-1" href=jobs_href(&q, JobState::Active) title=move || active_title(active.get(), vague.get())><Number value=active partial=vague /></a></td>
            {full.then(|| view! { <td class="r max-lg:hidden"><a class="above" tabindex="-1" href=jobs_href(&q, JobState::Delayed)><Number value=delayed /></a></td> })}
            <td class="r">
                <a class="above" tabindex="-1" href=jobs_href(&q, JobState::Failed)>
                    <Show when=move || at_cap.get()><span class="text-12 text-faint">"at cap "</span></Show>
                    <span class=move || if at_cap.get() { "text-failed font-medium" } else { "" }><Number value=failed /></span>
                </a>
            </td>
            <td class="r max-sm:hidden"><Age ms=oldest old=old_age /></td>
            <td class="r max-xl:hidden"><Rate value=incoming /></td>
            <td class="r max-sm:hidden"><Rate value=outgoing /></td>
            <td class="max-xl:hidden"><Spark sample=sample /></td>
            {full.then(|| view! { <td class="r max-md:hidden"><Number value=workers warn=unserved /></td> })}
            {full.then(|| view! { <td><div class="acts"><QueueActions sample=sample /></div></td> })}
        </tr>
    }
}
