//! Repeatable random numbers (splitmix64): the same seed makes the same application.

#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent sequence, so that one task's draws do not shift another's.
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn is(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw() % (high.saturating_sub(low) + 1)
    }

    /// One of them; the empty text when there are none.
    pub fn one_of(&mut self, of: &[&'static str]) -> &'static str {
        let n = u64::try_from(of.len()).unwrap_or(1).max(1);
        usize::try_from(self.draw() % n).ok().and_then(|i| of.get(i)).copied().unwrap_or_default()
    }

    /// `1pvjqtn`: what the library's ids end in.
    pub fn base36(&mut self, digits: usize) -> String {
        (0..digits).filter_map(|_| char::from_digit(u32::try_from(self.draw() % 36).unwrap_or(0), 36)).collect()
    }

    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits).filter_map(|_| char::from_digit(u32::try_from(self.draw() % 16).unwrap_or(0), 16)).collect()
    }
}
