//! What clicks do: what they call, and what they say afterwards. Fetched with the first of them.

use super::{
    actions::{Act, Actions, Hands},
    confirm::dialog,
    number::jobs as jobs_of,
    operation_progress::Running,
    question::Question,
    queue_actions::QueueMenu,
    toast::{Offer, ToastList},
};
use crate::{
    api,
    model::{
        error::ApiError,
        ids::{Fingerprint, QueueName},
        job::JobState,
        operation::Verb,
        shown::in_text,
    },
};
use leptos::prelude::*;
use std::time::Duration;

/// What became of an edited job.
pub(super) enum Edited {
    Pushed,
    /// No worker reads the priority that it names.
    UnreadPriority,
}

pub(super) fn hands() -> Hands {
    Hands {
        perform: |actions, act| Box::pin(actions.perform(act)),
        dialog,
        menu: |at| view! { <QueueMenu at=at /> }.into_any(),
        toasts: || view! { <ToastList /> }.into_any(),
        running: || view! { <Running /> }.into_any(),
    }
}

impl Actions {
    async fn perform(self, act: Act) {
        match act {
            Act::Retry { queue, job, name } => match api::jobs::retry(queue.clone(), JobState::Failed, vec![job.clone()], false).await {
                Ok(outcome) => {
                    self.tell(Verb::Retry, &queue, Some(&name), &outcome);
                    if outcome.unread_priority > 0 {
                        self.ask(Question::ToBase { queue, jobs: vec![job] });
                    }
                }
                Err(error) => self.toaster.failed(format!("Could not retry {} of {}", in_text(&name), queue.in_text()), &error),
            },
            Act::Promote { queue, job, name } => match api::jobs::promote(queue.clone(), JobState::Delayed, vec![job]).await {
                Ok(outcome) => self.tell(Verb::Promote, &queue, Some(&name), &outcome),
                Err(error) => self.toaster.failed(format!("Could not run {} of {} now", in_text(&name), queue.in_text()), &error),
            },
            Act::Resume { queue } => match api::queues::resume(queue.clone()).await {
                Ok(()) => self.resumed(&queue),
                Err(error) => self.toaster.failed(format!("Could not resume {}", queue.in_text()), &error),
            },
            Act::Restore { trash } => match api::operations::restore(trash).await {
                Ok(operation) => self.follow(operation),
                Err(error) => self.toaster.failed("Could not restore the deleted jobs", &error),
            },
            Act::Cancel { id } => match api::operations::cancel(id).await {
                Ok(operation) => self.learn(&[operation]),
                Err(error) => self.toaster.failed("Could not cancel the operation", &error),
            },
        }
    }

    /// Acts on what a dialog asked. `keep`: into the trash, where that is a choice.
    pub(super) async fn answer(&self, question: Question, keep: bool) -> Result<(), ApiError> {
        match question {
            Question::Pause { queue, waiting, partial, .. } => {
                api::queues::pause(queue.clone()).await?;
                let held = waiting.filter(|n| *n > 0).map_or(String::new(), |n| {
                    let least = if partial { "At least " } else { "" };
                    format!("{least}{} {} until it is resumed. ", jobs_of(n), if n == 1 { "waits" } else { "wait" })
                });
                let detail = format!("{held}Running jobs finish; delayed jobs that are due run all the same.");
                self.toaster.done(format!("Paused {}", queue.in_text()), detail, Some(Offer::Resume(queue)));
                self.bump();
            }
            Question::Resume { queue, .. } => {
                api::queues::resume(queue.clone()).await?;
                self.resumed(&queue);
            }
            Question::RetryAll { queue, base, .. } => self.follow(api::jobs::retry_all(queue, base).await?),
            Question::PromoteAll { queue, .. } => self.follow(api::jobs::promote_all(queue).await?),
            Question::DiscardAll { queue, state } => self.follow(api::jobs::discard_all(queue, state, keep).await?),
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
            Question::Discard { queue, state, jobs, name, .. } => {
                let outcome = api::jobs::discard(queue.clone(), state, jobs, keep).await?;
                self.tell(Verb::Discard, &queue, name.as_deref(), &outcome);
            }
            // Its dialog asks for itself, because not every answer closes it: `retry_edited`.
            Question::EditRetry { .. } => {}
            Question::PutBack { key, name, .. } => {
                let run = api::workers::put_back(key).await?;
                let name = in_text(&name);
                let (title, offer) = match run.queue {
                    Some(queue) => (
                        format!("Job {name} is waiting in {}", queue.in_text()),
                        Some(Offer::Link { label: "View".into(), href: queue.href() }),
                    ),
                    None => (format!("Job {name} is waiting again"), None),
                };
                self.toaster.done(title, "It stands at the end of its waiting list.", offer);
                self.bump();
            }
            Question::Matching { queue, state, verb, q, start, total, base } => {
                self.follow(api::search::act_matching(queue, state, verb, q, start, total, base).await?);
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

    /// Pushes a failed job with another payload. What was refused leaves the dialog open, with what was typed.
    pub(super) async fn retry_edited(
        &self,
        queue: QueueName,
        job: Fingerprint,
        name: &str,
        payload: String,
        base: bool,
    ) -> Result<Edited, ApiError> {
        let outcome = api::jobs::retry_edited(queue.clone(), job, payload, base).await?;
        if outcome.unread_priority > 0 {
            return Ok(Edited::UnreadPriority);
        }
        if outcome.done == 0 {
            let detail = if outcome.corrupt > 0 {
                "This is no JSON object that a worker could read. Nothing was pushed."
            } else {
                "The job is no longer in the failed list as this page shows it: it was retried or deleted meanwhile. Nothing was pushed."
            };
            return Err(ApiError::Conflict { detail: detail.into() });
        }
        self.tell(Verb::Retry, &queue, Some(name), &outcome);
        Ok(Edited::Pushed)
    }

    fn resumed(&self, queue: &QueueName) {
        self.toaster.done(format!("Resumed {}", queue.in_text()), "Workers take its jobs again.", None);
        self.bump();
    }

    pub(super) fn bump(&self) {
        self.changed.update(|n| *n = n.wrapping_add(1));
    }
}
