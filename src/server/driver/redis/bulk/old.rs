//! What of a failed list was there when its retry began. Others take from the list, and put back, at either end: only elements that
//! were seen before tell where the rest is now.

use super::{Step, Sweep, reread};
use crate::model::{
    ids::{QueueName, Source},
    operation::Outcome,
};
use crate::server::{
    driver::redis::{
        RedisDriver,
        job::LOCATE_BYTES,
        payload::{self, Element},
        search::{Reach, Top},
    },
    error::DriverError,
};

/// So many of the newest are remembered next to each other; below them, single ones at ever greater distances.
const NEXT: u64 = 16;
/// Elements that stayed and are remembered: one of them that is still there tells where the next part begins.
const STAYED: usize = 64;
/// A worker takes the time before it writes a failure down.
const BEFORE_MS: i64 = 1_000;
pub(super) const LOST: &str = "Others took the newest of the jobs that were to be retried, so nothing tells any more which of the rest failed since. Those were left where they are; start it again for them.";

#[derive(Default)]
pub(super) struct Old {
    /// The newest ones. `None`: nothing tells any more what failed since.
    pub top: Option<Top>,
    /// Single ones below them, the highest first. `None`: not asked for since the newest ones changed.
    below: Option<Vec<Top>>,
    /// Above `top` there may be more.
    pub partly: bool,
    /// Digests of the last ones that stay, the highest first.
    stayed: Vec<String>,
}

/// How many elements there are from the tail up to the newest one that was there at the start.
pub(super) struct There {
    pub count: u64,
    /// How many there would be, had nobody else touched the list.
    expected: u64,
}

impl Old {
    pub fn new(top: Option<Top>) -> Self {
        Self { top, ..Self::default() }
    }

    /// A part was moved that ended before position `end`: so many of it went, and these stayed, tail first.
    pub fn moved<'a>(&mut self, end: u64, went: u64, stayed: impl DoubleEndedIterator<Item = &'a Vec<u8>>) {
        if let Some(top) = &mut self.top {
            top.position = top.position.saturating_sub(went);
        }
        if let Some(below) = &mut self.below {
            below.retain(|one| one.position >= end);
            below.iter_mut().for_each(|one| one.position = one.position.saturating_sub(went));
        }
        let stayed: Vec<String> = stayed.rev().take(STAYED).map(|raw| Element::of(raw).digest()).collect();
        self.stayed.splice(0..0, stayed);
        self.stayed.truncate(STAYED);
    }
}

impl Sweep {
    /// By the clock of whoever wrote it down.
    pub(super) fn failed_since(&self, raw: &[u8]) -> bool {
        payload::read(&Element::of(raw)).failed_at.is_some_and(|at| at.0 + BEFORE_MS >= self.started.0)
    }
}

impl RedisDriver {
    /// `None`: nothing tells.
    pub(super) async fn there(&self, queue: &QueueName, old: &mut Old) -> Result<Option<There>, DriverError> {
        // What is known stays known when Redis does not answer in between.
        let Some(mut top) = old.top.clone() else { return Ok(None) };
        let mut found = self.place(queue, &Source::Failed, &top, Reach::Far).await?;
        let mut below = old.below.clone().unwrap_or_default().into_iter();
        let partly = found.is_none();
        while found.is_none()
            && let Some(next) = below.next()
        {
            found = self.place(queue, &Source::Failed, &next, Reach::Around).await?;
            top = next;
        }
        let Some((at, which)) = found else {
            old.top = None;
            return Ok(None);
        };
        let expected = top.position.saturating_sub(which as u64);
        top.found(at, which);
        if partly || which > 0 {
            old.below = None;
        }
        for one in old.below.iter_mut().flatten() {
            one.position = (one.position + at).saturating_sub(expected);
        }
        old.partly |= partly;
        old.top = Some(top);
        Ok(Some(There { count: at + 1, expected: expected + 1 }))
    }

    /// Remembers more of what is there than the newest few, which others may take one by one.
    pub(super) async fn remember(&self, key: &str, old: &mut Old) -> Result<(), DriverError> {
        let (Some(top), None) = (&mut old.top, &old.below) else { return Ok(()) };
        let mut call = self.scripts.marks.key(key);
        call.arg(top.position).arg(top.anchors.first()).arg(NEXT).arg(LOCATE_BYTES);
        let rows: Vec<(u64, String)> = call.invoke_async(&mut self.requests.clone()).await?;
        // It has moved just now: at the next step.
        if rows.is_empty() {
            return Ok(());
        }
        let (near, far): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(distance, _)| *distance < NEXT);
        top.anchors = near.into_iter().map(|(_, digest)| digest).collect();
        let single = |(distance, digest)| Top { position: top.position.saturating_sub(distance), anchors: vec![digest], ..Top::default() };
        old.below = Some(far.into_iter().map(single).collect());
        Ok(())
    }

    /// `None`: the part that was read begins behind those that stay, the last of which is `last`. Else it is to be read again from
    /// where they end now.
    pub(super) async fn begins(&self, sweep: &mut Sweep, there: Option<&There>, last: Option<&[u8]>) -> Result<Option<Step>, DriverError> {
        let grown = there.map_or(0, |there| there.count.saturating_sub(there.expected));
        let shrunk = there.map_or(0, |there| there.expected.saturating_sub(there.count));
        let Some(known) = sweep.old.stayed.first() else {
            // What is put back comes to the tail, below all that is to be retried.
            let stay = (sweep.stay + grown).saturating_sub(shrunk);
            if stay == sweep.stay {
                sweep.old.stayed.extend(last.map(|raw| Element::of(raw).digest()));
                return Ok(None);
            }
            sweep.stay = stay;
            return Ok(Some(Step { outcome: Outcome::default(), finished: false }));
        };
        if last.is_some_and(|raw| Element::of(raw).digest() == *known) {
            return Ok(None);
        }
        let stood = Top { position: sweep.stay.saturating_sub(1), anchors: sweep.old.stayed.clone(), ..Top::default() };
        if let Some((at, which)) = self.place(&sweep.queue, &Source::Failed, &stood, Reach::Far).await? {
            let nearer = at + 1 < sweep.stay;
            sweep.stay = at + 1;
            sweep.old.stayed.drain(..which.min(stood.anchors.len()));
            // Some of those that stay have left: that comes to an end by itself.
            if nearer {
                return Ok(Some(Step { outcome: Outcome::default(), finished: false }));
            }
        } else {
            sweep.stay = sweep.stay.saturating_sub(shrunk.max(stood.anchors.len() as u64));
            sweep.old.stayed.clear();
            // Some may be looked at twice, so that none is passed over.
            if let (Some(there), false) = (there, sweep.old.partly) {
                sweep.left = sweep.left.max(there.count.saturating_sub(sweep.stay));
            }
        }
        reread(sweep).map(Some)
    }
}
