//! A job that has left Redis, as the archive remembers it: the same page, from its newest row or the one asked for.

use super::{
    facts::{moment, named_priority, priority},
    head::Crumbs,
    payload::{Payload, Shown},
};
use crate::{
    components::{
        badge::{Badge, Tone},
        copy::CopyButton,
        deep_tree::Whose,
        error_view::ErrorView,
        icon::Glyph,
        number::{bytes, thousands},
        past_actions::{PushButtons, Pushable},
        timeline::Timeline,
    },
    live::Live,
    model::{
        archive::{ArchivedJob, ArchivedRow},
        ids::segment,
        past::said,
        time::{Millis, relative, span},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

pub fn badge(row: &ArchivedRow) -> (&'static str, Tone, Glyph) {
    let (word, good) = said(row);
    match good {
        Some(true) => (word, Tone::Completed, Glyph::Completed),
        Some(false) => (word, Tone::Failed, Glyph::Failed),
        None => (word, Tone::Quiet, Glyph::Note),
    }
}

pub fn took(ms: i64) -> String {
    if (0..1_000).contains(&ms) { format!("{ms} ms") } else { span(ms) }
}

/// Where the job was looked for before the archive was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Searched {
    /// In all lists of its queue.
    Whole,
    /// They are too long to be looked through.
    Part,
    /// A row of the archive was asked for.
    Not,
}

/// Why the archive's copy is shown.
fn why_shown(searched: Searched, rows: u64) -> String {
    let (begin, it) = match searched {
        Searched::Whole => ("This job is no longer in Redis. ", "its"),
        Searched::Part => ("This job was not found in the part of its queue that was looked through. ", "its"),
        Searched::Not => ("", "an"),
    };
    let more = if rows > 1 { format!(" The archive has {} rows of this job.", thousands(rows)) } else { String::new() };
    format!("{begin}This is {it} archived copy.{more}")
}

#[component]
pub fn PastJob(job: ArchivedJob, searched: Searched, raw: Memo<bool>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let (timeline, rows) = (job.timeline.clone(), job.rows);
    let row = job.row.clone();
    let title = row.class_name.clone().unwrap_or_else(|| "Job".into());
    let at = row.failed_at.or(row.archived_at);
    let after = move || at.map_or(String::new(), |at| relative(at, now.get()));
    let error =
        job.error.clone().map(|message| view! { <ErrorView message=message stack=job.stack.clone() after=Signal::derive(after) /> });
    let note = match at {
        Some(at) if job.payload_unknown => {
            format!("It ran until {}. The console heard that, but nobody wrote its payload down.", at.full())
        }
        _ => why_shown(searched, rows),
    };
    let look = (searched == Searched::Not).then(|| {
        let href = format!("{}/jobs/{}", row.queue.href(), segment(&row.id));
        view! { " " <a class="link" href=href>"Look for it in Redis"</a> }
    });
    let payload = (!job.payload_unknown).then(|| {
        let here = row.href();
        let whose = Whose { queue: row.queue.clone(), handle: row.id.clone(), at: None, row: Some(row.row) };
        let shown = Shown { text: job.payload.clone(), truncated: job.truncated, bytes: row.bytes, here, whose };
        view! { <Payload shown=shown raw=raw /> }
    });
    view! {
        <Title text=title.clone() />
        <Crumbs queue=row.queue.clone() state=Some(crate::model::job::JobState::Completed) />
        <Head row=row.clone() title=title readable=!job.payload_unknown />
        <div class="six sm:min-h-[calc(100dvh-var(--bar)-100px)]">
            <div class="span4 min-w-0 divide-y divide-line">
                <p class="px-gutter py-2.5 text-muted wrap-anywhere">{note}{look}</p>
                {error}
                <Facts job=job />
                {payload}
            </div>
            <div class="span2 min-w-0"><Timeline entries=timeline /></div>
        </div>
    }
}

#[component]
fn Head(row: ArchivedRow, title: String, readable: bool) -> impl IntoView {
    let (word, tone, glyph) = badge(&row);
    let id = row.id.clone();
    view! {
        <div class="head pb-3.5!">
            <div class="min-w-0">
                <div class="flex items-center gap-2.5 flex-wrap">
                    <h1>{title}</h1>
                    <Badge tone=tone glyph=glyph text=word />
                </div>
                <div class="flex items-center gap-1 mt-0.5 text-faint">
                    <span class="font-mono text-12 wrap-anywhere">{id.clone()}</span>
                    <CopyButton content=Signal::stored(id.clone()) label="Copy id" class="grid place-items-center size-5 rounded-small text-faint hover:text-text" />
                </div>
            </div>
            <span class="flex-1 max-sm:hidden"></span>
            <div class="flex items-center gap-2 max-sm:w-full noscript:hidden">
                {readable.then(|| view! { <PushButtons what=Pushable::Row(row.row) queue=row.queue.clone() name=id /> })}
            </div>
        </div>
    }
}

#[component]
fn Facts(job: ArchivedJob) -> impl IntoView {
    let ArchivedJob { row, payload, truncated, payload_unknown, last, timeline, .. } = job;
    let text = |t: Option<String>| match t {
        Some(t) => view! { <span title=t.clone()>{t.clone()}</span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    };
    let tried = row.run().map(|n| row.max_attempts.map_or_else(|| n.to_string(), |most| format!("{n} of {most}")));
    let named = named_priority(&payload);
    // A payload that is not there whole may name one in what is missing.
    let unsure = named.is_none() && (truncated || payload_unknown);
    let first: Option<Millis> = timeline.iter().find(|e| e.kind == "enqueued").and_then(|e| e.at);
    let ran = last.as_ref().map(|l| took(l.ended_at.0 - l.started_at.0));
    let waited = last.as_ref().and_then(|l| l.wait_ms).map(took);
    let facts: Vec<(&'static str, AnyView)> = vec![
        ("Queue", view! { <a class="link" href=row.queue.href()>{row.queue.to_string()}</a> }.into_any()),
        ("Attempts", text(tried)),
        ("Priority", if unsure { text(None) } else { priority(named) }),
        ("Group", text(row.group_id.clone())),
        ("Enqueued", moment(first)),
        ("Failed", moment(row.failed_at)),
        ("Archived", moment(row.archived_at)),
        ("Waited", text(waited)),
        ("Ran", text(ran)),
        ("Worker", text(last.map(|l| l.worker))),
        ("Size", text(Some(bytes(row.bytes)))),
    ];
    let rows = facts.into_iter().map(|(term, value)| view! { <div><dt>{term}</dt><dd>{value}</dd></div> }).collect_view();
    view! {
        <section aria-labelledby="facts-title">
            <div class="sec"><h2 id="facts-title">"Facts"</h2></div>
            <dl class="facts">{rows}</dl>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_a_job_left_redis_is_said_only_where_all_of_it_was_looked_at() {
        assert_eq!(why_shown(Searched::Whole, 1), "This job is no longer in Redis. This is its archived copy.");
        assert_eq!(
            why_shown(Searched::Part, 1),
            "This job was not found in the part of its queue that was looked through. This is its archived copy."
        );
        assert_eq!(why_shown(Searched::Not, 3), "This is an archived copy. The archive has 3 rows of this job.");
    }
}
