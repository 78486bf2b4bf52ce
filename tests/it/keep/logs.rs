//! The log of the past: every filter, every character as itself, pages that neither miss nor repeat a line.

use super::{console, open, run};
use crate::support::TestRedis;
use serde_json::Value;

fn messages(page: &Value) -> Vec<&str> {
    page["lines"].as_array().unwrap().iter().map(|l| l["message"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archived_log_is_searched_literally() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    let lines = [
        ("info", "Processing job: ORD-1", "shop-1", None, "2026-01-02T03:04:05.678Z"),
        ("error", "Job failed: ORD-1 - 100% of café _closed_", "shop-1", Some("orders"), "2026-01-02T03:04:06.000Z"),
        ("warn", "Job retrying in 2s", "shop-2", Some("orders"), "2026-01-03T00:00:00.000Z"),
        ("success", "Completed job: ord-1 a!b", "shop-2", Some("mail"), "2026-01-04 00:00:00"),
        ("shout", "1000 things", "shop-2", Some("mail"), "yesterday"),
    ];
    for (level, message, worker, queue, at) in lines {
        run(
            &db,
            "INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp) VALUES (?, ?, ?, ?, ?)",
            [level.into(), message.into(), worker.into(), queue.map(str::to_owned).into(), at.into()],
        )
        .await;
    }
    let console = console(&redis, &file).await;
    let table = [
        ("", vec![4, 3, 2, 1, 0]),
        ("level=warning", vec![2]),
        // What is shown as info.
        ("level=info", vec![4, 0]),
        ("level=error&worker=shop-1", vec![1]),
        ("worker=shop-2&queue=mail", vec![4, 3]),
        ("queue=none", vec![]),
        ("q=ord-1", vec![3, 1, 0]),
        ("q=100%25", vec![1]),
        ("q=_closed_", vec![1]),
        ("q=a!b", vec![3]),
        ("q=%25", vec![1]),
        ("q=CAF%C3%89", vec![1]),
        ("q=nowhere", vec![]),
        ("since=2026-01-02T03:04:06Z&until=2026-01-03T00:00:00Z", vec![2, 1]),
        ("since=2026-01-03", vec![3, 2]),
        // A day lasts to its end.
        ("until=2026-01-02", vec![1, 0]),
        ("since=2026-01-03&until=2026-01-03", vec![2]),
        ("until=2026-01-01", vec![]),
        ("until=2026-01-02T03:04:05Z", vec![0]),
        ("q=job&worker=shop-2&until=2026-01-03", vec![2]),
    ];
    for (query, expected) in table {
        let page = console.json(&format!("/api/v1/logs/archive?{query}")).await;
        let expected: Vec<&str> = expected.into_iter().map(|i: usize| lines[i].1).collect();
        assert_eq!(messages(&page), expected, "{query}");
        assert!(page["next"].is_null() && page["lookedAt"].is_null(), "{query}: {page}");
    }
    for wrong in ["level=loud", "since=yesterday", "before=x"] {
        assert_eq!(console.get(&format!("/api/v1/logs/archive?{wrong}")).await.status().as_u16(), 422, "{wrong}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_log_neither_miss_nor_repeat_a_line() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    run(
        &db,
        "INSERT INTO flux_system_logs (level, message, worker_id, queue, timestamp) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
         SELECT 'info', CASE WHEN i % 101 = 0 THEN 'needle ' ELSE 'hay ' END || i, 'w-' || (i % 3), NULL, \
         strftime('%Y-%m-%dT%H:%M:%fZ', 1767312000 + i, 'unixepoch') FROM n",
        [],
    )
    .await;
    // Numbers that somebody deleted.
    run(&db, "DELETE FROM flux_system_logs WHERE id BETWEEN 10000 AND 35000", []).await;
    let console = console(&redis, &file).await;
    for (query, expected) in [("q=NEEDLE", 248), ("q=needle&worker=w-0", 83), ("worker=w-1&since=2026-01-02T13:00:00Z", 1_067)] {
        let (mut seen, mut before) = (Vec::new(), String::new());
        for _ in 0..200 {
            let page = console.json(&format!("/api/v1/logs/archive?{query}{before}")).await;
            seen.extend(page["lines"].as_array().unwrap().iter().map(|l| l["seq"].as_i64().unwrap()));
            match page["next"].as_i64() {
                Some(next) => before = format!("&before={next}"),
                None => break,
            }
        }
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{query}: newest first, none twice");
        assert_eq!(seen.len(), expected, "{query}");
    }
    console.stop().await;
}
