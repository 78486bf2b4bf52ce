//! Which rows of the page are selected: single boxes, ranges with shift, the page, or everything there is.

use crate::model::{
    ids::Fingerprint,
    job::{JobSummary, identities},
};
use leptos::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Copy)]
pub struct Selection {
    /// Rows by [`identities`]. May name some that are gone: [`Selection::picked`] counts those on the page.
    marked: RwSignal<BTreeSet<String>>,
    /// The last box that was clicked, where a range begins.
    anchor: RwSignal<Option<usize>>,
    /// Not only this page.
    pub everything: RwSignal<bool>,
    /// Of the rows of the page, in its order.
    keys: Memo<Vec<String>>,
    /// Rows of this page that are selected, in its order.
    pub picked: Memo<Vec<Fingerprint>>,
    rows: Memo<Vec<JobSummary>>,
}

impl Selection {
    pub fn new(rows: Memo<Vec<JobSummary>>) -> Self {
        let marked = RwSignal::new(BTreeSet::new());
        let keys = Memo::new(move |_| rows.with(|rows| identities(rows.iter())));
        let picked = Memo::new(move |_| {
            marked.with(|marked: &BTreeSet<String>| {
                if marked.is_empty() {
                    return Vec::new();
                }
                rows.with(|rows| {
                    let keyed = rows.iter().zip(identities(rows.iter()));
                    keyed.filter(|(_, key)| marked.contains(key)).map(|(row, _)| row.fingerprint.clone()).collect()
                })
            })
        });
        Self { marked, anchor: RwSignal::new(None), everything: RwSignal::new(false), keys, picked, rows }
    }

    /// Of the payloads of the picked rows, at a click.
    pub fn bytes(&self) -> u64 {
        let picked = self.picked.get_untracked();
        self.rows.with_untracked(|rows| rows.iter().filter(|row| picked.contains(&row.fingerprint)).map(|row| row.bytes).sum())
    }

    pub fn is_empty(&self) -> bool {
        self.picked.with(Vec::is_empty) && !self.everything.get()
    }

    pub fn holds(&self, key: &str) -> bool {
        self.everything.get() || self.marked.with(|m| m.contains(key))
    }

    /// A click on the box of row `at`; with `range` all rows since the last click become what this one becomes.
    pub fn click(&self, at: usize, on: bool, range: bool) {
        self.everything.set(false);
        let from = self.anchor.get_untracked().filter(|_| range).unwrap_or(at);
        let keys: Vec<String> = self.keys.with_untracked(|keys| keys.iter().take(from.max(at) + 1).skip(from.min(at)).cloned().collect());
        self.marked.update(|marked| {
            for key in keys {
                if on {
                    marked.insert(key);
                } else {
                    marked.remove(&key);
                }
            }
        });
        self.anchor.set(Some(at));
    }

    pub fn whole_page(&self, on: bool) {
        self.everything.set(false);
        self.anchor.set(None);
        let keys = if on { self.keys.with_untracked(|keys| keys.iter().cloned().collect()) } else { BTreeSet::new() };
        self.marked.set(keys);
    }

    pub fn clear(&self) {
        self.whole_page(false);
    }
}
