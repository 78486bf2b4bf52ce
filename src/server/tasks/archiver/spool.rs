//! What was read and is not written yet: reading never waits for the database, and memory has an end.

use super::dead::Suspect;
use crate::{
    model::{archive::Gap, ids::QueueName, time::Millis},
    server::{
        archive::record::Record,
        ledger::told::{News, first},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Dead letters, whichever comes first.
const RECORDS: usize = 100_000;
const BYTES: usize = 64 * 1024 * 1024;
/// News of the event channel; what does not fit stays in the ledger, which counts what it has to drop.
const NEWS: usize = 10_000;
const NEWS_BYTES: usize = 16 * 1024 * 1024;
/// Gaps that wait; more of one queue become one.
const GAPS: usize = 1_000;
/// The console before may still write what it heard last: this long after taking over, lines may be there already.
const OVERLAP_MS: i64 = 15_000;

pub struct Spool {
    most: usize,
    most_bytes: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<Record>,
    bytes: usize,
    /// Of `records`, how many the writer is at.
    under_way: usize,
    news: VecDeque<News>,
    news_bytes: usize,
    gaps: VecDeque<Gap>,
    /// Lists of which the archive is to say whether something is missing.
    suspects: VecDeque<Suspect>,
    /// By queue, what there was no place for.
    lost: BTreeMap<QueueName, Gap>,
    /// Lists to be read from the head to the end: what was lost may still be there.
    again: Vec<QueueName>,
    /// Lines that were heard up to then may have been written by another console.
    shared_until: Option<Millis>,
}

impl Default for Spool {
    fn default() -> Self {
        Self::new(RECORDS, BYTES)
    }
}

impl Spool {
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self { most, most_bytes, waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes dead letters in; how many there was no place for. One that is larger than all the place is taken when it is alone.
    pub fn keep(&self, found: Vec<Record>) -> u64 {
        let waiting = &mut *self.lock();
        let mut lost = 0;
        for record in found {
            let bytes = record.payload.len();
            let full = waiting.records.len() >= self.most || waiting.bytes + bytes > self.most_bytes.max(bytes);
            if full {
                lost += 1;
                waiting.lose(&record.queue, record.at);
                continue;
            }
            waiting.bytes += bytes;
            waiting.records.push_back(record);
        }
        lost
    }

    pub fn gap(&self, gap: Gap) {
        self.lock().gap(gap);
    }

    /// To be asked before what was found with it is written.
    pub fn suspect(&self, suspect: Suspect) {
        self.lock().suspects.push_back(suspect);
    }

    pub fn oldest_suspect(&self) -> Option<Suspect> {
        self.lock().suspects.front().cloned()
    }

    pub fn suspect_asked(&self) {
        self.lock().suspects.pop_front();
    }

    /// Whether there is place for much more.
    pub fn has_place(&self) -> bool {
        let waiting = self.lock();
        waiting.records.len() < self.most / 10 && waiting.bytes < self.most_bytes / 10
    }

    /// This console archives from now on.
    pub fn taken_over(&self, now: Millis) {
        self.lock().shared_until = Some(Millis(now.0 + OVERLAP_MS));
    }

    /// Another console does, while this one still writes what it read.
    pub fn handed_over(&self) {
        self.lock().shared_until = None;
    }

    /// Whether another console may have written a line that was heard then.
    pub fn is_shared(&self, heard_at: Millis) -> bool {
        self.lock().shared_until.is_none_or(|until| heard_at <= until)
    }

    /// How many news there is place for, and about how many bytes of them.
    pub fn place_for_news(&self) -> (usize, usize) {
        let waiting = self.lock();
        (NEWS.saturating_sub(waiting.news.len()), NEWS_BYTES.saturating_sub(waiting.news_bytes))
    }

    pub fn hear(&self, news: Vec<News>) {
        let mut waiting = self.lock();
        waiting.news_bytes += news.iter().map(News::bytes).sum::<usize>();
        waiting.news.extend(news);
    }

    /// Dead letters that wait.
    pub fn waiting(&self) -> u64 {
        self.lock().records.len() as u64
    }

    /// The oldest ones; they wait on until [`Self::written`] says otherwise.
    pub fn records(&self, most: usize) -> Vec<Record> {
        let mut waiting = self.lock();
        waiting.under_way = waiting.records.len().min(most);
        waiting.records.iter().take(most).cloned().collect()
    }

    /// Those that [`Self::records`] gave out are in the archive.
    pub fn written(&self) {
        let waiting = &mut *self.lock();
        let n = std::mem::take(&mut waiting.under_way);
        waiting.bytes -= waiting.records.drain(..n).map(|r| r.payload.len()).sum::<usize>();
        if waiting.records.is_empty() {
            // There is place again: what was lost becomes a gap, and the lists are read again as far as they reach.
            let lost = std::mem::take(&mut waiting.lost);
            waiting.again.extend(lost.keys().cloned());
            lost.into_values().for_each(|gap| waiting.gap(gap));
        }
    }

    pub fn oldest_gap(&self) -> Option<Gap> {
        self.lock().gaps.front().cloned()
    }

    pub fn gap_written(&self) {
        self.lock().gaps.pop_front();
    }

    /// The oldest news, taken out: so many at most, and about so many bytes.
    pub fn news(&self, most: usize, most_bytes: usize) -> Vec<News> {
        let waiting = &mut *self.lock();
        let n = first(waiting.news.iter(), most, most_bytes);
        let news: Vec<News> = waiting.news.drain(..n).collect();
        waiting.news_bytes = waiting.news_bytes.saturating_sub(news.iter().map(News::bytes).sum());
        news
    }

    /// Lists that are to be read whole, once.
    pub fn again(&self) -> Vec<QueueName> {
        std::mem::take(&mut self.lock().again)
    }
}

impl Waiting {
    /// While the database is away gaps add up as well.
    fn gap(&mut self, gap: Gap) {
        let full = self.gaps.len() >= GAPS;
        // The first one may be under way to the database.
        match self.gaps.iter_mut().skip(1).rfind(|g| g.queue == gap.queue && (full || Some(g.until) == gap.from)) {
            Some(known) => {
                known.until = gap.until;
                known.up_to = known.up_to.zip(gap.up_to).map(|(a, b)| a + b);
            }
            // As many as there are queues.
            None => self.gaps.push_back(gap),
        }
    }

    fn lose(&mut self, queue: &QueueName, at: Millis) {
        let gap = self.lost.entry(queue.clone()).or_insert_with(|| Gap { queue: queue.clone(), from: Some(at), until: at, up_to: Some(0) });
        (gap.until, gap.up_to) = (at, gap.up_to.map(|n| n + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::archive::Status, server::ledger::told::Said};

    fn dead(at: i64, bytes: usize) -> Record {
        let queue = QueueName::try_from("mail".to_owned()).expect("a name");
        Record { status: Status::Failed, queue, id: None, payload: vec![b'x'; bytes], at: Millis(at) }
    }

    #[test]
    fn what_there_is_no_place_for_is_a_gap_once_there_is_place_again() {
        let spool = Spool::new(3, 100);
        assert_eq!(spool.keep((0..5).map(|at| dead(at, 10)).collect()), 2, "three fit");
        assert_eq!(spool.keep(vec![dead(5, 10)]), 1);
        assert_eq!((spool.records(2).len(), spool.waiting()), (2, 3), "what is being written still counts");
        spool.written();
        assert!(spool.oldest_gap().is_none() && spool.again().is_empty(), "one waits still");
        assert_eq!(spool.records(10).len(), 1);
        spool.written();
        let gap = spool.oldest_gap().expect("a gap");
        assert_eq!((gap.from, gap.until, gap.up_to), (Some(Millis(3)), Millis(5), Some(3)));
        assert_eq!(spool.again().len(), 1, "its list is read again");
        assert!(spool.again().is_empty(), "once");
        spool.gap_written();
        assert!(spool.oldest_gap().is_none());
    }

    #[test]
    fn bytes_are_counted() {
        let spool = Spool::new(100, 100);
        assert_eq!(spool.keep(vec![dead(0, 60), dead(1, 60), dead(2, 40)]), 1);
        assert_eq!(spool.keep(vec![dead(3, 1_000)]), 1, "too large beside others");
        spool.records(10);
        assert_eq!(spool.keep(vec![dead(4, 1)]), 1, "there is place when it is written, not before");
        spool.written();
        assert_eq!(spool.keep(vec![dead(5, 1_000)]), 0, "alone there is place for any");
        assert_eq!(spool.keep(vec![dead(6, 1)]), 1);
    }

    #[test]
    fn news_are_bounded_by_bytes_as_well() {
        let line = || {
            let message = "x".repeat(1024 * 1024);
            News::Said(Box::new(Said { level: "info", message, worker: None, queue: None, at: Millis(0), heard_at: Millis(0) }))
        };
        let spool = Spool::default();
        assert_eq!(spool.place_for_news(), (NEWS, NEWS_BYTES));
        spool.hear((0..10).map(|_| line()).collect());
        assert!(spool.place_for_news().1 < 6 * 1024 * 1024);
        spool.hear((0..10).map(|_| line()).collect());
        assert_eq!(spool.place_for_news(), (NEWS - 20, 0), "the ledger keeps what comes now");
        assert_eq!(spool.news(1_000, 4 * 1024 * 1024).len(), 4);
        assert_eq!(spool.news(3, 4 * 1024 * 1024).len(), 3);
        assert_eq!(spool.news(1_000, usize::MAX).len(), 13);
        assert_eq!(spool.place_for_news(), (NEWS, NEWS_BYTES));
    }
}
