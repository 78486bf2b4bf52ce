//! The errors inbox: kinds of failures from the archive, what of them is in Redis now, and a verb on all of one kind.

mod failing;
pub mod remembered;

use super::{
    audit, is_queue,
    matching::{self, Ask},
    now,
};
use crate::model::{
    error::ApiError,
    errors::{Archived, ErrorDetail, ErrorKind, ErrorSort, ErrorsPage, ErrorsQuery, GroupPart, KINDS_PER_PAGE, filter},
    job::JobState,
    operation::{Operation, Verb},
    time::Millis,
};
use crate::server::{
    archive::{error::ArchiveError, signatures},
    digest::sha1_hex,
    inbox::{Seen, Since},
    state::AppState,
    tasks::operations::{Remembered, Wanted},
};
use failing::{OF_A_PAGE, failing};
use std::{sync::Arc, time::Duration};

/// A group is counted in steps of a search; more than this many queues at once are an incident of another kind.
const QUEUES: usize = 1_000;
/// The inbox shows what Redis knows when the archive takes longer than this.
const ARCHIVE_WITHIN: Duration = Duration::from_millis(1_500);

async fn seen(state: &AppState, at: Millis) -> Result<Arc<Seen>, ApiError> {
    state.watching.request(at);
    // Before anything is read: what comes meanwhile is seen to be new by whoever asks next.
    let changes = state.watching.changes();
    let (failures, last_failure) = state.ledger.lock().failures();
    let queues = failing(state, OF_A_PAGE, at).await?;
    Ok(state.inbox.seen(&state.driver, Since { changes, failures, last_failure, queues }, at).await?)
}

/// What can be said without the archive: why it is missing, unless it is there.
fn unavailable(error: ArchiveError) -> String {
    match error {
        ArchiveError::Off => "This console keeps no archive: these are the failures that are in Redis now.".into(),
        other => format!("{} These are the failures that are in Redis now.", ApiError::from(other)),
    }
}

pub async fn page(state: &AppState, query: &ErrorsQuery) -> Result<ErrorsPage, ApiError> {
    let at = now();
    let seen = seen(state, at).await?;
    let kept = match state.archive.db() {
        Ok(db) => state.archive.in_time(ARCHIVE_WITHIN, from_archive(&db, query, &seen, at)).await,
        Err(error) => Err(error),
    };
    let (mut kinds, total, unavailable) = match kept {
        Ok((kinds, total)) => (kinds, total, None),
        Err(error) => {
            let mut kinds: Vec<ErrorKind> = seen.kinds.iter().filter(|(_, k)| k.asked(query)).map(|(hash, k)| k.show(hash, at)).collect();
            let total = kinds.len() as u64;
            sort(&mut kinds, query.sort);
            let from = (query.page.max(1) - 1).saturating_mul(KINDS_PER_PAGE);
            let kinds = kinds.into_iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(KINDS_PER_PAGE as usize).collect();
            (kinds, total, Some(unavailable(error)))
        }
    };
    for kind in &mut kinds {
        kind.failed = seen.kinds.get(&kind.signature).map_or(0, |k| k.count());
        // Those of this second may be in Redis and not in the archive yet.
        kind.count = kind.count.max(kind.failed);
    }
    Ok(ErrorsPage { kinds, total, page: query.page.max(1), coverage: seen.coverage, unavailable, sampled_at: seen.at })
}

/// Kinds of the archive; those that are in Redis and were not archived yet stand on the first page.
async fn from_archive(
    db: &crate::server::archive::db::Db,
    query: &ErrorsQuery,
    seen: &Seen,
    at: Millis,
) -> Result<(Vec<ErrorKind>, u64), ArchiveError> {
    let (mut kinds, total) = signatures::page(db, query, at).await?;
    let hashes: Vec<String> = seen.kinds.keys().take(500).cloned().collect();
    let known = signatures::known(db, &hashes).await?;
    let new: Vec<ErrorKind> = hashes
        .iter()
        .filter(|h| !known.contains(*h))
        .filter_map(|h| seen.kinds.get(h).filter(|k| k.asked(query)).map(|k| k.show(h, at)))
        .collect();
    let total = total + new.len() as u64;
    if query.page <= 1 && !new.is_empty() {
        kinds.extend(new);
        sort(&mut kinds, query.sort);
    }
    Ok((kinds, total))
}

fn sort(kinds: &mut [ErrorKind], by: ErrorSort) {
    let late = |k: &ErrorKind| std::cmp::Reverse(k.last_at.map(|at| at.0));
    match by {
        ErrorSort::Last => kinds.sort_by_key(|k| (late(k), k.signature.clone())),
        ErrorSort::Count => kinds.sort_by_key(|k| (std::cmp::Reverse(k.count), late(k), k.signature.clone())),
        ErrorSort::Rising => kinds.sort_by_key(|k| (std::cmp::Reverse(k.hours.iter().sum::<u64>()), late(k), k.signature.clone())),
    }
}

/// One kind; `before`: a row, for the next page of its jobs.
pub async fn one(state: &AppState, signature: &str, before: Option<i64>) -> Result<ErrorDetail, ApiError> {
    let at = now();
    let seen = seen(state, at).await?;
    let live = seen.kinds.get(signature);
    let kept = match state.archive.db() {
        Ok(db) => {
            let names = [signature.to_owned()];
            let read = async { tokio::try_join!(signatures::some(&db, &names, at), signatures::rows(&db, signature, before)) };
            state.archive.in_time(ARCHIVE_WITHIN, read).await
        }
        Err(error) => Err(error),
    };
    let (kind, jobs, next, missing) = match kept {
        Ok((kinds, (jobs, next))) => (kinds.into_iter().next(), jobs, next, None),
        // An archive that does not answer may know of it all the same.
        Err(error) if live.is_none() && !matches!(error, ArchiveError::Off) => return Err(error.into()),
        Err(error) => (None, Vec::new(), None, Some(unavailable(error))),
    };
    let kind = kind.or_else(|| live.map(|k| k.show(signature, at))).ok_or_else(|| ApiError::NotFound {
        detail: missing
            .clone()
            .unwrap_or_else(|| "No failure of this kind is known: it was cleaned up, or the address is not whole.".into()),
    })?;
    let failed = live.map(|k| ErrorKind::by_count(k.queues.clone())).unwrap_or_default();
    let (error, stack) = match live {
        Some(k) => (k.error.clone(), None),
        None => (jobs.first().and_then(|j| j.error.clone()), None),
    };
    let kind = ErrorKind { failed: live.map_or(0, |k| k.count()), ..kind };
    Ok(ErrorDetail { kind, error, stack, failed, coverage: seen.coverage, jobs, next, unavailable: missing, sampled_at: seen.at })
}

/// The text of a kind, which an action on all of it names.
pub async fn text(state: &AppState, signature: &str) -> Result<String, ApiError> {
    Ok(one(state, signature, None).await?.kind.text)
}

/// Counts the failed jobs of one kind exactly, queue by queue: what an action on the group would act on.
pub async fn count(state: &AppState, text: &str) -> Result<Vec<GroupPart>, ApiError> {
    let filter = filter(text);
    let mut parts = Vec::new();
    for queue in failing(state, usize::MAX, now()).await?.keys() {
        let mut step = matching::count(state, queue, JobState::Failed, &filter, None).await?;
        while let Some(next) = step.next.take() {
            step = matching::count(state, queue, JobState::Failed, &filter, Some(&next)).await?;
        }
        if step.count > 0 {
            parts.push(GroupPart { queue: queue.clone(), count: step.count, start: step.start });
        }
    }
    Ok(parts)
}

/// Retries or deletes what was counted, one operation for each queue, and of a retry one more for each queue of which the archive is to
/// be asked (`remembered`). All of them are known from now on; so many run at once, the others wait for their turn. Every part leaves its
/// audit line, also one that could not begin.
pub async fn act(
    state: &AppState,
    text: &str,
    verb: Verb,
    parts: &[GroupPart],
    archived: Option<&Archived>,
    base: bool,
) -> Result<Vec<Operation>, ApiError> {
    if !matches!(verb, Verb::Retry | Verb::Discard) {
        return Err(ApiError::invalid("verb", "A group of failed jobs can be retried or deleted. Nothing was changed."));
    }
    let past = archived.map_or(&[][..], |archived| archived.parts.as_slice());
    if !past.is_empty() && verb != Verb::Retry {
        return Err(ApiError::invalid("archived", "What the archive remembers can be retried, not deleted. Nothing was changed."));
    }
    if (parts.is_empty() && past.is_empty()) || parts.len() > QUEUES || past.len() > QUEUES {
        return Err(ApiError::invalid("parts", format!("Name 1 to {QUEUES} queues, each as it was counted. Nothing was changed.")));
    }
    let filter = filter(text);
    let (mut lines, mut all, mut refused) = (Vec::new(), Vec::new(), None);
    let mut take = |line: audit::Asked, wanted: Result<Wanted, ApiError>| match wanted {
        Ok(wanted) => {
            lines.push(line);
            all.push(wanted);
            None
        }
        Err(error) => Some((line, error)),
    };
    let mut not_begun = Vec::new();
    // These go first: what Redis has is to be there while they are judged.
    for part in past {
        let line = audit::asked(state, Verb::RetryArchived.as_str(), Some(&part.queue)).of(&filter);
        let open = state.archive.db().map_err(ApiError::from);
        let wanted = is_queue(state, &part.queue).and(open).map(|_| {
            Wanted::Archived(Remembered {
                queue: part.queue.clone(),
                text: text.to_owned(),
                signature: sha1_hex(text),
                top: archived.map_or(0, |archived| archived.top),
                bottom: part.bottom,
                total: part.count.min(remembered::MOST),
                base,
            })
        });
        not_begun.extend(take(line, wanted));
    }
    for part in parts {
        let ask = Ask { verb, from: JobState::Failed, text: &filter, start: &part.start, total: part.count, base };
        let (line, chosen) = matching::choose(state, &part.queue, &ask);
        not_begun.extend(take(line, chosen.map(Wanted::Matching)));
    }
    // What can begin does, whatever becomes of the others.
    for (line, error) in not_begun {
        let error = line.begun::<()>(state, Err(error)).await.err();
        refused = refused.or(error);
    }
    if let (true, Some(error)) = (all.is_empty(), refused) {
        return Err(error);
    }
    let begun = state.operations.all_of(state, all).await;
    if let Err(error) = &begun {
        for line in lines {
            let _ = line.begun::<()>(state, Err(error.clone())).await;
        }
    }
    begun
}
