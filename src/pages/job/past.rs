//! A job that has left Redis, as the archive remembers it: the same page, from its newest row or the one asked for.

use super::{
    facts::{moment, name, named_priority, priority, text},
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
        name::Name,
        number::{bytes, thousands},
        past_actions::{PushButtons, Pushable, Retrying},
        timeline::Timeline,
    },
    live::Live,
    model::{
        archive::{ArchivedJob, ArchivedRow, Status},
        ids::segment,
        job::{Found, JobSummary},
        number::jobs,
        past::{is_failure, said},
        shown::in_text,
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

/// What the page is headed with: how the job ended, also where the row tells of an attempt before.
fn ended(job: &ArchivedJob) -> (&'static str, Tone, Glyph) {
    match job.later {
        Some(Status::Completed) => ("Completed", Tone::Completed, Glyph::Completed),
        Some(Status::Failed) => ("Failed", Tone::Failed, Glyph::Failed),
        Some(Status::Waiting | Status::Other) | None => badge(&job.row),
    }
}

/// Jobs in Redis with the row's id.
fn met(found: Option<&Found>) -> Vec<&JobSummary> {
    match found {
        Some(Found::One { job }) => vec![&job.summary],
        Some(Found::Many { jobs }) => jobs.iter().collect(),
        Some(Found::Gone { .. }) | None => Vec::new(),
    }
}

/// What Redis has of it, as a sentence, and where that is shown.
fn in_redis(found: Option<&Found>, job: &ArchivedJob) -> (String, Option<String>) {
    let row = &job.row;
    match found {
        None => ("Redis could not be asked whether it has it as well.".into(), None),
        Some(Found::Gone { scanned, of }) => (gone(*scanned, *of).into(), None),
        Some(Found::One { job: live }) if is_failure(&live.summary, job.stamped_at, row.attempt) => {
            ("This failure is still in Redis: retry it there.".into(), Some(live.summary.href()))
        }
        Some(Found::One { job: live }) => {
            (format!("A job with this id is in Redis: {}.", live.summary.state.as_str()), Some(live.summary.href()))
        }
        Some(Found::Many { jobs: several }) => {
            let here = format!("{}/jobs/{}", row.queue.href(), segment(&row.id));
            let several_are = format!("{} with this id are in Redis", jobs(several.len() as u64));
            let among = several.iter().any(|live| is_failure(live, job.stamped_at, row.attempt));
            (format!("{several_are}{}", if among { ", this failure among them: retry it there." } else { "." }), Some(here))
        }
    }
}

fn gone(scanned: u64, of: u64) -> &'static str {
    if scanned >= of {
        "This job is no longer in Redis."
    } else {
        "This job was not found in the part of its queue that was looked through."
    }
}

/// What is shown instead.
fn copy(found: Option<&Found>, rows: u64) -> String {
    let its = if matches!(found, Some(Found::Gone { .. })) { "its" } else { "an" };
    let more = if rows > 1 { format!(" The archive has {} rows of this job.", thousands(rows)) } else { String::new() };
    format!("This is {its} archived copy.{more}")
}

fn retrying(job: &ArchivedJob, met: &[&JobSummary]) -> Retrying {
    if met.iter().any(|live| is_failure(live, job.stamped_at, job.row.attempt)) {
        Retrying::Elsewhere
    } else if !met.is_empty() {
        Retrying::Against("A job with this id is in Redis: there would be one more.")
    } else if job.succeeded() {
        Retrying::Against("This job has completed: it would run once more.")
    } else {
        Retrying::First
    }
}

#[component]
pub fn PastJob(job: ArchivedJob, found: Option<Found>, seen_at: Millis, pushed_at: Option<Millis>, raw: Memo<bool>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let (timeline, rows) = (job.timeline.clone(), job.rows);
    let row = job.row.clone();
    let title = row.class_name.clone().unwrap_or_else(|| "Job".into());
    let at = row.failed_at.or(row.archived_at);
    let attempt = row.run().filter(|_| job.later.is_some() && job.row.status == Status::Failed);
    let after = move || {
        let ago = at.map_or(String::new(), |at| relative(at, now.get()));
        attempt.map_or_else(|| ago.clone(), |n| format!("attempt {n}, {ago}"))
    };
    let error =
        job.error.clone().map(|message| view! { <ErrorView message=message stack=job.stack.clone() after=Signal::derive(after) /> });
    let (whereabouts, there) = in_redis(found.as_ref(), &job);
    let retrying = match (retrying(&job, &met(found.as_ref())), pushed_at) {
        (Retrying::First, Some(_)) => Retrying::Against("It was retried already: there would be one more."),
        (retrying, _) => retrying,
    };
    let denied = job.later == Some(Status::Completed) && said(&row).1 == Some(false);
    let since = if denied { " It completed after the failure that is shown here." } else { "" };
    let note = match at {
        Some(at) if job.payload_unknown => {
            format!("It ran until {}. The console heard that, but nobody wrote its payload down.", at.full())
        }
        _ => {
            let again = pushed_at.map_or(String::new(), |at| format!(" It was pushed again at {}.", at.full()));
            format!("{whereabouts} {}{since}{again}", copy(found.as_ref(), rows))
        }
    };
    let there = there.map(|href| view! { " " <a class="link" href=href>"Show it in Redis"</a> });
    let payload = (!job.payload_unknown).then(|| {
        let here = row.href();
        let whose = Whose { queue: row.queue.clone(), handle: row.id.clone(), at: None, row: Some(row.row) };
        let shown = Shown { text: job.payload.clone(), truncated: job.truncated, bytes: row.bytes, here, whose };
        view! { <Payload shown=shown raw=raw /> }
    });
    view! {
        <Title text=in_text(&title).into_owned() />
        <Crumbs queue=row.queue.clone() state=Some(crate::model::job::JobState::Completed) />
        <Head ended=ended(&job) retrying=(!job.payload_unknown).then_some(retrying) row=row.clone() title=title seen_at=seen_at />
        <div class="six sm:min-h-[calc(100dvh-var(--bar)-100px)]">
            <div class="span4 min-w-0 divide-y divide-line">
                <p class="px-gutter py-2.5 text-muted wrap-anywhere">{note}{there}</p>
                {error}
                <Facts job=job />
                {payload}
            </div>
            <div class="span2 min-w-0"><Timeline entries=timeline /></div>
        </div>
    }
}

#[component]
fn Head(ended: (&'static str, Tone, Glyph), retrying: Option<Retrying>, row: ArchivedRow, title: String, seen_at: Millis) -> impl IntoView {
    let (word, tone, glyph) = ended;
    let id = row.id.clone();
    view! {
        <div class="head pb-3.5!">
            <div class="min-w-0">
                <div class="flex items-center gap-2.5 flex-wrap">
                    <h1><Name text=title /></h1>
                    <Badge tone=tone glyph=glyph text=word />
                </div>
                <div class="flex items-center gap-1 mt-0.5 text-faint">
                    <span class="font-mono text-12 wrap-anywhere"><Name text=id.clone() /></span>
                    <CopyButton content=Signal::stored(id.clone()) label="Copy id" class="grid place-items-center size-5 rounded-small text-faint hover:text-text" />
                </div>
            </div>
            <span class="flex-1 max-sm:hidden"></span>
            <div class="flex items-center gap-2 max-sm:w-full noscript:hidden">
                {retrying.map(|retrying| view! { <PushButtons what=Pushable::Row(row.row, retrying, seen_at) queue=row.queue.clone() name=id /> })}
            </div>
        </div>
    }
}

#[component]
fn Facts(job: ArchivedJob) -> impl IntoView {
    let ArchivedJob { row, payload, truncated, payload_unknown, last, ran, later, timeline, .. } = job;
    // The newest run is not the one that the row tells of where the job ended otherwise later.
    let last = ran.or_else(|| last.filter(|_| later.is_none()));
    let tried = row.run().map(|n| row.max_attempts.map_or_else(|| n.to_string(), |most| format!("{n} of {most}")));
    let named = named_priority(&payload);
    // A payload that is not there whole may name one in what is missing.
    let unsure = named.is_none() && (truncated || payload_unknown);
    let first: Option<Millis> = timeline.iter().find(|e| e.kind == "enqueued").and_then(|e| e.at);
    let ran = last.as_ref().map(|l| took(l.ended_at.0 - l.started_at.0));
    let waited = last.as_ref().and_then(|l| l.wait_ms).map(took);
    let facts: Vec<(&'static str, AnyView)> = vec![
        ("Queue", view! { <a class="link" href=row.queue.href()><Name text=row.queue.clone() /></a> }.into_any()),
        ("Attempts", text(tried)),
        ("Priority", if unsure { text(None) } else { priority(named) }),
        ("Group", name(row.group_id.clone())),
        ("Enqueued", moment(first)),
        ("Failed", moment(row.failed_at)),
        ("Archived", moment(row.archived_at)),
        ("Waited", text(waited)),
        ("Ran", text(ran)),
        ("Worker", name(last.map(|l| l.worker))),
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
        assert_eq!(gone(9, 9), "This job is no longer in Redis.");
        assert_eq!(gone(8, 9), "This job was not found in the part of its queue that was looked through.");
        assert_eq!(copy(Some(&Found::Gone { scanned: 9, of: 9 }), 1), "This is its archived copy.");
        assert_eq!(copy(None, 1_300), "This is an archived copy. The archive has 1,300 rows of this job.");
    }
}
