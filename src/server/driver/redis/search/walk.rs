//! Finding one's place again in a list that moves: workers take at one end, producers push at the other.

use super::{AHEAD, Mark, Piece, sources};
use crate::{
    model::{
        ids::{Fingerprint, QueueName, Source},
        job::JobState,
    },
    server::{
        driver::redis::{
            RedisDriver,
            job::{AROUND, LOCATE_BYTES, SEARCHED, STEP},
            payload::Element,
        },
        error::DriverError,
    },
};
use serde::{Deserialize, Serialize};

/// How often a list may move away under a look that is two commands long.
pub(super) const AGAIN: usize = 20;
/// How far a list has mostly moved at the next look.
const NEAR: u64 = 50;

/// How far from where they stood elements are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Some steps of a busy list.
    Around,
    Far,
}

/// The newest elements of a list when something began, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    pub position: u64,
    pub anchors: Vec<String>,
    /// Digests of what stood right above and was left there, the nearest first: when all anchors have left, they tell the place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<String>,
    /// Some of the jobs that were counted from here on, the newest first: where each was, and its digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<(u64, String)>,
}

impl Top {
    /// The element with that number was found at that position: those before it have left.
    pub fn found(&mut self, at: u64, which: usize) {
        self.anchors.drain(..which.min(self.anchors.len()));
        self.position = at;
    }

    /// Whether this is the newest of them.
    pub fn is(&self, raw: &[u8]) -> bool {
        self.anchors.first().is_some_and(|hash| *hash == Element::of(raw).digest())
    }
}

impl Piece {
    /// The element at which a list goes on behind the first `n` rows, and those behind it (`then`: what comes behind the piece):
    /// should something leave the list meanwhile, they tell where it goes on.
    pub fn coming(&self, n: usize, then: Option<&Top>) -> Option<Top> {
        let Some(first) = self.rows.get(n) else { return then.cloned() };
        let own = self.rows[n..].iter().map(|row| row.element().digest());
        let anchors = own.chain(then.iter().flat_map(|top| top.anchors.iter().cloned())).take(AHEAD).collect();
        Some(Top { position: first.position, anchors, ..Top::default() })
    }
}

impl RedisDriver {
    /// The newest elements of each list of a state; `None` of an empty one.
    pub async fn tops(&self, queue: &QueueName, state: JobState) -> Result<Vec<Option<Top>>, DriverError> {
        let mut tops = Vec::new();
        for source in sources(state) {
            tops.push(self.top(queue, &source).await?);
        }
        Ok(tops)
    }

    /// The mark from which a list is read from `top` on, and the digest of what stands there: of `top` itself, else of the one
    /// behind it. `None`: all of them have left, and with them most likely everything behind.
    pub async fn above(&self, queue: &QueueName, source: &Source, top: &Top) -> Result<Option<(Mark, String)>, DriverError> {
        let found = self.place(queue, source, top, Reach::Far).await?;
        Ok(found.and_then(|(at, n)| Some((Mark { at: at + 1, score: None, anchors: Vec::new() }, top.anchors.get(n)?.clone()))))
    }

    /// Where the highest of the elements of `top` that are still in a list stands now, and which of them it is. All of them are looked for
    /// where they stood before any is looked for farther away: elsewhere an equal element may be met.
    pub(in crate::server::driver::redis) async fn place(
        &self,
        queue: &QueueName,
        source: &Source,
        top: &Top,
        reach: Reach,
    ) -> Result<Option<(u64, usize)>, DriverError> {
        let key = self.source_key(queue, source);
        // Pops at the tail move elements to lower positions; what is put back there moves them up.
        let near = [("down", 0, NEAR), ("up", 1, NEAR), ("down", NEAR + 1, AROUND), ("up", NEAR + 1, AROUND)];
        // Busy workers take any number meanwhile: looked for down to the end, a bounded step at a time.
        let far = [("down", AROUND + 1, top.position), ("up", AROUND + 1, SEARCHED)];
        for (way, from, to) in near.into_iter().chain(far.into_iter().filter(|_| reach == Reach::Far)) {
            let mut distance = from;
            while distance <= to && !top.anchors.is_empty() {
                let mut call = self.scripts.place.key(&key);
                call.arg(top.position).arg(distance).arg((distance + STEP).min(to)).arg(way).arg(LOCATE_BYTES).arg(&top.anchors);
                let answer: Vec<u64> = call.invoke_async(&mut self.requests.clone()).await?;
                match answer.as_slice() {
                    [at, which] => return Ok(Some((*at, usize::try_from(*which).unwrap_or(usize::MAX)))),
                    [next] => distance = (*next).max(distance + 1),
                    _ => break,
                }
            }
        }
        Ok(None)
    }

    /// The piece that begins at `top`, or below what stood above it; an empty one that is `lost` when all of these have left.
    pub async fn piece_at(&self, queue: &QueueName, source: &Source, top: &Top, count: u64) -> Result<Piece, DriverError> {
        let mut mark = Mark { at: top.position + 1, score: None, anchors: Vec::new() };
        let mut first = top.anchors.first().cloned().unwrap_or_default();
        for _ in 0..AGAIN {
            let mut piece = self.piece(queue, source, Some(&mark), count).await?;
            // What left the list meanwhile has drawn newer ones to its place.
            if let Some(newer) = piece.rows.iter().position(|row| row.element().digest() == first) {
                piece.rows.drain(..newer);
                return Ok(piece);
            }
            // It has moved, and may go on moving while it is looked for.
            let Some(found) = self.above(queue, source, top).await? else { return self.below(queue, source, top, count).await };
            (mark, first) = found;
        }
        Err(DriverError::Unsteady(
            "The list changes faster than it can be read. What was done stays done, nothing of the next part was touched; start it again for the rest.",
        ))
    }

    /// What comes behind a piece, none of which was taken out yet. `None`: nothing, or the piece has left the list, and with it all
    /// that is behind it.
    pub async fn behind(&self, queue: &QueueName, source: &Source, piece: &Piece) -> Result<Option<Top>, DriverError> {
        let mark = piece.mark(piece.rows.len(), None);
        let next = self.piece(queue, source, mark.as_ref(), AHEAD as u64).await?;
        Ok(next.coming(0, None).filter(|_| !next.lost))
    }

    /// Where the last element read is now: nearer to the end after pops, farther from it when something was put back there.
    pub(super) async fn moved(&self, queue: &QueueName, source: &Source, mark: &Mark) -> Result<Option<(u64, String)>, DriverError> {
        for (above, hash) in mark.anchors.iter().enumerate() {
            let f = Fingerprint { hash: hash.clone(), source: source.clone(), hint: mark.at + above as u64, score: None };
            if let Some(found) = self.nearby(queue, &f).await? {
                return Ok(Some((found.fingerprint.hint, hash.clone())));
            }
        }
        Ok(None)
    }
}
