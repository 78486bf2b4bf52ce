//! The newest events as log lines. Every event is counted; only so many are kept.

use crate::model::log::{LogLine, LogQuery, LogTail};
use std::collections::VecDeque;

const KEPT: usize = 10_000;

#[derive(Default)]
pub struct Tail {
    lines: VecDeque<LogLine>,
    /// Number of the newest line.
    seq: u64,
}

impl Tail {
    pub fn push(&mut self, mut line: LogLine) {
        self.seq += 1;
        line.seq = self.seq;
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Lines behind number `after` that match, the newest `most` of them. With a filter only kept lines are counted.
    pub fn since(&self, after: u64, query: &LogQuery, most: usize) -> LogTail {
        self.between(after, self.seq, query, most)
    }

    /// The same up to number `to`: many streams ask for the same stretch.
    pub fn between(&self, after: u64, to: u64, query: &LogQuery, most: usize) -> LogTail {
        let first = self.seq - self.lines.len() as u64;
        let place = |seq: u64| usize::try_from(seq.clamp(first, self.seq) - first).unwrap_or(0);
        let (from, until) = (place(after), place(to));
        let fresh = until.saturating_sub(from);
        let lines = self.lines.range(until - fresh..until);
        if *query == LogQuery::default() {
            let skip = fresh.saturating_sub(most);
            return LogTail { lines: lines.skip(skip).cloned().collect(), matched: to.saturating_sub(after) };
        }
        let matching: Vec<&LogLine> = lines.filter(|line| query.matches(line)).collect();
        let skip = matching.len().saturating_sub(most);
        LogTail { lines: matching[skip..].iter().map(|line| (*line).clone()).collect(), matched: matching.len() as u64 }
    }
}
