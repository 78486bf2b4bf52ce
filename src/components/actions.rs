//! Every click that changes something, in one place: what it asks first, what it calls, and what it says afterwards.

use super::{
    number::jobs as jobs_of,
    question::Question,
    toast::{Offer, Toaster},
};
use crate::{
    api,
    model::{
        error::ApiError,
        ids::{Fingerprint, QueueName},
        job::JobState,
        operation::{Operation, Verb},
        queue::QueueSample,
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

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

    /// One failed job back to its waiting list; `name` is its id or class.
    pub fn retry_one(&self, queue: QueueName, job: Fingerprint, name: String) {
        let this = *self;
        this.run(async move {
            match api::jobs::retry(queue.clone(), JobState::Failed, vec![job.clone()], false).await {
                Ok(outcome) => {
                    this.tell(Verb::Retry, &queue, Some(&name), &outcome);
                    if outcome.unread_priority > 0 {
                        this.ask(Question::ToBase { queue, jobs: vec![job] });
                    }
                }
                Err(error) => this.toaster.failed(format!("Could not retry {name} of {queue}"), &error),
            }
        });
    }

    /// One delayed job to its waiting list.
    pub fn promote_one(&self, queue: QueueName, job: Fingerprint, name: String) {
        let this = *self;
        this.run(async move {
            match api::jobs::promote(queue.clone(), JobState::Delayed, vec![job]).await {
                Ok(outcome) => this.tell(Verb::Promote, &queue, Some(&name), &outcome),
                Err(error) => this.toaster.failed(format!("Could not run {name} of {queue} now"), &error),
            }
        });
    }

    pub fn pause(&self, queue: QueueName, waiting: Option<u64>) {
        let this = *self;
        this.run(async move {
            match api::queues::pause(queue.clone()).await {
                Ok(()) => {
                    let held = waiting.filter(|n| *n > 0).map_or(String::new(), |n| {
                        format!("{} {} until it is resumed. ", jobs_of(n), if n == 1 { "waits" } else { "wait" })
                    });
                    let detail = format!("{held}Running jobs finish; delayed jobs that are due run all the same.");
                    this.toaster.done(format!("Paused {queue}"), detail, Some(Offer::Resume(queue)));
                    this.bump();
                }
                Err(error) => this.toaster.failed(format!("Could not pause {queue}"), &error),
            }
        });
    }

    pub fn resume(&self, queue: QueueName) {
        let this = *self;
        this.run(async move {
            match api::queues::resume(queue.clone()).await {
                Ok(()) => {
                    this.toaster.done(format!("Resumed {queue}"), "Workers take its jobs again.", None);
                    this.bump();
                }
                Err(error) => this.toaster.failed(format!("Could not resume {queue}"), &error),
            }
        });
    }

    /// Brings back what one action deleted.
    pub fn restore(&self, trash: String) {
        let this = *self;
        this.run(async move {
            match api::operations::restore(trash).await {
                Ok(operation) => this.follow(operation),
                Err(error) => this.toaster.failed("Could not restore the deleted jobs", &error),
            }
        });
    }

    pub fn cancel(&self, id: String) {
        let this = *self;
        spawn_local(async move {
            match api::operations::cancel(id).await {
                Ok(operation) => this.learn(&[operation]),
                Err(error) => this.toaster.failed("Could not cancel the operation", &error),
            }
        });
    }

    /// Acts on what a dialog asked. `keep`: into the trash, where that is a choice.
    pub(super) async fn answer(&self, question: Question, keep: bool) -> Result<(), ApiError> {
        match question {
            Question::RetryAll { queue, base, .. } => self.follow(api::jobs::retry_all(queue, base).await?),
            Question::PromoteAll { queue, .. } => self.follow(api::jobs::promote_all(queue).await?),
            Question::DiscardAll { queue, state, .. } => self.follow(api::jobs::discard_all(queue, state).await?),
            Question::ClearFailed { queue } => self.follow(api::queues::clear_failed(queue, keep).await?),
            Question::Purge { queue } => self.follow(api::queues::purge(queue, keep).await?),
            Question::Retry { queue, jobs } => {
                let outcome = api::jobs::retry(queue.clone(), JobState::Failed, jobs.clone(), false).await?;
                self.tell(Verb::Retry, &queue, None, &outcome);
                if outcome.unread_priority > 0 {
                    // After this dialog has closed.
                    let this = *self;
                    set_timeout(move || this.ask(Question::ToBase { queue, jobs }), Duration::from_millis(50));
                }
            }
            Question::Promote { queue, jobs } => {
                let outcome = api::jobs::promote(queue.clone(), JobState::Delayed, jobs).await?;
                self.tell(Verb::Promote, &queue, None, &outcome);
            }
            Question::Discard { queue, state, jobs, name } => {
                let outcome = api::jobs::discard(queue.clone(), state, jobs).await?;
                self.tell(Verb::Discard, &queue, name.as_deref(), &outcome);
            }
            Question::PutBack { key, name, .. } => {
                let run = api::workers::put_back(key).await?;
                let (title, offer) = match run.queue {
                    Some(queue) => {
                        (format!("Job {name} is waiting in {queue}"), Some(Offer::Link { label: "View".into(), href: queue.href() }))
                    }
                    None => (format!("Job {name} is waiting again"), None),
                };
                self.toaster.done(title, "It stands at the end of its waiting list.", offer);
                self.bump();
            }
            Question::ToBase { queue, jobs } => {
                let mut outcome = api::jobs::retry(queue.clone(), JobState::Failed, jobs, true).await?;
                // Those of the first call are gone from the failed list: that was said already.
                outcome.gone = if outcome.done > 0 { 0 } else { outcome.gone };
                self.tell(Verb::Retry, &queue, None, &outcome);
            }
        }
        Ok(())
    }

    fn run(self, work: impl Future<Output = ()> + 'static) {
        if self.pending.get_untracked() {
            return;
        }
        self.pending.set(true);
        spawn_local(async move {
            work.await;
            self.pending.set(false);
        });
    }

    pub(super) fn bump(&self) {
        self.changed.update(|n| *n = n.wrapping_add(1));
    }
}
