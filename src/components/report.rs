//! What became of an action: toasts, and operations that are followed until they end.

use super::{
    actions::Actions,
    number::count,
    question::Question,
    sentences::{ended, exceptions, headline},
    toast::{Kind, Offer, Toast},
};
use crate::model::{
    ids::QueueName,
    job::JobState,
    operation::{Operation, OperationStatus, Outcome, Verb},
    shown::in_text,
};
use leptos::prelude::*;

impl Actions {
    /// A toast for a verb on named jobs; `name` where it is one.
    pub(super) fn tell(&self, verb: Verb, queue: &QueueName, name: Option<&str>, outcome: &Outcome) {
        let (kind, offer) = match (&outcome.trash, outcome.done) {
            (_, 0) => (Kind::Noted, None),
            (Some(trash), _) => (Kind::Deleted, Some(Offer::Restore { trash: trash.clone() })),
            (None, _) if verb == Verb::Discard => (Kind::Deleted, None),
            (None, _) => (Kind::Done, Some(Offer::Link { label: "View".into(), href: queue.href() })),
        };
        let title = match (name, outcome.done) {
            (Some(name), 1) if verb == Verb::Discard => format!("Deleted {} from {}", in_text(name), queue.in_text()),
            (Some(name), 1) => format!("Job {} is waiting in {}", in_text(name), queue.in_text()),
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
    pub(super) fn follow(&self, operation: Operation) {
        if operation.status.is_over() {
            self.report(&operation);
        } else {
            self.started.update(|all| all.push(operation));
        }
    }

    /// The same for many: those that run are followed, and of those that wait for their turn it is said where they are to be seen.
    pub(super) fn follow_all(&self, operations: Vec<Operation>) {
        let (waiting, begun): (Vec<_>, Vec<_>) = operations.into_iter().partition(|o| o.status == OperationStatus::Waiting);
        begun.into_iter().for_each(|operation| self.follow(operation));
        if !waiting.is_empty() {
            let title = count(waiting.len() as u64, "queue waits for its turn", "queues wait for their turn");
            let detail = "A few run at once. All of them are on the Operations page, where each can be cancelled.".into();
            let offer = Some(Offer::Link { label: "View".into(), href: "/operations".into() });
            self.toaster.show(Toast { kind: Kind::Noted, title, detail, offer });
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
            let is_over = o.status.is_over();
            if is_over {
                over.push(o.clone());
            }
            !is_over
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
                let queue = operation.queue.clone();
                let question = match &operation.filter {
                    // Those that the filter finds, and no others: counted anew, for the others of them are gone by now.
                    Some(q) => Question::Matching {
                        queue,
                        state: JobState::Failed,
                        verb: Verb::Retry,
                        q: q.clone(),
                        start: String::new(),
                        total: 0,
                        base: true,
                    },
                    None => Question::RetryAll { queue, count: Some(operation.outcome.unread_priority), base: true },
                };
                Some(Offer::Ask { label: "Retry to base list…".into(), question })
            }
            (_, Verb::Retry | Verb::RetryArchived | Verb::Promote | Verb::Restore) if done > 0 => {
                Some(Offer::Link { label: "View".into(), href: operation.queue.href() })
            }
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
