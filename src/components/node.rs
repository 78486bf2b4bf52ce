//! A node on the page of workers: one line that opens to everything its heartbeat says, and what can be asked of it.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    name::Name,
    node_command::{Answers, Asks},
    node_spark::NodeSpark,
    number::{Place, bytes, count, figure},
    time::Ago,
};
use crate::{
    live::Live,
    model::{
        node::{Freshness, Node, NodeBeat, NodeQueue},
        time::{relative, span},
    },
};
use leptos::prelude::*;

pub fn look(freshness: Freshness) -> (&'static str, Tone, Glyph) {
    match freshness {
        Freshness::Fresh => ("Online", Tone::Active, Glyph::Active),
        Freshness::Late => ("Late", Tone::Waiting, Glyph::Warning),
        Freshness::Gone => ("Gone", Tone::Lost, Glyph::Lost),
    }
}

/// `41 %`, `0.3 %`: small shares keep a decimal.
fn percent(value: Option<f64>) -> String {
    match value {
        None => "—".into(),
        Some(p) if p > 0.0 && p < 9.95 => format!("{} %", Place((p * 10.0).round() / 10.0)),
        Some(p) => format!("{} %", p.round() as u64),
    }
}

/// `php · Laravel 11`, `bun 1.3.4`
fn kind(beat: &NodeBeat) -> String {
    let language = beat.language.clone().filter(|l| l != "other");
    let parts = [language.map(|l| beat.version.as_ref().map_or(l.clone(), |v| format!("{l} {v}"))), beat.framework.clone()];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() { beat.version.clone().unwrap_or_default() } else { said.join(" · ") }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "—".into())
}

/// `7.1 GB of 25.3 GB`
fn memory(beat: &NodeBeat) -> String {
    match (beat.memory_used, beat.memory_total) {
        (Some(used), Some(total)) => format!("{} of {}", bytes(used), bytes(total)),
        (None, Some(total)) => format!("— of {}", bytes(total)),
        _ => "—".into(),
    }
}

fn facts(beat: &NodeBeat) -> Vec<(&'static str, String)> {
    let heap = match (beat.heap_used, beat.heap_total) {
        (Some(used), Some(total)) => Some(format!(", heap {} of {}", bytes(used), bytes(total))),
        (Some(used), None) => Some(format!(", heap {}", bytes(used))),
        _ => None,
    };
    let place: Vec<String> =
        [beat.hostname.clone(), beat.pid.map(|pid| format!("pid {pid}")), beat.platform.clone()].into_iter().flatten().collect();
    let mut all = vec![
        ("Runs on", if place.is_empty() { "—".into() } else { place.join(" · ") }),
        ("Runtime", Some(kind(beat)).filter(|k| !k.is_empty()).unwrap_or_else(|| "—".into())),
        (
            "CPU",
            format!(
                "system {}, process {}{}",
                percent(beat.cpu_system),
                percent(beat.cpu_process),
                beat.cores.map_or(String::new(), |n| format!(", {}", count(n, "core", "cores")))
            ),
        ),
        ("Memory", format!("system {}", memory(beat))),
        ("Process", beat.rss.map_or_else(|| "—".into(), |n| format!("{} resident{}", bytes(n), heap.unwrap_or_default()))),
        (
            "Up",
            beat.uptime_seconds.map_or_else(|| "—".into(), |s| span(i64::try_from(s).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000))),
        ),
    ];
    if let Some(n) = beat.laravel_workers {
        all.push(("Laravel", count(n, "queue worker", "queue workers")));
    }
    all
}

#[component]
pub fn NodeCard(first: Node, nodes: Signal<Vec<Node>>, #[prop(into)] on_sent: Callback<()>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let (service, id) = (first.service.clone(), first.id.clone());
    let name = id.clone();
    let node = Memo::new(move |last: Option<&Node>| {
        nodes.with(|all| all.iter().find(|n| n.service == service && n.id == id).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone())
    });
    let beat = Memo::new(move |_| node.with(|n| n.beat.clone()));
    let state = Memo::new(move |_| node.with(|n| n.freshness));
    let seen = Memo::new(move |_| node.with(|n| n.seen_at));
    let word = move || look(state.get()).0;
    let there = move || state.get() != Freshness::Gone;
    let cpu = Memo::new(move |_| beat.with(|b| percent(b.cpu_system)));
    let ram = Memo::new(move |_| beat.with(|b| percent(b.ram_percent())));
    let shown = move |text: Memo<String>| move || if there() { text.get() } else { "—".into() };
    let queues = Memo::new(move |_| beat.with(|b| b.queues.clone()));
    let any_queue = Memo::new(move |_| !queues.with(Vec::is_empty));
    let what = Memo::new(move |_| beat.with(|b| b.problem.clone().unwrap_or_else(|| kind(b))));
    view! {
        <details class="node">
            <summary>
                <span class="state"><Icon glyph=Signal::derive(move || look(state.get()).2) class=Signal::derive(move || look(state.get()).1.icon()) /><span class=move || if there() { "" } else { "text-lost font-medium" }>{word}</span></span>
                <span class="who"><span class="clip font-medium"><Name text=name /></span><span class="clip text-12 text-faint">{move || what.get()}</span></span>
                <span class="fig" title=move || beat.with(|b| format!("CPU of the process: {}", percent(b.cpu_process)))><span class="num">{shown(cpu)}</span><NodeSpark what="CPU" values=Signal::derive(move || node.with(|n| n.cpu_history.clone())) /></span>
                <span class="fig" title=move || beat.with(memory)><span class="num">{shown(ram)}</span><NodeSpark what="Memory" values=Signal::derive(move || node.with(|n| n.memory_history.clone())) /></span>
                <span class="num text-muted rss">{move || beat.with(|b| or_dash(b.rss.map(bytes)))}</span>
                <span class="num text-muted seen" title=move || seen.get().full()>{move || relative(seen.get(), now.get())}</span>
                <Icon glyph=Glyph::ChevronDown class="i s text-faint open" />
            </summary>
            <div class="inside">
                {move || beat.with(|b| b.problem.clone()).map(|text| view! { <p class="px-gutter pb-3 text-failed">{text}" Nothing else is known of it."</p> })}
                <dl class="facts">
                    {move || beat.with(facts).into_iter().map(|(name, text)| view! { <div><dt>{name}</dt><dd title=text.clone()>{text.clone()}</dd></div> }).collect_view()}
                    <div><dt>"Heartbeat"</dt><dd>{move || view! { <Ago at=seen.get() /> }}</dd></div>
                </dl>
                <Show when=move || any_queue.get()>
                    <Queues queues=queues node=node on_sent=on_sent />
                </Show>
                <Asks node=node on_sent=on_sent />
                <Answers node=node />
            </div>
        </details>
    }
}

#[component]
fn Queues(queues: Memo<Vec<NodeQueue>>, node: Memo<Node>, on_sent: Callback<()>) -> impl IntoView {
    let more = Memo::new(move |_| node.with(|n| n.beat.more_queues));
    let cell =
        |value: Option<u64>| view! { <td class=if value.is_some_and(|n| n > 0) { "r" } else { "r text-zero" }>{figure(value, false)}</td> };
    let row = move |q: NodeQueue| {
        let flow = match (q.throughput_in, q.throughput_out) {
            (None, None) => "—".to_owned(),
            (a, b) => format!("{} / {}", figure(a, false), figure(b, false)),
        };
        let uncounted = q.active.is_none() && q.driver.as_deref() == Some("redis");
        view! {
            <tr title=if uncounted { "The agent counts only what waits here" } else { "" }>
                <td><span class="font-medium"><Name text=q.name.clone() /></span></td>
                <td class="text-muted max-sm:hidden">{q.driver.clone().unwrap_or_else(|| "—".into())}</td>
                {cell(q.waiting)}
                {cell(q.active)}
                {cell(q.delayed)}
                {cell(q.failed)}
                <td class="r text-muted max-md:hidden">{flow}</td>
                <td class="r max-sm:hidden"><super::node_command::RetryAll node=node queue=q.name.clone() on_sent=on_sent /></td>
            </tr>
        }
    };
    view! {
        <table class="grid-table">
            <caption class="sr-only">"Queues as this node sees them"</caption>
            <thead>
                <tr>
                    <th scope="col">"Queue"</th>
                    <th scope="col" class="w-24 max-sm:hidden">"Driver"</th>
                    <th scope="col" class="r w-22 max-sm:w-18">"Waiting"</th>
                    <th scope="col" class="r w-20 max-sm:w-16">"Active"</th>
                    <th scope="col" class="r w-22 max-sm:w-18">"Delayed"</th>
                    <th scope="col" class="r w-20 max-sm:w-18">"Failed"</th>
                    <th scope="col" class="r w-32 max-md:hidden">"In / out a min"</th>
                    <th scope="col" class="w-42 max-sm:hidden"><span class="sr-only">"Commands"</span></th>
                </tr>
            </thead>
            <tbody>
                <For each=move || queues.get() key=|q| format!("{q:?}") children=row />
            </tbody>
        </table>
        {move || (more.get() > 0).then(|| view! { <p class="px-gutter py-2 text-12 text-faint">{format!("And {}, not listed.", count(more.get(), "more queue", "more queues"))}</p> })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_well() {
        let cases = [(None, "—"), (Some(0.0), "0 %"), (Some(0.34), "0.3 %"), (Some(5.25), "5.3 %"), (Some(99.6), "100 %")];
        for (value, text) in cases {
            assert_eq!(percent(value), text);
        }
    }

    #[test]
    fn what_a_node_is() {
        let beat = |language: &str, version: Option<&str>, framework: Option<&str>| {
            kind(&NodeBeat {
                language: Some(language.into()),
                version: version.map(Into::into),
                framework: framework.map(Into::into),
                ..NodeBeat::default()
            })
        };
        assert_eq!(beat("bun", Some("1.3.4"), Some("Quasar")), "bun 1.3.4 · Quasar");
        assert_eq!(beat("other", Some("0.4.0"), Some("Flux Console")), "Flux Console");
        assert_eq!(kind(&NodeBeat::default()), "");
    }
}
