//! Operations that were asked for together, and wait for their turn.
//!
//! Each of them is in Redis before the first one begins, and gives a sign of life while it waits: a console that ends leaves them
//! behind as interrupted, where everybody sees them, and none is forgotten.

use super::{Known, Operations, RUNNING, asked, run, wanted::Wanted};
use crate::model::{
    error::ApiError,
    operation::{Operation, OperationStatus, Verb},
};
use crate::server::{
    actions::{audit, now},
    error::DriverError,
    state::AppState,
};
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, sleep};

/// At most so many wait in one console.
const WAITING: usize = 2_000;
/// How often it is looked whether there is a place.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often those that wait give a sign of life, which also asks whether to cancel.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// One that waits.
struct Waiting {
    operation: Operation,
    wanted: Wanted,
}

/// Those that were asked for together; the first is the next to begin.
struct Line {
    operations: Operations,
    state: AppState,
    waiting: VecDeque<Waiting>,
}

impl Operations {
    /// Takes all of these on: as many begin as there are places, the others wait. A second click on one that runs or waits gets
    /// that one.
    pub async fn all_of(&self, state: &AppState, all: Vec<Wanted>) -> Result<Vec<Operation>, ApiError> {
        let (ids, waiting) = self.line_up(all, state.who().as_str())?;
        let new: Vec<Operation> = waiting.iter().map(|w| w.operation.clone()).collect();
        let mut line = Line { operations: self.clone(), state: state.clone(), waiting };
        let begin = async move {
            line.begin().await;
            tokio::spawn(line.run());
        };
        self.begin(state, new, begin).await?;
        let list = self.lock();
        Ok(ids.iter().filter_map(|id| list.iter().find(|k| k.operation.id == *id)).map(|k| k.operation.clone()).collect())
    }

    /// The ids of all of these, each once, and those that are new.
    fn line_up(&self, all: Vec<Wanted>, who: &str) -> Result<(Vec<String>, VecDeque<Waiting>), ApiError> {
        let at = now();
        let mut list = self.lock();
        let wait = list.iter().filter(|k| k.operation.status == OperationStatus::Waiting).count();
        let (mut ids, mut new, mut known) = (Vec::with_capacity(all.len()), VecDeque::new(), Vec::<Known>::new());
        for wanted in all {
            let (verb, queue, from, with) = (wanted.verb(), wanted.queue(), wanted.from(), wanted.with());
            let same = |k: &&Known| !k.operation.status.is_over() && k.is(verb, queue, from) && k.with == with;
            if let Some(twin) = list.iter().chain(&known).find(same) {
                if !ids.contains(&twin.operation.id) {
                    ids.push(twin.operation.id.clone());
                }
                continue;
            }
            let operation = Operation {
                who: Some(who.into()),
                ..asked(verb, queue, from, OperationStatus::Waiting, wanted.total(), Some(wanted.filter()), at)
            };
            ids.push(operation.id.clone());
            known.push(Known { operation: operation.clone(), with });
            new.push_back(Waiting { operation, wanted });
        }
        if wait + new.len() > WAITING {
            return Err(ApiError::TooMany {
                detail: format!(
                    "{wait} operations wait for their turn already. Nothing was started: wait for some to end, or cancel some."
                ),
            });
        }
        list.extend(known);
        Ok((ids, new))
    }
}

impl Line {
    async fn run(mut self) {
        let mut beat = Instant::now();
        while !self.waiting.is_empty() {
            tokio::select! {
                () = self.state.shutdown.cancelled() => return self.interrupt().await,
                () = sleep(LOOK_EVERY) => {}
            }
            if beat.elapsed() >= BEAT_EVERY {
                beat = Instant::now();
                self.beat().await;
            }
            self.begin().await;
        }
    }

    /// Begins as many as there are places for.
    async fn begin(&mut self) {
        while let Some(Waiting { operation, wanted }) = self.take_place() {
            if let Some(waiting) = self.start(operation, wanted).await {
                // Redis is away, and so it is for the others.
                self.waiting.push_front(waiting);
                return;
            }
        }
    }

    /// Takes a place for the first one that can have it. One whose queue is at the same verb with other settings lets others go first; so
    /// does the retry of what is in Redis while archived jobs of its queue are judged: a job that has just left the failed list for a
    /// waiting one looks like one that only the archive remembers.
    fn take_place(&mut self) -> Option<Waiting> {
        let mut list = self.operations.lock();
        let running: Vec<&Known> = list.iter().filter(|k| k.runs()).collect();
        if running.len() >= RUNNING {
            return None;
        }
        let judged = |w: &Waiting| {
            w.operation.verb == Verb::Retry
                && list.iter().any(|k| !k.operation.status.is_over() && k.is(Verb::RetryArchived, &w.operation.queue, None))
        };
        let free = |w: &Waiting| !running.iter().any(|k| k.is(w.operation.verb, &w.operation.queue, w.operation.state)) && !judged(w);
        let at = self.waiting.iter().position(free)?;
        let mut next = self.waiting.remove(at)?;
        (next.operation.status, next.operation.started_at) = (OperationStatus::Running, now());
        if let Some(known) = list.iter_mut().find(|k| k.operation.id == next.operation.id) {
            known.operation.clone_from(&next.operation);
        }
        Some(next)
    }

    /// Begins the one that has a place now; hands it back, waiting again, while Redis is away.
    async fn start(&self, mut operation: Operation, wanted: Wanted) -> Option<Waiting> {
        let ready = match self.state.driver.save_operation(&operation, operation.started_at).await {
            Ok(true) => {
                operation.status = OperationStatus::Cancelled;
                run::end(&self.operations, &self.state, operation).await;
                return None;
            }
            Ok(false) => wanted.ready(&self.state, &operation).await,
            Err(error) => Err(error),
        };
        match ready {
            Ok(work) => {
                tokio::spawn(run::run(self.operations.clone(), self.state.clone(), operation, work));
                None
            }
            Err(DriverError::Unavailable(_) | DriverError::LockedOut(_)) => {
                operation.status = OperationStatus::Waiting;
                self.operations.put(&operation);
                Some(Waiting { operation, wanted })
            }
            Err(error) => {
                (operation.status, operation.message) = (OperationStatus::Failed, Some(run::stopped(error)));
                run::end(&self.operations, &self.state, operation).await;
                None
            }
        }
    }

    /// While Redis is away nobody sees the signs of life; with the next one they wait again.
    async fn beat(&mut self) {
        let ids: Vec<String> = self.waiting.iter().map(|w| w.operation.id.clone()).collect();
        let Ok(cancelled) = self.state.driver.beat_operations(&ids, now()).await else { return };
        for id in cancelled {
            let Some(at) = self.waiting.iter().position(|w| w.operation.id == id) else { continue };
            let Some(Waiting { mut operation, .. }) = self.waiting.remove(at) else { continue };
            operation.status = OperationStatus::Cancelled;
            run::end(&self.operations, &self.state, operation).await;
        }
    }

    /// The console stops.
    async fn interrupt(self) {
        let Self { operations, state, waiting } = self;
        let message = "The console was stopped before its turn came. Nothing of it was done; start it again.";
        let end = |w: Waiting| Operation {
            status: OperationStatus::Interrupted,
            message: Some(message.into()),
            finished_at: Some(now()),
            ..w.operation
        };
        let ended: Vec<Operation> = waiting.into_iter().map(end).collect();
        if let Err(error) = state.driver.save_operations(&ended, now()).await {
            tracing::warn!(%error, operations = ended.len(), "the end of operations could not be written down");
        }
        for operation in &ended {
            operations.put(operation);
            audit::operation(&state, operation, &[]);
        }
    }
}
