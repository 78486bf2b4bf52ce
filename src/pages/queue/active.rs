//! What workers run of this queue now, and what they held when they were lost.

use crate::{
    components::{empty::Empty, run_table::RunTable},
    live::Live,
    model::{queue::QueueSample, run::Run},
};
use leptos::prelude::*;

/// As many as one answer lists.
const MOST: usize = 200;

#[component]
pub fn ActiveJobs(first: RwSignal<Option<Vec<Run>>>, #[prop(into)] sample: Signal<QueueSample>) -> impl IntoView {
    let live = expect_context::<Live>();
    let runs =
        Memo::new(move |last: Option<&Option<Vec<Run>>>| live.runs.get().or_else(|| last.cloned().flatten()).or_else(|| first.get()));
    let rows = Memo::new(move |_| runs.get().unwrap_or_default());
    let any = Memo::new(move |_| !rows.with(Vec::is_empty));
    let counted = Memo::new(move |_| sample.with(|q| q.active.is_some()));
    let workers = Memo::new(move |_| sample.with(|q| q.workers));
    let vague = Memo::new(move |_| sample.with(|q| q.active_partial && q.active.is_some()));
    let stale = live.stale();
    let none = move || match (counted.get(), workers.get()) {
        (true, _) => {
            view! { <Empty title="No job runs now" text="Jobs appear here from the moment a worker takes them until they end." /> }
        }
        (false, None | Some(0)) => {
            view! { <Empty title="What runs is unknown" text="No worker of this queue reports. Jobs appear here when a consumer runs with monitor: true." /> }
        }
        (false, Some(_)) => {
            view! { <Empty title="What runs is unknown" text="None of its workers was heard on the event channel since the console listens. Jobs appear here as soon as they are." /> }
        }
    };
    view! {
        <Show when=move || vague.get()>
            <div class="banner quiet"><p>"There may be more: a worker of this queue was not heard yet, or runs a job whose queue could not be told."</p></div>
        </Show>
        <Show when=move || any.get() fallback=none>
            <div class=move || if stale.get() { "stale" } else { "" }><RunTable runs=rows caption="Active jobs" /></div>
        </Show>
        <Show when=move || { rows.with(Vec::len) >= MOST }>
            <p class="px-gutter py-3 text-12 text-faint num">"The 200 that have run longest are listed."</p>
        </Show>
    }
}
