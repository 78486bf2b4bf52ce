//! What the job is called, where it is, and what can be done with it there.

use crate::{
    components::{
        address::use_list_before,
        badge::{Badge, Tone},
        confirm::{Actions, Question},
        copy::CopyButton,
        icon::{Glyph, Icon},
        keys::on_key,
        name::Name,
        past_actions::{PushButtons, Pushable},
    },
    model::{
        ids::QueueName,
        job::{JobDetail, JobState, JobSummary},
        query::JobsQuery,
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

fn list(queue: &QueueName, state: JobState) -> String {
    JobsQuery { state, order: JobsQuery::first_order(state), ..JobsQuery::read(queue.clone(), |_| None) }.href()
}

/// As the queue's page names the list: the one of completed jobs is the archive, which has failed ones too.
fn tab(state: JobState) -> &'static str {
    if state == JobState::Completed { "archive" } else { state.as_str() }
}

#[component]
pub fn Crumbs(queue: QueueName, state: Option<JobState>) -> impl IntoView {
    let step = || view! { <Icon glyph=Glyph::ChevronRight class="i xs" /> };
    let back = state.map_or_else(|| queue.href(), |s| list(&queue, s));
    let navigate = use_navigate();
    let left = use_list_before(queue.clone());
    on_key("Escape", {
        let back = back.clone();
        move || {
            // With its page, order and filter.
            navigate(&left().unwrap_or_else(|| back.clone()), Default::default());
            true
        }
    });
    view! {
        <nav class="crumb" aria-label="Breadcrumb">
            <a href="/queues">"Queues"</a>
            {step()}
            <a class="clip" href=queue.href() title=queue.to_string()><Name text=queue.clone() /></a>
            {state.map(|s| view! { {step()}<a href=back>{tab(s)}</a> })}
        </nav>
    }
}

/// The payload for an editor, or why there is none to edit.
pub fn editable(job: &JobDetail) -> Result<String, &'static str> {
    if job.truncated {
        return Err("The payload is too large to be edited on this page.");
    }
    // Bytes that are no text were replaced for the page: sent back, they would be others.
    if job.payload.len() as u64 != job.summary.bytes {
        return Err("The payload is not UTF-8 throughout, so it cannot be edited as text.");
    }
    Ok(job.payload.clone())
}

/// `edit`: see [`editable`].
#[component]
pub fn Head(job: JobSummary, edit: Result<String, &'static str>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let (word, tone, glyph) = Tone::of(job.state);
    let handle = job.id.clone().unwrap_or_else(|| job.fingerprint.hash.clone());
    let name = job.id.clone().unwrap_or_else(|| job.title());
    let job = StoredValue::new(job);
    let state = job.with_value(|j| j.state);
    let readable = job.with_value(|j| j.problem.is_none());
    let act = {
        let name = name.clone();
        move || {
            let JobSummary { queue, fingerprint, .. } = job.get_value();
            match state {
                JobState::Failed => actions.retry_one(queue, fingerprint, name.clone()),
                JobState::Delayed => actions.promote_one(queue, fingerprint, name.clone()),
                _ => {}
            }
        }
    };
    let verb = match state {
        JobState::Failed => Some((Glyph::Retry, "Retry job")),
        JobState::Delayed => Some((Glyph::Play, "Run now")),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => None,
    };
    let on_retry = act.clone();
    on_key("r", move || {
        if state == JobState::Failed {
            on_retry();
        }
        state == JobState::Failed
    });
    let named = name.clone();
    let delete = move |_| {
        let JobSummary { queue, fingerprint, bytes, .. } = job.get_value();
        actions.ask(Question::Discard { queue, state, jobs: vec![fingerprint], bytes, name: Some(named.clone()) });
    };
    let edit = (state == JobState::Failed && readable).then_some(edit).map(|edit| {
        let (why, payload) = (edit.as_ref().err().copied(), edit.ok());
        let named = name.clone();
        let ask = move |_| {
            let JobSummary { queue, fingerprint, .. } = job.get_value();
            if let Some(payload) = payload.clone() {
                actions.ask(Question::EditRetry { queue, job: fingerprint, name: named.clone(), payload });
            }
        };
        view! {
            <button type="button" class="btn max-sm:flex-1" disabled=why.is_some() title=why on:click=ask>
                <Icon glyph=Glyph::Edit />
                "Edit and retry…"
            </button>
        }
    });
    let deletable = matches!(state, JobState::Waiting | JobState::Grouped | JobState::Delayed | JobState::Failed);
    view! {
        <div class="head pb-3.5!">
            <div class="min-w-0">
                <div class="flex items-center gap-2.5 flex-wrap">
                    <h1><Name text=job.with_value(JobSummary::title) /></h1>
                    <Badge tone=tone glyph=glyph text=word />
                </div>
                <div class="flex items-center gap-1 mt-0.5 text-faint">
                    <span class="font-mono text-12 wrap-anywhere"><Name text=handle.clone() /></span>
                    <CopyButton content=Signal::stored(handle) label="Copy id" class="grid place-items-center size-5 rounded-small text-faint hover:text-text" />
                </div>
            </div>
            <span class="flex-1 max-sm:hidden"></span>
            <div class="flex items-center gap-2 max-sm:w-full max-sm:flex-wrap noscript:hidden">
                {verb.map(|(glyph, text)| view! {
                    <button type="button" class="btn primary max-sm:flex-1" disabled=move || actions.pending.get() || !readable on:click=move |_| act()>
                        <Icon glyph=glyph />
                        {text}
                    </button>
                })}
                {edit}
                {readable.then(|| {
                    let JobSummary { queue, fingerprint, .. } = job.get_value();
                    view! { <PushButtons what=Pushable::Live(queue.clone(), fingerprint) queue=queue name=name.clone() /> }
                })}
                {deletable.then(|| view! {
                    <button type="button" class="btn danger max-sm:flex-1" on:click=delete>
                        <Icon glyph=Glyph::Trash />
                        "Delete job…"
                    </button>
                })}
            </div>
        </div>
    }
}
