//! The dialogs before an action: whoever asks calls [`Actions::ask`].

pub use super::{
    actions::{ActionHost, Actions, provide_actions},
    question::Question,
    queue_actions::QueueActions,
};
use super::{
    destroy::{Destroy, Doomed, WithoutUndo},
    dialog::{Confirm, close},
    edit_retry::EditRetry,
    question::{Learned, Words, words},
    search_matching::AllMatching,
    served::served,
};
use crate::{
    live::Live,
    model::{error::ApiError, job::JobState, operation::TRASH_OFFER_BYTES},
};
use leptos::{prelude::*, task::spawn_local};

pub(super) fn dialog(question: Question) -> AnyView {
    match question {
        Question::Purge { queue } => view! { <Destroy queue=queue doomed=Doomed::Everything /> }.into_any(),
        Question::ClearFailed { queue } => view! { <Destroy queue=queue doomed=Doomed::Only(JobState::Failed) /> }.into_any(),
        Question::DiscardAll { queue, state } => view! { <Destroy queue=queue doomed=Doomed::Only(state) /> }.into_any(),
        Question::Matching { queue, state, verb, q, base, .. } => {
            view! { <AllMatching queue=queue state=state verb=verb q=q base=base /> }.into_any()
        }
        Question::EditRetry { queue, job, name, payload } => {
            view! { <EditRetry queue=queue job=job name=name payload=payload /> }.into_any()
        }
        other => view! { <Ask question=other /> }.into_any(),
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

#[component]
fn Ask(question: Question) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let answer = Answer::new(actions);
    let served = question.of_delayed().map(|queue| served(queue, Signal::stored(true)));
    let forget = RwSignal::new(false);
    let Words { title, primary, glyph, danger, .. } = words(&question, now, Learned::default());
    let big = question.keeps() > TRASH_OFFER_BYTES;
    let says = {
        let question = question.clone();
        move || words(&question, now, Learned { served: served.and_then(|served| served.get()), forget: forget.get() }).text
    };
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::stored(primary)
            glyph=glyph
            danger=danger
            ready=Signal::stored(true)
            pending=answer.pending
            error=answer.error
            on_confirm=Callback::new(move |()| answer.send(question.clone(), !forget.get_untracked()))
            on_close=Callback::new(move |()| actions.question.set(None))
        >
            <p class="text-muted wrap-anywhere">{says}</p>
            {big.then(|| view! { <WithoutUndo forget=forget /> })}
        </Confirm>
    }
}
