//! The events that the running library published, played to a console: the counts were made by hand.

use crate::support::{TestRedis, eventually, recording::fixtures};
use redis::AsyncCommands;
use serde_json::Value;
use std::time::Duration;

/// Recording, then started, completed, failed, retried, dead, unattributed, and malformed.
const EXPECTED: [(&str, [u64; 7]); 4] = [
    ("consumer-default-prefix", [14, 5, 9, 5, 4, 14, 0]),
    ("consumer-json", [3, 0, 3, 0, 3, 0, 0]),
    ("group-fifo", [9, 9, 0, 0, 0, 9, 0]),
    ("ratelimit", [3, 3, 0, 0, 0, 0, 0]),
];

#[tokio::test]
async fn the_librarys_events_are_counted_exactly() {
    let dir = fixtures().join("events");
    for (name, expected) in EXPECTED {
        let redis = TestRedis::start().await;
        let console = redis.console().await;
        let heard = async || console.json("/api/v1/overview").await["heard"].take();
        console.listens().await;
        let text = std::fs::read_to_string(dir.join(format!("{name}.json"))).expect("a recording");
        let messages: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for message in &messages {
            let (channel, raw) = (message["channel"].as_str().unwrap(), message["message"].as_str().unwrap());
            redis.con.clone().publish::<_, _, ()>(channel, raw).await.expect("PUBLISH");
        }
        eventually("all of it arrived", Duration::from_secs(5), async || heard().await["events"] == messages.len()).await;
        let told = heard().await;
        let counts = ["started", "completed", "failed", "retried", "dead", "unattributed", "malformed"].map(|n| told[n].as_u64().unwrap());
        assert_eq!(counts, expected, "{name}: {told}");
        console.stop().await;
    }
}
