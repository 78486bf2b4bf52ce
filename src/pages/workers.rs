//! `/workers`: who works, what they run, the jobs of those that are gone, and the nodes.

mod nodes;

use crate::{
    api,
    components::{
        class_table::ClassTable,
        empty::{Empty, Skeleton},
        number::{count, thousands},
        run_table::RunTable,
        trends::{use_classes, use_window},
        worker_table::WorkerTable,
    },
    live::{Live, known},
    model::{
        live::LiveView,
        run::{Run, RunState},
        worker::{Worker, WorkerList},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use nodes::Nodes;

/// `226 online, 1 lost, 3 stopped`
fn facts(list: &WorkerList) -> String {
    let parts = [(list.online, "online"), (list.lost, "lost"), (list.stopped, "stopped")];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", thousands(*n))).collect();
    said.join(", ")
}

fn lost(list: &WorkerList) -> Vec<Run> {
    list.workers.iter().flat_map(|w| &w.runs).filter(|run| run.state == RunState::Lost).cloned().collect()
}

#[component]
pub fn WorkersPage() -> impl IntoView {
    let live = expect_context::<Live>();
    live.watch(|| LiveView::Workers);
    let first = known(api::workers::workers);
    let window = use_window();
    let classes = use_classes(window);
    let list =
        Memo::new(move |last: Option<&Option<WorkerList>>| live.workers.get().or_else(|| last.cloned().flatten()).or_else(|| first.get()));
    let read = move || list.with(|l| l.as_ref().map(facts).unwrap_or_default());
    let workers = Memo::new(move |_| list.with(|l| l.as_ref().map(|l| l.workers.clone()).unwrap_or_default()));
    let lost = Memo::new(move |_| list.with(|l| l.as_ref().map(lost).unwrap_or_default()));
    let any = Memo::new(move |_| !workers.with(Vec::<Worker>::is_empty));
    let any_lost = Memo::new(move |_| !lost.with(Vec::is_empty));
    let more = Memo::new(move |_| list.with(|l| l.as_ref().map_or(0, |l| l.more)));
    let asked = Memo::new(move |_| list.with(Option::is_some));
    let unheard =
        Memo::new(move |_| live.overview.with(|o| o.as_ref().is_some_and(|o| o.sampled_at.is_some() && o.heard.listening_since.is_none())));
    let stale = live.stale();
    let none = move || {
        if asked.get() {
            view! {
                <Empty title="No worker reports" text="A consumer appears here within seconds when it runs with monitor: true, e.g. new Consumer(manager, { queues: [\"orders\"], monitor: true }). Without it, it works unseen." />
            }
            .into_any()
        } else {
            view! { <Skeleton /> }.into_any()
        }
    };
    view! {
        <Title text="Workers" />
        <div class="head">
            <h1>"Workers"</h1>
            <span class="text-muted num">{read}</span>
        </div>
        <Show when=move || unheard.get()>
            <div class="banner quiet"><p>"Events are not heard: what workers run is unknown until they are."</p></div>
        </Show>
        <div class=move || if stale.get() { "stale" } else { "" }>
            <Show when=move || any_lost.get()>
                <section class="border-t border-line" aria-labelledby="lost">
                    <div class="sec"><h2 id="lost">{move || lost.with(|l| count(l.len() as u64, "job was lost with its worker", "jobs were lost with their workers"))}</h2></div>
                    <RunTable runs=lost caption="Lost jobs" queues=true />
                </section>
            </Show>
            <div class=move || if any_lost.get() { "border-t border-line mt-4" } else { "border-t border-line" }>
                <Show when=move || any.get() fallback=none>
                    <WorkerTable workers=workers />
                </Show>
            </div>
        </div>
        <Show when=move || { more.get() > 0 }>
            <p class="px-gutter py-3 text-12 text-faint num">{move || format!("And {}, not listed.", count(more.get(), "more worker", "more workers"))}</p>
        </Show>
        <Nodes />
        <ClassTable classes=classes window=window />
    }
}
