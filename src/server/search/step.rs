//! One bounded step of a live search.

use super::{
    Cursor,
    plan::{Place, Plan, Scope},
};
use crate::model::{
    ids::Source,
    job::JobSummary,
    search::{Coverage, Place as Seen, Query},
};
use crate::server::{
    driver::redis::{
        RedisDriver,
        search::{Mark, Read, Top},
    },
    error::DriverError,
    snapshot::Snapshot,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// When a step ends, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub elements: u64,
    pub bytes: u64,
    pub hits: usize,
    pub time: Duration,
}

pub struct Found {
    pub job: JobSummary,
    pub place: Seen,
    /// What was read of it.
    pub read: Read,
}

pub struct Step {
    pub found: Vec<Found>,
    pub coverage: Coverage,
    pub next: Option<Cursor>,
    pub skipped: Vec<String>,
    /// Where lists were begun anew, all of whose newest elements had left before their turn came: which list, and what is newest there.
    pub anew: Vec<(usize, Top)>,
}

/// Looks through the lists that the query asks for, from the cursor on; with a scope, through those of one tab alone.
pub async fn step(
    driver: &RedisDriver,
    snapshot: &Snapshot,
    query: &Query,
    scope: Option<&Scope>,
    cursor: &Cursor,
    limits: Limits,
) -> Result<Step, DriverError> {
    let started = Instant::now();
    let mut plan = Plan::new(driver, query, scope, cursor);
    // A search for one id passes over what does not hold it in Redis itself, and so gets further in a step.
    let wanted = query.only_id().filter(|id| scope.is_none() && plain(id)).unwrap_or_default();
    let limits = if wanted.is_empty() { limits } else { Limits { elements: limits.elements * 10, bytes: limits.bytes * 8, ..limits } };
    let (mut found, mut scanned, mut bytes, mut partly) = (Vec::new(), 0, 0, cursor.partly);
    let mut places: VecDeque<Place> = VecDeque::new();
    let mut anew = Vec::new();
    let ends = loop {
        // At least one piece in every step, or it would never end.
        let spent = scanned >= limits.elements || bytes >= limits.bytes || started.elapsed() >= limits.time;
        if (spent && scanned > 0) || found.len() >= limits.hits {
            break false;
        }
        let Some(place) = places.front_mut() else {
            if started.elapsed() >= limits.time * 2 {
                break false;
            }
            match plan.next(driver).await? {
                Some(next) => places = next,
                None => break true,
            }
            continue;
        };
        if let (None, Some(start)) = (&place.mark, scope.and_then(|s| s.start.as_ref()))
            && !matches!(place.source, Source::Delayed(_))
        {
            // From the newest that was there then; a list that was empty has nothing to count.
            let Some(Some(top)) = start.tops.get(place.list) else {
                places.pop_front();
                continue;
            };
            let mark = if let Some((mark, _)) = driver.above(&place.queue, &place.source, top).await? {
                mark
            } else {
                // Nothing of it was counted yet: what is there now is.
                let Some(top) = driver.top(&place.queue, &place.source).await? else {
                    places.pop_front();
                    continue;
                };
                let mark = Mark { at: top.position + 1, ..Mark::default() };
                anew.push((place.list, top));
                mark
            };
            place.left = place.left.min(mark.at);
            place.mark = Some(mark);
        }
        let count = limits.elements - scanned.min(limits.elements - 1);
        let piece = driver.piece_with(&place.queue, &place.source, place.mark.as_ref(), count, wanted).await?;
        let mut taken = 0_usize;
        let rows = piece.rows.len();
        let mut hits = Vec::new();
        for row in &piece.rows {
            taken += 1;
            bytes += row.bytes();
            let (hit, part) = row.matched(query, &place.queue, &place.source);
            partly += u64::from(part);
            let since = |job: &JobSummary| scope.and_then(|s| s.start.as_ref()).is_some_and(|start| start.came_since(job));
            hits.push(hit.filter(|(job, _)| !since(job)));
            if found.len() + hits.iter().flatten().count() >= limits.hits {
                break;
            }
        }
        scanned += taken as u64;
        let mark: Option<Mark> = piece.mark(taken, place.mark.as_ref());
        place.left = piece.rows.get(taken.wrapping_sub(1)).map_or(0, Read::position);
        found.extend(hits.into_iter().zip(piece.rows).filter_map(|(hit, read)| hit.map(|(job, seen)| Found { job, place: seen, read })));
        place.mark = mark;
        if rows == 0 || place.left == 0 {
            places.pop_front();
        }
    };
    let scanned = cursor.scanned + scanned;
    let left: u64 = places.iter().map(|p| p.left).sum();
    let of = plan.rest(snapshot).map(|rest| scanned + left + rest);
    let next = if ends { None } else { next(&plan, places.pop_front(), Cursor { scanned, partly, ..Cursor::new(cursor.began) }) };
    Ok(Step { found, coverage: Coverage { scanned, of, partly }, next, skipped: plan.skipped.into_iter().collect(), anew })
}

fn next(plan: &Plan, place: Option<Place>, cursor: Cursor) -> Option<Cursor> {
    match place {
        Some(place) => Some(Cursor { group: place.group(), list: place.list, mark: place.mark, queue: Some(place.queue), ..cursor }),
        None => plan.next_place().map(|(queue, group)| Cursor { queue, group, ..cursor }),
    }
}

/// Whether every JSON encoder writes these characters as they are.
fn plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:@ #".contains(&b))
}
