//! Failed lists in which nobody heard a failure. Their lengths cost little, and tell where to look: the library cuts what is beyond the
//! cap, so below it a list that is as long as before has lost nothing, and at the cap its head has to be looked at.

use super::{CAP, DeadLetters};
use crate::{
    model::ids::QueueName,
    server::{actions::now, driver::redis::dead::LENGTHS, error::DriverError, state::AppState},
};
use std::collections::HashSet;

/// Lists of one turn that are looked at however long they are: as many may have come as somebody took away.
const IN_TURN: usize = 10;

/// Where the next turn goes on among all queues.
#[derive(Default)]
pub struct Next {
    length: usize,
    look: usize,
}

/// So many names from there on, around the end, without those that are looked at anyway; and where to go on.
fn part(names: &[QueueName], from: usize, most: usize, but: &HashSet<QueueName>) -> (Vec<QueueName>, usize) {
    let part = (0..names.len().min(most)).map(|step| &names[(from + step) % names.len()]);
    (part.filter(|name| !but.contains(*name)).cloned().collect(), (from + most) % names.len().max(1))
}

impl DeadLetters {
    /// Of queues that are not hot, those whose lists are to be looked at now. With a turn every 250 ms, the lengths of a thousand lists are
    /// asked in a second, of fewer lists at every turn.
    pub(super) async fn quiet(
        &mut self,
        state: &AppState,
        names: &[QueueName],
        hot: &HashSet<QueueName>,
    ) -> Result<Vec<QueueName>, DriverError> {
        let (asked, next_length) = part(names, self.next.length, LENGTHS, hot);
        let (mut looks, next_look) = part(names, self.next.look, IN_TURN, hot);
        let lengths = state.driver.failed_lengths(&asked).await?;
        self.next = Next { length: next_length, look: next_look };
        let at = now();
        for (queue, length) in asked.into_iter().zip(lengths) {
            // A key that holds something else is no list.
            let Some(length) = length else { continue };
            let known = self.lists.entry(queue.clone()).or_default();
            if length == 0 {
                known.heads.clear();
                (known.length, known.heard) = (0, 0);
            }
            let unchanged = known.length == length && (length == 0 || known.looked.is_some());
            if unchanged && length < CAP {
                known.looked = Some(at);
            } else if !looks.contains(&queue) {
                looks.push(queue);
            }
        }
        Ok(looks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_turn() {
        let names: Vec<QueueName> = (0..7).filter_map(|n| QueueName::try_from(format!("q-{n}")).ok()).collect();
        let hot = HashSet::from([names[2].clone()]);
        let (first, next) = part(&names, 0, 3, &hot);
        assert_eq!((first.as_slice(), next), (&names[..2], 3));
        let (second, next) = part(&names, next, 3, &hot);
        assert_eq!((second.as_slice(), next), (&names[3..6], 6));
        assert_eq!(part(&names, next, 3, &hot), (vec![names[6].clone(), names[0].clone(), names[1].clone()], 2));
        assert_eq!(part(&names, 5, 100, &HashSet::new()).0.len(), 7, "none twice");
        assert_eq!(part(&[], 5, 3, &hot), (Vec::new(), 0));
    }
}
