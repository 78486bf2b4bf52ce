//! What long lists hold behind their first elements, part by part.

use super::{AT_ONCE, DeadLetters, letters, size};
use crate::{
    model::ids::QueueName,
    server::{actions::now, archive::record::Record, error::DriverError, state::AppState},
};

/// Of the rest of a list, so many bytes are read in one turn: the spool has place for several such parts.
const REST_BYTES: usize = 4 * 1024 * 1024;

impl DeadLetters {
    /// The next part of what a long list holds behind its first elements.
    pub(super) async fn read_rest(&mut self, state: &AppState, queue: &QueueName, found: &mut Vec<Record>) -> Result<(), DriverError> {
        let Some(known) = self.lists.get_mut(queue) else { return Ok(()) };
        // Where it stands by now: the head moved on.
        let Some(length) = state.driver.new_dead(std::slice::from_ref(queue), &[], 0).await?.pop().and_then(|list| list.length) else {
            known.rest = 0;
            return Ok(());
        };
        let mut raws: Vec<Vec<u8>> = Vec::new();
        // Known with what was read, not before: this may be given up in between.
        let mut rest = known.rest.min(length);
        while rest > 0 && raws.len() < AT_ONCE && size(&raws) < REST_BYTES {
            let from = usize::try_from(length - rest).unwrap_or(usize::MAX);
            let Some(next) = state.driver.new_dead(std::slice::from_ref(queue), &[], from).await?.pop() else { break };
            // Elements that were pushed meanwhile moved it: what comes twice is written once. Taken away ones: it begins again.
            if next.length.is_none_or(|now| now < length) || next.raws.is_empty() {
                break;
            }
            rest = next.length.unwrap_or(0).saturating_sub((from + next.raws.len()) as u64);
            raws.extend(next.raws);
        }
        known.rest = rest;
        let at = now();
        found.extend(letters(queue, raws, at));
        Ok(())
    }
}
