//! Failed jobs of one kind that only the archive remembers are pushed again, a queue in an operation.
//!
//! Rows are walked from the newest one that was counted. Each is judged anew, then pushed by its name, which Redis notes in the same script
//! for a day, with the ids of what the operation pushed; then the ids go beside the line that the operation leaves. So a kill between the
//! two pushes nothing twice, any console writes down what is left of them, and what was pushed is known to the archive for as long as the
//! line.

use super::work::Work;
use crate::model::{
    errors::filter,
    ids::QueueName,
    operation::{Outcome, Verb},
    past::Pushed,
};
use crate::server::{
    actions::{
        errors::remembered::{self, Halt, Lately, ROWS},
        past::push_noted,
    },
    archive::{audit, db::Db, jobs, signatures, signatures::Place},
    driver::redis::{Once, Push},
    state::AppState,
};

/// What "also what only the archive remembers" is to do in one queue.
pub struct Remembered {
    pub queue: QueueName,
    /// Of the kind: its text, and the name that the archive has for it.
    pub text: String,
    pub signature: String,
    /// The newest row that was looked at, and the oldest that was counted in this queue.
    pub top: i64,
    pub bottom: i64,
    /// Jobs that were counted.
    pub total: u64,
    /// Jobs of a priority that no worker reads go to the base list.
    pub base: bool,
}

impl Remembered {
    pub(super) const VERB: Verb = Verb::RetryArchived;

    pub(super) fn filter(&self) -> String {
        filter(&self.text)
    }

    /// What tells it from another one of the same verb.
    pub(super) fn with(&self) -> String {
        format!("{} base {} top {}", self.signature, self.base, self.top)
    }

    /// The work of the operation with this id.
    pub(super) fn ready(&self, operation: &str) -> Work {
        Work::Archived(Archived {
            operation: operation.to_owned(),
            signature: self.signature.clone(),
            before: self.top.saturating_add(1),
            bottom: self.bottom,
            left: self.total,
            base: self.base,
            pushed: Vec::new(),
        })
    }
}

pub(super) struct Archived {
    operation: String,
    signature: String,
    /// Rows from here on are still to be judged.
    before: i64,
    /// Older ones were not counted.
    bottom: i64,
    /// Jobs that it may still act on: never more than were counted.
    left: u64,
    base: bool,
    /// Ids of which it is known that they were pushed, and that are not written down yet.
    pushed: Vec<String>,
}

impl Archived {
    /// Names what Redis says was pushed. Of a push whose answer was lost only that tells.
    async fn write_down(&mut self, state: &AppState, db: &Db, outcome: &mut Outcome) -> Result<(), Halt> {
        let pushed = name_pushed(state, db, &self.operation).await?;
        for id in pushed {
            let told = self.pushed.iter().position(|known| *known == id);
            if let Some(at) = told {
                self.pushed.swap_remove(at);
            } else {
                outcome.done += 1;
                self.left = self.left.saturating_sub(1);
            }
        }
        self.pushed.clear();
        Ok(())
    }
}

/// Names jobs that an operation pushed beside its audit line, as far as that is not done yet; whoever does it, and however often.
pub async fn name_pushed(state: &AppState, db: &Db, operation: &str) -> Result<Vec<String>, Halt> {
    let pushed = state.driver.pushed(operation).await?;
    state.archive.noted(audit::name(db, operation, &pushed).await)?;
    state.driver.named(operation, &pushed).await?;
    Ok(pushed)
}

/// The next rows; true when they were the last.
pub(super) async fn step(state: &AppState, queue: &QueueName, work: &mut Archived, outcome: &mut Outcome) -> Result<bool, Halt> {
    let db = state.archive.db()?;
    // What the step before could not.
    work.write_down(state, &db, outcome).await?;
    let (mut places, next) = state.archive.noted(signatures::places_of(&db, &work.signature, queue, work.before, ROWS).await)?;
    places.retain(|place| place.row >= work.bottom);
    let asked: Vec<&Place> = places.iter().collect();
    let lately = Lately::of(state, &db, &asked).await?;
    for place in &places {
        if work.left == 0 {
            break;
        }
        if let Some(failure) = remembered::left(state, &db, place, &lately).await?
            && remembered::is_whole(state, &failure).await?
        {
            let raw = state.archive.noted(jobs::payload(&db, place.row).await)?.unwrap_or_default();
            let name = remembered::name(&failure);
            let once = Once::Failure { name: &name, operation: &work.operation, job: &failure.id };
            let push = Push { raw: &raw, once, id: None, base: work.base };
            let bare = jobs::is_bare(&raw, &failure.id);
            let pushed = if bare { Pushed::Unreadable } else { push_noted(state, queue, &push).await? };
            work.left -= 1;
            match pushed {
                Pushed::Done => outcome.done += 1,
                Pushed::Before | Pushed::Since => outcome.gone += 1,
                Pushed::UnreadPriority => outcome.unread_priority += 1,
                Pushed::Unreadable => outcome.corrupt += 1,
            }
            // One that was pushed before is named by whoever did it.
            if pushed == Pushed::Done {
                work.pushed.push(failure.id);
            }
        }
        work.before = place.row;
    }
    work.write_down(state, &db, outcome).await?;
    let Some(next) = next.filter(|next| work.left > 0 && *next > work.bottom) else {
        // Counted, and not as they were any more.
        outcome.gone += work.left;
        work.left = 0;
        return Ok(true);
    };
    work.before = next;
    Ok(false)
}
