//! Every click that changes something, in one place: what it asks first, what it calls, and what it says afterwards.

use super::{
    number::jobs as jobs_of,
    sentences::{ended, exceptions, headline},
    toast::{Kind, Offer, Toast, Toaster},
};
use crate::{
    api,
    model::{
        error::ApiError,
        ids::{Fingerprint, QueueName},
        job::JobState,
        operation::{Operation, OperationStatus, Outcome, Verb},
        queue::QueueSample,
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// What a dialog asks before it acts. `count` is what the page knew when it was asked.
#[derive(Clone, PartialEq)]
pub enum Question {
    RetryAll { queue: QueueName, count: Option<u64>, base: bool },
    PromoteAll { queue: QueueName, count: Option<u64> },
    DiscardAll { queue: QueueName, state: JobState, count: Option<u64> },
    ClearFailed { queue: QueueName },
    Purge { queue: QueueName },
    Retry { queue: QueueName, jobs: Vec<Fingerprint> },
    Promote { queue: QueueName, jobs: Vec<Fingerprint> },
    /// `name` says which, where it is one.
    Discard { queue: QueueName, state: JobState, jobs: Vec<Fingerprint>, name: Option<String> },
    /// Failed jobs of a priority that no worker reads.
    ToBase { queue: QueueName, jobs: Vec<Fingerprint> },
}

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
    toaster: Toaster,
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
                    let held = waiting.filter(|n| *n > 0).map_or(String::new(), |n| format!("{} {} until it is resumed. ", jobs_of(n), if n == 1 { "waits" } else { "wait" }));
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

    fn bump(&self) {
        self.changed.update(|n| *n = n.wrapping_add(1));
    }

    /// A toast for a verb on named jobs; `name` where it is one.
    fn tell(&self, verb: Verb, queue: &QueueName, name: Option<&str>, outcome: &Outcome) {
        let (kind, offer) = match (&outcome.trash, outcome.done) {
            (_, 0) => (Kind::Noted, None),
            (Some(trash), _) => (Kind::Deleted, Some(Offer::Restore { trash: trash.clone() })),
            (None, _) if verb == Verb::Discard => (Kind::Deleted, None),
            (None, _) => (Kind::Done, Some(Offer::Link { label: "View".into(), href: queue.href() })),
        };
        let title = match (name, outcome.done) {
            (Some(name), 1) if verb == Verb::Discard => format!("Deleted {name} from {queue}"),
            (Some(name), 1) => format!("Job {name} is waiting in {queue}"),
            _ => headline(verb, queue, outcome.done),
        };
        let mut detail = exceptions(verb, outcome);
        if outcome.trash.is_some() && outcome.done > 0 {
            detail = format!("In the trash for an hour. {detail}").trim_end().into();
        }
        self.toaster.show(Toast { kind, title, detail, offer });
        self.bump();
    }

    /// Shows progress until the operation ends.
    fn follow(&self, operation: Operation) {
        if operation.status == OperationStatus::Running {
            self.started.update(|all| all.push(operation));
        } else {
            self.report(&operation);
        }
    }

    /// Takes news of operations; those that this tab began and that ended are reported.
    pub(super) fn learn(&self, news: &[Operation]) {
        let mut over = Vec::new();
        let known = self.started.get_untracked();
        let mut next = known.clone();
        for operation in &mut next {
            if let Some(new) = news.iter().find(|n| n.id == operation.id) {
                *operation = new.clone();
            }
        }
        next.retain(|o| {
            let running = o.status == OperationStatus::Running;
            if !running {
                over.push(o.clone());
            }
            running
        });
        if next != known {
            self.started.set(next);
        }
        over.iter().for_each(|o| self.report(o));
    }

    fn report(&self, operation: &Operation) {
        let (title, mut detail) = ended(operation);
        let done = operation.outcome.done;
        let offer = match (&operation.outcome.trash, operation.verb) {
            (Some(trash), _) if done > 0 => {
                detail = format!("In the trash for an hour. {detail}").trim_end().into();
                Some(Offer::Restore { trash: trash.clone() })
            }
            (_, Verb::Retry) if operation.outcome.unread_priority > 0 => {
                let question = Question::RetryAll { queue: operation.queue.clone(), count: Some(operation.outcome.unread_priority), base: true };
                Some(Offer::Ask { label: "Retry to base list…".into(), question })
            }
            (_, Verb::Retry | Verb::Promote | Verb::Restore) if done > 0 => Some(Offer::Link { label: "View".into(), href: operation.queue.href() }),
            _ => None,
        };
        let deletes = matches!(operation.verb, Verb::Discard | Verb::Purge | Verb::ClearFailed);
        let kind = match operation.status {
            OperationStatus::Failed | OperationStatus::Interrupted => Kind::Error,
            _ if done == 0 => Kind::Noted,
            _ if deletes => Kind::Deleted,
            _ => Kind::Done,
        };
        self.toaster.show(Toast { kind, title, detail, offer });
        self.bump();
    }
}
