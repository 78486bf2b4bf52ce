//! How many keys a pass over the keyspace looked at. SCAN does not say it.

use super::SCAN;

#[derive(Default)]
pub(super) struct Pass {
    steps: u64,
    /// How many keys there were.
    began_with: Option<u64>,
}

impl Pass {
    /// One more step, beside so many keys.
    pub fn step(&mut self, keys: Option<u64>) {
        if self.steps == 0 {
            self.began_with = keys;
        }
        self.steps += 1;
    }

    /// So far: a step looks at [`SCAN`] keys, the last one at what is left of all.
    pub fn looked(&self, keys: Option<u64>) -> u64 {
        let most = self.steps * SCAN as u64;
        keys.map_or(most, |keys| most.min(keys))
    }

    /// At its end: some steps looked at a few more than that, and it came by every key that was there all the while.
    pub fn looked_in_all(&self, keys: Option<u64>) -> u64 {
        let there = self.began_with.zip(keys).map_or(0, |(began, ended)| began.min(ended));
        self.looked(keys).max(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_looked_at_what_its_steps_came_by() {
        let pass = |steps: u64, began_with: u64| Pass { steps, began_with: Some(began_with) };
        let (few, many) = (Some(633), Some(300_633));
        assert_eq!((pass(1, 633).looked(few), pass(3, 300_633).looked(many), pass(301, 300_633).looked(many)), (633, 3_000, 300_633));
        assert_eq!(pass(2, 633).looked(None), 2_000, "how many there are is not told");
        // All were there from the beginning: 300 steps looked at a few more than 1,000 each.
        assert_eq!(pass(300, 300_633).looked_in_all(many), 300_633);
        // The others came behind it.
        assert_eq!(pass(1, 633).looked_in_all(many), 1_000);
        // They went away meanwhile.
        assert_eq!(pass(301, 300_633).looked_in_all(few), 633);
        let mut counted = Pass::default();
        counted.step(few);
        counted.step(many);
        assert_eq!((counted.steps, counted.began_with), (2, few));
    }
}
