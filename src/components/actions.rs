//! Every click that changes something, in one place. What it does then is fetched with the first of them: `acts`.

use super::{
    acts,
    later::{Missing, later, sorry, when},
    question::Question,
    toast::Toaster,
};
use crate::model::{
    ids::{Fingerprint, QueueName},
    operation::Operation,
    queue::QueueSample,
};
use leptos::{prelude::*, task::spawn_local};
use std::pin::Pin;

/// Where the shared queue menu stands, in pixels of the window.
#[derive(Clone, PartialEq)]
pub struct MenuAt {
    pub queue: QueueName,
    pub sample: Signal<QueueSample>,
    /// The pause and retry buttons stand beside the menu's button already.
    pub inline: bool,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// What a click asks for without a dialog.
pub enum Act {
    /// One failed job back to its waiting list; `name` is its id or class.
    Retry {
        queue: QueueName,
        job: Fingerprint,
        name: String,
    },
    /// One delayed job to its waiting list.
    Promote {
        queue: QueueName,
        job: Fingerprint,
        name: String,
    },
    Resume {
        queue: QueueName,
    },
    /// Brings back what one action deleted.
    Restore {
        trash: String,
    },
    /// Stops an operation.
    Cancel {
        id: String,
    },
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What is fetched when something is clicked.
#[derive(Clone, Copy)]
pub(super) struct Hands {
    pub perform: fn(Actions, Act) -> Work,
    pub dialog: fn(Question) -> AnyView,
    pub menu: fn(MenuAt) -> AnyView,
    pub toasts: fn() -> AnyView,
    pub running: fn() -> AnyView,
}

later! { in actions fn hands() -> Hands { acts::hands() } }

#[derive(Clone, Copy)]
pub struct Actions {
    pub(super) question: RwSignal<Option<Question>>,
    pub(super) menu: RwSignal<Option<MenuAt>>,
    /// Operations that this tab began and has not reported yet.
    pub(super) started: RwSignal<Vec<Operation>>,
    /// A verb on named jobs is on its way: their buttons wait.
    pub pending: RwSignal<bool>,
    /// Grows with every change that this tab made: pages load again.
    pub changed: RwSignal<u32>,
    pub(super) toaster: Toaster,
}

/// Called once in `App`, after `provide_toasts`.
pub fn provide_actions() {
    provide_context(Actions {
        question: RwSignal::new(None),
        menu: RwSignal::new(None),
        started: RwSignal::new(Vec::new()),
        pending: RwSignal::new(false),
        changed: RwSignal::new(0),
        toaster: expect_context(),
    });
}

impl Actions {
    /// A dialog is open.
    pub fn asking(&self) -> bool {
        self.question.with_untracked(Option::is_some)
    }

    pub fn ask(&self, question: Question) {
        self.question.set(Some(question));
    }

    pub fn retry_one(&self, queue: QueueName, job: Fingerprint, name: String) {
        self.run(Act::Retry { queue, job, name });
    }

    pub fn promote_one(&self, queue: QueueName, job: Fingerprint, name: String) {
        self.run(Act::Promote { queue, job, name });
    }

    /// The way back from a pause, at once.
    pub fn resume(&self, queue: QueueName) {
        self.run(Act::Resume { queue });
    }

    pub fn restore(&self, trash: String) {
        self.run(Act::Restore { trash });
    }

    pub fn cancel(&self, id: String) {
        let this = *self;
        spawn_local(async move { this.act(Act::Cancel { id }).await });
    }

    fn run(&self, act: Act) {
        let this = *self;
        if this.pending.get_untracked() {
            return;
        }
        this.pending.set(true);
        spawn_local(async move {
            this.act(act).await;
            this.pending.set(false);
        });
    }

    async fn act(self, act: Act) {
        match hands().await {
            Ok(hands) => (hands.perform)(self, act).await,
            Err(Missing) => sorry(),
        }
    }
}

/// Where dialogs, the queue menu, toasts and running operations appear, whoever asks for them. Mounted once.
#[component]
pub fn ActionHost() -> impl IntoView {
    let actions = expect_context::<Actions>();
    let wanted = move || {
        actions.question.with(Option::is_some)
            || actions.menu.with(Option::is_some)
            || actions.started.with(|all| !all.is_empty())
            || actions.toaster.any()
    };
    let here = when(wanted, hands);
    view! {
        {move || Some((here.get()?.menu)(actions.menu.get()?))}
        {move || Some((here.get()?.dialog)(actions.question.get()?))}
        <section class="fixed z-10 right-4 bottom-16 max-sm:inset-x-3 max-sm:bottom-16 grid grid-cols-[minmax(0,1fr)] gap-2 justify-items-end pointer-events-none" aria-label="Notifications">
            {move || here.get().map(|h| (h.running)())}
            <div class="grid grid-cols-[minmax(0,1fr)] gap-2 justify-items-end max-w-full" aria-live="polite" aria-relevant="additions">
                {move || here.get().map(|h| (h.toasts)())}
            </div>
        </section>
    }
}
