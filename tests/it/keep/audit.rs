//! Every write leaves one line, wherever it can be kept.

use super::{SOON, console, ints, open, texts};
use crate::support::{Payload, TestConsole, TestRedis, eventually, pause_line, payload::many_dead};
use flux_console::{
    model::{archive::ArchiveState, time::Millis},
    server::{archive::setting::Setting, config::Config},
};
use serde_json::{Value, json};

async fn lines(console: &TestConsole, query: &str, many: usize) -> Vec<Value> {
    let mut found = Vec::new();
    eventually(&format!("{many} audit lines for {query:?}"), SOON, async || {
        found = console.json(&format!("/api/v1/audit{query}")).await["lines"].as_array().cloned().unwrap_or_default();
        found.len() == many
    })
    .await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_leaves_one_line() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 3)).await;
    redis.push_raw("queue:mail", [Payload::new("w", "mail").waiting()]).await;
    let console = console(&redis, &dir.path().join("a.sqlite")).await;
    let page = console.json("/api/v1/queues/mail/jobs?state=failed").await;
    let fingerprint = page["jobs"][0]["fingerprint"].as_str().unwrap().to_owned();

    let body = json!({"state": "failed", "jobs": [fingerprint]});
    assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await.0, 200);
    assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await.1["gone"], 1, "a second click");
    assert_eq!(console.post("/api/v1/queues/mail/pause", &Value::Null).await.0, 200);
    assert_eq!(console.post("/api/v1/queues/mail:high/resume", &Value::Null).await.0, 422);
    let (status, started) = console.post("/api/v1/queues/mail/jobs/retry", &json!({"state": "failed", "all": true})).await;
    assert_eq!(status, 202, "{started}");
    let all = lines(&console, "", 5).await;

    let said = |i: usize| {
        let line = &all[i];
        (line["verb"].as_str().unwrap(), line["result"].as_str().unwrap(), line["jobs"].as_u64())
    };
    assert_eq!(said(0), ("retry", "2 done", Some(2)), "the operation, at its end: {all:#?}");
    assert_eq!(all[0]["filter"], "all failed");
    assert_eq!((said(1).0, said(1).2), ("resume", None));
    assert!(said(1).1.starts_with("refused: mail:high is not a queue"), "{}", said(1).1);
    assert_eq!(said(2), ("pause", "done", None));
    assert_eq!(said(3), ("retry", "1 gone", Some(0)));
    assert_eq!(said(4), ("retry", "1 done", Some(1)));
    for line in &all {
        assert_eq!(line["who"], "somebody at 127.0.0.1");
        assert!(line["tookMs"].as_i64().unwrap() >= 0);
    }
    assert_eq!(lines(&console, "?verb=retry", 3).await.len(), 3);
    assert_eq!(lines(&console, "?queue=mail%3Ahigh", 1).await[0]["verb"], "resume");
    lines(&console, "?who=127.0.0", 5).await;
    lines(&console, "?who=127_0", 0).await;
    lines(&console, "?page=2", 0).await;

    // Redis forgets an operation after a day; the archive does not.
    let id = started["operation"]["id"].as_str().unwrap();
    let db = open(&dir.path().join("a.sqlite")).await;
    eventually("the operation is in the archive", std::time::Duration::from_secs(60), async || {
        !texts(&db, "SELECT id FROM flux_console_operations").await.is_empty()
    })
    .await;
    for key in redis.keys().await.iter().filter(|k| k.contains(":operation")) {
        redis::cmd("DEL").arg(key).exec_async(&mut redis.con.clone()).await.unwrap();
    }
    assert_eq!(console.json("/api/v1/operations").await["operations"][0]["id"], id);
    assert_eq!(console.json(&format!("/api/v1/operations/{id}")).await["done"], 2);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_in_redis_while_the_archive_is_away_and_move_once() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    redis.push_raw("queue:mail", [Payload::new("w", "mail").waiting()]).await;
    // A file stands where the folder should be.
    let folder = dir.path().join("folder");
    std::fs::write(&folder, "").unwrap();
    let file = folder.join("a.sqlite");
    let config = Config { url: redis.url.clone(), archive: Setting::Sqlite(file.clone()), ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is unavailable", SOON, async || console.state.archive.status().state == ArchiveState::Unavailable).await;

    for _ in 0..3 {
        assert_eq!(console.post("/api/v1/queues/mail/pause", &Value::Null).await.0, 200, "no action waits for the archive");
    }
    lines(&console, "", 3).await;
    let page = console.json("/api/v1/audit").await;
    assert_eq!((page["archived"].as_bool(), page["waiting"].as_u64(), page["lost"].as_u64()), (Some(false), Some(3), Some(0)));
    lines(&console, "?verb=pause&queue=mail", 3).await;
    lines(&console, "?verb=resume", 0).await;
    // As if a console had been killed between writing and taking out: one of them is moved twice.
    let key = redis.keys().await.into_iter().find(|k| k.ends_with(":audit")).expect("the list");
    let twice = redis.list(&key).await[1].clone();
    redis.push_raw(&key, [twice, b"no line".to_vec()]).await;

    std::fs::remove_file(&folder).unwrap();
    eventually("the lines are moved", SOON, async || !redis.keys().await.contains(&key)).await;
    let db = open(&file).await;
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_audit").await, [3]);
    let page = console.json("/api/v1/audit").await;
    assert_eq!((page["archived"].as_bool(), page["total"].as_u64(), page["waiting"].as_u64()), (Some(true), Some(3), Some(0)));
    console.stop().await;
}

#[tokio::test]
async fn redis_keeps_ten_thousand_lines() {
    let redis = TestRedis::start().await;
    let driver = crate::driver::driver(&redis);
    let line = |n: usize| serde_json::to_string(&pause_line(&n.to_string(), Millis(0))).unwrap();
    let all: Vec<String> = (0..10_250).map(line).collect();
    driver.push_audit(&all).await.unwrap();
    assert_eq!(driver.audit_waiting().await.unwrap(), 10_000);
    assert_eq!(driver.audit(0, 1).await.unwrap(), [line(10_249).into_bytes()]);
    assert_eq!(driver.oldest_audit(1).await.unwrap(), [line(250).into_bytes()], "the oldest went");
}
