//! Figures in words: thousands separated, unknown `—`, partial `≥`.

/// `1,234,567`
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `48k`, `1.2M`: where only the size matters.
pub fn short(n: u64) -> String {
    match n {
        ..1_000 => n.to_string(),
        1_000..10_000 => tenths(n / 100, "k"),
        10_000..1_000_000 => format!("{}k", n / 1_000),
        1_000_000..10_000_000 => tenths(n / 100_000, "M"),
        _ => format!("{}M", n / 1_000_000),
    }
}

fn tenths(n: u64, unit: &str) -> String {
    if n.is_multiple_of(10) { format!("{}{unit}", n / 10) } else { format!("{}.{}{unit}", n / 10, n % 10) }
}

/// `0.8`: not below zero. The standard formatting of fractions would be a kilobyte or two of the first load.
pub fn decimal(n: f64) -> String {
    let tenths = (n * 10.0).round() as u64;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A place in a picture, to a hundredth: `12.5`, `0.07`, `-3`. Like [`decimal`], without the standard formatting of fractions.
#[derive(Clone, Copy)]
pub struct Place(pub f64);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = (self.0 * 100.0).round() as i64;
        let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
        if hundredths < 0 {
            f.write_str("-")?;
        }
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", rest / 10),
            (..10, _) => write!(f, "{whole}.0{rest}"),
            _ => write!(f, "{whole}.{rest}"),
        }
    }
}

/// `1 job`, `12,431 jobs`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `1 job`, `12,431 jobs`.
pub fn jobs(n: u64) -> String {
    count(n, "job", "jobs")
}

/// `340 B`, `12.4 kB`, `41 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..100_000 => format!("{}.{} kB", n / 1_000, n % 1_000 / 100),
        100_000..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..100_000_000 => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
        100_000_000..1_000_000_000 => format!("{} MB", n / 1_000_000),
        _ => format!("{}.{} GB", n / 1_000_000_000, n % 1_000_000_000 / 100_000_000),
    }
}

/// `0`, `0.3`, `41.8`, `485`, `1,240`: what happens in a second.
pub fn per_second(x: f64) -> String {
    if x >= 99.95 {
        thousands(x.round() as u64)
    } else if x <= 0.0 {
        "0".into()
    } else if x < 0.05 {
        "< 0.1".into()
    } else {
        decimal(x)
    }
}

/// `< 1 ms`, `49 ms`, `1.1 s`, `27 s`, `2 min 40 s`.
pub fn millis(ms: f64) -> String {
    match ms {
        ..0.5 => "< 1 ms".into(),
        0.5..999.5 => format!("{} ms", ms.round() as u64),
        999.5..9_950.0 if !((ms / 100.0).round() as u64).is_multiple_of(10) => format!("{} s", decimal(ms / 1_000.0)),
        999.5..59_500.0 => format!("{} s", (ms / 1_000.0).round() as u64),
        _ => super::time::span(ms as i64),
    }
}

/// What stands for a figure, known or not.
pub fn figure(value: Option<u64>, partial: bool) -> String {
    match value {
        Some(n) if partial => format!("≥ {}", thousands(n)),
        Some(n) => thousands(n),
        None => "—".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1_000, 12_431, 1_000_000].map(thousands), ["0", "999", "1,000", "12,431", "1,000,000"]);
        assert_eq!([999, 1_000, 1_240, 48_999, 1_200_000, 12_000_000].map(short), ["999", "1k", "1.2k", "48k", "1.2M", "12M"]);
        assert_eq!([340, 12_430, 41_000_000].map(bytes), ["340 B", "12.4 kB", "41.0 MB"]);
        assert_eq!([0.0, 0.84, 12.96].map(decimal), ["0.0", "0.8", "13.0"]);
        assert_eq!([0.0, 12.5, 0.07, -3.0, 99.999].map(|x| Place(x).to_string()), ["0", "12.5", "0.07", "-3", "100"]);
        assert_eq!([0.0, 0.01, 0.3, 41.84, 99.97, 1_240.4].map(per_second), ["0", "< 0.1", "0.3", "41.8", "100", "1,240"]);
        assert_eq!(
            [0.2, 49.0, 1_000.0, 1_120.0, 27_400.0, 160_000.0].map(millis),
            ["< 1 ms", "49 ms", "1 s", "1.1 s", "27 s", "2 min 40 s"]
        );
        assert_eq!((figure(None, false), figure(Some(5), true)), ("—".into(), "≥ 5".into()));
    }
}
