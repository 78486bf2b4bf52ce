//! `GET /api/v1/search`.

use crate::support::{Payload, TestRedis, payload::many};

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
