//! Failures of which nothing says in which queue they are. It may be one that no key told of yet, and its list is full when it is met for
//! the first time: then these tell that some were dropped.

use super::DeadLetters;
use crate::model::time::Millis;
use std::collections::VecDeque;

/// A console at which nobody looks goes over the keys slowly.
const KEPT_MS: i64 = 5 * 60_000;
/// A letter may be found so long before its event is heard.
const AHEAD_MS: i64 = 2_000;

#[derive(Default)]
pub struct Strays {
    /// Heard of and found in no list, the oldest first.
    waiting: VecDeque<(Millis, u64)>,
    /// Letters that nothing was heard of, and until when that may be for the event's sake.
    ahead: u64,
    ahead_until: Option<Millis>,
}

impl Strays {
    /// A look is over: failures that were heard of, without a queue and with one, and letters that were found or need not be.
    pub fn turn(&mut self, at: Millis, strays: u64, others: u64, found: u64) {
        while self.waiting.front().is_some_and(|(heard, _)| at.0 - heard.0 > KEPT_MS) {
            self.waiting.pop_front();
        }
        if strays > 0 {
            self.waiting.push_back((at, strays));
        }
        if self.ahead_until.is_none_or(|until| at.0 > until.0) {
            self.ahead = 0;
        }
        let found = found.saturating_sub(others);
        if found > 0 {
            self.ahead_until = Some(Millis(at.0 + AHEAD_MS));
        }
        self.ahead += found;
        while self.ahead > 0
            && let Some((_, n)) = self.waiting.front_mut()
        {
            let those = self.ahead.min(*n);
            (*n, self.ahead) = (*n - those, self.ahead - those);
            if *n == 0 {
                self.waiting.pop_front();
            }
        }
    }

    /// Since when there are some that were found in no list.
    pub fn since(&self) -> Option<Millis> {
        self.waiting.front().map(|(at, _)| *at)
    }

    /// So many are told of, as missing in a list; `None`: it may be all of them. Those that were heard last, for a gap is noted a few
    /// turns after its look; what is left was in another list.
    pub fn told(&mut self, missing: Option<u64>) {
        let mut left = missing.unwrap_or(u64::MAX);
        while left > 0
            && let Some((_, n)) = self.waiting.back_mut()
        {
            let those = left.min(*n);
            (*n, left) = (*n - those, left - those);
            if *n == 0 {
                self.waiting.pop_back();
            }
        }
    }
}

impl DeadLetters {
    /// Whether full lists that were met for the first time in this look may have lost some. `all`: each failure was found somewhere.
    pub(super) fn judge(&mut self, all: bool) {
        let strays = self.strays.since();
        for suspect in self.suspects.iter_mut().filter(|s| s.unsure) {
            suspect.since = suspect.since.filter(|_| !all).or(strays);
            if strays.is_some() {
                self.strays.told(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_in_no_list_is_known() {
        let mut strays = Strays::default();
        strays.turn(Millis(0), 4_000, 0, 0);
        strays.turn(Millis(250), 0, 50, 1_050);
        assert_eq!(strays.since(), Some(Millis(0)), "3,000 are missing; 50 were of a known queue");
        strays.turn(Millis(500), 0, 0, 3_000);
        assert_eq!(strays.since(), None);
        strays.turn(Millis(750), 1, 0, 0);
        strays.turn(Millis(751 + KEPT_MS), 0, 0, 0);
        assert_eq!(strays.since(), None, "old ones are no reason");
    }

    #[test]
    fn no_more_are_told_of_than_are_missing() {
        let mut strays = Strays::default();
        strays.turn(Millis(0), 3_000, 0, 0);
        strays.turn(Millis(250), 10, 0, 0);
        strays.told(Some(15));
        assert_eq!(strays.since(), Some(Millis(0)));
        strays.told(Some(2_995));
        assert_eq!(strays.since(), None);
        strays.turn(Millis(500), 3_000, 0, 0);
        strays.told(None);
        assert_eq!(strays.since(), None, "it may be all");
    }

    #[test]
    fn a_letter_may_be_found_before_it_is_heard_of() {
        let mut strays = Strays::default();
        strays.turn(Millis(0), 0, 0, 10);
        strays.turn(Millis(250), 10, 0, 0);
        assert_eq!(strays.since(), None);
        strays.turn(Millis(500), 0, 0, 10);
        strays.turn(Millis(501 + AHEAD_MS), 10, 0, 0);
        assert_eq!(strays.since(), Some(Millis(501 + AHEAD_MS)), "nobody said anything of those");
    }
}
