//! Retry or delete all failed jobs of one kind: counted first, then one operation for each queue.

use super::{
    actions::Actions,
    dialog::{Confirm, close},
    errors_archived::{AlsoArchived, FromArchive},
    icon::{Glyph, Icon},
    name::Name,
    number::{count, jobs},
    question::restorable,
};
use crate::{
    api,
    live::Live,
    model::{error::ApiError, errors::GroupPart, operation::Verb, shown::in_text},
};
use leptos::{prelude::*, task::spawn_local};

/// The verb that a button asks for, and the text of the kind.
pub type Asked = (Verb, String);

/// `count`: how many there are in Redis, where that is known exactly; of 0 the archive may remember some.
#[component]
pub fn GroupButtons(text: StoredValue<String>, count: Memo<Option<u64>>, asked: RwSignal<Option<Asked>>) -> impl IntoView {
    let which = move || match count.get() {
        None => "all".to_owned(),
        Some(0) => "archived jobs".to_owned(),
        Some(n) => jobs(n),
    };
    let ask = move |verb| asked.set(Some((verb, text.get_value())));
    view! {
        <button type="button" class="btn primary max-sm:flex-1" on:click=move |_| ask(Verb::Retry)>
            <Icon glyph=Glyph::Retry />
            {move || format!("Retry {}…", which())}
        </button>
        <Show when=move || count.get() != Some(0)>
            <button type="button" class="btn danger max-sm:flex-1" on:click=move |_| ask(Verb::Discard)>
                <Icon glyph=Glyph::Trash />
                {move || format!("Delete {}…", which())}
            </button>
        </Show>
    }
}

/// The question of the buttons, beside what they stand in.
#[component]
pub fn GroupDialog(asked: RwSignal<Option<Asked>>) -> impl IntoView {
    move || asked.get().map(|(verb, text)| view! { <Ask verb=verb text=text asked=asked /> })
}

#[component]
fn Ask(verb: Verb, text: String, asked: RwSignal<Option<Asked>>) -> impl IntoView {
    let text = StoredValue::new(text);
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let parts = RwSignal::new(None::<Vec<GroupPart>>);
    let (pending, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    Effect::new(move |_| {
        spawn_local(async move {
            match api::errors::count(text.get_value()).await {
                Ok(counted) => {
                    parts.try_set(Some(counted));
                }
                Err(problem) => {
                    error.try_set(Some(problem));
                }
            }
        });
    });
    let archive = (verb == Verb::Retry).then(|| FromArchive::count(text.get_value()));
    let here = Memo::new(move |_| parts.with(|p| p.as_ref().map(|p| p.iter().map(|part| part.count).sum::<u64>())));
    let total = Memo::new(move |_| here.get().map(|n| n + archive.map_or(0, FromArchive::asked)));
    let queues = Memo::new(move |_| {
        let mut all: Vec<String> = parts.with(|p| p.iter().flatten().map(|part| part.queue.to_string()).collect());
        all.extend(archive.map(FromArchive::queues).unwrap_or_default());
        all.sort_unstable();
        all.dedup();
        all
    });
    let word = if verb == Verb::Retry { "Retry" } else { "Delete" };
    let title = move || match (total.get(), queues.get().as_slice()) {
        (None | Some(0), _) => format!("{word} the failed jobs of this kind?"),
        (Some(n), []) => format!("{word} {} of this kind?", count(n, "failed job", "failed jobs")),
        (Some(n), [queue]) => format!("{word} {} of {}?", count(n, "failed job", "failed jobs"), in_text(queue)),
        (Some(n), queues) => format!("{word} {} of {} queues?", count(n, "failed job", "failed jobs"), queues.len()),
    };
    let uncounted = move || here.with(Option::is_none) && error.with(Option::is_some);
    let primary = move || match total.get() {
        Some(n) => format!("{word} {}", jobs(n)),
        None if uncounted() => word.to_owned(),
        None => "Counting".into(),
    };
    let says = move || match here.get() {
        None if uncounted() => "They could not be counted. Close this and ask again.",
        None => "Counting the failed jobs of this kind in Redis.",
        Some(0) => "No failed job of this kind is in Redis now.",
        Some(_) => "",
    };
    let list = move || {
        parts.get().filter(|p| p.len() > 1).map(|all| {
            let lines = all.into_iter().map(|p| view! { <li class="flex gap-3"><span class="clip grow"><Name text=p.queue /></span><span class="num">{jobs(p.count)}</span></li> }).collect_view();
            view! { <ul class="grid gap-1 max-h-60 overflow-auto" tabindex="0" aria-label="Queues">{lines}</ul> }
        })
    };
    let explain = if verb == Verb::Retry {
        "They go back to their waiting lists with attempts set to 0. Exactly the failed jobs of this kind that are in Redis now; those that fail meanwhile are not included. It runs in the background and can be cancelled.".to_owned()
    } else {
        format!(
            "{} Exactly the failed jobs of this kind that are in Redis now; those that fail meanwhile stay. The archive keeps its rows; retention removes them.",
            restorable(now)
        )
    };
    let confirm = move || {
        let Some(counted) = parts.get_untracked() else { return };
        pending.set(true);
        error.set(None);
        spawn_local(async move {
            let archived = archive.and_then(FromArchive::chosen);
            let started = api::errors::act(text.get_value(), verb, counted, false, archived).await;
            pending.set(false);
            match started {
                Ok(started) => {
                    close();
                    actions.follow_all(started);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <Confirm
            title=Signal::derive(title)
            primary=Signal::derive(primary)
            glyph=if verb == Verb::Retry { Glyph::Retry } else { Glyph::Trash }
            danger=verb != Verb::Retry
            ready=Signal::derive(move || total.get().is_some_and(|n| n > 0))
            pending=pending
            error=error
            on_confirm=Callback::new(move |()| confirm())
            on_close=Callback::new(move |()| asked.set(None))
        >
            <p class="clip font-mono text-12" title=text.get_value()>{text.get_value()}</p>
            <p class="text-muted wrap-anywhere">{explain}</p>
            <p class="text-12 text-muted wrap-anywhere num empty:hidden" role="status">{says}</p>
            {list}
            {archive.map(|archive| view! { <AlsoArchived archive=archive /> })}
        </Confirm>
    }
}
