//! The archive in figures: size, rows, oldest.

use crate::{
    components::{
        empty::Problem,
        number::{bytes, thousands},
        time::Ago,
    },
    model::{
        archive::ArchiveState,
        error::ApiError,
        settings::{ArchiveFacts, TableSize},
        time::Millis,
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
                view! { <p class="px-gutter pb-4 text-muted">"Nothing can be said of it while it is not open. Live pages are not affected."</p> }.into_any()
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
            <div><dt>"Oldest log line"</dt><dd>{oldest(facts.oldest_line)}</dd></div>
        </dl>
        {estimated.then(|| view! { <p class="px-gutter pb-4 text-12 text-faint">"“About” is the database's own estimate: counting took too long."</p> })}
    }
}
