//! What happened, counted: in the sums since the start, and in the second that it belongs to.

use super::{Inner, event::Kind};
use crate::model::{ids::QueueName, time::Millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Started,
    Completed,
    Failed,
    Retried,
    Dead,
}

impl Counted {
    /// What an event alone says; retries and dead letters are told by what follows.
    pub fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Started => Some(Self::Started),
            Kind::Completed => Some(Self::Completed),
            Kind::Failed { .. } => Some(Self::Failed),
            Kind::Retrying { .. } | Kind::Online(_) | Kind::Offline | Kind::Other => None,
        }
    }
}

impl Inner {
    /// `ms`: how long the job had waited when it started, or had run when it ended; `None`: unknown.
    pub(super) fn count(
        &mut self,
        what: Counted,
        ms: Option<i64>,
        at: Millis,
        now: Millis,
        queue: Option<&QueueName>,
        class: Option<&str>,
    ) {
        let heard = &mut self.heard;
        heard.unattributed += u64::from(what == Counted::Started && queue.is_none());
        *match what {
            Counted::Started => &mut heard.started,
            Counted::Completed => &mut heard.completed,
            Counted::Failed => &mut heard.failed,
            Counted::Retried => &mut heard.retried,
            Counted::Dead => &mut heard.dead,
        } += 1;
        self.meter.count(at.0, now.0, queue, class, |tally| {
            let (sum, times) = match what {
                Counted::Started => (&mut tally.started, Some(&mut tally.wait)),
                Counted::Completed => (&mut tally.completed, Some(&mut tally.run)),
                Counted::Failed => (&mut tally.failed, Some(&mut tally.run)),
                Counted::Retried => (&mut tally.retried, None),
                Counted::Dead => (&mut tally.dead, None),
            };
            *sum += 1;
            if let (Some(times), Some(ms)) = (times, ms) {
                times.add(ms);
            }
        });
    }
}
