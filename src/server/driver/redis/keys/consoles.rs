//! Keys that consoles write, this one, one on another prefix and the original: known by name, wherever they are met.

/// What a console keeps under `flux_console:{hash of a prefix}:`, besides `{name}:lease`, `{name}:turn` and `{name}:report`.
const CONSOLES: [&str; 10] = ["operations", "operation", "trash", "audit", "alerts", "retention", "request", "acted", "lost", "schedules"];
/// What the original console counts by the minute.
const GAUGES: [&str; 4] = ["waiting", "delayed", "failed", "workers"];

/// A key of a console on whichever prefix, or one that the original console keeps (stream-protocol.md, 3).
pub fn of_a_console(key: &str) -> bool {
    if key.starts_with("gravito:zenith:alerts:") || key.starts_with("gravito:zenith:maintenance:") {
        return true;
    }
    let Some((first, rest)) = key.strip_prefix("flux_console:").and_then(|rest| rest.split_once(':')) else { return false };
    let (second, more) = rest.split_once(':').unwrap_or((rest, ""));
    match first {
        "throughput" => is_number(rest),
        "metrics" => (GAUGES.contains(&second) && is_number(more)) || (is_hash(second) && !more.is_empty()),
        hash => is_hash(hash) && (CONSOLES.contains(&second) || matches!(more, "lease" | "turn" | "report")),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// As `Keys` makes one of a prefix.
fn is_hash(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
