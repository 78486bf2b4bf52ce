//! Heartbeats: the library's consumer and other producers write different fields (stream-protocol.md, 1, Heartbeat).

use crate::model::{
    time::{Millis, parse_iso},
    wire::COUNTABLE,
    worker::Beat,
};
use redis::Value;
use serde_json::Value as Json;

/// A heartbeat larger than this is no heartbeat.
const LARGEST: usize = 64 * 1024;
const MIB: f64 = 1024.0 * 1024.0;

/// `None` when the key is not there. A heartbeat that cannot be read still is a worker, of which nothing is known.
pub fn beat(value: &Value) -> Option<Beat> {
    match value {
        Value::Nil => None,
        Value::BulkString(bytes) if bytes.len() <= LARGEST => {
            Some(serde_json::from_slice(bytes).map_or_else(|_| Beat::default(), |json| read(&json)))
        }
        _ => Some(Beat::default()),
    }
}

fn read(json: &Json) -> Beat {
    let whole = |at: &str| json.pointer(at).and_then(number).map(natural);
    let queues = json["queues"].as_array().map(|all| all.iter().filter_map(|q| q.as_str().map(Into::into)).collect());
    // The library says MiB as numbers, a Laravel bridge "100 MB" as text.
    let mib = |at: &str| json.pointer(at).and_then(number).map(|n| natural(n * MIB));
    let said = |at: &str| json.pointer(at).and_then(Json::as_str).and_then(bytes);
    Beat {
        hostname: json["hostname"].as_str().map(Into::into),
        pid: whole("/pid"),
        uptime_seconds: whole("/uptime"),
        queues: queues.unwrap_or_default(),
        load: json.pointer("/metrics/cpu").and_then(number),
        cores: whole("/metrics/cores"),
        rss: mib("/metrics/ram/rss").or_else(|| said("/memory/rss")),
        heap: mib("/metrics/ram/heapUsed").or_else(|| said("/memory/heapUsed")),
        total: mib("/metrics/ram/total"),
        concurrency: whole("/concurrency"),
        last_ping: ["/last_ping", "/timestamp"].iter().find_map(|at| time(json.pointer(at)?)),
    }
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64().filter(|n| n.is_finite() && *n >= 0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
fn natural(n: f64) -> u64 {
    // What a browser can count to: others send bytes where the library sends MiB.
    (n.round() as u64).min(COUNTABLE)
}

fn time(json: &Json) -> Option<Millis> {
    match json {
        Json::String(text) => parse_iso(text),
        Json::Number(ms) => ms.as_i64().and_then(Millis::checked),
        _ => None,
    }
}

/// `100 MB`, `1.5 GB`
fn bytes(text: &str) -> Option<u64> {
    let (figure, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let times = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1.0,
        "KB" | "KIB" => 1024.0,
        "MB" | "MIB" => MIB,
        "GB" | "GIB" => MIB * 1024.0,
        _ => return None,
    };
    figure.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0).map(|n| natural(n * times))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Beat {
        beat(&Value::BulkString(text.into())).unwrap()
    }

    #[test]
    fn both_kinds_of_heartbeat() {
        let library = of(
            r#"{"id":"w","status":"online","hostname":"h","pid":12,"uptime":3.7,"last_ping":"2026-11-23T11:20:06.852Z","queues":["a","b"],"metrics":{"cpu":0.5,"cores":2,"ram":{"rss":100,"heapUsed":40,"total":24105}}}"#,
        );
        assert_eq!((library.pid, library.uptime_seconds, library.rss), (Some(12), Some(4), Some(100 << 20)));
        assert_eq!((library.load, library.cores, library.queues.len()), (Some(0.5), Some(2), 2));
        assert!(library.last_ping.is_some());
        let bridge = of(
            r#"{"id":"w","hostname":"h","pid":12,"uptime":3,"queues":["a"],"concurrency":4,"memory":{"rss":"100 MB","heapUsed":"1.5 GB"},"timestamp":1795433096026}"#,
        );
        assert_eq!((bridge.rss, bridge.heap, bridge.concurrency), (Some(100 << 20), Some(3 << 29), Some(4)));
        assert!(bridge.last_ping.is_some());
    }

    #[test]
    fn what_cannot_be_read_is_a_worker_of_which_nothing_is_known() {
        assert_eq!(of("not json"), Beat::default());
        assert_eq!(of(r#"{"queues":"mail","pid":-1,"metrics":[]}"#), Beat::default());
        assert_eq!(beat(&Value::Nil), None);
    }
}
