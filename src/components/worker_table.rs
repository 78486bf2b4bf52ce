//! Every worker, a row each: what it is, what it runs, how its host is.

use super::{
    icon::Icon,
    name::Name,
    number::{Number, Place, bytes},
    worker::{LoadBar, doing, job_said, load, look, open, ran},
};
use crate::{
    live::Live,
    model::{
        log::LogQuery,
        shown::in_text,
        time::span,
        worker::{Beat, Worker, WorkerState},
    },
};
use leptos::prelude::*;

/// `120 MB resident, 60.0 MB of heap in use, host has 2.0 GB`
fn memory(beat: &Beat) -> String {
    let said = |value: Option<u64>, text: fn(String) -> String| value.map(|n| text(bytes(n)));
    let parts = [
        said(beat.rss, |n| format!("{n} resident")),
        said(beat.heap, |n| format!("{n} of heap in use")),
        said(beat.total, |n| format!("host has {n}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `shop-1 · 4711`
fn place(beat: &Beat) -> String {
    let parts = [beat.hostname.clone(), beat.pid.map(|pid| pid.to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[component]
pub fn WorkerTable(#[prop(into)] workers: Signal<Vec<Worker>>) -> impl IntoView {
    view! {
        <table class="grid-table">
            <caption class="sr-only">"Workers"</caption>
            <thead class="stick">
                <tr>
                    <th scope="col" class="w-25 max-sm:w-24">"State"</th>
                    <th scope="col" class="w-52 xl:w-64 max-lg:w-44 max-sm:w-auto">"Worker"</th>
                    <th scope="col" class="max-sm:hidden">"Queues"</th>
                    <th scope="col" class="w-48 xl:w-56 max-lg:w-44 max-sm:w-34 max-sm:pr-gutter!">"Running"</th>
                    <th scope="col" class="w-36 max-md:pr-gutter! max-sm:hidden">"Load"</th>
                    <th scope="col" class="r w-22 max-xl:hidden">"Memory"</th>
                    <th scope="col" class="r w-24 max-xl:hidden">"Uptime"</th>
                    <th scope="col" class="r w-20 max-md:hidden">"Done"</th>
                    <th scope="col" class="r w-22 max-md:hidden">"Failed"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || workers.get() key=|w| (w.id.clone(), w.state as u8) let:first>
                    <Row first=first workers=workers />
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn Row(first: Worker, workers: Signal<Vec<Worker>>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let id = first.id.clone();
    let (word, tone, glyph) = look(first.state);
    let online = first.state == WorkerState::Online;
    let log = format!("/logs{}", LogQuery { worker: id.clone(), ..LogQuery::default() }.search());
    let worker = Memo::new({
        let id = id.clone();
        move |last: Option<&Worker>| {
            workers.with(|all| all.iter().find(|w| w.id == id).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone())
        }
    });
    let text = |read: fn(&Worker) -> String| Memo::new(move |_| worker.with(read));
    let queues = text(|w| w.beat.queues.iter().map(|q| in_text(q)).collect::<Vec<_>>().join(", "));
    let rss = text(|w| w.beat.rss.map_or_else(|| "—".into(), bytes));
    let (memory, place) = (text(|w| memory(&w.beat)), text(|w| place(&w.beat)));
    let uptime = text(|w| w.beat.uptime_seconds.map_or_else(|| "—".into(), |s| span((s as i64).saturating_mul(1_000))));
    let running = Memo::new(move |_| {
        worker.with(|w| match w.runs.iter().find(open).filter(|_| w.state != WorkerState::Stopped) {
            Some(run) => {
                let others = w.runs.iter().filter(open).count() - 1;
                let more = if others > 0 { format!(" and {others} more") } else { String::new() };
                (job_said(run) + &more, ran(run, now.get()))
            }
            None => (doing(w, now.get()), String::new()),
        })
    });
    let quiet = Memo::new(move |_| worker.with(|w| !w.runs.iter().any(|r| open(&r))));
    let percent = Signal::derive(move || worker.with(|w| if online { load(&w.beat) } else { None }));
    // What was not heard is unknown, not nothing.
    let heard = move |read: fn(&Worker) -> u64| Memo::new(move |_| worker.with(|w| w.heard_at.map(|_| read(w))));
    let detail = move || {
        worker.with(|w| match (w.beat.load, w.beat.cores) {
            (Some(load), Some(cores)) => format!("Load average {} on {cores} cores", Place(load)),
            _ => "The heartbeat says nothing of its load".into(),
        })
    };
    view! {
        <tr data-row>
            <td><span class=if online { "state" } else { "state font-medium" }><Icon glyph=glyph class=tone.icon() /><span class=if word == "Lost" { "text-lost" } else { "" }>{word}</span></span></td>
            <td>
                <a class="name" href=log title="The log of this worker"><Name text=id /></a>
                <span class="ml-2 text-12 text-faint num max-lg:hidden">{move || place.get()}</span>
            </td>
            <td class="max-sm:hidden" title=move || queues.get()>{move || queues.with(|q| if q.is_empty() { "—".to_owned() } else { q.clone() })}</td>
            <td class=move || if quiet.get() { "text-muted max-sm:pr-gutter!" } else { "max-sm:pr-gutter!" }>
                <span class="flex gap-2"><span class="clip">{move || running.with(|r| r.0.clone())}</span><span class="text-faint num flex-none">{move || running.with(|r| r.1.clone())}</span></span>
            </td>
            <td class="max-md:pr-gutter! max-sm:hidden" title=detail><span class="load-cell"><LoadBar percent=percent /></span></td>
            <td class="r max-xl:hidden" title=move || memory.get()>{move || if online { rss.get() } else { "—".into() }}</td>
            <td class="r max-xl:hidden">{move || if online { uptime.get() } else { "—".into() }}</td>
            <td class="r max-md:hidden"><Number value=heard(|w| w.completed) /></td>
            <td class="r max-md:hidden"><Number value=heard(|w| w.failed) /></td>
        </tr>
    }
}
