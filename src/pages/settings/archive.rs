//! The archive in figures: size, rows, oldest.

use crate::{
    components::{
        empty::Problem,
        gaps::Gaps,
        number::{bytes, count, thousands},
        time::Ago,
    },
    model::{
        archive::{ArchiveState, Archiving},
        error::ApiError,
        settings::{ArchiveFacts, TableSize},
        time::Millis,
        wire::Resource,
    },
};
use leptos::prelude::*;

/// A table's name for people.
fn what(table: &str) -> &str {
    match table {
        "flux_job_archive" => "Job rows",
        "flux_system_logs" => "Log lines",
        "flux_console_attempts" => "Runs of jobs",
        "flux_console_audit" => "Audit lines",
        other => other,
    }
}

#[component]
pub fn Facts(facts: Resource<Result<ArchiveFacts, ApiError>>) -> impl IntoView {
    let again = facts;
    move || {
        facts.get().map(|facts| match facts {
            Err(error) => view! { <Problem error=error retry=move |()| again.refetch() /> }.into_any(),
            Ok(facts) if facts.status.state != ArchiveState::Ready => {
                let held = held_up(&facts.archiving).map(|held| view! { <p class="px-gutter pb-4">{held}</p> });
                view! { <p class="px-gutter pb-4 text-muted">"Nothing can be said of it while it is not open. Live pages are not affected."</p> {held} }.into_any()
            }
            Ok(facts) => view! { <Figures facts=facts /> }.into_any(),
        })
    }
}

/// `12,431`, `about 1,200,000`
fn rows(size: &TableSize) -> String {
    match (size.rows, size.estimated) {
        (None, _) => "—".into(),
        (Some(n), false) => thousands(n),
        (Some(n), true) => format!("about {}", thousands(n)),
    }
}

/// What this console has written since it was started.
fn written(a: &Archiving) -> String {
    if !a.leading {
        return "by another console".into();
    }
    format!(
        "by this console; since it was started {}, {}, {}",
        count(a.dead + a.completed, "job", "jobs"),
        count(a.runs, "run", "runs"),
        count(a.lines, "log line", "log lines")
    )
}

/// What could not be written, or not yet.
fn held_up(a: &Archiving) -> Option<String> {
    let waiting = (a.spooled > 0).then(|| format!("{} wait to be written", count(a.spooled, "failed job", "failed jobs")));
    let lost = (a.lost > 0).then(|| format!("{} lost: the archive was away for too long", count(a.lost, "failed job", "failed jobs")));
    let untold = (a.untold > 0).then(|| format!("{} lost", count(a.untold, "run or log line", "runs or log lines")));
    let refusing = a.refusing.as_ref().map(|r| format!("since {} UTC the database takes nothing: {}", r.since.clock(), r.problem));
    let all: Vec<String> = [refusing, waiting, lost, untold].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn oldest(at: Option<Millis>) -> AnyView {
    match at {
        Some(at) => view! { {at.full()} <span class="ml-2 text-faint"><Ago at=at /></span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

#[component]
fn Figures(facts: ArchiveFacts) -> impl IntoView {
    let free = facts.free_bytes.filter(|n| *n > 0).map(|n| format!(", of which {} are free for new rows", bytes(n)));
    let size = facts.bytes.map_or_else(|| "—".to_owned(), |n| bytes(n) + &free.unwrap_or_default());
    let tables = facts.tables.iter().map(|t| view! { <div><dt>{what(&t.table).to_owned()}</dt><dd class="num">{rows(t)}</dd></div> });
    let estimated = facts.tables.iter().any(|t| t.estimated);
    view! {
        <dl class="facts settings">
            <div><dt>"Database"</dt><dd>{facts.version.clone().unwrap_or_else(|| "—".into())}</dd></div>
            <div><dt>"Size on disk"</dt><dd class="num">{size}</dd></div>
            {tables.collect_view()}
            <div><dt>"Oldest job row"</dt><dd>{oldest(facts.oldest_job)}</dd></div>
            <div><dt>"Written"</dt><dd>{written(&facts.archiving)}</dd></div>
            <div><dt>"Not written"</dt><dd>{held_up(&facts.archiving).unwrap_or_else(|| "nothing".into())}</dd></div>
            <div><dt>"Oldest log line"</dt><dd>{oldest(facts.oldest_line)}</dd></div>
        </dl>
        <Gaps gaps=facts.gaps more=facts.more_gaps />
        {estimated.then(|| view! { <p class="px-gutter pb-4 text-12 text-faint">"“About” is the database's own estimate: counting took too long."</p> })}
    }
}
