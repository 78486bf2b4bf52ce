//! Keys under the queue prefix that are no queue's by their name: what lies in them is shown nowhere. They are counted as the
//! scan meets them, so that the doctor can say that they are there.

use crate::model::shorten::shortened;
use std::collections::BTreeMap;

/// Names that are remembered of a kind, and how long they are shown, in characters.
const SOME: usize = 4;
const SHOWN: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unlisted {
    /// Not UTF-8.
    NotText,
    /// Longer than a queue's name may be.
    TooLong,
    /// `P{queue}:{priority}:failed`: dead letters are kept under the base key alone.
    DeadOfPriority,
}

/// Keys of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    pub keys: u64,
    /// Names of the first few.
    pub some: Vec<String>,
}

/// What the last whole pass met, and what the running one has met so far.
#[derive(Debug, Default)]
pub struct UnlistedKeys {
    before: BTreeMap<Unlisted, Met>,
    now: BTreeMap<Unlisted, Met>,
}

impl UnlistedKeys {
    pub fn note(&mut self, why: Unlisted, key: &[u8]) {
        let met = self.now.entry(why).or_default();
        met.keys += 1;
        if met.some.len() < SOME {
            met.some.push(shown(key));
        }
    }

    pub fn pass_begins(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    /// The running pass has met a part; the last one may be older.
    pub fn list(&self) -> Vec<(Unlisted, Met)> {
        let mut all = self.before.clone();
        for (why, met) in &self.now {
            let known = all.entry(*why).or_default();
            if met.keys > known.keys {
                known.clone_from(met);
            }
        }
        all.into_iter().collect()
    }
}

fn shown(key: &[u8]) -> String {
    shortened(String::from_utf8_lossy(key), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_replaces_what_the_one_before_met() {
        let mut keys = UnlistedKeys::default();
        let long = format!("queue:{}", "é".repeat(600));
        (0..9).for_each(|_| keys.note(Unlisted::TooLong, long.as_bytes()));
        keys.note(Unlisted::NotText, b"queue:\xff");
        let counts = |keys: &UnlistedKeys| keys.list().into_iter().map(|(why, met)| (why, met.keys)).collect::<Vec<_>>();
        assert_eq!(counts(&keys), [(Unlisted::NotText, 1), (Unlisted::TooLong, 9)], "while the first pass goes on");
        assert_eq!(keys.list()[0].1.some, ["queue:\u{fffd}"]);
        let some = &keys.list()[1].1.some;
        assert_eq!((some.len(), some[0].chars().count()), (SOME, SHOWN + 1));
        keys.pass_begins();
        keys.note(Unlisted::TooLong, long.as_bytes());
        assert_eq!(counts(&keys), [(Unlisted::NotText, 1), (Unlisted::TooLong, 9)], "the next one has not met all");
        keys.pass_begins();
        assert_eq!(counts(&keys), [(Unlisted::TooLong, 1)], "what went is forgotten");
        keys.pass_begins();
        assert!(counts(&keys).is_empty());
    }
}
