//! The dialogs before an action, mounted once: whoever asks sets [`Actions::ask`].

pub use super::{
    actions::{Actions, Question, provide_actions},
    queue_actions::QueueActions,
};
use super::{
    destroy::{Destroy, Typed},
    dialog::{Confirm, close},
    icon::Glyph,
    number::{count, jobs as jobs_of},
    queue_actions::QueueMenu,
};
use crate::{
    live::Live,
    model::{error::ApiError, job::JobState, time::Millis},
};
use leptos::{prelude::*, task::spawn_local};

/// Dialogs and the queue menu, opened from anywhere.
#[component]
pub fn ActionHost() -> impl IntoView {
    let actions = expect_context::<Actions>();
    view! {
        {move || actions.menu.get().map(|at| view! { <QueueMenu at=at /> })}
        {move || actions.question.get().map(|question| match question {
            Question::Purge { queue } => view! { <Destroy queue=queue typed=Typed::Name /> }.into_any(),
            Question::ClearFailed { queue } => view! { <Destroy queue=queue typed=Typed::Nothing /> }.into_any(),
            other => view! { <Ask question=other /> }.into_any(),
        })}
    }
}

/// What a dialog's button does while it works and when it fails.
#[derive(Clone, Copy)]
pub struct Answer {
    pub actions: Actions,
    pub pending: RwSignal<bool>,
    pub error: RwSignal<Option<ApiError>>,
}

impl Answer {
    pub fn new(actions: Actions) -> Self {
        Self { actions, pending: RwSignal::new(false), error: RwSignal::new(None) }
    }

    /// The dialog stays open with the error inside; on success it closes.
    pub fn send(&self, question: Question, keep: bool) {
        let this = *self;
        this.pending.set(true);
        this.error.set(None);
        spawn_local(async move {
            let result = this.actions.answer(question, keep).await;
            this.pending.set(false);
            match result {
                Ok(()) => close(),
                Err(error) => this.error.set(Some(error)),
            }
        });
    }
}

struct Words {
    title: String,
    text: String,
    primary: String,
    glyph: Glyph,
    danger: bool,
}

/// Deleted jobs can be restored for an hour.
pub fn restorable(now: Millis) -> String {
    format!("You can restore them for an hour, until {} UTC.", Millis(now.0 + 3_600_000).minute())
}

fn words(question: &Question, now: Millis) -> Words {
    let some = |n: Option<u64>, one: &str, many: &str| n.map_or_else(|| format!("all {many}"), |n| count(n, one, many));
    let again = "It runs in the background and can be cancelled. Jobs that fail meanwhile are not included.";
    match question {
        Question::RetryAll { queue, count: n, base } => Words {
            title: format!("Retry {} of {queue}?", some(*n, "failed job", "failed jobs")),
            text: if *base {
                format!("They go back to waiting with attempts set to 0. Those of a priority that no worker reads go to the base list. {again}")
            } else {
                format!("They go back to their waiting lists with attempts set to 0. {again}")
            },
            primary: format!("Retry {}", some(*n, "job", "jobs")),
            glyph: Glyph::Retry,
            danger: false,
        },
        Question::PromoteAll { queue, count: n } => Words {
            title: format!("Run {} of {queue} now?", some(*n, "delayed job", "delayed jobs")),
            text: "They go to their waiting lists without waiting for their time. Jobs that are due already are left to the workers. It runs in the background and can be cancelled.".into(),
            primary: format!("Run {} now", some(*n, "job", "jobs")),
            glyph: Glyph::Play,
            danger: false,
        },
        Question::DiscardAll { queue, state, count: n } => {
            let of = |word: &str| format!("{} {word}", state.as_str());
            let due = if *state == JobState::Delayed { " Jobs that are due already are left to the workers." } else { "" };
            Words {
                title: format!("Delete {} of {queue}?", some(*n, &of("job"), &of("jobs"))),
                text: format!("They will not run. {}{due} Jobs that are added meanwhile stay.", restorable(now)),
                primary: format!("Delete {}", some(*n, "job", "jobs")),
                glyph: Glyph::Trash,
                danger: true,
            }
        }
        Question::Retry { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 { "It goes back to its waiting list with attempts set to 0." } else { "They go back to their waiting lists with attempts set to 0." };
            Words { title: format!("Retry {} of {queue}?", count(n, "failed job", "failed jobs")), text: text.into(), primary: format!("Retry {}", jobs_of(n)), glyph: Glyph::Retry, danger: false }
        }
        Question::Promote { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 { "It goes to its waiting list without waiting for its time." } else { "They go to their waiting lists without waiting for their time." };
            Words {
                title: format!("Run {} of {queue} now?", count(n, "delayed job", "delayed jobs")),
                text: format!("{text} What is due already is left to the workers."),
                primary: format!("Run {} now", jobs_of(n)),
                glyph: Glyph::Play,
                danger: false,
            }
        }
        Question::Discard { queue, state, jobs, name } => {
            let n = jobs.len() as u64;
            let what = name.clone().unwrap_or_else(|| count(n, &format!("{} job", state.as_str()), &format!("{} jobs", state.as_str())));
            let (they, them) = if n == 1 { ("It", "it") } else { ("They", "them") };
            let group = if *state == JobState::Waiting { " Where it held a group, the next job of that group starts." } else { "" };
            Words {
                title: format!("Delete {what} from {queue}?"),
                text: format!("{they} will not run. {}{group}", restorable(now).replace("them", them)),
                primary: format!("Delete {}", jobs_of(n)),
                glyph: Glyph::Trash,
                danger: true,
            }
        }
        Question::ToBase { queue, .. } => Words {
            title: format!("Retry to the base list of {queue}?"),
            text: "No worker reads the priority that is left on these jobs: in a list of that priority they would never run. They can go to the base list instead, with attempts set to 0.".into(),
            primary: "Retry to base list".into(),
            glyph: Glyph::Retry,
            danger: false,
        },
        // These two count first: `Destroy`.
        Question::ClearFailed { queue } | Question::Purge { queue } => {
            Words { title: format!("Delete jobs of {queue}?"), text: String::new(), primary: "Delete".into(), glyph: Glyph::Purge, danger: true }
        }
    }
}

#[component]
fn Ask(question: Question) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let answer = Answer::new(actions);
    let Words { title, text, primary, glyph, danger } = words(&question, now);
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::stored(primary)
            glyph=glyph
            danger=danger
            ready=Signal::stored(true)
            pending=answer.pending
            error=answer.error
            on_confirm=Callback::new(move |()| answer.send(question.clone(), true))
            on_close=Callback::new(move |()| actions.question.set(None))
        >
            <p class="text-muted wrap-anywhere">{text}</p>
        </Confirm>
    }
}
