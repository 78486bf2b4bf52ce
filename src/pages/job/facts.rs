//! What the payload and its place say about the job.

use crate::{
    components::{
        job_table::attempts,
        number::{bytes, thousands},
        time::Ago,
    },
    model::{
        ids::Priority,
        job::{JobState, JobSummary},
        json,
        time::Millis,
    },
};
use leptos::prelude::*;

/// Full time and how long ago.
pub fn moment(at: Option<Millis>) -> AnyView {
    match at {
        Some(at) => view! { {at.full()} <span class="ml-2 text-faint"><Ago at=at /></span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

/// The priority that the payload itself names: of a failed job the list does not tell.
pub fn named_priority(payload: &str) -> Option<String> {
    let raw = json::field(payload, &json::leading_members(payload), "priority")?;
    let text = json::decode(raw).unwrap_or_else(|| raw.to_owned());
    (!matches!(text.as_str(), "" | "null" | "0" | "false")).then_some(text)
}

/// A retry would push it to a list of this name.
fn priority(named: Option<String>) -> AnyView {
    let Some(name) = named else { return view! { <span class="text-zero">"base"</span> }.into_any() };
    let read = Priority::ALL.iter().any(|p| p.as_str() == name && *p != Priority::Base);
    let note = (!read).then(|| view! { <span class="ml-2 text-waiting">"no worker reads it"</span> });
    view! { {name}{note} }.into_any()
}

/// `named`: the payload's own priority, see [`named_priority`].
#[component]
pub fn Facts(job: JobSummary, named: Option<String>, ahead: Option<u64>) -> impl IntoView {
    let text = |t: Option<String>| {
        t.map_or_else(
            || view! { <span class="text-zero">"—"</span> }.into_any(),
            |t| view! { <span title=t.clone()>{t.clone()}</span> }.into_any(),
        )
    };
    let mut facts: Vec<(&'static str, AnyView)> = vec![
        ("Queue", view! { <a class="link" href=job.queue.href()>{job.queue.to_string()}</a> }.into_any()),
        (if job.state == JobState::Failed { "Attempts" } else { "Run" }, text(attempts(&job))),
        ("Priority", job.priority.map_or_else(|| priority(named), |p| text(Some(p.as_str().into())))),
        ("Group", text(job.group_id.clone())),
        // The library stamps the payload anew at every attempt: only a job that never ran shows when it was enqueued.
        (if job.attempts.unwrap_or(0) == 0 { "Enqueued" } else { "Written" }, moment(job.created_at)),
    ];
    match job.state {
        JobState::Failed => facts.push(("Failed", moment(job.failed_at))),
        JobState::Delayed => facts.push(("Due", moment(job.run_at))),
        JobState::Waiting | JobState::Grouped | JobState::Active | JobState::Completed => {
            let before =
                ahead.map(|n| if n == 0 { "runs next of its list".into() } else { format!("{} of its list run before it", thousands(n)) });
            facts.push(("Place", text(before)));
        }
    }
    facts.push(("Size", text(Some(bytes(job.bytes)))));
    let rows = facts.into_iter().map(|(term, value)| view! { <div><dt>{term}</dt><dd>{value}</dd></div> }).collect_view();
    view! {
        <section aria-labelledby="facts-title">
            <div class="sec"><h2 id="facts-title">"Facts"</h2></div>
            <dl class="facts">{rows}</dl>
        </section>
    }
}
