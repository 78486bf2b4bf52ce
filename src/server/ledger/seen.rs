//! Which messages were heard lately, by hash: after a gap the history list is compared with it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

/// The history holds 100; with many channels and a fast one among them a little more must be remembered.
const KEPT: usize = 5_000;

#[derive(Default)]
pub struct Seen {
    order: VecDeque<u64>,
    set: HashMap<u64, u32>,
    /// Taken from the history, and perhaps still to come on the channel.
    again: HashSet<u64>,
}

fn hash(raw: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    hasher.finish()
}

impl Seen {
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub fn has(&self, raw: &[u8]) -> bool {
        self.set.contains_key(&hash(raw))
    }

    pub fn note(&mut self, raw: &[u8]) {
        let h = hash(raw);
        *self.set.entry(h).or_default() += 1;
        self.order.push_back(h);
        if self.order.len() > KEPT
            && let Some(old) = self.order.pop_front()
            && let Some(n) = self.set.get_mut(&old)
        {
            *n -= 1;
            if *n == 0 {
                self.set.remove(&old);
            }
        }
    }

    /// This message was just taken from the history; the channel may deliver it once more.
    pub fn expect_again(&mut self, raw: &[u8]) {
        if self.again.len() > KEPT {
            self.again.clear();
        }
        self.again.insert(hash(raw));
    }

    /// Whether the channel now delivers what the history has told before.
    pub fn came_again(&mut self, raw: &[u8]) -> bool {
        let h = hash(raw);
        self.set.contains_key(&h) && self.again.remove(&h)
    }
}
