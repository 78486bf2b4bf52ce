//! A bulk action while it runs: how far, how long, and the way to stop it.

use super::{
    actions::Actions,
    sentences::{handled, progress, running},
};
use crate::{
    api,
    live::Live,
    model::{
        operation::{Operation, OperationStatus},
        time::{Millis, span},
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// How often to ask when the stream rests or does not carry the operation.
const ASK_EVERY: Duration = Duration::from_millis(1_500);

/// Of 100.
fn percent(o: &Operation) -> u64 {
    (handled(&o.outcome) * 100).checked_div(o.total).unwrap_or(0).min(100)
}

/// `about 15 s left`, once a tenth is done: before that it would be a guess.
fn left(o: &Operation, now: Millis) -> Option<String> {
    let done = handled(&o.outcome);
    let took = now.0 - o.started_at.0;
    if done == 0 || done * 10 < o.total || took < 2_000 {
        return None;
    }
    let rest = i64::try_from(u128::try_from(took).ok()? * u128::from(o.total.saturating_sub(done)) / u128::from(done)).ok()?;
    Some(format!("about {} left", span(rest.max(1_000))))
}

/// Title, bar, figures and Cancel.
#[component]
pub fn OperationProgress(#[prop(into)] operation: Signal<Operation>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now;
    let cancelling = RwSignal::new(false);
    let title = Memo::new(move |_| operation.with(running));
    let share = Memo::new(move |_| operation.with(percent));
    view! {
        <div class="grid gap-2">
            <div class="flex items-center gap-2">
                <p class="flex-1 min-w-0 font-medium wrap-anywhere">{move || title.get()}</p>
                <button
                    type="button"
                    class="btn sm"
                    disabled=move || cancelling.get()
                    on:click=move |_| {
                        cancelling.set(true);
                        actions.cancel(operation.with_untracked(|o| o.id.clone()));
                    }
                >
                    {move || if cancelling.get() { "Cancelling" } else { "Cancel" }}
                </button>
            </div>
            {move || operation.with(|o| o.filter.clone()).map(|filter| view! { <p class="clip font-mono text-12 text-muted" title=filter.clone()>{filter.clone()}</p> })}
            <div class="bar accent" role="progressbar" aria-label=move || title.get() aria-valuenow=move || share.get().to_string() aria-valuemin="0" aria-valuemax="100">
                <span style:width=move || format!("{}%", share.get())></span>
            </div>
            <p class="flex justify-between gap-2 text-12 text-muted num">
                <span>{move || operation.with(progress)}</span>
                <span class="text-faint">{move || operation.with(|o| left(o, now.get()))}</span>
            </p>
        </div>
    }
}

/// The operations that this tab began, above the toasts.
#[component]
pub fn Running() -> impl IntoView {
    let actions = expect_context::<Actions>();
    let live = expect_context::<Live>();
    Effect::new(move |_| live.operations.with(|news| actions.learn(news)));
    // The stream may rest (paused, hidden, lost) or belong to another console: then ask.
    Effect::new(move |_| {
        let ask = move || {
            let carried = |o: &Operation| {
                live.operations.with_untracked(|all| all.iter().any(|x| x.id == o.id && x.status == OperationStatus::Running))
                    && !live.paused.get_untracked()
            };
            if actions.started.with_untracked(|all| all.iter().any(|o| !carried(o))) {
                spawn_local(async move {
                    if let Ok(all) = api::operations::operations().await {
                        actions.learn(&all);
                    }
                });
            }
        };
        if let Ok(handle) = set_interval_with_handle(ask, ASK_EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
    let ids = Memo::new(move |_| actions.started.with(|all| all.iter().map(|o| o.id.clone()).collect::<Vec<_>>()));
    view! {
        <For each=move || ids.get() key=Clone::clone let:id>
            {
                let first = actions.started.with_untracked(|all| all.iter().find(|o| o.id == id).cloned());
                first.map(|first| {
                    let operation = Memo::new(move |last: Option<&Operation>| {
                        actions.started.with(|all| all.iter().find(|o| o.id == id).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone())
                    });
                    view! { <div class="pointer-events-auto w-[380px] max-w-full p-3 rounded-block bg-raised shadow-float"><OperationProgress operation=operation /></div> }
                })
            }
        </For>
    }
}

/// Operations on this queue that another tab began: on its page, so that nobody acts against them unaware.
#[component]
pub fn QueueOperations(queue: crate::model::ids::QueueName) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let live = expect_context::<Live>();
    let ids = Memo::new(move |_| {
        let own: Vec<String> = actions.started.with(|all| all.iter().map(|o| o.id.clone()).collect());
        live.operations.with(|all| {
            let here = all.iter().filter(|o| o.status == OperationStatus::Running && o.queue == queue);
            here.map(|o| o.id.clone()).filter(|id| !own.contains(id)).collect::<Vec<_>>()
        })
    });
    view! {
        <For each=move || ids.get() key=Clone::clone let:id>
            {
                let first = live.operations.with_untracked(|all| all.iter().find(|o| o.id == id).cloned());
                first.map(|first| {
                    let operation = Memo::new(move |last: Option<&Operation>| {
                        live.operations.with(|all| all.iter().find(|o| o.id == id).cloned()).unwrap_or_else(|| last.unwrap_or(&first).clone())
                    });
                    view! { <div class="px-gutter py-3 border-t border-line bg-canvas"><OperationProgress operation=operation /></div> }
                })
            }
        </For>
    }
}
