//! How much one transaction of retention may be, so that nobody waits longer than 100 ms for it.

use std::time::Duration;

/// What a transaction is to take. The rows of the next one may cost six times as much, and it still is below 100 ms: some thirty
/// statements go to the database one by one, and each waits for a processor when pages are written beside it.
const AIM: Duration = Duration::from_millis(15);
/// Rows of a table's first transaction: what they cost is not known yet.
pub const FIRST: usize = 25;
/// None has more.
pub const ROWS: usize = 500;

/// How many rows a transaction takes, learned from how long the ones before held the lock.
///
/// A transaction costs something of itself, whatever is in it: on a distant database every statement is a round trip. Two of
/// different size tell that from what a row costs. Taken for a price of the rows it would make transactions smaller and smaller,
/// to no use, until a night is spent on a few thousand rows.
pub struct Pace {
    most: usize,
    /// Milliseconds that a transaction takes of itself; unknown until two had different sizes.
    fixed: Option<f64>,
    /// Of the last one, how many there were and how many milliseconds it took.
    last: Option<(f64, f64)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { most: FIRST, fixed: None, last: None }
    }
}

impl Pace {
    /// So many may the next one have.
    pub const fn most(&self) -> usize {
        self.most
    }

    /// One of `done` held the lock for so long. What the next one's rows cost is to be [`AIM`], with at most twice as many as the
    /// last one might have had.
    pub fn learn(&mut self, done: usize, held: Duration) {
        let (done, held) = (done.max(1) as f64, held.as_secs_f64() * 1_000.0);
        let each = match self.last {
            Some((n, time)) if n != done => {
                let each = ((held - time) / (done - n)).max(0.0);
                self.fixed = Some((held - each * done).max(0.0));
                each
            }
            // As many as before: what is more than was expected is the rows'.
            _ => ((held - self.fixed.unwrap_or(0.0)) / done).max(0.0),
        };
        self.last = Some((done, held));
        let fit = AIM.as_secs_f64() * 1_000.0 / each.max(0.000_1);
        let most = (fit as usize).min(self.most.saturating_mul(2)).clamp(1, ROWS);
        // One of the same size again would never tell what is the transaction's and what is the rows'.
        let tells_nothing = self.fixed.is_none() && most as f64 == done && most < ROWS;
        self.most = if !tells_nothing {
            most
        } else if most == 1 {
            2
        } else {
            most / 2
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn after(most: usize, done: usize, held: Duration) -> usize {
        let mut pace = Pace { most, fixed: None, last: None };
        pace.learn(done, held);
        pace.most()
    }

    #[test]
    fn after_a_slow_step_the_next_one_is_smaller() {
        assert_eq!(after(1_000, 1_000, ms(2_952)), 5);
        assert_eq!(after(1_000, 1_000, ms(31)), 483);
        assert_eq!(after(10, 10, ms(3_000)), 1, "one row is tried whatever it takes");
        assert_eq!(after(FIRST, 8, ms(60)), 2, "what counts is how many there were, not how many there might have been");
    }

    #[test]
    fn it_grows_by_steps_and_has_an_end() {
        assert_eq!(after(FIRST, FIRST, ms(1)), 2 * FIRST);
        assert_eq!(after(800, 800, Duration::ZERO), ROWS);
    }

    /// What a database takes that is `fixed` away, with rows that cost `each` µs; how many a transaction has after so many of them.
    fn settled(fixed_us: u64, each_us: u64, steps: usize) -> Vec<usize> {
        let mut pace = Pace::default();
        let step = |pace: &mut Pace| {
            pace.learn(pace.most(), Duration::from_micros(fixed_us + each_us * pace.most() as u64));
            pace.most()
        };
        (0..steps).map(|_| step(&mut pace)).collect()
    }

    #[test]
    fn the_second_transaction_has_another_size_than_the_first() {
        assert_eq!(after(FIRST, FIRST, ms(29)), FIRST / 2);
        assert_eq!(after(FIRST, 1, ms(29)), 2);
        assert_eq!(*settled(26_722, 85, 24).last().expect("24 of them"), 176);
    }

    proptest! {
        #[test]
        fn rows_that_cost_six_times_as_much_stay_below_100_ms(cost_us in 1_u64..40_000, most in 1..=ROWS, part in 0.0..=1.0_f64) {
            let done = ((most as f64 * part) as usize).max(1);
            let next = after(most, done, Duration::from_micros(cost_us * done as u64));
            prop_assert!((1..=ROWS).contains(&next) && next <= 2 * most);
            // One after another one, or two to tell what a row costs, are taken whatever they cost.
            prop_assert!(next <= 2 || next as u64 * cost_us * 6 < 100_000, "{next} rows of {cost_us} µs");
        }

        #[test]
        fn who_took_too_long_gets_less(done in 2..=ROWS, too_long in 1_u64..10_000) {
            prop_assert!(after(done, done, AIM + Duration::from_millis(too_long)) < done);
        }

        #[test]
        fn a_distant_database_does_not_make_it_crawl(fixed_us in 0_u64..300_000, each_us in 20_u64..3_000) {
            let fit = (15_000 / each_us).min(ROWS as u64) as usize;
            let taken = settled(fixed_us, each_us, 24);
            prop_assert!(taken[16..].iter().all(|most| (fit / 2..=fit + 1).contains(most)), "{fit} would fit: {taken:?}");
        }
    }
}
