//! `GET /api/v1/search`.

use crate::support::{Payload, TestRedis, payload::many};
use serde_json::Value;

#[tokio::test]
async fn steps_go_on_to_the_end() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:big", many("J", "big", 5_000)).await;
    redis.push_raw("queue:big:failed", [Payload::new("J-7", "big").failed("no")]).await;
    let console = redis.console().await;
    let mut answer = console.json("/api/v1/search?q=J-7").await;
    assert_eq!(answer["hits"][0]["id"], "J-7");
    assert_eq!(answer["hits"][0]["place"]["exact"], true);
    assert!(answer["archive"]["unavailable"].is_string());
    let mut hits = 0;
    loop {
        hits += answer["hits"].as_array().expect("hits").len();
        let Some(next) = answer["next"].as_str() else { break };
        let query = format!("/api/v1/search?q=J-7&cursor={}", flux_console::model::ids::segment(next));
        answer = console.json(&query).await;
    }
    // The prefix of a word counts as well: J-7, J-70 … J-4999 hold no other `7` behind `J-`.
    assert_eq!(hits, 1 + 1 + 10 + 100 + 1_000 - 1_000);
    assert_eq!((answer["live"]["scanned"].as_u64(), answer["live"]["of"].as_u64()), (Some(5_001), Some(5_001)));
    for (path, field) in [("/api/v1/search", "q"), ("/api/v1/search?q=x&cursor=7", "cursor")] {
        let response = console.get(path).await;
        assert_eq!(response.status(), 422);
        assert_eq!(response.json::<serde_json::Value>().await.expect("JSON")["field"], field);
    }
    console.stop().await;
}

#[tokio::test]
async fn exports_hold_every_job_exactly() {
    let redis = TestRedis::start().await;
    let huge = format!(r#"{{"id":"huge","data":"{}","error":"=SUM(A1), no room","failedAt":1}}"#, "y".repeat(10_000_000));
    let odd = r#"{"id":"odd","n":9007199254740993123,  "tags":[],"error":"say \"no\"\nroom"}"#.to_owned();
    let mut dead: Vec<String> = (0..3_000).map(|i| Payload::new(&format!("J-{i}"), "a").failed("no room")).collect();
    dead.extend([huge, odd]);
    redis.push_raw("queue:a:failed", &dead).await;
    redis.push_raw("queue:a", many("W", "a", 50)).await;
    let console = redis.console().await;
    let response = console.get("/api/v1/search/export?q=room%20queue:a").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let payloads: Vec<&str> = lines.iter().map(|line| line["payload"].as_str().expect("a payload")).collect();
    assert!(payloads == dead.iter().map(String::as_str).collect::<Vec<_>>(), "every payload, byte for byte, newest first");

    let csv = console.get("/api/v1/search/export?q=room&format=csv").await.text().await.expect("text");
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(rows[0], "found,state,queue,id,class,error,time");
    assert_eq!(rows.len(), 1 + 3_002 + 1);
    assert_eq!(rows[3_001], "live,failed,a,huge,,\"'=SUM(A1), no room\",1970-01-01T00:00:00.001Z");
    assert_eq!(rows[3_002], "live,failed,a,odd,,\"say \"\"no\"\"\nroom\",");
    assert_eq!(console.get("/api/v1/search/export?q=a&format=xls").await.status(), 422);
    assert_eq!(console.get("/api/v1/search/export?q=since:never").await.status(), 422);
    console.stop().await;
}
