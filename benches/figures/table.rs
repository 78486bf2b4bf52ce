//! Figures as people read them.

use std::time::Duration;

/// A Markdown table; columns are as wide as their widest cell.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self { title: title.into(), rows: vec![columns.iter().map(|c| (*c).to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.rows[0].len(), "a cell for every column");
        self.rows.push(cells);
    }

    pub fn print(&self) {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        println!("**{}**\n", self.title);
        for (i, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("| {} |", cells.join(" | "));
            if i == 0 {
                println!("| {} |", widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join(" | "));
            }
        }
        println!();
    }
}

/// A figure beside its target: `0.41 ms ✓ (< 1 ms)`.
pub fn against(figure: impl std::fmt::Display, met: bool, target: &str) -> String {
    format!("{figure} {} ({target})", if met { "✓" } else { "✗" })
}

/// `0.41 ms`, `12.3 ms`, `1,234 ms`: three digits.
pub fn ms(time: Duration) -> String {
    format!("{} ms", three(time.as_secs_f64() * 1000.0))
}

/// Against a limit that the time is to stay below: `1.97 ms ✓ (< 2 ms)`. What is compared is what is printed, so that nothing reads as the
/// limit itself and has met it.
pub fn ms_below(time: Duration, limit: Duration) -> String {
    let hundredths = |time: Duration| (time.as_nanos() + 5_000) / 10_000;
    let (time, most) = (hundredths(time), hundredths(limit));
    against(format!("{}.{:02} ms", time / 100, time % 100), time < most, &format!("< {} ms", limit.as_millis()))
}

/// `934 B`, `12.3 kB`, `1.25 MB`; a kB has 1,000 bytes.
pub fn bytes(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let n = n as f64;
    match n {
        n if n < 1e3 => format!("{n} B"),
        n if n < 1e6 => format!("{} kB", three(n / 1e3)),
        _ => format!("{} MB", three(n / 1e6)),
    }
}

fn three(n: f64) -> String {
    match n {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and positive")]
        _ => count(n.round() as u64),
    }
}

/// `1,234,567`
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

/// The value that `percent` of all are not above (nearest rank); 50 is the median.
pub fn percentile<T: Ord + Copy + Default>(values: &[T], percent: usize) -> T {
    let mut sorted = values.to_vec();
    sorted.sort();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
