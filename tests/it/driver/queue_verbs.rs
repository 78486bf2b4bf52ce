use super::*;
use crate::support::payload::{many, many_dead, payload};
use redis::AsyncCommands;

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
    let nothing = driver.purge_preview(&queue("nobody")).await.expect("a preview");
    assert_eq!((nothing.waiting, nothing.bytes), (0, Some(0)));
}
