//! How many are missing. Of what failed before a list was read, some may be in the connection still and not be heard: so a gap is noted
//! with what was heard some turns later.

use super::DeadLetters;
use crate::model::{archive::Gap, time::Millis};

/// Turns after the look: so many at least, and so many at most while failures are heard in each of them.
const TURNS: u32 = 3;
const MOST_TURNS: u32 = 5;
/// A queue that loses some in every look has its gap noted after so many turns.
const LONGEST: u32 = 40;

/// A gap whose number is not known yet.
pub struct Late {
    gap: Gap,
    /// Failures heard of, and letters that were found, by the look that showed the gap.
    heard: u64,
    found: u64,
    /// Found by looks after that one.
    found_since: u64,
    turns: u32,
    all_turns: u32,
    /// Nothing was heard in this turn.
    quiet: bool,
}

impl Late {
    pub fn new(gap: Gap, heard: u64, found: u64) -> Self {
        Self { gap, heard, found, found_since: 0, turns: 0, all_turns: 0, quiet: true }
    }

    pub fn hear(&mut self, failures: u64) {
        self.heard += failures;
        self.quiet = false;
    }

    pub fn find(&mut self, letters: u64) {
        self.found_since += letters;
    }

    /// More was lost until then. What was found since counts now: it was heard of, or will be.
    pub fn go_on(&mut self, until: Millis, letters: u64) {
        self.gap.until = until;
        self.found += std::mem::take(&mut self.found_since) + letters;
        self.turns = 0;
    }

    /// A turn begins, in which was heard what was heard; whether the gap is to be noted. `more`: some of it is not taken yet.
    pub fn turn(&mut self, more: bool) -> bool {
        self.all_turns += 1;
        if !more {
            self.turns += 1;
        }
        let quiet = std::mem::replace(&mut self.quiet, true);
        self.turns >= MOST_TURNS || (self.turns >= TURNS && quiet) || self.all_turns >= LONGEST
    }

    /// Of what was heard of, what was found is there.
    pub fn gap(self) -> Gap {
        let missed = self.heard.saturating_sub(self.found);
        Gap { up_to: (missed > 0).then_some(missed), ..self.gap }
    }
}

impl DeadLetters {
    /// Nothing more is heard: gaps are noted with what was.
    pub fn settle_all(&mut self) {
        self.settle(|_| true);
    }

    pub(super) fn settle(&mut self, mut known_by_now: impl FnMut(&mut Late) -> bool) {
        for known in self.lists.values_mut() {
            if known.late.as_mut().is_some_and(&mut known_by_now)
                && let Some(late) = known.late.take()
            {
                let gap = late.gap();
                // Some of these may be what is missing, but no more than that: the others are missing elsewhere.
                self.strays.told(gap.up_to);
                self.gaps.push(gap);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::QueueName;

    fn late(heard: u64, found: u64) -> Late {
        let queue = QueueName::try_from("mail".to_owned()).expect("a name");
        Late::new(Gap { queue, from: None, until: Millis(1), up_to: None }, heard, found)
    }

    #[test]
    fn what_is_heard_after_the_look_counts() {
        let mut one = late(2_668, 1_000);
        one.hear(332);
        assert!(!one.turn(false) && !one.turn(false));
        assert!(one.turn(false), "nothing more was heard");
        assert_eq!(one.gap().up_to, Some(2_000));
        assert_eq!(late(5, 1_000).gap().up_to, None, "nobody knows");
    }

    #[test]
    fn it_is_noted_also_while_failures_go_on() {
        let turns = |more: bool| {
            let mut one = late(0, 0);
            (1..).find(|_| {
                one.hear(1);
                one.turn(more)
            })
        };
        assert_eq!((turns(false), turns(true)), (Some(MOST_TURNS), Some(LONGEST)));
    }

    #[test]
    fn a_small_gap_is_not_where_all_that_nobody_found_are_missing() {
        let mut dead = DeadLetters::default();
        dead.strays.turn(Millis(0), 3_000, 0, 0);
        let mail = QueueName::try_from("mail".to_owned()).expect("a name");
        let known = super::super::Known { late: Some(late(1_005, 1_000)), ..Default::default() };
        dead.lists.insert(mail, known);
        dead.settle_all();
        assert_eq!(dead.gaps().map(|gap| gap.up_to).collect::<Vec<_>>(), [Some(5)]);
        assert_eq!(dead.strays.since(), Some(Millis(0)), "the list of a queue that is not met yet may have lost them");
    }

    #[test]
    fn two_losses_are_one_gap() {
        let mut one = late(3_000, 1_000);
        one.hear(500);
        one.find(500);
        one.hear(3_000);
        one.go_on(Millis(9), 1_000);
        let gap = one.gap();
        assert_eq!((gap.until, gap.up_to), (Millis(9), Some(4_000)));
    }
}
