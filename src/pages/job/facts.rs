//! What the payload and its place say about the job, and what was heard of its newest run.

use super::past::took;
use crate::{
    components::{
        job_table::attempts,
        name::Name,
        number::{bytes, thousands},
        time::Ago,
    },
    live::Live,
    model::{
        ids::Priority,
        job::{JobState, JobSummary},
        json,
        past::Past,
        run::RunState,
        time::Millis,
    },
};
use leptos::prelude::*;

/// Full time and how long ago.
pub fn moment(at: Option<Millis>) -> AnyView {
    match at {
        Some(at) => view! { <span class="mr-1">{at.full()}</span> " " <span class="text-faint"><Ago at=at /></span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

/// What the console says itself.
pub fn text(said: Option<String>) -> AnyView {
    match said {
        Some(said) => view! { <span title=said.clone()>{said.clone()}</span> }.into_any(),
        None => view! { <span class="text-zero">"—"</span> }.into_any(),
    }
}

/// A group, a worker.
pub fn name(named: Option<String>) -> AnyView {
    match named {
        Some(named) => view! { <span title=named.clone()><Name text=named.clone() /></span> }.into_any(),
        None => text(None),
    }
}

/// The priority that the payload itself names: of a failed job the list does not tell.
pub fn named_priority(payload: &str) -> Option<String> {
    let raw = json::field(payload, &json::leading_members(payload), "priority")?;
    let text = json::decode(raw).unwrap_or_else(|| raw.to_owned());
    (!matches!(text.as_str(), "" | "null" | "0" | "false")).then_some(text)
}

/// A retry would push it to a list of this name.
pub fn priority(named: Option<String>) -> AnyView {
    let Some(name) = named else { return view! { <span class="text-zero">"base"</span> }.into_any() };
    let read = Priority::ALL.iter().any(|p| p.as_str() == name && *p != Priority::Base);
    let note = (!read).then(|| view! { <span class="ml-2 text-waiting">"no worker reads it"</span> });
    view! { <Name text=name />{note} }.into_any()
}

/// Waited, ran, worker. A run that is open says more than one that the archive remembers.
fn newest_run(id: &str, live: Live, past: RwSignal<Option<Past>>) -> [Option<String>; 3] {
    let open = live.runs.with(|runs| runs.as_ref()?.iter().find(|run| run.job.as_deref() == Some(id)).cloned());
    if let Some(run) = open {
        let state = match run.state {
            RunState::Running => "running now",
            RunState::Unsure => "may be running",
            RunState::Lost => "its worker was lost",
        };
        return [run.wait_ms.map(took), Some(state.into()), Some(run.worker)];
    }
    past.with(|past| {
        let Some(last) = past.as_ref().and_then(|past| past.last.as_ref()) else { return [None, None, None] };
        [last.wait_ms.map(took), Some(took(last.ended_at.0 - last.started_at.0)), Some(last.worker.clone())]
    })
}

/// `named`: the payload's own priority, see [`named_priority`]; `past`: what the archive knows, once it has said it.
#[component]
pub fn Facts(job: JobSummary, named: Option<String>, ahead: Option<u64>, past: RwSignal<Option<Past>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let mut facts: Vec<(&'static str, AnyView)> = vec![
        ("Queue", view! { <a class="link" href=job.queue.href()><Name text=job.queue.clone() /></a> }.into_any()),
        (if job.state == JobState::Failed { "Attempts" } else { "Attempt" }, text(attempts(&job))),
        ("Priority", job.priority.map_or_else(|| priority(named), |p| text(Some(p.as_str().into())))),
        ("Group", name(job.group_id.clone())),
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
    let runs = job.id.clone().map(|id| Memo::new(move |_| newest_run(&id, live, past)));
    for (i, term) in ["Waited", "Ran", "Worker"].into_iter().enumerate() {
        let show = if term == "Worker" { name } else { text };
        facts.push((term, view! { {move || show(runs.and_then(|runs| runs.with(|all| all[i].clone())))} }.into_any()));
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
