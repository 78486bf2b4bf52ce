//! How fast, how long: counts and percentiles over a window of time.

use super::time::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    #[serde(rename = "1m")]
    Minute,
    #[default]
    #[serde(rename = "15m")]
    Quarter,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
}

impl Window {
    pub const ALL: [Self; 4] = [Self::Minute, Self::Quarter, Self::Hour, Self::Day];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.as_str() == text)
    }

    pub fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Quarter => 900,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// Seconds of one point of a chart.
    pub fn step(self) -> u64 {
        match self {
            Self::Minute => 1,
            Self::Quarter => 10,
            Self::Hour => 60,
            Self::Day => 600,
        }
    }
}

/// Milliseconds, each within [`QUANTILE_ERROR`] of the true value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub count: u64,
}

/// The stated relative error of a percentile.
pub const QUANTILE_ERROR: f64 = 0.025;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub window_seconds: u64,
    /// Seconds of the window that some console heard; rates and counts are of these.
    pub covered_seconds: u64,
    /// Attempts.
    pub started: u64,
    pub completed: u64,
    /// Failed attempts; each was then retried or dead-lettered.
    pub failed: u64,
    pub retried: u64,
    pub dead: u64,
    pub completed_per_second: Option<f64>,
    pub failed_per_second: Option<f64>,
    /// Failed attempts among ended ones, 0 to 1; `None` when none ended.
    pub failure_rate: Option<f64>,
    pub run: Option<Quantiles>,
    pub wait: Option<Quantiles>,
}

/// One bucket of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    pub at: Millis,
    /// Share of the bucket that was heard: 0 is a gap.
    pub covered: f64,
    /// `None` where nobody listened, or nobody spoke yet.
    pub completed: Option<u64>,
    pub failed: Option<u64>,
    /// Waiting jobs at the end of the bucket.
    pub waiting: Option<u64>,
    pub run: Option<Quantiles>,
}

/// `GET /api/v1/metrics?queue=&class=&window=`; oldest point first, the last one still fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charts {
    pub window: Window,
    pub step_seconds: u64,
    pub points: Vec<Point>,
    pub summary: Summary,
}

/// One line of the table by job class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassFigures {
    pub class_name: String,
    pub summary: Summary,
}
