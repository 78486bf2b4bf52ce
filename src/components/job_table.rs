//! Jobs of one state, a row each. Rows keep their place and their nodes while the list is loaded again.

use super::{
    due::{DueRow, DueSentence, Line, lines},
    icon::{Glyph, Icon},
    job_row::Row,
    number::thousands,
    selection::Selection,
};
use crate::model::{
    job::{Due, JobState, JobSummary, Order},
    query::JobsQuery,
};
use leptos::prelude::*;

/// `PaymentTimeout` and the rest, when the message begins with a class name.
pub fn split_error(message: &str) -> (&str, &str) {
    match message.split_once(": ") {
        Some((class, rest)) if !class.is_empty() && class.len() <= 80 && !class.contains(char::is_whitespace) => (class, rest),
        _ => ("", message),
    }
}

/// `2 of 3`. In a list that has not run them yet the number is that of the coming run.
pub fn attempts(job: &JobSummary) -> Option<String> {
    if job.problem.is_some() {
        return None;
    }
    let coming = !matches!(job.state, JobState::Failed | JobState::Completed);
    let n = if coming { job.attempts.unwrap_or(0).max(1) } else { job.attempts? };
    Some(job.max_attempts.map_or_else(|| thousands(n), |max| format!("{} of {}", thousands(n), thousands(max))))
}

/// A header with the arrow of its order, which leads to the other one. What a filter finds has one order only.
fn sorted(word: &'static str, what: Memo<JobsQuery>, filtered: bool) -> impl IntoView {
    let newest = what.with(|q| q.order) == Order::Newest;
    let glyph = if newest { Glyph::Down } else { Glyph::Up };
    if filtered {
        return view! { <span class="sort">{word}<Icon glyph=glyph class="i xs" /></span> }.into_any();
    }
    let order = if newest { Order::Oldest } else { Order::Newest };
    let href = what.with(|q| JobsQuery { order, page: 1, ..q.clone() }.href());
    view! { <a class="sort" href=href attr:data-noscroll="">{word}<Icon glyph=glyph class="i xs" /></a> }.into_any()
}

/// `what` it was read with; `total` is how many there are in the list. `filtered`: what a filter finds, newest first.
#[component]
pub fn JobTable(
    #[prop(into)] rows: Memo<Vec<JobSummary>>,
    #[prop(into)] due: Memo<Vec<Due>>,
    #[prop(into)] what: Memo<JobsQuery>,
    #[prop(into)] total: Signal<u64>,
    #[prop(optional)] filtered: bool,
    selection: Selection,
) -> impl IntoView {
    let lines = Memo::new(move |_| lines(rows.get(), due.get()));
    let place = move |line: usize| match lines.read().get(line) {
        Some(Line::Job { at, .. }) => *at,
        Some(Line::Due { .. } | Line::More { .. }) | None => 0,
    };
    // A row that is on its way out keeps its address.
    let href = move |line: ReadSignal<usize>, first: String| {
        Memo::new(move |last: Option<&String>| {
            let now = lines.with(|lines| lines.get(line.get())?.job().map(JobSummary::href));
            now.unwrap_or_else(|| last.unwrap_or(&first).clone())
        })
    };
    let state = Memo::new(move |_| what.with(|q| q.state));
    let all_picked = Memo::new(move |_| {
        !rows.with(Vec::is_empty) && (selection.everything.get() || selection.picked.with(Vec::len) == rows.with(Vec::len))
    });
    let some_picked = Memo::new(move |_| !selection.is_empty() && !all_picked.get());
    let from = Memo::new(move |_| what.with(|q| (q.page - 1) * q.per_page));
    // A column of dashes would only take room from the errors.
    let grouped = Memo::new(move |_| lines.with(|lines| lines.iter().filter_map(Line::job).any(|job| job.group_id.is_some())));
    let head = move || {
        let newest = what.with(|q| q.order) == Order::Newest;
        let arrow = if newest { "descending" } else { "ascending" };
        match state.get() {
            JobState::Failed | JobState::Completed => view! {
                <th scope="col" class="max-sm:hidden">"Error"</th>
                <th scope="col" class="group-cell w-[132px] max-lg:hidden">"Group"</th>
                <th scope="col" class="r w-[88px] max-md:hidden">"Attempts"</th>
                <th scope="col" class="r w-[212px] max-md:w-[132px]" aria-sort=arrow>{sorted("Failed", what, filtered)}</th>
            }
            .into_any(),
            JobState::Delayed => view! {
                <th scope="col" class="group-cell w-[160px] max-lg:hidden">"Group"</th>
                <th scope="col" class="w-[96px] max-sm:hidden">"Priority"</th>
                <th scope="col" class="r w-[88px] max-sm:hidden">"Attempt"</th>
                <th scope="col" class="r w-[168px] max-lg:hidden">"Created"</th>
                <th scope="col" class="r w-[200px] max-sm:w-[124px]" aria-sort=arrow>{sorted("Due", what, filtered)}</th>
            }
            .into_any(),
            JobState::Waiting | JobState::Grouped | JobState::Active => view! {
                <th scope="col" class="r w-[96px] max-sm:hidden" aria-sort=arrow>{sorted("Position", what, filtered)}</th>
                <th scope="col" class="group-cell w-[160px] max-lg:hidden">"Group"</th>
                <th scope="col" class="w-[96px] max-sm:w-[76px]">"Priority"</th>
                <th scope="col" class="r w-[88px] max-sm:hidden">"Attempt"</th>
                <th scope="col" class="r w-[212px] max-md:w-[132px]">"Created"</th>
            }
            .into_any(),
        }
    };
    let first = move || match state.get() {
        JobState::Failed | JobState::Completed => "w-[28%] max-sm:w-auto",
        _ => "",
    };
    view! {
        <table class=move || if grouped.get() { "grid-table" } else { "grid-table groupless" }>
            <caption class="sr-only">{move || what.with(|q| format!("{} jobs of {}", q.state.as_str(), q.queue.in_text()))}</caption>
            <thead class="stick sm:[&_th]:top-[calc(var(--bar)+48px)]!">
                <tr>
                    <th scope="col" class="w-[52px] max-sm:w-[44px] pr-0!">
                        <input type="checkbox" class="check" aria-label="Select page" prop:checked=move || all_picked.get() prop:indeterminate=move || some_picked.get() on:change=move |e| selection.whole_page(event_target_checked(&e)) />
                    </th>
                    <th scope="col" class=first>"Job"</th>
                    {head}
                </tr>
            </thead>
            <tbody>
                <ForEnumerate each=move || lines.get() key=Line::key let(at, line)>
                    {match line {
                        Line::Job { job, key, .. } => view! { <Row at=Signal::derive(move || place(at.get())) href=href(at, job.href()) job=job key=key from=from total=total what=what selection=selection /> }.into_any(),
                        Line::Due { job, .. } => view! { <DueRow href=href(at, job.href()) job=job /> }.into_any(),
                        Line::More { priority, count } => view! {
                            // It spans as many columns as every width shows: more would make new ones. The others stay empty.
                            <tr>
                                <td class="pr-0!"></td>
                                <td colspan="3" class="text-muted whitespace-normal! py-1.5!"><DueSentence count=count priority=priority more=true what=what /></td>
                                <td class="group-cell max-lg:hidden"></td><td class="max-sm:hidden"></td><td class="max-sm:hidden"></td>
                            </tr>
                        }.into_any(),
                    }}
                </ForEnumerate>
            </tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::split_error;

    #[test]
    fn the_class_is_what_stands_before_the_colon() {
        assert_eq!(split_error("PaymentTimeout: no answer: 30 s"), ("PaymentTimeout", "no answer: 30 s"));
        assert_eq!(split_error("Connection reset by peer"), ("", "Connection reset by peer"));
        assert_eq!(split_error("could not connect: refused"), ("", "could not connect: refused"));
        assert_eq!(split_error("App\\Jobs\\Fail: x"), ("App\\Jobs\\Fail", "x"));
    }
}
