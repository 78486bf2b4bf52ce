//! The archive in figures: size, rows, oldest.

use crate::{
    components::{
        empty::Problem,
        gaps::Gaps,
        number::{bytes, count, thousands},
        time::Ago,
    },
    model::{
        archive::{ArchiveState, Archiver, Archiving},
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
                let held = all_held_up(&facts).map(|held| view! { <p class="px-gutter pb-4">{held}</p> });
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

/// What the console that archives has written since it was started.
fn written(facts: &ArchiveFacts) -> String {
    let who = match facts.archiver {
        Archiver::This => "by this console",
        Archiver::Other => "by another console",
        Archiver::Nobody => return "no console archives at the moment".into(),
        Archiver::Unknown => return "—".into(),
    };
    let Some(a) = &facts.archiving else { return who.into() };
    let said = facts.archiving_at.map(|at| format!(" as it said at {} UTC", at.clock())).unwrap_or_default();
    format!(
        "{who}; since it was started {}, {}, {}{said}",
        count(a.dead + a.completed, "job", "jobs"),
        count(a.runs, "run", "runs"),
        count(a.lines, "log line", "log lines")
    )
}

fn not_written(facts: &ArchiveFacts) -> String {
    all_held_up(facts).unwrap_or_else(|| if facts.archiving.is_some() { "nothing" } else { "—" }.into())
}

/// Of the console that archives, and of this one, when it did before.
fn all_held_up(facts: &ArchiveFacts) -> Option<String> {
    let of_it = facts.archiving.as_ref().and_then(held_up);
    let left = facts.left.as_ref().and_then(held_up).map(|held| format!("of what this console read before: {held}"));
    let all: Vec<String> = [of_it, left].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What could not be written, or not yet.
fn held_up(a: &Archiving) -> Option<String> {
    let waiting = (a.spooled > 0).then(|| format!("{} wait to be written", count(a.spooled, "failed job", "failed jobs")));
    let lost = (a.lost > 0).then(|| format!("{} lost: the archive was away for too long", count(a.lost, "failed job", "failed jobs")));
    let untold = (a.untold > 0).then(|| format!("{} lost", count(a.untold, "run or log line", "runs or log lines")));
    let refused =
        (a.lines_refused > 0).then(|| format!("{} lost: the database refuses them", count(a.lines_refused, "log line", "log lines")));
    let refusing = a.refusing.as_ref().map(|r| format!("since {} UTC the database takes nothing: {}", r.since.clock(), r.problem));
    let all: Vec<String> = [refusing, waiting, lost, untold, refused].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// `5.5 MB without the index of words, of which 1 MB are free for new rows`
fn size(facts: &ArchiveFacts) -> String {
    let Some(all) = facts.bytes else { return "—".into() };
    let words = if facts.without_words { " without the index of words" } else { "" };
    let free = facts.free_bytes.filter(|n| *n > 0).map(|n| format!(", of which {} are free for new rows", bytes(n)));
    format!("{}{words}{}", bytes(all), free.unwrap_or_default())
}

fn oldest(at: Option<Millis>) -> AnyView {
    match at {
        Some(at) => view! { {at.full()} <span class="ml-2 text-faint"><Ago at=at /></span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

#[component]
fn Figures(facts: ArchiveFacts) -> impl IntoView {
    let size = size(&facts);
    let tables = facts.tables.iter().map(|t| view! { <div><dt>{what(&t.table).to_owned()}</dt><dd class="num">{rows(t)}</dd></div> });
    let (did, did_not) = (written(&facts), not_written(&facts));
    let estimated = facts.tables.iter().any(|t| t.estimated);
    view! {
        <dl class="facts settings">
            <div><dt>"Database"</dt><dd>{facts.version.clone().unwrap_or_else(|| "—".into())}</dd></div>
            <div><dt>"Size on disk"</dt><dd class="num">{size}</dd></div>
            {tables.collect_view()}
            <div><dt>"Oldest job row"</dt><dd>{oldest(facts.oldest_job)}</dd></div>
            <div><dt>"Written"</dt><dd>{did}</dd></div>
            <div><dt>"Not written"</dt><dd>{did_not}</dd></div>
            <div><dt>"Oldest log line"</dt><dd>{oldest(facts.oldest_line)}</dd></div>
        </dl>
        <Gaps gaps=facts.gaps more=facts.more_gaps />
        {estimated.then(|| view! { <p class="px-gutter pb-4 text-12 text-faint">"“About” is the database's own estimate: counting took too long."</p> })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_says_what_it_counts() {
        let facts = |all, free_bytes, without_words| ArchiveFacts { bytes: all, free_bytes, without_words, ..ArchiveFacts::default() };
        assert_eq!(size(&facts(None, None, true)), "—");
        assert_eq!(size(&facts(Some(5_000_000), Some(0), false)), bytes(5_000_000));
        let all = size(&facts(Some(18_000_000), Some(12_500_000), true));
        assert!(all.contains(" without the index of words, of which ") && all.ends_with(" are free for new rows"), "{all}");
    }

    #[test]
    fn nothing_is_said_of_what_nobody_knows() {
        let lost = || Some(Archiving { lost: 2, ..Archiving::default() });
        let table = [
            (Archiver::This, Some(Archiving::default()), None, "by this console; since it was started 0 jobs", "nothing"),
            (Archiver::Other, lost(), None, "by another console; since it was started 0 jobs", "2 failed jobs lost: "),
            (Archiver::Other, None, None, "by another console", "—"),
            (Archiver::Nobody, None, None, "no console archives at the moment", "—"),
            (Archiver::Unknown, None, None, "—", "—"),
            (Archiver::Nobody, None, lost(), "no console archives at the moment", "of what this console read before: 2 failed jobs lost"),
        ];
        for (archiver, archiving, left, did, did_not) in table {
            let facts = ArchiveFacts { archiver, archiving, left, ..ArchiveFacts::default() };
            assert!(written(&facts).starts_with(did), "{}", written(&facts));
            assert!(not_written(&facts).starts_with(did_not), "{}", not_written(&facts));
        }
    }
}
