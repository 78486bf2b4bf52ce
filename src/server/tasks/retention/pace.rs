//! How much one transaction of retention may be, so that nobody waits longer than 100 ms for it.

use std::time::Duration;

/// What a transaction is to take. The rows of the next one may cost three times as much, and it still is below 100 ms.
const AIM: Duration = Duration::from_millis(30);
/// Rows of a table's first transaction: what they cost is not known yet.
pub const FIRST: usize = 25;
/// None has more.
pub const ROWS: usize = 1_000;
/// Pages (of 4 kB) that the first step of merging writes, and the most that one writes before it ends with a word.
pub const FIRST_PAGES: usize = 16;
pub const PAGES: usize = 128;
/// Steps of merging after one batch: who indexes meanwhile may go on making more to merge.
pub const STEPS: usize = 200;

/// How many rows or pages the next transaction may have, after one of `done` that held the lock for so long: what takes [`AIM`] at
/// that pace, at most twice of what the last one might have had, and never more than `limit`.
pub fn next(most: usize, done: usize, held: Duration, limit: usize) -> usize {
    let fit = done as f64 * AIM.as_secs_f64() / held.as_secs_f64().max(0.000_1);
    (fit as usize).min(most.saturating_mul(2)).clamp(1, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn after_a_slow_step_the_next_one_is_smaller() {
        assert_eq!(next(1_000, 1_000, ms(2_952), ROWS), 10);
        assert_eq!(next(1_000, 1_000, ms(31), ROWS), 967);
        assert_eq!(next(10, 10, ms(3_000), ROWS), 1, "one row is tried whatever it takes");
        assert_eq!(next(FIRST, 8, ms(60), ROWS), 4, "what counts is how many there were, not how many there might have been");
    }

    #[test]
    fn it_grows_by_steps_and_has_an_end() {
        assert_eq!(next(FIRST, FIRST, ms(1), ROWS), 2 * FIRST);
        assert_eq!(next(800, 800, Duration::ZERO, ROWS), ROWS);
        assert_eq!(next(200, 200, ms(2), PAGES), PAGES);
    }

    proptest! {
        #[test]
        fn rows_that_cost_three_times_as_much_stay_below_100_ms(cost_us in 1_u64..40_000, most in 1..=ROWS, part in 0.0..=1.0_f64) {
            let done = ((most as f64 * part) as usize).max(1);
            let next = next(most, done, Duration::from_micros(cost_us * done as u64), ROWS);
            prop_assert!((1..=ROWS).contains(&next) && next <= 2 * most);
            prop_assert!(next == 1 || next as u64 * cost_us * 3 < 100_000, "{next} rows of {cost_us} µs");
        }

        #[test]
        fn who_took_too_long_gets_less(done in 2..=ROWS, too_long in 1_u64..10_000) {
            prop_assert!(next(done, done, AIM + Duration::from_millis(too_long), ROWS) < done);
        }
    }
}
