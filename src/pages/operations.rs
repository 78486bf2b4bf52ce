//! `/operations`: bulk actions that run and ran, the trash from which deletes can be restored, and who did what.
//! `?page=&verb=&queue=&who=` are the filters of the latter.

mod audit;

use crate::{
    api,
    components::{
        actions::Actions,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        name::Name,
        number::{count, jobs},
        operation_progress::OperationProgress,
        sentences::ended,
        time::ClockUtc,
    },
    live::Live,
    model::{
        error::ApiError,
        live::LiveView,
        operation::{LISTED, Operation, OperationStatus, TrashEntry, Verb},
        time::span,
        wire::{Resource, resource},
    },
};
use audit::Audit;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn OperationsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    live.watch(|| LiveView::Frame);
    // Something began or ended: both lists are read again.
    let news = Memo::new(move |_| live.operations.with(|all| all.iter().map(|o| (o.id.clone(), o.status.as_str())).collect::<Vec<_>>()));
    let operations = resource(move || news.get(), |_| api::operations::operations());
    let trash = resource(move || news.get(), |_| api::operations::trash());
    view! {
        <Title text="Operations" />
        <div class="head"><h1>"Operations"</h1></div>
        <div class="six tables">
            <section class="span4 min-w-0" aria-labelledby="operations">
                <div class="sec border-b border-line"><h2 id="operations">"Bulk actions"</h2></div>
                <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                    <Operations operations=operations trash=trash />
                </Transition>
            </section>
            <section class="span2 min-w-0" aria-labelledby="trash">
                <div class="sec border-b border-line"><h2 id="trash">"Trash"</h2></div>
                <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                    <Trash trash=trash />
                </Transition>
            </section>
        </div>
        <Audit news=news />
    }
}

#[component]
fn Operations(operations: Resource<Result<Vec<Operation>, ApiError>>, trash: Resource<Result<Vec<TrashEntry>, ApiError>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let known = Memo::new(move |last: Option<&Vec<Operation>>| match operations.get() {
        Some(Ok(all)) => all,
        _ => last.cloned().unwrap_or_default(),
    });
    let error = Memo::new(move |_| operations.get().and_then(Result::err));
    let empty = Memo::new(move |_| operations.with(|o| matches!(o, Some(Ok(all)) if all.is_empty())));
    let full = Memo::new(move |_| known.with(|all| all.len() >= LISTED));
    let kept = Memo::new(move |_| {
        trash.get().and_then(Result::ok).map(|all| all.into_iter().map(|e| e.id).collect::<Vec<_>>()).unwrap_or_default()
    });
    let ids = Memo::new(move |_| known.with(|all| all.iter().map(|o| o.id.clone()).collect::<Vec<_>>()));
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| operations.refetch() /> })}
        <ul>
            <For each=move || ids.get() key=Clone::clone let:id>
                {
                    let operation = Memo::new(move |last: Option<&Option<Operation>>| {
                        let find = |all: &Vec<Operation>| all.iter().find(|o| o.id == id).cloned();
                        // The stream is newer than the list, until the operation leaves the stream.
                        let (streamed, listed) = (live.operations.with(find), known.with(find));
                        match (streamed, listed) {
                            (Some(s), Some(l)) if l.status.is_over() && !s.status.is_over() => Some(l),
                            (Some(s), _) => Some(s),
                            (None, Some(l)) => Some(l),
                            (None, None) => last.cloned().flatten(),
                        }
                    });
                    view! { <Line operation=operation kept=kept /> }
                }
            </For>
        </ul>
        <Show when=move || full.get()>
            <p class="px-gutter py-2.5 text-12 text-faint">{format!("The list holds {LISTED}, those under way first: there may be more.")}</p>
        </Show>
        <Show when=move || empty.get()>
            <Empty title="No bulk actions" text="Retrying, running, deleting or restoring all jobs of a queue runs in the background and appears here with its progress." />
        </Show>
    }
}

#[component]
fn Line(operation: Memo<Option<Operation>>, kept: Memo<Vec<String>>) -> impl IntoView {
    let under_way = Memo::new(move |_| operation.with(|o| o.as_ref().is_some_and(|o| !o.status.is_over())));
    move || {
        if under_way.get() {
            let current = Memo::new(move |last: Option<&Option<Operation>>| operation.get().or_else(|| last.cloned().flatten()));
            current.get_untracked().map(|first| {
                let current = Signal::derive(move || current.get().unwrap_or_else(|| first.clone()));
                view! { <li class="px-gutter py-3 border-b border-line-soft"><OperationProgress operation=current /></li> }.into_any()
            })
        } else {
            operation.get().map(|o| view! { <Past operation=o kept=kept /> }.into_any())
        }
    }
}

/// `kept` are the ids of what is still in the trash.
#[component]
fn Past(operation: Operation, kept: Memo<Vec<String>>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let (title, detail) = ended(&operation);
    let (glyph, class) = match operation.status {
        OperationStatus::Done if matches!(operation.verb, Verb::Discard | Verb::Purge | Verb::ClearFailed) => {
            (Glyph::Trash, "i text-faint mt-0.5")
        }
        OperationStatus::Done | OperationStatus::Running | OperationStatus::Waiting => (Glyph::Completed, "i text-active mt-0.5"),
        OperationStatus::Cancelled => (Glyph::Paused, "i text-paused mt-0.5"),
        OperationStatus::Failed => (Glyph::Failed, "i text-failed mt-0.5"),
        OperationStatus::Interrupted => (Glyph::Warning, "i text-waiting mt-0.5"),
    };
    let took = operation.finished_at.map(|end| format!(", took {}", span(end.0 - operation.started_at.0)));
    let entry = operation.outcome.trash.clone().filter(|_| operation.verb != Verb::Restore);
    let restore = move || entry.clone().filter(|id| kept.with(|ids| ids.contains(id)));
    let (href, queue) = (operation.queue.href(), operation.queue.in_text().into_owned());
    view! {
        <li class="flex items-start gap-3 px-gutter py-2.5 border-b border-line-soft">
            <Icon glyph=glyph class=class />
            <div class="grow min-w-0 wrap-anywhere">
                <p class="font-medium">{title}</p>
                <p class="text-muted">{detail}</p>
                <p class="text-12 text-faint num"><ClockUtc at=operation.finished_at.unwrap_or(operation.started_at) /> {took}</p>
            </div>
            {move || restore().map(|trash| view! { <button type="button" class="link" on:click=move |_| actions.restore(trash.clone())>"Restore"</button> })}
            <a class="link" href=href aria-label=format!("Open queue {queue}")>"Open queue"</a>
        </li>
    }
}

fn deleted(entry: &TrashEntry) -> String {
    let n = entry.jobs;
    match entry.verb {
        Verb::Purge => format!("{} purged from ", jobs(n)),
        Verb::ClearFailed => format!("{} cleared from ", count(n, "failed job", "failed jobs")),
        Verb::Discard | Verb::Retry | Verb::RetryArchived | Verb::Promote | Verb::Restore => format!("{} deleted from ", jobs(n)),
    }
}

#[component]
fn Trash(trash: Resource<Result<Vec<TrashEntry>, ApiError>>) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let known = Memo::new(move |last: Option<&Vec<TrashEntry>>| match trash.get() {
        Some(Ok(all)) => all,
        _ => last.cloned().unwrap_or_default(),
    });
    let error = Memo::new(move |_| trash.get().and_then(Result::err));
    let empty = Memo::new(move |_| trash.with(|t| matches!(t, Some(Ok(all)) if all.is_empty())));
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| trash.refetch() /> })}
        <ul>
            <For each=move || known.get() key=|e| e.id.clone() let:entry>
                <li class="flex items-start gap-3 px-gutter py-2.5 border-b border-line-soft">
                    <Icon glyph=Glyph::Trash class="i text-faint mt-0.5" />
                    <div class="grow min-w-0 wrap-anywhere">
                        <p>{deleted(&entry)} <a class="font-medium hover:underline" href=entry.queue.href()><Name text=entry.queue.clone() /></a></p>
                        <p class="text-12 text-faint num">"until " {entry.expires_at.minute()} " UTC"</p>
                    </div>
                    <button type="button" class="link" aria-label=format!("Restore {} of {}", jobs(entry.jobs), entry.queue.in_text()) on:click={
                        let id = entry.id.clone();
                        move |_| actions.restore(id.clone())
                    }>"Restore"</button>
                </li>
            </For>
        </ul>
        <Show when=move || empty.get()>
            <Empty title="The trash is empty" text="What you delete stays here for an hour and can be restored." />
        </Show>
    }
}
