//! A payload that is too large for a page: one level of it at a time, and search in it. Nothing is kept between two questions, so
//! each reads the payload anew, as a download does.

use super::{is_queue, past};
use crate::model::{
    error::ApiError,
    ids::{Fingerprint, QueueName},
    job::TREE_MOST,
    json::{self, Hits, JsonError, Level},
    number::bytes,
};
use crate::server::state::AppState;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Steps of a path.
const DEEPEST: usize = 4_096;
/// Values that a search answers.
const HITS: usize = 50;
/// Bytes that may be looked for.
const NEEDLE: usize = 1_000;

/// Payloads that are held and read at the same time: whoever clicks fast, or leaves, has the next one wait and not the memory grow.
static TREES: Semaphore = Semaphore::const_new(2);
/// Some of the largest are read in that time.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Whose payload it is. `at`: the fingerprint of that very element; `row`: a row of the archive; neither: the one job of this id in
/// Redis.
pub struct Whose<'a> {
    pub queue: &'a QueueName,
    pub handle: &'a str,
    pub at: Option<&'a str>,
    pub row: Option<i64>,
}

/// What stands at `path`, places from the root on, and its children from the `from`th on.
pub async fn level(state: &AppState, whose: Whose<'_>, path: Vec<usize>, from: usize) -> Result<Level, ApiError> {
    if path.len() > DEEPEST {
        return Err(ApiError::invalid("path", format!("A path has at most {DEEPEST} steps, this one has {}.", path.len())));
    }
    let found = read(state, whose, move |text| json::level(text, &path, from, json::CHILDREN)).await?;
    found.ok_or_else(|| ApiError::invalid("path", "This path leads nowhere in the payload."))
}

/// The first values whose key or text holds `q`.
pub async fn find(state: &AppState, whose: Whose<'_>, q: String) -> Result<Hits, ApiError> {
    if q.trim().is_empty() || q.len() > NEEDLE {
        return Err(ApiError::invalid("q", format!("Say what to look for, in at most {NEEDLE} bytes.")));
    }
    read(state, whose, move |text| json::find(text, &q, HITS)).await
}

async fn read<T, F>(state: &AppState, whose: Whose<'_>, read: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce(&str) -> Result<T, JsonError> + Send + 'static,
{
    let turn = turn().await?;
    let raw = payload(state, whose).await?;
    if raw.len() > TREE_MOST {
        let (size, most) = (bytes(raw.len() as u64), bytes(TREE_MOST as u64));
        return Err(ApiError::Conflict { detail: format!("The payload has {size}; up to {most} can be read as a tree. Download it.") });
    }
    // Megabytes take a while: not on the threads that everybody waits for. It goes on when nobody waits for it any more, and keeps its
    // turn as long.
    let answer = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read(&String::from_utf8_lossy(&raw))
    })
    .await;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ApiError::Conflict { detail: format!("The payload is {error}, so it has no tree.") }),
        Err(error) => {
            let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
            tracing::error!(error.id = id, error = %error, "a payload was not read to its end");
            Err(ApiError::Internal { detail: format!("The payload could not be read. The console's log has the cause under {id}."), id })
        }
    }
}

async fn turn() -> Result<SemaphorePermit<'static>, ApiError> {
    // It is never closed, so all that can go wrong is the time.
    let turn = tokio::time::timeout(TURN_WITHIN, TREES.acquire()).await.ok().and_then(Result::ok);
    turn.ok_or_else(|| ApiError::TooMany { detail: "The console is reading other large payloads. Try again in a moment.".into() })
}

async fn payload(state: &AppState, Whose { queue, handle, at, row }: Whose<'_>) -> Result<Vec<u8>, ApiError> {
    is_queue(state, queue)?;
    let (raw, gone) = match (row, at) {
        (Some(_), _) => (past::payload(state, queue, handle, row).await?, "The archive has no such row of this job any more."),
        // Under its id there may be another element by now, with other places.
        (None, Some(at)) => {
            let element = Fingerprint::try_from(at.to_owned()).map_err(|detail| ApiError::invalid("at", detail))?;
            let found = state.driver.locate(queue, &element).await?;
            (found.map(|found| found.raw), "The job is no longer where it was: a worker took it, or it was moved, changed or deleted.")
        }
        (None, None) => {
            (state.driver.payload(queue, handle, None).await?, "Not exactly one job of the queue has this id: `at` or `row` say which one.")
        }
    };
    raw.ok_or_else(|| ApiError::NotFound { detail: gone.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::poll;
    use std::pin::pin;

    #[tokio::test]
    async fn two_are_read_at_once_and_the_next_one_waits() {
        let (first, _second) = (turn().await.expect("a turn"), turn().await.expect("a turn"));
        let mut third = pin!(turn());
        assert!(poll!(third.as_mut()).is_pending());
        drop(first);
        drop(third.await.expect("its turn"));
    }
}
