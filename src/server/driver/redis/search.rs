//! Reading lists for a search: every element that is there all the time is read once, in bounded pieces, newest first.

mod place;
mod walk;

use super::{
    RedisDriver,
    payload::{self, Element, PART, WHOLE},
    reply,
};
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    job::{JobState, JobSummary},
    search::{
        Candidate, Place, Query,
        text::{LazyText, Text},
    },
};
use crate::server::error::DriverError;
use redis::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use walk::AGAIN;
pub use walk::{Reach, Top};

/// One script reads at most this much: about 1 ms of Redis.
const PIECE: u64 = 500;
const PIECE_BYTES: u64 = 256 * 1024;
/// Where only elements with a certain text are handed out: reading them is the cheaper part.
const SPARSE: u64 = 4_000;
const SPARSE_BYTES: u64 = 1024 * 1024;
/// Elements that are remembered: should the last one be gone, the one before it still tells the place.
const ANCHORS: usize = 3;
/// The same where a list goes on that others work at too: they take more than a few that stand side by side.
pub const AHEAD: usize = 16;

/// How far a list was read: the last element, and what stood before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Position of the last element read; in a delayed set how many of its score were read.
    pub at: u64,
    /// Of the last one read, in a delayed set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Digests, the last one read first, then those at the positions above it.
    pub anchors: Vec<String>,
}

impl Mark {
    /// The mark in a delayed set behind `last`, for one who takes elements out on the way: `stay` of those just read are still
    /// there. `None` in a list: there the place is told by what comes (`Top`).
    pub fn behind(last: &Read, stay: &[&Read], before: Option<&Self>) -> Option<Self> {
        let score = last.score.as_ref()?;
        let mut same = stay.iter().filter(|s| s.score.as_ref() == Some(score));
        let earlier = before.filter(|m| m.score.as_ref() == Some(score));
        let (count, newest) = (same.clone().count() as u64, same.next_back().map(|s| s.element().digest()));
        let anchors = newest.map_or_else(|| earlier.map(|m| m.anchors.clone()).unwrap_or_default(), |digest| vec![digest]);
        Some(Self { at: count + earlier.map_or(0, |m| m.at), score: Some(score.clone()), anchors })
    }
}

/// An element as a search sees it.
pub struct Read {
    position: u64,
    score: Option<String>,
    bytes: u64,
    /// Empty when the element lacks the text that was wanted.
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// A piece of a list, towards its end.
#[derive(Default)]
pub struct Piece {
    /// `None`: the key holds something else.
    pub length: Option<u64>,
    pub rows: Vec<Read>,
    /// The last elements could not be found again: something newer may be read, or something again.
    pub lost: bool,
}

impl Read {
    /// As the scripts that act on a job know it.
    fn element(&self) -> Element {
        if self.tail.is_empty() && self.head.len() <= WHOLE {
            return Element { bytes: self.bytes, head: self.head.clone(), tail: Vec::new() };
        }
        let end = if self.tail.is_empty() { &self.head } else { &self.tail };
        Element { bytes: self.bytes, head: self.head[..PART].to_vec(), tail: end[end.len() - PART..].to_vec() }
    }

    fn lazy_text(&self) -> LazyText<'_> {
        let text = |bytes| String::from_utf8_lossy(bytes);
        if self.tail.is_empty() { LazyText::new(text(&self.head)) } else { LazyText::of_ends(text(&self.head), text(&self.tail)) }
    }

    /// What a search looks through.
    pub fn text(&self) -> Text {
        self.lazy_text().get().clone()
    }

    /// The row that a list would show, and where the query is met; `None` when it is not. And whether that was judged by a part of
    /// the payload.
    pub fn matched(&self, query: &Query, queue: &QueueName, source: &Source) -> (Option<(JobSummary, Place)>, bool) {
        if self.passed_over() {
            return (None, false);
        }
        let lazy = self.lazy_text();
        let element = self.element();
        let state = state_of(source);
        let said = payload::read(&element);
        let place = query.matches(&Candidate {
            queue: queue.as_str(),
            state,
            id: said.id.as_deref(),
            class: said.class_name.as_deref(),
            error: said.error.as_deref(),
            group: said.group_id.as_deref(),
            at: said.failed_at.or(said.created_at),
            text: &lazy,
        });
        let partly = query.saw_part(&lazy);
        let Some(place) = place else { return (None, partly) };
        let priority = match source {
            Source::Waiting(p) | Source::Delayed(p) => Some(*p),
            Source::Failed | Source::Grouped(_) => None,
        };
        let fingerprint = Fingerprint { hash: element.digest(), source: source.clone(), hint: self.position, score: self.score.clone() };
        (Some((payload::summary(queue, state, priority, fingerprint, &element), place)), partly)
    }

    fn passed_over(&self) -> bool {
        self.bytes > 0 && self.head.is_empty()
    }

    /// A dead letter as a list would show it, and its error as far as it was read.
    pub fn failed(&self, queue: &QueueName) -> (JobSummary, Option<String>) {
        let element = self.element();
        let error = payload::read(&element).error;
        let fingerprint = Fingerprint { hash: element.digest(), source: Source::Failed, hint: self.position, score: None };
        (payload::summary(queue, JobState::Failed, None, fingerprint, &element), error)
    }

    /// Size of the whole element.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many elements follow it towards the end of its list.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// As text: bytes that are not UTF-8 replaced. `None` when the middle was not read.
    pub fn whole(&self) -> Option<Cow<'_, str>> {
        self.tail.is_empty().then(|| String::from_utf8_lossy(&self.head))
    }
}

pub fn state_of(source: &Source) -> JobState {
    match source {
        Source::Waiting(_) => JobState::Waiting,
        Source::Delayed(_) => JobState::Delayed,
        Source::Failed => JobState::Failed,
        Source::Grouped(_) => JobState::Grouped,
    }
}

/// Where a queue's jobs of a state are, newest of the last ones first; nowhere for states that Redis does not store.
pub fn sources(state: JobState) -> Vec<Source> {
    match state {
        JobState::Failed => vec![Source::Failed],
        JobState::Waiting => Priority::ALL.map(Source::Waiting).to_vec(),
        JobState::Delayed => Priority::ALL.map(Source::Delayed).to_vec(),
        JobState::Grouped | JobState::Active | JobState::Completed => Vec::new(),
    }
}

impl Piece {
    /// The mark behind the first `n` rows, given the one before them.
    pub fn mark(&self, n: usize, before: Option<&Mark>) -> Option<Mark> {
        let last = self.rows.get(n.checked_sub(1)?)?;
        let mut anchors: Vec<String> =
            self.rows[..n].iter().rev().take(ANCHORS).take_while(|row| !row.passed_over()).map(|row| row.element().digest()).collect();
        // Those of the piece before stand right above this one only when all of this one are remembered.
        let all = anchors.len() == n;
        anchors.extend(before.iter().filter(|_| all).flat_map(|m| m.anchors.iter().cloned()).take(ANCHORS.saturating_sub(n)));
        let Some(score) = &last.score else { return Some(Mark { at: last.position, score: None, anchors }) };
        let same = self.rows[..n].iter().rev().take_while(|row| row.score.as_ref() == Some(score)).count();
        // The score may have begun in an earlier piece.
        let earlier = before.filter(|m| same == n && m.score.as_ref() == Some(score)).map_or(0, |m| m.at);
        Some(Mark { at: earlier + same as u64, score: Some(score.clone()), anchors })
    }
}

impl RedisDriver {
    /// Lengths of lists and sets, in one round trip; `None` where the key holds something else.
    pub async fn lengths(&self, places: &[(&QueueName, &Source)]) -> Result<Vec<Option<u64>>, DriverError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for (queue, source) in places {
            let command = if matches!(source, Source::Delayed(_)) { "ZCARD" } else { "LLEN" };
            pipe.cmd(command).arg(self.source_key(queue, source));
        }
        let answers: Vec<Value> = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(answers.iter().map(reply::length).collect())
    }

    /// The next piece of a list behind a mark (`None`: from its newest element), at most `count` elements.
    pub async fn piece(&self, queue: &QueueName, source: &Source, mark: Option<&Mark>, count: u64) -> Result<Piece, DriverError> {
        self.piece_with(queue, source, mark, count, "").await
    }

    /// The same, and what lacks a text is passed over in Redis itself.
    pub async fn piece_with(
        &self,
        queue: &QueueName,
        source: &Source,
        mark: Option<&Mark>,
        count: u64,
        wanted: &str,
    ) -> Result<Piece, DriverError> {
        let (most, bytes) = if wanted.is_empty() { (PIECE, PIECE_BYTES) } else { (SPARSE, SPARSE_BYTES) };
        let (key, count) = (self.source_key(queue, source), count.clamp(1, most));
        if matches!(source, Source::Delayed(_)) {
            return self.delayed_piece(&key, mark, count, bytes, wanted).await;
        }
        let end = if matches!(source, Source::Grouped(_)) { "head" } else { "tail" };
        let mut at = mark.map(|m| m.at);
        let mut anchor = mark.and_then(|m| m.anchors.first().cloned()).unwrap_or_default();
        let (mut lost, mut looks) = (false, AGAIN);
        loop {
            let mut call = self.scripts.scan.key(&key);
            call.arg(at.map_or_else(String::new, |at| at.to_string())).arg(end).arg(count).arg(bytes).arg(&anchor).arg(wanted);
            let mut answer = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?.into_iter();
            let length = reply::length(&reply::next(&mut answer)?);
            let from = reply::int(&reply::next(&mut answer)?)?;
            if let (-2, Some(mark)) = (from, mark) {
                // It may move on between being found and being read.
                match self.moved(queue, source, mark).await? {
                    Some((there, hash)) if looks > 0 => (at, anchor, looks) = (Some(there), hash, looks - 1),
                    _ => {
                        lost = true;
                        anchor.clear();
                    }
                }
                continue;
            }
            let mut position = u64::try_from(from).unwrap_or(0);
            let mut rows = Vec::new();
            for row in answer {
                let mut row = reply::array(row)?.into_iter();
                rows.push(read(position, None, &mut row)?);
                position = position.saturating_sub(1);
            }
            return Ok(Piece { length, rows, lost });
        }
    }

    async fn delayed_piece(&self, key: &str, mark: Option<&Mark>, count: u64, bytes: u64, wanted: &str) -> Result<Piece, DriverError> {
        let mut call = self.scripts.scan_delayed.key(key);
        let score = mark.and_then(|m| m.score.clone()).unwrap_or_default();
        let digest = mark.and_then(|m| m.anchors.first().cloned()).unwrap_or_default();
        call.arg(score).arg(mark.map_or(0, |m| m.at)).arg(count).arg(bytes).arg(digest).arg(wanted);
        let mut answer = reply::array(call.invoke_async(&mut self.requests.clone()).await?)?.into_iter();
        let length = reply::length(&reply::next(&mut answer)?);
        let mut rank = u64::try_from(reply::int(&reply::next(&mut answer)?)?).unwrap_or(0);
        let mut rows = Vec::new();
        for row in answer {
            let mut row = reply::array(row)?.into_iter();
            let score = reply::text(reply::next(&mut row)?)?;
            rows.push(read(rank, Some(score), &mut row)?);
            rank = rank.saturating_sub(1);
        }
        Ok(Piece { length, rows, lost: false })
    }
}

/// `bytes, head, tail` at the end of a row; `bytes` alone when it was passed over.
fn read(position: u64, score: Option<String>, row: &mut impl Iterator<Item = Value>) -> Result<Read, DriverError> {
    let bytes = reply::int(&reply::next(row)?)?.unsigned_abs();
    let mut part = || row.next().map_or_else(|| Ok(Vec::new()), reply::bytes);
    Ok(Read { position, score, bytes, head: part()?, tail: part()? })
}
