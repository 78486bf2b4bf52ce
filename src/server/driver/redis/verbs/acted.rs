//! What became of the jobs that one request names.

use super::tally;
use crate::model::{ids::Fingerprint, operation::Outcome};
use crate::server::{
    driver::redis::{job::SEARCHED, payload},
    error::DriverError,
};
use std::collections::HashSet;

/// So many seconds a handle that is sent again is the same click: a doubled click and a request that is sent again are sooner. No
/// longer, because of jobs with the very same bytes the next one may then be seen at the same place, under the same handle.
pub(super) const NOTED_S: u64 = 5;

/// What became of the jobs of a request, as far as it came.
pub struct Acted {
    pub outcome: Outcome,
    /// Of those that were done, or may have been, as their payloads say.
    pub ids: Vec<String>,
    /// The answer about the last of them was lost: it may have been done, and is not counted.
    pub unsure: bool,
    /// How many elements away from their hints may still be looked at, for all of them together.
    pub(super) far: u64,
    /// Nobody clicked: each job was read just now by a walk that meets every element once.
    pub(super) walking: bool,
}

impl Default for Acted {
    fn default() -> Self {
        Self { outcome: Outcome::default(), ids: Vec::new(), unsure: false, far: SEARCHED, walking: false }
    }
}

impl Acted {
    /// Of a walk over a list: of several jobs with the very same bytes it means each, whatever was clicked a moment ago.
    pub fn walking() -> Self {
        Self { walking: true, ..Self::default() }
    }

    /// The place that a click names, under which it is noted (`lua/acted.lua`).
    pub(super) fn place(&self, f: &Fingerprint) -> String {
        if self.walking { String::new() } else { f.hint.to_string() }
    }

    /// A script answered this code about the element.
    pub(super) fn tally(&mut self, code: i64, raw: &[u8]) {
        let done = self.outcome.done;
        tally(&mut self.outcome, code);
        if self.outcome.done > done {
            self.ids.extend(payload::id_of(raw));
        }
    }

    /// A script that was to move the element failed: where its answer was lost, it may have moved it.
    pub(super) fn failed(&mut self, raw: &[u8], error: DriverError) -> DriverError {
        if error.is_unsure() {
            self.unsure = true;
            self.ids.extend(payload::id_of(raw));
        }
        error
    }

    /// Each handle once. One that is named again is gone by then: found by its bytes it would be an equal job, which nobody named.
    pub(super) fn once<'a>(&mut self, jobs: &'a [Fingerprint]) -> Vec<&'a Fingerprint> {
        let mut named = HashSet::new();
        let once: Vec<&Fingerprint> = jobs.iter().filter(|f| named.insert(*f)).collect();
        self.outcome.gone += (jobs.len() - once.len()) as u64;
        once
    }
}
