//! Due delayed jobs in a waiting list: workers take them first, so they stand where they will run, each in front of its list.

use super::{
    badge::{Badge, Tone},
    icon::Glyph,
    job_row::DueCells,
    name::Name,
    number::count,
};
use crate::model::{
    ids::Priority,
    job::{Due, JobState, JobSummary, identities},
    query::JobsQuery,
};
use leptos::prelude::*;

/// A line of the table of jobs.
#[derive(Clone, PartialEq)]
pub enum Line {
    /// `at`: its place among the rows that can be selected; `key`: see [`identities`].
    Job {
        at: usize,
        key: String,
        job: JobSummary,
    },
    Due {
        key: String,
        job: JobSummary,
    },
    /// So many more are due than are shown.
    More {
        priority: Priority,
        count: u64,
    },
}

impl Line {
    pub fn key(&self) -> String {
        match self {
            Self::Job { key, .. } | Self::Due { key, .. } => key.clone(),
            Self::More { priority, count } => format!("{} {count}", priority.as_str()),
        }
    }

    /// The job of the line, as the list was loaded last.
    pub fn job(&self) -> Option<&JobSummary> {
        match self {
            Self::Job { job, .. } | Self::Due { job, .. } => Some(job),
            Self::More { .. } => None,
        }
    }
}

/// Jobs in the order in which workers take them.
pub fn lines(jobs: Vec<JobSummary>, due: Vec<Due>) -> Vec<Line> {
    let mut due = due.into_iter().filter(|d| !d.jobs.is_empty()).peekable();
    let mut lines = Vec::new();
    let keys = identities(jobs.iter());
    for (at, (job, key)) in jobs.into_iter().zip(keys).enumerate() {
        while let Some(d) = due.next_if(|d| job.priority.is_some_and(|p| d.priority <= p)) {
            put(&mut lines, d);
        }
        lines.push(Line::Job { at, key, job });
    }
    due.for_each(|d| put(&mut lines, d));
    lines
}

fn put(lines: &mut Vec<Line>, due: Due) {
    let more = due.count.saturating_sub(due.jobs.len() as u64);
    let keys = identities(due.jobs.iter());
    lines.extend(due.jobs.into_iter().zip(keys).map(|(job, key)| Line::Due { key, job }));
    if more > 0 {
        lines.push(Line::More { priority: due.priority, count: more });
    }
}

/// How many are due and run first, with the way to them.
#[component]
pub fn DueSentence(count: u64, priority: Priority, #[prop(optional)] more: bool, what: Memo<JobsQuery>) -> impl IntoView {
    let text = sentence(count, priority, more);
    let href = move || {
        what.with(|q| JobsQuery { state: JobState::Delayed, page: 1, order: JobsQuery::first_order(JobState::Delayed), ..q.clone() }.href())
    };
    view! { {text} " " <a class="link" href=href>"See them"</a> }
}

fn sentence(n: u64, priority: Priority, more: bool) -> String {
    let (are, run) = if n == 1 { ("is", "runs") } else { ("are", "run") };
    let (one, many) = if more { ("more delayed job", "more delayed jobs") } else { ("delayed job", "delayed jobs") };
    format!("{} {are} due and {run} before the waiting ones of the {} list.", count(n, one, many), priority.as_str())
}

/// Without a box: it is a delayed job, and what can be done with it is on its own page and in the list of delayed ones.
#[component]
pub fn DueRow(job: JobSummary, #[prop(into)] href: Signal<String>) -> impl IntoView {
    let id = job.id.clone().unwrap_or_else(|| job.fingerprint.to_string().chars().take(8).collect());
    view! {
        <tr data-row>
            <td class="pr-0!"></td>
            <td>
                // First, where a long name does not push it out of sight.
                <span class="mr-2 align-middle">
                    <Badge tone=Tone::Delayed glyph=Glyph::Delayed text="due" title="A delayed job whose time has come: a worker takes it before this list. Select it in the list of delayed jobs." />
                </span>
                <a class="name align-middle" href=move || href.get()>
                    <Name text=job.title() /> " " <span class="font-mono text-12 font-normal text-muted"><Name text=id /></span>
                </a>
            </td>
            <DueCells job=job />
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_count() {
        assert_eq!(sentence(1, Priority::High, false), "1 delayed job is due and runs before the waiting ones of the high list.");
        assert_eq!(
            sentence(1_200, Priority::Base, true),
            "1,200 more delayed jobs are due and run before the waiting ones of the base list."
        );
    }
}
