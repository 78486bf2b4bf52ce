//! Which address is which.

use crate::support::{TestRedis, payload::many};

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_address_without_it() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a/", many("j", "a/", 1)).await;
    let console = redis.console().await;
    for (path, to) in [
        ("/queues/", "/queues"),
        ("/queues//", "/queues"),
        ("/queues/?filter=failing", "/queues?filter=failing"),
        ("/queues/mail/", "/queues/mail"),
        ("/queues/a%2F/", "/queues/a%2F"),
        ("/api/v1/queues/", "/api/v1/queues"),
    ] {
        let url = format!("{}{path}", console.base_url);
        for answer in [console.client.get(&url).send().await.unwrap(), console.client.head(&url).send().await.unwrap()] {
            let location = answer.headers().get("location").map(|to| to.to_str().unwrap());
            assert_eq!((answer.status().as_u16(), location), (308, Some(to)), "{path}");
        }
    }
    // The name of that queue ends in a slash, not the path.
    for path in ["/", "/queues", "/queues/a%2F", "/api/v1/queues/a%2F/jobs"] {
        assert_eq!(console.get(path).await.status(), 200, "{path}");
    }
    for path in ["/nowhere/", "//evil.example/", "/api/v1/nothing/", "/api/fn/jobs/"] {
        let answer = console.get(path).await;
        assert!(answer.headers().get("location").is_none(), "{path}");
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_ne!(console.post("/queues/", &serde_json::json!({})).await.0, 308);
    console.stop().await;
}
