//! Purge and clear: both count first, say what the trash would keep, and offer to keep nothing when that is a lot.

use super::{
    actions::Actions,
    confirm::Answer,
    dialog::Confirm,
    icon::Glyph,
    number::{bytes, count, jobs as jobs_of},
    question::{Question, restorable},
};
use crate::{
    api,
    live::Live,
    model::{
        ids::QueueName,
        operation::{PurgePreview, TRASH_OFFER_BYTES},
    },
};
use leptos::prelude::*;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// Purge: everything, so the name is typed.
    Name,
    /// Clear failed.
    Nothing,
}

/// `18,204 waiting, 1,120 delayed and 1,000 failed jobs`
fn parts(p: &PurgePreview) -> String {
    let named = [(p.waiting, "waiting"), (p.grouped, "grouped"), (p.delayed, "delayed"), (p.failed, "failed")];
    let said: Vec<String> =
        named.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", super::number::thousands(*n))).collect();
    match said.split_last() {
        None => "no jobs".into(),
        Some((only, [])) => format!("{only} {}", if p.waiting + p.grouped + p.delayed + p.failed == 1 { "job" } else { "jobs" }),
        Some((last, rest)) => format!("{} and {last} jobs", rest.join(", ")),
    }
}

#[component]
pub fn Destroy(queue: QueueName, typed: Typed) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let answer = Answer::new(actions);
    let all = typed == Typed::Name;
    let preview = LocalResource::new({
        let queue = queue.clone();
        move || api::queues::purge_preview(queue.clone())
    });
    let counted = Memo::new(move |_| preview.get().and_then(Result::ok));
    let n = Memo::new(move |_| counted.get().map(|p| if all { p.waiting + p.grouped + p.delayed + p.failed } else { p.failed }));
    let size = Memo::new(move |_| counted.get().and_then(|p| if all { p.bytes } else { p.failed_bytes }));
    let text = RwSignal::new(String::new());
    let forget = RwSignal::new(false);

    let name = queue.to_string();
    let matches = Memo::new({
        let name = name.clone();
        move |_| !all || text.with(|t| *t == name)
    });
    let title = if all { format!("Purge {queue}?") } else { format!("Delete the failed jobs of {queue}?") };
    let primary = move || match (n.get(), all) {
        (None, _) => "Counting".into(),
        (Some(n), true) => format!("Purge {}", jobs_of(n)),
        (Some(n), false) => format!("Delete {}", count(n, "failed job", "failed jobs")),
    };
    let says = {
        let queue = queue.clone();
        move || {
            let Some(p) = counted.get() else { return "Counting what would be deleted.".to_string() };
            let what = if all { parts(&p) } else { count(p.failed, "failed job", "failed jobs") };
            let stay = if all { " Running jobs finish." } else { " Jobs that fail meanwhile stay." };
            let back = match (forget.get(), size.get()) {
                (true, _) => "They cannot be restored.".into(),
                (false, Some(size)) => format!("{} The trash keeps about {}.", restorable(now), bytes(size)),
                (false, None) => restorable(now),
            };
            format!("This deletes {what} from {queue}.{stay} {back}")
        }
    };
    let question = if all { Question::Purge { queue } } else { Question::ClearFailed { queue } };
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::derive(primary)
            glyph=if all { Glyph::Purge } else { Glyph::Trash }
            danger=true
            ready=Signal::derive(move || matches.get() && n.get().is_some_and(|n| n > 0))
            pending=answer.pending
            error=Signal::derive(move || answer.error.get().or_else(|| preview.get().and_then(Result::err)))
            on_confirm=Callback::new(move |()| answer.send(question.clone(), !forget.get_untracked()))
            on_close=Callback::new(move |()| actions.question.set(None))
        >
            <p class="text-muted wrap-anywhere">{says}</p>
            <Show when=move || size.get().is_some_and(|b| b > TRASH_OFFER_BYTES)>
                <label class="flex items-center gap-2">
                    <input type="checkbox" class="check" prop:checked=move || forget.get() on:change=move |e| forget.set(event_target_checked(&e)) />
                    "Delete without undo: the trash keeps nothing"
                </label>
            </Show>
            {all.then(|| view! {
                <div class="field">
                    <label for="typed-name">"Type " <span class="font-mono text-12 wrap-anywhere">{name.clone()}</span> " to confirm"</label>
                    <span class="input">
                        <input id="typed-name" autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) />
                    </span>
                </div>
            })}
        </Confirm>
    }
}
