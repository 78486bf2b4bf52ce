//! The one map from a state to its word, icon and colour.

use super::icon::{Glyph, Icon};
use crate::model::{
    job::JobState,
    queue::{Paused, QueueSample},
};
use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Waiting,
    Active,
    Delayed,
    Failed,
    Completed,
    Paused,
    Lost,
    Quiet,
}

impl Tone {
    /// The icon's classes.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Waiting => "i s text-waiting",
            Self::Active => "i s text-active",
            Self::Delayed => "i s text-delayed",
            Self::Failed => "i s text-failed",
            Self::Completed => "i s text-completed",
            Self::Paused => "i s text-paused",
            Self::Lost => "i s text-lost",
            Self::Quiet => "i s text-faint",
        }
    }

    pub fn badge(self) -> &'static str {
        match self {
            Self::Waiting => "badge bg-waiting-soft text-waiting",
            Self::Active => "badge bg-active-soft text-active",
            Self::Delayed => "badge bg-delayed-soft text-delayed",
            Self::Failed => "badge bg-failed-soft text-failed",
            Self::Completed => "badge bg-completed-soft text-completed",
            Self::Paused | Self::Quiet => "badge bg-paused-soft text-paused",
            Self::Lost => "badge bg-lost-soft text-lost",
        }
    }

    /// Word, colour and icon of a job state.
    pub fn of(state: JobState) -> (&'static str, Self, Glyph) {
        match state {
            JobState::Waiting => ("Waiting", Self::Waiting, Glyph::Waiting),
            JobState::Grouped => ("Behind a group", Self::Waiting, Glyph::Waiting),
            JobState::Active => ("Active", Self::Active, Glyph::Active),
            JobState::Delayed => ("Delayed", Self::Delayed, Glyph::Delayed),
            JobState::Failed => ("Failed", Self::Failed, Glyph::Failed),
            JobState::Completed => ("Completed", Self::Completed, Glyph::Completed),
        }
    }
}

/// A tinted word with its icon, for exceptions only.
#[component]
pub fn Badge(tone: Tone, glyph: Glyph, #[prop(into)] text: String, #[prop(optional, into)] title: Option<String>) -> impl IntoView {
    view! { <span class=tone.badge() title=title><Icon glyph=glyph class="i xs" />{text}</span> }
}

/// Icon in the state's colour and the word in neutral.
#[component]
pub fn State(state: JobState) -> impl IntoView {
    let (word, tone, glyph) = Tone::of(state);
    view! { <span class="state"><Icon glyph=glyph class=tone.icon() />{word}</span> }
}

/// The word for a pause, and what it stops: it does not stop everything.
pub fn pause(paused: Paused) -> Option<(&'static str, &'static str)> {
    match paused {
        Paused::No => None,
        Paused::Partly => Some((
            "Partly paused",
            "Some of the four lists are paused: workers go on with the others. Delayed jobs that are due run all the same.",
        )),
        Paused::Yes => Some(("Paused", "Workers take no waiting job. Delayed jobs that are due run all the same.")),
    }
}

/// What is out of the ordinary about a queue.
#[component]
pub fn QueueBadges(#[prop(into)] sample: Signal<QueueSample>) -> impl IntoView {
    let paused = Memo::new(move |_| sample.with(|q| q.paused));
    let unserved = Memo::new(move |_| sample.with(QueueSample::unserved));
    let problems = Memo::new(move |_| sample.with(|q| q.problems.join("\n")));
    view! {
        {move || pause(paused.get()).map(|(word, meaning)| view! { <Badge tone=Tone::Paused glyph=Glyph::Paused text=word title=meaning /> })}
        <Show when=move || unserved.get()>
            <Badge tone=Tone::Waiting glyph=Glyph::Warning text="No workers" title="Jobs wait, and no worker that reports serves this queue." />
        </Show>
        <Show when=move || !problems.get().is_empty()>
            <Badge tone=Tone::Failed glyph=Glyph::Warning text="Problem" title=problems.get_untracked() />
        </Show>
    }
}
