//! A mergeable histogram of durations: buckets grow by 5 %, so a percentile is within 2.5 % of the true value.
//!
//! Bucket `i` holds durations from 1.05^(i-1) ms (exclusive) to 1.05^i ms; what is shorter than half a millisecond is in a
//! bucket of its own. Two histograms are merged by adding their buckets, whoever counted them.

use crate::model::metrics::Quantiles;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const GROWTH: f64 = 1.05;
/// Durations that round to 0 ms.
const ZERO: u16 = 0;
/// 1 ms is bucket 1.
const FIRST: i32 = 1;
/// About ten days.
const LAST: i32 = 423;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, u32>);

impl Histogram {
    pub fn add(&mut self, ms: i64) {
        *self.0.entry(bucket(ms)).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (bucket, n) in &other.0 {
            *self.0.entry(*bucket).or_default() += n;
        }
    }

    pub fn count(&self) -> u64 {
        self.0.values().map(|n| u64::from(*n)).sum()
    }

    /// `None` when nothing was counted.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let count = self.count();
        (count > 0).then(|| Quantiles { p50: self.at(0.50, count), p95: self.at(0.95, count), p99: self.at(0.99, count), count })
    }

    /// The middle of the bucket that holds the value of rank ceil(q * count).
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks are far below 2^53")]
    fn at(&self, q: f64, count: u64) -> f64 {
        let rank = ((q * count as f64).ceil() as u64).max(1);
        let mut before = 0;
        for (bucket, n) in &self.0 {
            before += u64::from(*n);
            if before >= rank {
                return middle(*bucket);
            }
        }
        0.0
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the buckets there are"
)]
fn bucket(ms: i64) -> u16 {
    if ms <= 0 {
        return ZERO;
    }
    let i = ((ms as f64).ln() / GROWTH.ln()).ceil() as i32 + FIRST;
    i.clamp(FIRST, LAST) as u16
}

/// Equally far, in proportion, from both ends of the bucket.
fn middle(bucket: u16) -> f64 {
    if bucket == ZERO {
        return 0.0;
    }
    let upper = GROWTH.powi(i32::from(bucket) - FIRST);
    let ms = 2.0 * upper / (1.0 + GROWTH);
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics::QUANTILE_ERROR;

    #[test]
    fn every_duration_is_within_the_stated_error() {
        for ms in (1..5_000).chain([86_400_000, 86_399_999, 12_345_678]) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let exact = ms as f64;
            let told = middle(bucket(ms));
            // One decimal is shown.
            assert!((told - exact).abs() <= exact * QUANTILE_ERROR + 0.05, "{ms} is told as {told}");
        }
        assert_eq!((middle(bucket(0)), middle(bucket(-5))), (0.0, 0.0));
    }

    #[test]
    fn merged_is_counted_together() {
        let (mut a, mut b, mut both) = (Histogram::default(), Histogram::default(), Histogram::default());
        for ms in 0..1_000 {
            if ms % 3 == 0 {
                a.add(ms)
            } else {
                b.add(ms)
            }
            both.add(ms);
        }
        a.merge(&b);
        assert_eq!(a, both);
        let q = both.quantiles().unwrap();
        assert!((q.p50 - 499.0).abs() < 13.0 && (q.p95 - 949.0).abs() < 25.0 && q.count == 1_000, "{q:?}");
        assert_eq!(Histogram::default().quantiles(), None);
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), a);
    }
}
