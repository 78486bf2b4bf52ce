//! Purge and delete all: they count first, say what the trash would keep, and offer to keep nothing when that is a lot.

use super::{
    actions::Actions,
    confirm::Answer,
    dialog::Confirm,
    icon::Glyph,
    name::Name,
    number::{bytes, count, jobs as jobs_of},
    question::{Question, restorable},
    served::{due_ones, served},
};
use crate::{
    api,
    live::Live,
    model::{
        ids::QueueName,
        job::JobState,
        operation::{PurgePreview, TRASH_OFFER_BYTES},
        shown::shown,
    },
};
use leptos::prelude::*;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Doomed {
    /// Purge; the name is typed.
    Everything,
    /// All waiting, delayed or failed jobs.
    Only(JobState),
}

impl Doomed {
    fn count(self, p: &PurgePreview) -> u64 {
        match self {
            Self::Everything => p.waiting + p.grouped + p.delayed + p.failed,
            Self::Only(JobState::Failed) => p.failed,
            Self::Only(JobState::Delayed) => p.delayed,
            Self::Only(_) => p.waiting,
        }
    }

    fn bytes(self, p: &PurgePreview) -> Option<u64> {
        match self {
            Self::Everything => p.bytes,
            Self::Only(JobState::Failed) => p.failed_bytes,
            Self::Only(JobState::Delayed) => p.delayed_bytes,
            Self::Only(_) => p.waiting_bytes,
        }
    }

    /// What is not part of it; `due` says whether the jobs that are due are.
    fn stays(self, p: &PurgePreview, due: &str) -> String {
        match self {
            Self::Everything if p.delayed > 0 => format!("Running jobs finish. {due}"),
            Self::Everything => "Running jobs finish.".into(),
            Self::Only(JobState::Failed) => "Jobs that fail meanwhile stay.".into(),
            Self::Only(JobState::Delayed) => format!("They will not run. {due} Jobs that are added meanwhile stay."),
            Self::Only(_) => "They will not run. Jobs that are added meanwhile stay.".into(),
        }
    }

    /// Some of the jobs may be delayed ones that are due.
    fn of_delayed(self) -> bool {
        matches!(self, Self::Everything | Self::Only(JobState::Delayed))
    }
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

/// The offer to keep nothing.
#[component]
pub(super) fn WithoutUndo(forget: RwSignal<bool>) -> impl IntoView {
    view! {
        <label class="flex items-center gap-2">
            <input type="checkbox" class="check" prop:checked=move || forget.get() on:change=move |e| forget.set(event_target_checked(&e)) />
            "Delete without undo: the trash keeps nothing"
        </label>
    }
}

#[component]
pub fn Destroy(queue: QueueName, doomed: Doomed) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let answer = Answer::new(actions);
    let all = doomed == Doomed::Everything;
    let preview = LocalResource::new({
        let queue = queue.clone();
        move || api::queues::purge_preview(queue.clone())
    });
    let counted = Memo::new(move |_| preview.get().and_then(Result::ok));
    let some_delayed = Memo::new(move |_| counted.with(|p| p.as_ref().is_some_and(|p| p.delayed > 0)));
    let served = doomed.of_delayed().then(|| served(&queue, some_delayed.into()));
    let n = Memo::new(move |_| counted.with(|p| p.as_ref().map(|p| doomed.count(p))));
    let size = Memo::new(move |_| counted.with(|p| p.as_ref().and_then(|p| doomed.bytes(p))));
    let text = RwSignal::new(String::new());
    let forget = RwSignal::new(false);

    let name = queue.to_string();
    // What cannot be seen can hardly be typed: then the stand-in is.
    let matches = Memo::new({
        let name = name.clone();
        move |_| !all || text.with(|t| *t == name || *t == shown(&name))
    });
    let of = move |n: u64, state: JobState| count(n, &format!("{} job", state.as_str()), &format!("{} jobs", state.as_str()));
    let title = match doomed {
        Doomed::Everything => format!("Purge {}?", queue.in_text()),
        Doomed::Only(state) => format!("Delete the {} jobs of {}?", state.as_str(), queue.in_text()),
    };
    let primary = move || match (n.get(), doomed) {
        (None, _) => "Counting".into(),
        (Some(n), Doomed::Everything) => format!("Purge {}", jobs_of(n)),
        (Some(n), Doomed::Only(state)) => format!("Delete {}", of(n, state)),
    };
    let says = {
        let queue = queue.clone();
        move || {
            let Some(p) = counted.get() else { return "Counting what would be deleted.".to_string() };
            let what = match doomed {
                Doomed::Everything => parts(&p),
                Doomed::Only(state) => of(doomed.count(&p), state),
            };
            let about = if all && p.bytes_partial { "at least" } else { "about" };
            let back = match (forget.get(), size.get()) {
                (true, _) => "They cannot be restored.".into(),
                (false, Some(size)) => format!("{} The trash keeps {about} {}.", restorable(now), bytes(size)),
                (false, None) => restorable(now),
            };
            let due = due_ones(&queue, served.and_then(|served| served.get()));
            format!("This deletes {what} from {}. {} {back}", queue.in_text(), doomed.stays(&p, &due))
        }
    };
    let question = match doomed {
        Doomed::Everything => Question::Purge { queue },
        Doomed::Only(JobState::Failed) => Question::ClearFailed { queue },
        Doomed::Only(state) => Question::DiscardAll { queue, state },
    };
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
                <WithoutUndo forget=forget />
            </Show>
            {all.then(|| view! {
                <div class="field">
                    <label for="typed-name">"Type " <span class="font-mono text-12 wrap-anywhere"><Name text=name.clone() /></span> " to confirm"</label>
                    <span class="input">
                        <input id="typed-name" autocomplete="off" autocapitalize="off" spellcheck="false" autofocus=true prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) />
                    </span>
                </div>
            })}
        </Confirm>
    }
}
