//! A Redis that takes no writes: whatever is asked for is refused in the same words, and nothing is changed.

use super::fingerprints;
use crate::support::{
    TestConsole, TestRedis,
    payload::{many, many_dead, payload},
};
use redis::AsyncCommands;
use serde_json::{Value, json};

/// Every kind of action is answered like this: one script, a transaction, an operation.
async fn refused(redis: &TestRedis, console: &TestConsole, make: &[&[&str]], detail: &str) {
    let (failed, delayed) = (fingerprints(console, "mail", "failed").await, fingerprints(console, "mail", "delayed").await);
    for words in make {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command.exec_async(&mut redis.con.clone()).await.unwrap_or_else(|problem| panic!("{words:?}: {problem}"));
    }
    let before = redis.all_elements().await;
    for (path, body) in [
        ("jobs/retry", json!({"state": "failed", "jobs": failed})),
        ("jobs/discard", json!({"state": "failed", "jobs": failed})),
        ("jobs/promote", json!({"state": "delayed", "jobs": delayed})),
        ("jobs/retry", json!({"state": "failed", "all": true})),
        ("jobs/promote", json!({"state": "delayed", "all": true})),
        ("purge", json!({})),
        ("pause", json!({})),
    ] {
        let (status, problem) = console.post(&format!("/api/v1/queues/mail/{path}"), &body).await;
        assert_eq!((status, &problem["detail"]), (503, &json!(detail)), "{path} {body}");
    }
    assert_eq!(redis.all_elements().await, before);
    assert_eq!(redis.con.clone().exists::<_, u64>("queue:mail:paused").await.expect("EXISTS"), 0);
}

async fn filled() -> (TestRedis, TestConsole) {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 3)).await;
    redis.push_raw("queue:mail", many("w", "mail", 2)).await;
    redis.delay_raw("queue:mail:delayed", [(payload("d", "mail", ""), 4_000_000_000_000)]).await;
    let console = redis.console().await;
    (redis, console)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_says_so_and_what_to_do() {
    let (redis, console) = filled().await;
    let full: [&[&str]; 2] = [&["CONFIG", "SET", "maxmemory-policy", "noeviction"], &["CONFIG", "SET", "maxmemory", "100kb"]];
    let detail = "Redis is out of memory: it takes nothing new, and the console notes every action in it. Nothing was changed. \
                  Raise maxmemory, or delete keys with redis-cli.";
    refused(&redis, &console, &full, detail).await;
    let _: () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(0).query_async(&mut redis.con.clone()).await.expect("CONFIG SET");
    assert_eq!(console.post("/api/v1/queues/mail/pause", &json!({})).await, (200, json!({"paused": true})), "there is room again");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_says_that_it_is_one() {
    let (redis, console) = filled().await;
    let detail = "This Redis is a read-only replica. Nothing was changed. Give the console the address of the primary.";
    // Of a primary that is not there: what it has is answered all the same.
    refused(&redis, &console, &[&["REPLICAOF", "127.0.0.1", "1"]], detail).await;
    let _: () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut redis.con.clone()).await.expect("REPLICAOF");
    let (status, outcome): (u16, Value) = console
        .post("/api/v1/queues/mail/jobs/retry", &json!({"state": "failed", "jobs": fingerprints(&console, "mail", "failed").await}))
        .await;
    assert_eq!((status, &outcome["done"]), (200, &json!(3)));
    console.stop().await;
}
