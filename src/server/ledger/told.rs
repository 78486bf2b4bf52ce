//! What the archive is to remember of the event channel, until the console that archives has written it. Every console keeps the
//! last minutes, so that one that takes over writes what the one before it did not come to. Bounded: who archives refuses what does
//! not fit and counts it; the others let the oldest go, which has the best chance to be written by now.

use crate::model::{ids::QueueName, time::Millis};
use std::{collections::VecDeque, sync::Arc};

const MOST: usize = 100_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Farther from this console's clock no time of a log line is believed.
pub const CLOCKS_APART_MS: i64 = 24 * 3_600_000;
/// A console that does not archive keeps so much.
const KEPT_MS: i64 = 5 * 60_000;

/// A run that is over, as far as it was heard. Told again when more is known of how it ended.
#[derive(Clone, Debug)]
pub struct Closed {
    pub job: String,
    pub queue: Option<QueueName>,
    /// Of a failure whose queue is not known: what the worker serves.
    pub serves: Vec<String>,
    pub worker: String,
    pub class: Option<String>,
    /// Number of the run.
    pub attempt: Option<u64>,
    /// The end, when the beginning was not heard.
    pub started_at: Millis,
    pub ended_at: Millis,
    pub wait_ms: Option<i64>,
    /// `completed`, `failed` (it is not known yet what becomes of it), `retried`, `dead`, `lost`, `unknown`
    pub outcome: &'static str,
    pub error: Option<String>,
    /// The payload, when it was seen before the worker took it.
    pub raw: Option<Arc<[u8]>>,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct Said {
    pub level: &'static str,
    pub message: String,
    pub worker: Option<String>,
    pub queue: Option<QueueName>,
    pub at: Millis,
    /// By this console's clock.
    pub heard_at: Millis,
}

#[derive(Clone, Debug)]
pub enum News {
    Closed(Box<Closed>),
    Said(Box<Said>),
}

impl News {
    /// About what it takes in memory, all of it: events come from anybody, and every text of one may be long.
    pub fn bytes(&self) -> usize {
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let name = |queue: &Option<QueueName>| queue.as_ref().map_or(0, |queue| queue.as_str().len());
        match self {
            Self::Closed(c) => {
                let serves: usize = c.serves.iter().map(|queue| size_of::<String>() + queue.len()).sum();
                let raw = c.raw.as_ref().map_or(0, |raw| raw.len());
                300 + c.job.len() + name(&c.queue) + serves + c.worker.len() + len(&c.class) + len(&c.error) + raw
            }
            Self::Said(s) => 150 + s.message.len() + len(&s.worker) + name(&s.queue),
        }
    }

    /// Of every job there are several, and most of them tell what was to be expected.
    fn is_routine(&self) -> bool {
        matches!(self, Self::Said(_)) || matches!(self, Self::Closed(c) if c.outcome == "completed")
    }
}

/// How many of these, from the first one on, are so many at most and about so many bytes: the last one may be large.
pub fn first<'a>(news: impl Iterator<Item = &'a News>, most: usize, most_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |news: &&News| {
        let fits = bytes < most_bytes;
        bytes += news.bytes();
        fits
    };
    news.take(most).take_while(fits).count()
}

#[derive(Default)]
pub struct Told {
    /// Somebody writes it down.
    pub on: bool,
    /// This console is the one that does.
    pub leads: bool,
    /// With the payloads of completed jobs.
    pub payloads: bool,
    list: VecDeque<(Millis, News)>,
    bytes: usize,
    /// What did not fit.
    pub lost: u64,
}

impl Told {
    pub fn push(&mut self, now: Millis, news: News) {
        if !self.on {
            return;
        }
        let bytes = news.bytes();
        // While nothing is written, routine does not take the place of failures.
        let part = if self.leads && news.is_routine() { 2 } else { 1 };
        while self.list.len() >= MOST / part || self.bytes + bytes > MOST_BYTES / part {
            if self.leads {
                self.lost += 1;
                return;
            }
            let Some((_, oldest)) = self.list.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
        self.bytes += bytes;
        self.list.push_back((now, news));
    }

    /// The oldest, for the console that archives: so many at most, and about so many bytes.
    pub fn take(&mut self, most: usize, most_bytes: usize) -> Vec<News> {
        let n = first(self.list.iter().map(|(_, news)| news), most, most_bytes);
        let taken: Vec<News> = self.list.drain(..n).map(|(_, news)| news).collect();
        self.bytes = self.bytes.saturating_sub(taken.iter().map(News::bytes).sum());
        taken
    }

    /// What is still to be taken.
    pub fn waiting(&self) -> usize {
        self.list.len()
    }

    /// For a console that does not archive: what is old was written by the one that does.
    pub fn forget(&mut self, now: Millis) {
        while let Some((_, news)) = self.list.front().filter(|(at, _)| now.0 - at.0 > KEPT_MS) {
            self.bytes = self.bytes.saturating_sub(news.bytes());
            self.list.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(n: usize) -> News {
        let at = Millis(n as i64);
        News::Said(Box::new(Said { level: "info", message: n.to_string(), worker: None, queue: None, at, heard_at: at }))
    }

    fn messages(told: &mut Told) -> Vec<String> {
        let one = |news| match news {
            News::Said(said) => said.message,
            News::Closed(closed) => closed.job,
        };
        told.take(MOST, MOST_BYTES).into_iter().map(one).collect()
    }

    fn failed(n: usize) -> News {
        let at = Millis(n as i64);
        News::Closed(Box::new(Closed {
            job: n.to_string(),
            queue: None,
            serves: Vec::new(),
            worker: "w".into(),
            class: None,
            attempt: None,
            started_at: at,
            ended_at: at,
            wait_ms: None,
            outcome: "failed",
            error: None,
            raw: None,
        }))
    }

    #[test]
    fn who_archives_counts_what_does_not_fit_and_others_keep_the_newest() {
        for leads in [true, false] {
            let mut told = Told { on: true, leads, ..Told::default() };
            (0..MOST + 10).for_each(|n| told.push(Millis(0), failed(n)));
            let kept = messages(&mut told);
            assert_eq!(kept.len(), MOST);
            assert_eq!((told.lost, kept[0].as_str()), if leads { (10, "0") } else { (0, "10") });
            assert_eq!(told.bytes, 0);
        }
    }

    #[test]
    fn every_text_counts_and_what_is_taken_is_bounded_by_bytes() {
        let long = || "x".repeat(1_000);
        let News::Closed(closed) = failed(0) else { panic!("a run") };
        let bare = News::Closed(closed.clone()).bytes();
        let queue = QueueName::try_from("q".repeat(100)).expect("a name");
        let serves = (0..10).map(|_| long()).collect();
        let full = Closed { job: long(), queue: Some(queue), serves, worker: long(), class: Some(long()), error: Some(long()), ..*closed };
        assert!(News::Closed(Box::new(full)).bytes() > bare + 14_000);
        let mut told = Told { on: true, leads: true, ..Told::default() };
        for n in 0..10 {
            let News::Said(said) = said(n) else { panic!("a line") };
            told.push(Millis(0), News::Said(Box::new(Said { message: "x".repeat(100_000), worker: Some(long()), ..*said })));
        }
        assert!(told.bytes > 1_010_000);
        assert!(told.take(10, 0).is_empty(), "no place");
        assert_eq!(told.take(10, 1).len(), 1, "one is taken whole, or none ever would be");
        assert_eq!(told.take(10, 250_000).len(), 3);
        assert_eq!(told.take(2, 1_000_000).len(), 2);
        assert_eq!((told.take(10, 1_000_000).len(), told.bytes), (4, 0));
    }

    #[test]
    fn routine_leaves_place_for_failures() {
        let mut told = Told { on: true, leads: true, ..Told::default() };
        (0..MOST).for_each(|n| told.push(Millis(0), said(n)));
        assert_eq!((told.waiting(), told.lost), (MOST / 2, (MOST / 2) as u64));
        (0..MOST / 2).for_each(|n| told.push(Millis(0), failed(n)));
        assert_eq!((told.waiting(), told.lost), (MOST, (MOST / 2) as u64));
    }
}
