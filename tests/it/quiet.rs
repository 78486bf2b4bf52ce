//! What is answered from memory sends nothing to Redis.

use crate::support::{TestRedis, payload::many};
use futures::StreamExt;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A line of MONITOR: the connection, and the command with its first key. `None`: a script called it.
fn monitored(line: &str) -> Option<(String, String)> {
    let (client, command) = line.split_once("] \"")?;
    let from = client.rsplit_once(' ')?.1;
    let words: Vec<&str> = command.trim_end_matches('"').split("\" \"").collect();
    let name = words[0].to_uppercase();
    let with_key = if name.starts_with("EVAL") { 4 } else { 2 };
    let rest = words.iter().take(with_key).skip(1).map(|word| format!(" {word}"));
    (from != "lua").then(|| (from.to_owned(), name + &rest.collect::<String>()))
}

#[tokio::test(flavor = "multi_thread")]
async fn list_requests_cost_redis_nothing() {
    const TIMES: u64 = 40;
    const END: &str = "the end";
    let redis = TestRedis::start().await;
    for i in 0..50 {
        redis.push_raw(&format!("queue:q{i}"), many("j", "q", 3)).await;
    }
    let console = redis.console().await;
    let client = redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut monitor = client.get_async_monitor().await.expect("MONITOR").into_on_message::<String>();
    let mark = async |text: &str| redis::cmd("ECHO").arg(text).exec_async(&mut redis.con.clone()).await.expect("ECHO");
    let paths = ["/api/v1/queues", "/api/v1/overview", "/api/fn/board", "/", "/queues"];
    let (started, mut took) = (Instant::now(), Vec::new());
    for path in paths {
        mark(path).await;
        let began = Instant::now();
        for _ in 0..TIMES {
            let status = match path {
                "/api/fn/board" => console.post(path, &serde_json::json!({})).await.0,
                _ => {
                    let answer = console.get(path).await;
                    let status = answer.status().as_u16();
                    answer.text().await.expect("the whole answer");
                    status
                }
            };
            assert_eq!(status, 200, "{path}");
        }
        took.push(began.elapsed().as_secs());
    }
    // Somebody looked just now, so it ticks within a second: the sampler's connection is known by that.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let all = started.elapsed().as_secs();
    mark(END).await;

    let mut sections = vec![Vec::new()];
    loop {
        let line = monitor.next().await.expect("MONITOR goes on");
        match monitored(&line) {
            Some((_, what)) if what == format!("ECHO {END}") => break,
            Some((_, what)) if what.starts_with("ECHO ") => sections.push(Vec::new()),
            Some(command) => sections.last_mut().expect("one at least").push(command),
            None => {}
        }
    }
    let ticks: Vec<&String> = sections.iter().flatten().filter(|(_, what)| what == "DBSIZE").map(|(from, _)| from).collect();
    assert!(!ticks.is_empty() && ticks.len() as u64 <= all + 3, "{} ticks in {all} s: who asks pays for none", ticks.len());
    for ((path, seconds), section) in paths.iter().zip(took).zip(&sections[1..]) {
        let mut times: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, what) in section.iter().filter(|(from, _)| !ticks.contains(&from)) {
            *times.entry(what).or_default() += 1;
        }
        // What the console does by itself, leases and their like, comes with the seconds; what a request sends comes with each.
        let sent: Vec<_> = times.into_iter().filter(|(_, n)| *n > TIMES / 4 + 2 * seconds).collect();
        assert!(sent.is_empty(), "{path}, {TIMES} times in {seconds} s: {sent:?}");
    }
    assert!(sections.iter().flatten().all(|(_, what)| !what.starts_with("KEYS ")));
    console.stop().await;
}
