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
            told: Vec::new(),
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
    /// Ids that Redis says were pushed, until it has answered that it says so no more: if that answer is lost, it does not say so again.
    told: Vec<String>,
}

impl Archived {
    /// Names what Redis says was pushed. Of a push whose answer was lost only that tells.
    async fn write_down(&mut self, state: &AppState, db: &Db, outcome: &mut Outcome) -> Result<(), Halt> {
        self.hear(state.driver.pushed(&self.operation).await?);
        name(state, db, &self.operation, &self.told).await?;
        self.settle(outcome);
        Ok(())
    }

    fn hear(&mut self, pushed: Vec<String>) {
        for id in pushed {
            if !self.told.contains(&id) {
                self.told.push(id);
            }
        }
    }

    /// Counts what was told, and was not known.
    fn settle(&mut self, outcome: &mut Outcome) {
        for id in self.told.drain(..) {
            let known = self.pushed.iter().position(|known| *known == id);
            if let Some(at) = known {
                self.pushed.swap_remove(at);
            } else {
                outcome.done += 1;
                self.left = self.left.saturating_sub(1);
            }
        }
        self.pushed.clear();
    }
}

/// Names jobs that an operation pushed beside its audit line, as far as that is not done yet; whoever does it, and however often.
pub async fn name_pushed(state: &AppState, db: &Db, operation: &str) -> Result<(), Halt> {
    let pushed = state.driver.pushed(operation).await?;
    name(state, db, operation, &pushed).await
}

async fn name(state: &AppState, db: &Db, operation: &str, pushed: &[String]) -> Result<(), Halt> {
    state.archive.noted(audit::name(db, operation, pushed).await)?;
    Ok(state.driver.named(operation, pushed).await?)
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
            let name = remembered::name(&failure);
            let once = Once::Failure { name: &name, operation: &work.operation, job: &failure.id };
            let pushed = match state.archive.noted(jobs::payload(&db, place.row).await)? {
                // Deleted since it was judged.
                None => None,
                Some(raw) if jobs::is_bare(&raw) => Some(Pushed::Unreadable),
                Some(raw) => Some(push_noted(state, queue, &Push { raw: &raw, once, id: None, base: work.base }).await?),
            };
            work.left -= 1;
            match pushed {
                Some(Pushed::Done) => outcome.done += 1,
                None | Some(Pushed::Before | Pushed::Since) => outcome.gone += 1,
                Some(Pushed::UnreadPriority) => outcome.unread_priority += 1,
                Some(Pushed::Unreadable) => outcome.corrupt += 1,
            }
            // One that was pushed before is named by whoever did it.
            if pushed == Some(Pushed::Done) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to the push was lost, and then the one to taking its id out of what Redis says.
    #[test]
    fn a_push_of_which_only_redis_tells_is_counted_once() {
        let mut outcome = Outcome::default();
        let mut work = Archived {
            bottom: 0,
            operation: "op".into(),
            signature: String::new(),
            before: 9,
            left: 3,
            base: false,
            pushed: vec!["known".into()],
            told: Vec::new(),
        };
        work.hear(vec!["known".into(), "lost".into()]);
        work.hear(Vec::new());
        work.hear(vec!["lost".into()]);
        work.settle(&mut outcome);
        assert_eq!((outcome.done, work.left, work.pushed.len(), work.told.len()), (1, 2, 0, 0));
        work.settle(&mut outcome);
        assert_eq!((outcome.done, work.left), (1, 2));
    }
}
