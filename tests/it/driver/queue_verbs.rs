use super::*;
use crate::support::{
    Payload, eventually,
    payload::{many, many_dead, payload},
};
use flux_console::server::actions;
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn pause_sets_all_four_flags_and_resume_deletes_them() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let flags = ["queue:a:critical:paused", "queue:a:high:paused", "queue:a:low:paused", "queue:a:paused"];
    for _ in 0..2 {
        driver.pause(&queue("a")).await.expect("pause");
        assert_eq!(redis.keys().await, flags);
        assert_eq!(redis.con.clone().get::<_, String>("queue:a:paused").await.expect("GET"), "1");
    }
    for _ in 0..2 {
        driver.resume(&queue("a")).await.expect("resume");
        assert_eq!(redis.keys().await, [""; 0]);
    }
}

#[tokio::test]
async fn what_lies_at_a_pause_key_and_is_no_flag_stays() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mut con = redis.con.clone();
    for key in ["queue:a:critical:paused", "queue:a:high:paused", "queue:a:low:paused", "queue:a:paused"] {
        redis.push_raw(key, ["not", "a", "flag"]).await;
        for refused in [driver.pause(&queue("a")).await, driver.resume(&queue("a")).await] {
            let error = refused.expect_err("refused");
            assert!(error.to_string().contains(&format!("{key} holds a list")), "{error}");
        }
        assert_eq!(redis.texts(key).await, ["not", "a", "flag"]);
        assert_eq!(redis.keys().await, [key], "no other flag was set");
        let _: () = con.del(key).await.expect("DEL");
    }
    // Nor is any of the flags that are right taken away.
    driver.pause(&queue("a")).await.expect("pause");
    let _: () = con.del("queue:a:low:paused").await.expect("DEL");
    redis.push_raw("queue:a:low:paused", ["not a flag"]).await;
    driver.resume(&queue("a")).await.expect_err("refused");
    assert_eq!(con.exists::<_, u64>(&["queue:a:critical:paused", "queue:a:high:paused", "queue:a:paused"]).await.expect("EXISTS"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_key_that_is_no_flag_is_a_problem_of_its_queue() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a", many("w", "a", 3)).await;
    redis.push_raw("queue:a:paused", ["not a flag"]).await;
    // Workers take only `1` for a pause, and any text is a flag.
    redis.con.clone().set::<_, _, ()>("queue:a:high:paused", "0").await.expect("SET");
    let console = redis.console().await;
    let sample = async || console.json("/api/v1/queues").await["queues"][0].clone();
    let problems = json!(["The key queue:a:paused holds something else than a string."]);
    eventually("it is told", Duration::from_secs(10), async || sample().await["problems"] == problems).await;
    assert_eq!(sample().await["paused"], false);
    for verb in ["pause", "resume"] {
        let (status, problem) = console.post(&format!("/api/v1/queues/a/{verb}"), &json!({})).await;
        assert_eq!((status, &problem["detail"]), (409, &json!("The key queue:a:paused holds a list. Nothing was changed.")), "{verb}");
    }
    assert_eq!(redis.texts("queue:a:paused").await, ["not a flag"]);
    redis.con.clone().del::<_, ()>("queue:a:paused").await.expect("DEL");
    eventually("it is right again", Duration::from_secs(10), async || sample().await["problems"].is_null()).await;
    console.stop().await;
}

#[tokio::test]
async fn a_purge_is_counted_before_it_is_confirmed() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:a", many("w", "a", 30)).await;
    redis.push_raw("queue:a:high", many("h", "a", 2)).await;
    redis.push_raw("queue:a:failed", many_dead("f", "a", 7)).await;
    redis.delay_raw("queue:a:low:delayed", [(payload("d", "a", ""), NOW.0)]).await;
    let preview = driver.purge_preview(&queue("a")).await.expect("a preview");
    assert_eq!((preview.waiting, preview.delayed, preview.failed), (32, 1, 7));
    let (bytes, failed) = (preview.bytes.expect("known"), preview.failed_bytes.expect("known"));
    assert!(failed > 7 * 200 && bytes > failed + 32 * 200, "{preview:?}");
    assert_eq!(preview.bytes, [preview.waiting_bytes, preview.delayed_bytes, preview.failed_bytes].into_iter().sum(), "{preview:?}");
    let nothing = driver.purge_preview(&queue("nobody")).await.expect("a preview");
    assert_eq!((nothing.waiting, nothing.bytes), (0, Some(0)));
}

#[tokio::test]
async fn jobs_behind_groups_are_weighed_with_a_purge() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:pending:g", (0..40).map(|i| Payload::new(&format!("p-{i}"), "a").group("g").waiting())).await;
    redis.push_raw("queue:pending:theirs", (0..40).map(|i| Payload::new(&format!("t-{i}"), "b").group("theirs").waiting())).await;
    let console = redis.console().await;
    let preview = async || actions::purge_preview(&console.state, &queue("a")).await.expect("a preview");
    eventually("both groups are known", Duration::from_secs(10), async || preview().await.grouped == 40).await;
    let preview = preview().await;
    assert!(!preview.bytes_partial);
    assert_eq!((preview.waiting_bytes, preview.delayed_bytes, preview.failed_bytes), (Some(0), Some(0), Some(0)));
    let bytes = preview.bytes.expect("known");
    assert!((40 * 100..80 * 200).contains(&bytes), "those of one group, not of both: {preview:?}");
    console.stop().await;
}
