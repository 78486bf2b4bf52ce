//! Which failed jobs an action on all that match has moved is written down beside the line that it leaves: of the others it is known then
//! that it left them alone, and what Redis dropped before its turn is offered with its group again.

use crate::model::operation::{Operation, OperationStatus};
use crate::server::{
    archive::{audit, error::ArchiveError, sql::alike},
    state::AppState,
};
use std::time::Duration;

/// No more are named: how many stood behind a failure is counted no further (`timeline::left`), and a line is deleted with its names.
const NAMED: u64 = 20_000;
/// So many ids wait for an archive that is away.
const MOST: usize = 1_000;
/// A slow archive is no reason to hold an operation up for long.
const WITHIN: Duration = Duration::from_secs(3);

/// Ids of the jobs that were moved.
#[derive(Default)]
pub(super) struct Named {
    /// Whether anybody asks for them.
    asked: bool,
    /// Those that are not written down yet.
    ids: Vec<String>,
    moved: u64,
    /// Some could not be kept.
    lost: bool,
    /// They were too many.
    many: bool,
}

impl Named {
    pub(super) fn when(asked: bool) -> Self {
        Self { asked, ..Self::default() }
    }

    pub(super) fn add(&mut self, ids: Vec<String>) {
        if self.asked && !self.lost {
            self.moved += ids.len() as u64;
            self.ids.extend(ids);
            if self.moved > NAMED {
                self.ids.clear();
                (self.lost, self.many) = (true, true);
            }
        }
    }

    /// Names them beside the line that this operation is to leave.
    pub(super) async fn write_down(&mut self, state: &AppState, operation: &str) {
        if self.ids.is_empty() {
            return;
        }
        if state.archive.is_off() {
            *self = Self::default();
            return;
        }
        if let Ok(db) = state.archive.db() {
            let write = async {
                for some in alike(&self.ids) {
                    audit::name(&db, operation, some).await?;
                }
                Ok::<(), ArchiveError>(())
            };
            if state.archive.in_time(WITHIN, write).await.is_ok() {
                self.ids.clear();
                return;
            }
        }
        if self.ids.len() > MOST {
            self.ids.clear();
            self.lost = true;
        }
    }

    /// What the line itself is to name, when the operation has ended.
    pub(super) fn rest(&mut self, operation: &Operation) -> Vec<String> {
        let mut ids = std::mem::take(&mut self.ids);
        if self.is_whole(operation) {
            ids.push(audit::ALL.into());
        }
        ids
    }

    /// Whether each job that was moved is named. Not where an answer was lost, which an operation says: the job may have been moved.
    fn is_whole(&self, operation: &Operation) -> bool {
        let ended = matches!(operation.status, OperationStatus::Done | OperationStatus::Cancelled) && operation.message.is_none();
        self.asked && !self.lost && ended && self.moved > 0 && self.moved == operation.outcome.done
    }

    pub(super) fn remark(&self) -> Option<String> {
        let why = if self.many {
            "More jobs were moved than are named."
        } else {
            "The archive did not take the names of the jobs that were moved."
        };
        self.lost.then(|| {
            format!("{why} What Redis had dropped before its turn is not offered with its group: each can be retried from its page.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        ids::QueueName,
        job::JobState,
        operation::{Outcome, Verb},
        time::Millis,
    };

    #[test]
    fn a_line_says_that_it_names_all_when_it_does() {
        let operation = Operation {
            id: "1".into(),
            verb: Verb::Retry,
            queue: QueueName::try_from("mail").expect("a name"),
            state: Some(JobState::Failed),
            status: OperationStatus::Done,
            total: 3,
            outcome: Outcome { done: 2, gone: 1, ..Outcome::default() },
            started_at: Millis(1),
            finished_at: None,
            message: None,
            filter: Some("error:no".into()),
            who: None,
        };
        let line = |asked: bool, ids: &[&str], operation: &Operation| {
            let mut named = Named::when(asked);
            named.add(ids.iter().map(|id| (*id).to_owned()).collect());
            named.rest(operation)
        };
        assert_eq!(line(true, &["a", "b"], &operation), ["a", "b", audit::ALL]);
        assert_eq!(line(true, &["a"], &operation), ["a"], "one of them says no id");
        assert!(line(false, &["a", "b"], &operation).is_empty());
        let mut many = Named::when(true);
        many.add(vec![String::new(); 20_000]);
        assert!(many.remark().is_none());
        many.add(vec![String::new()]);
        assert!(many.remark().is_some_and(|why| why.starts_with("More jobs")) && many.rest(&operation).is_empty());
        let cancelled = Operation { status: OperationStatus::Cancelled, ..operation.clone() };
        assert_eq!(line(true, &["a", "b"], &cancelled).len(), 3);
        let failed = Operation { status: OperationStatus::Failed, ..operation.clone() };
        let unsure = Operation { message: Some("The connection to Redis was lost in between.".into()), ..operation };
        assert!(line(true, &["a", "b"], &failed).len() == 2 && line(true, &["a", "b"], &unsure).len() == 2);
    }
}
