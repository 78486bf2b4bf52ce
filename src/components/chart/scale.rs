//! Where grid lines stand: few, evenly, at figures that a person would choose.

use super::Unit;

/// By multiplication: the general power would be a kilobyte of the first load.
fn power_of_ten(n: i32) -> f64 {
    (0..n.abs()).fold(1.0, |power, _| if n < 0 { power / 10.0 } else { power * 10.0 })
}

/// The top of a linear scale of `steps` equal steps, each 1, 2, 3, 4, 5 or 8 times a power of ten.
pub fn top(max: f64, steps: u32, whole: bool) -> f64 {
    let step = max / f64::from(steps);
    if !(step.is_finite() && step > 0.0) {
        return f64::from(steps) * if whole { 1.0 } else { 0.1 };
    }
    let power = power_of_ten(step.log10().floor() as i32);
    let nice = [1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0].into_iter().find(|n| n * power >= step * 0.999).unwrap_or(10.0) * power;
    f64::from(steps) * if whole { nice.max(1.0) } else { nice }
}

/// From where to where a value lies, and the figures at the grid lines, lowest first.
#[derive(Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    pub lines: Vec<f64>,
}

impl Scale {
    pub fn of(unit: Unit, values: impl Iterator<Item = f64> + Clone, steps: u32) -> Self {
        let max = values.clone().fold(0.0, f64::max);
        if unit != Unit::Millis {
            let high = top(max, steps, unit == Unit::Jobs);
            let lines = (0..=steps).map(|i| high * f64::from(i) / f64::from(steps)).collect();
            return Self { low: 0.0, high, log: false, lines };
        }
        // Whole decades from a millisecond on, at least two, and every second one when they are many.
        let min = values.filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        let low = if min.is_finite() { min.max(1.0).log10().floor() } else { 0.0 };
        let high = max.max(1.0).log10().ceil().max(low + 2.0);
        let every = if high - low > 4.0 { 2 } else { 1 };
        let lines = (low as i32..=high as i32).step_by(every).map(power_of_ten).collect();
        Self { low, high, log: true, lines }
    }

    /// 0 at the bottom, 100 at the top.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(1e-9).log10() } else { value };
        ((value - self.low) / (self.high - self.low) * 100.0).clamp(0.0, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_lines_stand_at_round_figures() {
        let tops = [0.0, 0.25, 2.7, 484.0, 601.0, 18_204.0].map(|max| (top(max, 3, false) * 1e6).round() / 1e6);
        assert_eq!(tops, [0.3, 0.3, 3.0, 600.0, 900.0, 24_000.0]);
        assert_eq!(top(2.0, 3, true), 3.0);
        let scale = Scale::of(Unit::Millis, [49.0, 27_000.0].into_iter(), 3);
        assert_eq!(scale.lines, [10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]);
        assert!((scale.at(1_000.0) - 50.0).abs() < 1e-9);
        assert_eq!(Scale::of(Unit::Jobs, [30.0].into_iter(), 3).at(30.0), 100.0);
    }
}
