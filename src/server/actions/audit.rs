//! One line for every write by an operator, also for one that was refused; and the pages of these lines.

use super::now;
use crate::model::{
    audit::{AT_LEAST, AuditLine, AuditPage, AuditQuery, PER_PAGE, UNSURE},
    error::ApiError,
    ids::QueueName,
    operation::{Operation, OperationStatus, Outcome},
    shorten::shortened,
    time::Millis,
};
use crate::server::{
    archive::{BESIDE_WITHIN, audit as archive, error::ArchiveError, record, timeline},
    state::AppState,
};
use std::{collections::HashSet, time::Instant};

/// Texts of a line are cut at so many characters.
const TEXT: usize = 500;
/// Lines in Redis that are read at a time.
const PART: u64 = 1_000;
const MOST_IN_REDIS: u64 = 10_000;

/// Something that was asked for, until it has ended.
pub struct Asked {
    line: AuditLine,
    since: Instant,
    /// Jobs that were done before an error came.
    done: u64,
    unsure: bool,
}

/// What came of it, in words.
pub trait Came {
    fn jobs(&self) -> Option<u64> {
        None
    }

    fn result(&self) -> String {
        "done".into()
    }
}

impl Came for () {}

impl Came for Outcome {
    fn jobs(&self) -> Option<u64> {
        Some(self.done)
    }

    fn result(&self) -> String {
        let parts = [
            (self.done, "done"),
            (self.gone, "gone"),
            (self.corrupt, "could not be read"),
            (self.due, "due already"),
            (self.unread_priority, "of a priority that no worker reads"),
        ];
        let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if said.is_empty() { "nothing to do".into() } else { said.join(", ") }
    }
}

pub fn asked(state: &AppState, verb: &str, queue: Option<&QueueName>) -> Asked {
    let line = AuditLine {
        id: uuid::Uuid::now_v7().simple().to_string(),
        at: now(),
        who: state.who().as_str().into(),
        verb: verb.into(),
        queue: queue.map(|queue| cut(queue.as_str())),
        filter: None,
        jobs: None,
        result: String::new(),
        took_ms: 0,
        ids: Vec::new(),
    };
    Asked { line, since: Instant::now(), done: 0, unsure: false }
}

impl Asked {
    /// Which jobs, or which settings.
    #[must_use]
    pub fn of(mut self, filter: impl AsRef<str>) -> Self {
        self.line.filter = Some(cut(filter.as_ref()));
        self
    }

    /// To which jobs it was done, where the line itself does not name the one: their pages find it by their ids. Without an archive no
    /// page looks for lines.
    #[must_use]
    pub fn naming(mut self, state: &AppState, ids: &[String]) -> Self {
        if !state.archive.is_off() {
            self.line.ids.extend(ids.iter().map(|id| record::key(id)));
        }
        self
    }

    /// The one job that the line names as a search would: where its id is too long for that, it is named beside the line as well.
    #[must_use]
    pub fn naming_long(self, state: &AppState, id: &str) -> Self {
        if self.line.filter.as_deref() == Some(timeline::deed_filter(id).as_str()) { self } else { self.naming(state, &[id.to_owned()]) }
    }

    /// How far it came, should its answer be an error: so many jobs were done. `unsure`: one more may have been.
    #[must_use]
    pub fn as_far_as(mut self, done: u64, unsure: bool) -> Self {
        (self.done, self.unsure) = (done, unsure);
        self
    }

    /// Leaves the line and hands the answer on.
    pub async fn answered<T: Came>(self, state: &AppState, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        let (jobs, result) = match &answer {
            Ok(came) => (came.jobs(), came.result()),
            // Of several jobs the error itself says how many were done.
            Err(error) if self.unsure => (Some(self.done), format!("{UNSURE}{error}")),
            Err(error) if self.done > 0 => (Some(self.done), error.to_string()),
            Err(error) => (None, format!("refused: {error}")),
        };
        self.leave(state, jobs, result).await;
        answer
    }

    /// The same for an answer that says no more than that it was done.
    pub async fn noted<T>(self, state: &AppState, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        let said = answer.as_ref().map(|_| ()).map_err(Clone::clone);
        self.answered(state, said).await?;
        answer
    }

    /// What was begun leaves its line when it has ended, here only when it could not begin.
    pub async fn begun<T>(self, state: &AppState, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        let refused = answer.as_ref().err().map(|error| format!("refused: {error}"));
        if let Some(refused) = refused {
            self.leave(state, None, refused).await;
        }
        answer
    }

    async fn leave(self, state: &AppState, jobs: Option<u64>, result: String) {
        let took_ms = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        state.audit.keep(&state.driver, AuditLine { jobs, result: cut(&result), took_ms, ..self.line }).await;
    }
}

/// The line of a bulk operation that has ended. It has the operation's id: whoever writes it, there is one.
pub fn ended(operation: &Operation, at: Millis) -> AuditLine {
    let outcome = &operation.outcome;
    let result = match operation.status {
        _ if operation.is_unsure() => format!("{AT_LEAST}{} done of {}", outcome.done, operation.total),
        OperationStatus::Done => outcome.result(),
        other => format!("{}: {} of {}", other.as_str(), outcome.result(), operation.total),
    };
    AuditLine {
        id: operation.id.clone(),
        at: operation.started_at,
        // One that an older version began does not say.
        who: operation.who.clone().unwrap_or_else(|| "not known".into()),
        verb: operation.verb.as_str().into(),
        queue: Some(cut(operation.queue.as_str())),
        filter: match (&operation.filter, operation.state) {
            (Some(filter), Some(state)) => Some(cut(&format!("{} matching {filter}", state.as_str()))),
            (Some(filter), None) => Some(cut(filter)),
            (None, state) => state.map(|state| format!("all {}", state.as_str())),
        },
        jobs: Some(outcome.done),
        result,
        took_ms: operation.finished_at.unwrap_or(at).0 - operation.started_at.0,
        ids: Vec::new(),
    }
}

/// Called when a bulk operation of this console has ended. `pushed`: ids of archived jobs that the archive does not name yet.
pub fn operation(state: &AppState, operation: &Operation, pushed: &[String]) {
    state.audit.note(AuditLine { ids: pushed.iter().map(|id| record::key(id)).collect(), ..ended(operation, now()) });
}

fn cut(text: &str) -> String {
    shortened(text, TEXT)
}

pub async fn audit(state: &AppState, query: &AuditQuery) -> Result<AuditPage, ApiError> {
    if !(1..=1 << 40).contains(&query.page) {
        return Err(ApiError::invalid("page", "Pages count from 1."));
    }
    let page = AuditPage {
        lines: Vec::new(),
        total: 0,
        page: query.page,
        per_page: PER_PAGE,
        archived: false,
        waiting: 0,
        lost: state.audit.lost(),
        unavailable: None,
    };
    let asked = match state.archive.db() {
        Ok(db) => state.archive.in_time(BESIDE_WITHIN, archive::page(&db, query)).await,
        Err(error) => Err(error),
    };
    let failed = match asked {
        Ok((lines, total)) => {
            let waiting = state.driver.audit_waiting().await.unwrap_or(0);
            return Ok(AuditPage { lines, total, archived: true, waiting, ..page });
        }
        Err(ArchiveError::Off) => None,
        Err(error) => Some(ApiError::from(error)),
    };
    // The archive does not answer: what has been done since lies in Redis.
    match from_redis(state, query).await {
        Ok((lines, total, waiting)) => Ok(AuditPage { lines, total, waiting, unavailable: failed.map(|error| error.to_string()), ..page }),
        Err(error) => Err(failed.unwrap_or(error)),
    }
}

async fn from_redis(state: &AppState, query: &AuditQuery) -> Result<(Vec<AuditLine>, u64, u64), ApiError> {
    let all = state.driver.audit_waiting().await?;
    let skip = usize::try_from(query.page.saturating_sub(1).saturating_mul(PER_PAGE)).unwrap_or(usize::MAX);
    let end = skip.saturating_add(PER_PAGE as usize);
    // A line that was pushed twice, because the first answer was late, stands there twice. As everywhere, there is one of an id.
    let (mut met, mut found, mut twice) = (HashSet::new(), Vec::new(), 0);
    for from in (0..all.min(MOST_IN_REDIS)).step_by(PART as usize) {
        let texts = state.driver.audit(from, PART).await?;
        for line in texts.iter().filter_map(|text| serde_json::from_slice::<AuditLine>(text).ok()) {
            if !met.insert(line.id.clone()) {
                twice += 1;
            } else if query.matches(&line) {
                found.push(AuditLine { ids: Vec::new(), ..line });
            }
        }
        // Without filters no more is to be read than the page itself.
        if !query.filters() && found.len() >= end {
            break;
        }
    }
    let total = if query.filters() { found.len() as u64 } else { all.saturating_sub(twice) };
    Ok((found.into_iter().skip(skip).take(PER_PAGE as usize).collect(), total, all))
}
