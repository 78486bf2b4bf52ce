//! In which order the places of a list are looked at while others take and push; no I/O.

use super::super::SEARCHED;
use crate::model::ids::Source;

/// Of each list so many jobs that run next are looked at for one that is asked for with many others.
const SOON: u64 = 1_000;
/// One script looks at so many elements: a list that is not longer is read in one moment.
pub const LOOKED: u64 = 700;
/// What leaves or comes between two looks moves the rest across the border between them: up to so many are looked at twice, and at most half
/// of a look.
const AGAIN: u64 = 100;

/// Parts of a list, each from one place on and before another. The next one stands last.
pub struct Walk(Vec<(u64, u64)>);

impl Walk {
    pub fn of(source: &Source, length: u64) -> Self {
        // What comes meanwhile before a delayed job moves it on; behind the end there is nothing to look at.
        let soon = if length == 0 { 0 } else { (length + AGAIN).min(SOON) };
        Self(match source {
            Source::Failed if length == 0 => Vec::new(),
            // Failures that come meanwhile move the others towards the end, and past the end that was told.
            Source::Failed => vec![(0, length.min(SEARCHED) + AGAIN)],
            // Workers take the first ones, so what stands behind comes nearer: looked at before them, it is met where it was or where it came.
            Source::Waiting(_) | Source::Delayed(_) | Source::Grouped(_) if soon > LOOKED => vec![(0, LOOKED), (LOOKED - AGAIN, soon)],
            Source::Waiting(_) | Source::Delayed(_) | Source::Grouped(_) => vec![(0, soon)],
        })
    }

    /// From which place on, and before which one, is to be looked.
    pub fn ahead(&mut self) -> Option<(u64, u64)> {
        while self.0.last().is_some_and(|(at, last)| at >= last) {
            self.0.pop();
        }
        self.0.last().copied()
    }

    /// A look ended before this place.
    pub fn came_to(&mut self, next: u64) {
        let Some((at, last)) = self.0.last_mut() else { return };
        let again = (next.saturating_sub(*at) / 2).min(AGAIN);
        *at = if next < *last { next - again } else { next };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Priority;

    /// From where to where was looked, with looks of so many elements.
    fn looks(source: &Source, length: u64, step: u64) -> Vec<(u64, u64)> {
        let (mut walk, mut looks) = (Walk::of(source, length), Vec::new());
        while let Some((at, last)) = walk.ahead() {
            let next = (at + step).min(last);
            looks.push((at, next));
            walk.came_to(next);
        }
        looks
    }

    #[test]
    fn looks_overlap() {
        let waiting = Source::Waiting(Priority::Base);
        assert_eq!(looks(&Source::Failed, 1_000, LOOKED), [(0, 700), (600, 1_100)]);
        assert_eq!(looks(&waiting, 5_000, LOOKED), [(600, 1_000), (0, 700)]);
        assert_eq!(looks(&waiting, 600, LOOKED), [(0, 700)]);
        assert_eq!(looks(&waiting, 700, LOOKED), [(600, 800), (0, 700)]);
        assert!(looks(&waiting, 0, LOOKED).is_empty() && looks(&Source::Failed, 0, LOOKED).is_empty());
        assert_eq!(looks(&Source::Failed, 1_000_000, LOOKED).last(), Some(&(19_800, 20_100)));
    }

    /// Elements of a megabyte, one a look, or the twenty that a script hands out at most.
    #[test]
    fn small_looks_come_to_an_end() {
        let base = Source::Waiting(Priority::Base);
        assert_eq!(looks(&base, 3, 1)[..3], [(0, 1), (1, 2), (2, 3)]);
        assert_eq!(looks(&base, 40, 20)[..3], [(0, 20), (10, 30), (20, 40)]);
    }
}
