//! Finding a lost place again: by what was left above it, or by jobs that were counted below it.

use super::{AHEAD, Mark, Piece, Read, Top};
use crate::{
    model::ids::{Fingerprint, QueueName, Source},
    server::{
        driver::redis::{RedisDriver, job::SEARCHED},
        error::DriverError,
    },
};

impl Read {
    /// Whether it has this digest.
    pub fn is(&self, digest: &str) -> bool {
        self.element().digest() == digest
    }
}

/// Whether what was last seen at a place can stand at this one now. Only what is put back at the end moves a list away from it; into a
/// waiting list another job of the same bytes may have come since.
fn can_be(source: &Source, there: u64, was: u64) -> bool {
    *source == Source::Failed || there <= was
}

impl Piece {
    /// The digests of what stands right above the place behind this piece, the nearest first. `stay`: which of its rows, in their order,
    /// are left there; `earlier`: what stands above the piece.
    pub fn above(&self, stay: &[usize], earlier: &[String]) -> Vec<String> {
        let own = stay.iter().rev().filter_map(|at| self.rows.get(*at)).map(|row| row.element().digest());
        own.chain(earlier.iter().cloned()).take(AHEAD).collect()
    }
}

impl RedisDriver {
    /// The newest elements of a list; `None` of an empty one.
    pub async fn top(&self, queue: &QueueName, source: &Source) -> Result<Option<Top>, DriverError> {
        let piece = self.piece(queue, source, None, AHEAD as u64).await?;
        Ok(piece.coming(0, None))
    }

    /// The piece below what stood right above `top`, when `top` has left with those behind it; an empty one that is `lost` when nothing
    /// tells where that is.
    pub(super) async fn below(&self, queue: &QueueName, source: &Source, top: &Top, count: u64) -> Result<Piece, DriverError> {
        if !top.above.is_empty() {
            let mark = Mark { at: top.position + 1, score: None, anchors: top.above.clone() };
            let piece = self.piece(queue, source, Some(&mark), count).await?;
            if !piece.lost && piece.rows.first().is_none_or(|row| can_be(source, row.position(), top.position)) {
                return Ok(piece);
            }
        }
        Ok(Piece { lost: true, ..Piece::default() })
    }

    /// The newest of the jobs that were counted below `top` and are there still, and which of them it is. What was put back stands at the
    /// end of its list: the place farthest from it counts.
    pub async fn counted(&self, queue: &QueueName, source: &Source, top: &Top) -> Result<Option<(usize, Top)>, DriverError> {
        // Near their places first, then farther away, as far as one search by id looks.
        for mut far in [0, SEARCHED] {
            let mut newest: Option<(usize, Top)> = None;
            for (n, (hint, hash)) in top.matched.iter().enumerate() {
                let f = Fingerprint { hash: hash.clone(), source: source.clone(), hint: *hint, score: None };
                let Some(found) = self.locate_within(queue, &f, &mut far).await? else { continue };
                let position = found.fingerprint.hint;
                let newer = newest.as_ref().is_none_or(|(_, newest)| position > newest.position);
                if newer && can_be(source, position, *hint) {
                    newest = Some((n, Top { position, anchors: vec![hash.clone()], ..Top::default() }));
                }
            }
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
    }
}
