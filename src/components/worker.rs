//! What a worker is and does, in words: on the overview and on its own page.

use super::{badge::Tone, icon::Glyph, name::Name};
use crate::model::{
    run::{Run, RunState},
    shown::in_text,
    time::{Millis, relative, span},
    worker::{Beat, Worker, WorkerState},
};
use leptos::prelude::*;

pub fn look(state: WorkerState) -> (&'static str, Tone, Glyph) {
    match state {
        WorkerState::Lost => ("Lost", Tone::Lost, Glyph::Lost),
        WorkerState::Online => ("Online", Tone::Active, Glyph::Active),
        WorkerState::Stopped => ("Stopped", Tone::Paused, Glyph::Paused),
    }
}

/// Class, else id: what a person calls the job.
pub fn job_name(run: &Run) -> String {
    run.class_name.clone().or_else(|| run.job.clone()).unwrap_or_else(|| "a job without id".into())
}

/// The same in a sentence or alone: an id says that it is a job's.
pub fn job_said(run: &Run) -> String {
    match (&run.class_name, &run.job) {
        (None, Some(id)) => format!("job {}", in_text(id)),
        (Some(_), _) | (None, None) => in_text(&job_name(run)).into_owned(),
    }
}

/// A run that still counts: not put back.
pub fn open(run: &&Run) -> bool {
    run.put_back.done_at.is_none()
}

/// What it does now, in short.
pub fn doing(worker: &Worker, now: Millis) -> String {
    let since = worker.since.map(|at| relative(at, now)).unwrap_or_default();
    match worker.state {
        WorkerState::Lost => format!("lost {since}"),
        WorkerState::Stopped => format!("stopped {since}"),
        WorkerState::Online => match worker.runs.iter().find(open) {
            Some(run) => job_said(run),
            None if worker.heard_at.is_none() => "not heard yet".into(),
            None => "idle".into(),
        },
    }
}

/// Load average by core, in percent; above 100 work waits for a core.
pub fn load(beat: &Beat) -> Option<u64> {
    let cores = beat.cores.filter(|n| *n > 0)? as f64;
    beat.load.map(|load| (load / cores * 100.0).round().max(0.0) as u64)
}

/// How long it has run; of a lost one, until it was missed.
pub fn ran(run: &Run, now: Millis) -> String {
    let until = if run.state == RunState::Lost { run.lost_at.unwrap_or(now) } else { now };
    span((until.0 - run.started_at.0).max(0))
}

/// The share as a bar with its figure beside it.
#[component]
pub fn LoadBar(#[prop(into)] percent: Signal<Option<u64>>) -> impl IntoView {
    let class = move || if percent.get().is_some_and(|p| p > 85) { "bar hot" } else { "bar" };
    view! {
        <span class=class aria-hidden="true"><i style:width=move || format!("{}%", percent.get().unwrap_or(0).min(100))></i></span>
        <span class=move || if percent.get().is_some_and(|p| p > 0) { "pct" } else { "pct text-zero" }>{move || percent.get().map_or_else(|| "—".into(), |p| format!("{p} %"))}</span>
    }
}

/// The first few, one line each: lost ones first.
#[component]
pub fn WorkerLines(#[prop(into)] workers: Signal<Vec<Worker>>, now: Signal<Millis>) -> impl IntoView {
    view! {
        <div class="wk h" aria-hidden="true"><span></span><span>"Worker"</span><span>"Running"</span><span>"Load"</span><span></span></div>
        <ul aria-label="Workers">
            <For each=move || workers.get() key=|w| (w.id.clone(), w.state as u8) let:first>
                {
                    let id = first.id.clone();
                    let (word, tone, glyph) = look(first.state);
                    let worker = Memo::new(move |last: Option<&Worker>| {
                        workers.with(|all| all.iter().find(|w| w.id == id).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone())
                    });
                    let text = Memo::new(move |_| worker.with(|w| doing(w, now.get())));
                    let name = worker.with_untracked(|w| w.id.clone());
                    let class = if tone == Tone::Lost { "clip text-lost font-medium" } else { "clip" };
                    view! {
                        <li><a class="wk" href="/workers" title=format!("{name}: {}", word.to_ascii_lowercase())>
                            <super::icon::Icon glyph=glyph class=tone.icon() />
                            <span class=class><Name text=name.clone() /></span>
                            <span class="clip text-muted">{move || text.get()}</span>
                            <LoadBar percent=Signal::derive(move || worker.with(|w| if w.state == WorkerState::Online { load(&w.beat) } else { None })) />
                        </a></li>
                    }
                }
            </For>
        </ul>
    }
}
